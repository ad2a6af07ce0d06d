//! Two hundred tests on one server at once: none sees another's state, nor another's exchanges.

use crate::wire::Connection;
use chatkitty_mock::{Application, MockServer, Verdict};
use serde_json::{Value, json};
use std::sync::Barrier;

const APPLICATIONS: usize = 200;

/// Notes, which nothing guards: a request says whose they are.
fn notes() -> String {
    let note = json!({
        "type": "object", "required": ["id", "text"],
        "properties": { "id": { "type": "integer", "readOnly": true }, "text": { "type": "string" } },
    });
    let json_of = |schema: Value| json!({ "application/json": { "schema": schema } });
    let one = json!({ "$ref": "#/components/schemas/Note" });
    let answer = |status: &str, schema: Value| json!({ status: { "description": "ok", "content": json_of(schema) } });
    json!({
        "openapi": "3.1.0", "info": { "title": "notes", "version": "1" },
        "components": { "schemas": { "Note": note } },
        "paths": {
            "/notes": {
                "get": { "responses": answer("200", json!({ "type": "array", "items": one })) },
                "post": { "requestBody": { "content": json_of(one.clone()) }, "responses": answer("201", one.clone()) },
            },
            "/notes/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
                "get": { "responses": answer("200", one) },
                "delete": { "responses": { "204": { "description": "gone" } } },
            },
        },
    })
    .to_string()
}

/// Runs one test for each of two hundred applications, all at the same time, over a connection of its own.
fn in_parallel(mock: &MockServer, test: impl Fn(usize, &Application, &mut Connection) + Sync) -> Vec<Application> {
    let applications: Vec<Application> = (0..APPLICATIONS).map(|_| mock.new_application()).collect();
    let start = Barrier::new(APPLICATIONS);
    std::thread::scope(|scope| {
        for (number, application) in applications.iter().enumerate() {
            let (start, test, port) = (&start, &test, mock.port());
            scope.spawn(move || {
                let mut connection = Connection::open(port);
                start.wait();
                test(number, application, &mut connection);
            });
        }
    });
    applications
}

#[test]
fn two_hundred_applications_change_their_settings_at_once() {
    let mock = MockServer::start();
    let settings = "/v1/application/settings";
    let wanted = |number: usize, turn: usize| {
        let of = |bit: usize| if (number + turn) >> bit & 1 == 0 { "ENABLED" } else { "DISABLED" };
        json!({ "guestUsers": of(0), "userCreatedChannels": of(1) })
    };
    let holds = |shown: &Value, wanted: &Value| {
        ["guestUsers", "userCreatedChannels"].iter().all(|name| shown[*name] == wanted[*name])
    };
    let applications = in_parallel(&mock, |number, application, connection| {
        let token = format!("authorization: Bearer {}", application.token());
        for turn in 0..4 {
            let wanted = wanted(number, turn);
            assert_eq!(connection.send("PUT", settings, &token, Some(&wanted)).status, 200);
            let read = connection.send("GET", settings, &token, None);
            assert!(read.status == 200 && holds(&read.json(), &wanted), "{number}: {}", read.json());
        }
    });
    for (number, application) in applications.iter().enumerate() {
        assert!(holds(&application.resource(settings), &wanted(number, 3)), "{number}");
        let exchanges = application.exchanges();
        let saw: Vec<(&str, Value)> = exchanges
            .iter()
            .map(|exchange| (exchange.method().as_str(), serde_json::from_slice(exchange.response_body()).unwrap()))
            .collect();
        assert_eq!(saw.len(), 8);
        for (index, (method, shown)) in saw.iter().enumerate() {
            assert_eq!(*method, ["PUT", "GET"][index % 2]);
            assert!(holds(shown, &wanted(number, index / 2)), "{number}: {index}");
        }
    }
    assert_eq!(mock.exchanges().len(), APPLICATIONS * 8);
    assert_eq!(mock.application("development").resource(settings)["guestUsers"], "ENABLED");
    mock.verify();
}

#[test]
fn two_hundred_applications_keep_their_own_notes_at_once() {
    let mock = MockServer::builder().openapi_text("notes.json", notes()).start().unwrap();
    let text = |number: usize, turn: u64| format!("note {turn} of {number}.");
    let applications = in_parallel(&mock, |number, application, connection| {
        // One half names itself by its name, the other by its client id.
        let name = if number % 2 == 0 { application.name() } else { application.client_id() };
        let named = format!("x-mock-application: {name}");
        for turn in 1..=3 {
            let created = connection.send("POST", "/notes", &named, Some(&json!({ "text": text(number, turn) })));
            assert_eq!(created.status, 201);
            assert_eq!(created.json(), json!({ "id": turn, "text": text(number, turn) }), "ids are its own");
            assert_eq!(created.header("location"), Some(format!("/notes/{turn}").as_str()));
        }
        let deleted = connection.send("DELETE", "/notes/2", &named, None);
        assert_eq!((deleted.status, connection.send("GET", "/notes/2", &named, None).status), (204, 404));
        let listed = connection.send("GET", "/notes", &named, None).json();
        let expected = json!([{ "id": 1, "text": text(number, 1) }, { "id": 3, "text": text(number, 3) }]);
        assert_eq!(listed, expected);
    });
    for (number, application) in applications.iter().enumerate() {
        assert_eq!(application.resource("/notes/3")["text"], text(number, 3));
        assert!(application.find_resource("/notes/2").is_none());
        let exchanges = application.exchanges();
        let line: Vec<String> =
            exchanges.iter().map(|exchange| format!("{} {}", exchange.method(), exchange.target())).collect();
        let posts = ["POST /notes"; 3];
        assert_eq!(line, [&posts[..], &["DELETE /notes/2", "GET /notes/2", "GET /notes"]].concat());
        for exchange in &exchanges {
            let body = String::from_utf8_lossy(exchange.response_body()).into_owned();
            assert_eq!(exchange.verdict(), Verdict::Pass);
            assert_eq!(body.matches(" of ").count(), body.matches(&format!(" of {number}.")).count(), "{body}");
        }
    }
    assert_eq!(mock.exchanges().len(), APPLICATIONS * 6);
    assert!(mock.application("default").find_resource("/notes/1").is_none());
    mock.verify();
}

#[test]
fn exchanges_are_read_while_they_are_forgotten() {
    let mock = MockServer::start();
    std::thread::scope(|scope| {
        for (method, path) in [("GET", "/_mock/api/exchanges/1"), ("DELETE", "/_mock/api/exchanges")].repeat(2) {
            let mut connection = Connection::open(mock.port());
            scope.spawn(move || {
                for _ in 0..500 {
                    // Two that wait for each other answer neither, and the connection gives up.
                    assert!([204, 404].contains(&connection.send(method, path, "accept: */*", None).status));
                }
            });
        }
    });
}
