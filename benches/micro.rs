//! What a request costs without a socket, and what it grows with: `cargo bench --bench micro [-- NAME]`.
//!
//! Every request goes the whole way, from route to record; what one of the steps costs is the difference between two
//! requests that differ in it.

#[path = "work/contract.rs"]
mod contract;
#[path = "work/requests.rs"]
mod requests;

use bytes::Bytes;
use chatkitty_mock::{Builder, MockServer};
use divan::Bencher;
use requests::{GET, PUT, REFUSED, Work};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() {
    divan::main();
}

/// A server whose end nobody judges: refusals are part of what is measured.
fn started(builder: Builder) -> MockServer {
    builder.seed(1).verify_on_drop(false).start().expect("the contract is sound")
}

/// Has a request answered again and again.
fn answer(bencher: Bencher<'_, '_>, mock: &MockServer, request: http::Request<impl Into<Bytes>>, status: u16) {
    let request: http::Request<Bytes> = request.map(Into::into);
    let reply = mock.handle(request.clone());
    assert_eq!(reply.status(), status, "{reply:?}");
    bencher.with_inputs(|| request.clone()).bench_values(|request| mock.handle(request));
}

/// The bundled contract.
#[divan::bench_group(sample_size = 100, max_time = 2)]
mod handling {
    use super::*;

    fn bundled(bencher: Bencher<'_, '_>, work: &Work<'_>) {
        let mock = started(MockServer::builder());
        let token = mock.application("development").token();
        answer(bencher, &mock, work.request(&token), work.status);
    }

    #[divan::bench]
    fn get(bencher: Bencher<'_, '_>) {
        bundled(bencher, &GET);
    }

    #[divan::bench]
    fn put(bencher: Bencher<'_, '_>) {
        bundled(bencher, &PUT);
    }

    #[divan::bench]
    fn refused(bencher: Bencher<'_, '_>) {
        bundled(bencher, &REFUSED);
    }
}

/// A path that the contract has, among more and more of them.
#[divan::bench_group(sample_size = 100, max_time = 2)]
mod routing {
    use super::*;

    fn generated(bencher: Bencher<'_, '_>, operations: usize, method: &'static str, body: &'static str) {
        let text = contract::contract(operations, 4).to_string();
        let mock = started(MockServer::builder().openapi_text("generated.json", text));
        let token = mock.applications().first().expect("one is made up").token();
        let work = Work { method, path: &contract::path(operations / 2), body, status: 200 };
        answer(bencher, &mock, work.request(&token), work.status);
    }

    #[divan::bench(args = [10, 1_000, 10_000])]
    fn operations(bencher: Bencher<'_, '_>, operations: usize) {
        generated(bencher, operations, "GET", "");
    }

    #[divan::bench(args = [10, 1_000, 10_000])]
    fn writes(bencher: Bencher<'_, '_>, operations: usize) {
        generated(bencher, operations, "PUT", contract::SENT);
    }
}

/// An operation without security and without an answer's body.
fn silent(operation: &Value) -> MockServer {
    let mut operation = operation.clone();
    operation["responses"] = json!({ "204": { "description": "Done" } });
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Silent", "version": "1" },
        "paths": { "/things": { "post": operation } },
    });
    started(MockServer::builder().openapi_text("silent.json", document.to_string()))
}

fn post(target: &str, body: String) -> http::Request<String> {
    let request = http::Request::post(target).header("host", "localhost").header("content-type", "application/json");
    request.header("content-length", body.len()).body(body).expect("the parts are well-formed")
}

/// More and more parameters in the query.
#[divan::bench_group(sample_size = 100, max_time = 2)]
mod decoding {
    use super::*;

    #[divan::bench(args = [0, 1, 10, 50])]
    fn parameters(bencher: Bencher<'_, '_>, count: usize) {
        let schema = json!({ "type": "integer", "minimum": 0 });
        let parameters: Vec<Value> = (0..count)
            .map(|number| json!({ "name": format!("number{number}"), "in": "query", "schema": schema }))
            .collect();
        let mock = silent(&json!({ "parameters": parameters }));
        let pairs: Vec<String> = (0..count).map(|number| format!("number{number}={number}")).collect();
        answer(bencher, &mock, post(&format!("/things?{}", pairs.join("&")), String::new()), 204);
    }
}

/// Bodies and schemas that grow.
#[divan::bench_group(sample_size = 100, max_time = 2)]
mod checking {
    use super::*;

    fn taking(schema: &Value) -> MockServer {
        silent(&json!({ "requestBody": { "content": { "application/json": { "schema": schema } } } }))
    }

    /// An array of small objects; the argument is how many there are, some 50 bytes each.
    #[divan::bench(args = [1, 10, 100, 1_000, 10_000])]
    fn body(bencher: Bencher<'_, '_>, items: usize) {
        let item = json!({
            "type": "object",
            "required": ["id", "name"],
            "properties": { "id": { "type": "integer" }, "name": { "type": "string", "maxLength": 40 }, "live": { "type": "boolean" } },
        });
        let mock = taking(&json!({ "type": "array", "items": item }));
        let body: Value =
            (0..items).map(|id| json!({ "id": id, "name": "a thing with a name", "live": true })).collect();
        answer(bencher, &mock, post("/things", body.to_string()), 204);
    }

    /// The same body, by a schema that knows more and more properties.
    #[divan::bench(args = [1, 10, 100, 1_000])]
    fn schema(bencher: Bencher<'_, '_>, properties: usize) {
        let properties: serde_json::Map<String, Value> =
            (0..properties).map(|number| (format!("property{number}"), json!({ "type": "string" }))).collect();
        let mock = taking(&json!({ "type": "object", "properties": properties }));
        answer(bencher, &mock, post("/things", json!({ "property0": "a value" }).to_string()), 204);
    }
}

/// What a server holds.
#[divan::bench_group(sample_size = 100, max_time = 2)]
mod holding {
    use super::*;

    /// The bundled contract brings three of them.
    #[divan::bench(args = [3, 1_000, 100_000])]
    fn applications(bencher: Bencher<'_, '_>, applications: usize) {
        let mock = started(MockServer::builder());
        let mut name = "development".to_owned();
        for number in mock.applications().len()..applications {
            name = format!("tenant-{number}");
            let added = mock.handle(post("/_mock/api/applications", json!({ "name": name }).to_string()));
            assert_eq!(added.status(), 201, "{added:?}");
        }
        answer(bencher, &mock, GET.request(&mock.application(&name).token()), GET.status);
    }

    /// One item more in a collection, which holds so many at first.
    #[divan::bench(args = [10, 1_000, 80_000])]
    fn items(bencher: Bencher<'_, '_>, items: usize) {
        let thing = json!({
            "type": "object",
            "required": ["name"],
            "properties": { "id": { "type": "integer", "readOnly": true }, "name": { "type": "string" } },
        });
        let content = json!({ "application/json": { "schema": thing } });
        let create = json!({ "requestBody": { "content": content }, "responses": { "201": { "description": "Made", "content": content } } });
        let read = json!({ "responses": { "200": { "description": "It", "content": content } } });
        let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }]);
        let document = json!({
            "openapi": "3.1.0",
            "info": { "title": "Items", "version": "1" },
            "paths": { "/things": { "post": create }, "/things/{id}": { "parameters": id, "get": read } },
        });
        let mock = started(MockServer::builder().openapi_text("items.json", document.to_string()));
        let one = || post("/things", json!({ "name": "a" }).to_string());
        for _ in 0..items {
            assert_eq!(mock.handle(one()).status(), 201);
        }
        answer(bencher, &mock, one(), 201);
    }

    #[divan::bench(args = [1, 1_000, 1_000_000])]
    fn tokens(bencher: Bencher<'_, '_>, tokens: usize) {
        let mock = started(MockServer::builder());
        let application = mock.application("development");
        for _ in 1..tokens {
            application.token();
        }
        answer(bencher, &mock, GET.request(&application.token()), GET.status);
    }

    /// A journal that is full.
    #[divan::bench(args = [1, 100, 10_000, 100_000])]
    fn journal(bencher: Bencher<'_, '_>, entries: usize) {
        let mock = started(MockServer::builder().journal(entries));
        let token = mock.application("development").token();
        for _ in 0..entries {
            mock.handle(GET.request(&token));
        }
        answer(bencher, &mock, GET.request(&token), GET.status);
    }
}

/// From nothing to a server that listens.
mod starting {
    use super::*;

    /// The second one in a process, and each one after it.
    #[divan::bench]
    fn again(bencher: Bencher<'_, '_>) {
        drop(MockServer::start());
        bencher.bench(MockServer::start);
    }

    /// A contract that the process has not seen, of so many operations.
    #[divan::bench(args = [10, 100, 1_000], sample_count = 5, sample_size = 1)]
    fn contract(bencher: Bencher<'_, '_>, operations: usize) {
        static VERSION: AtomicUsize = AtomicUsize::new(0);
        let mut document = super::contract::contract(operations, 4);
        bencher
            .with_inputs(|| {
                document["info"]["version"] = VERSION.fetch_add(1, Ordering::Relaxed).to_string().into();
                MockServer::builder().openapi_text("generated.json", document.to_string())
            })
            .bench_local_values(started);
    }
}
