//! Documents and fixtures made to cost more than their bytes. What is refused is refused with a finding; the rest is served.

use chatkitty_mock::MockServer;
use http::Request;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

fn document(schema: &Value, schemas: Map<String, Value>) -> String {
    let content = json!({ "application/json": { "schema": schema } });
    let paths = json!({ "/a": {
        "get": { "responses": { "200": { "description": "ok", "content": content } } },
        "post": { "requestBody": { "content": content }, "responses": { "204": { "description": "done" } } },
    } });
    let info = json!({ "title": "t", "version": "1" });
    json!({ "openapi": "3.1.0", "info": info, "paths": paths, "components": { "schemas": schemas } }).to_string()
}

/// Checks a document, serves it if it can be, and asks for an instance; gives the statuses of GET and POST.
#[track_caller]
fn serve(text: String) -> Option<(u16, u16)> {
    let start = Instant::now();
    let name = if text.starts_with('{') { "t.json" } else { "t.yaml" };
    let builder = MockServer::builder().openapi_text(name, text);
    let found = builder.clone().check().diagnostics;
    let statuses = builder.start().ok().map(|mock| {
        mock.allow_violations();
        let get = mock.handle(Request::get("/a").body("").unwrap());
        let post = Request::post("/a").header("content-type", "application/json").body("[]").unwrap();
        (get.status().as_u16(), mock.handle(post).status().as_u16())
    });
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert!(statuses.is_some() || !found.is_empty());
    statuses
}

#[track_caller]
fn schema(schema: Value) -> (u16, u16) {
    serve(document(&schema, Map::new())).unwrap()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[test]
fn references_that_are_long_or_circular_or_multiply_end() {
    let chain = |length: usize| {
        let links = (0..length).map(|index| (format!("S{index}"), reference(&format!("S{}", index + 1))));
        let end = (format!("S{length}"), json!({ "type": "integer" }));
        serve(document(&reference("S0"), links.chain([end]).collect()))
    };
    assert_eq!(chain(20), Some((200, 400)));
    // Over 64 it counts as circular, and is not served.
    assert_eq!(chain(500), None);
    let circle = Map::from_iter([("A".to_owned(), reference("B")), ("B".to_owned(), reference("A"))]);
    assert_eq!(serve(document(&reference("A"), circle)), None);
    let doubled = |of: fn(Value, Value) -> Value| {
        let next = |index: usize| reference(&format!("S{}", index + 1));
        let links = (0..60).map(|index| (format!("S{index}"), of(next(index), next(index))));
        let end = ("S60".to_owned(), json!({ "type": "object" }));
        serve(document(&reference("S0"), links.chain([end]).collect())).unwrap()
    };
    doubled(|one, other| json!({ "allOf": [one, other] }));
    doubled(|one, other| json!({ "oneOf": [one, { "properties": { "x": other } }] }));
    doubled(|one, other| json!({ "type": "object", "required": ["a", "b"], "properties": { "a": one, "b": other } }));
}

#[test]
fn broad_schemas_cost_what_they_are_long() {
    let many = |count: usize, one: fn(usize) -> Value| (0..count).map(one).collect::<Vec<Value>>();
    schema(json!({ "oneOf": many(2_000, |index| json!({ "required": [format!("p{index}")] })) }));
    let properties: Map<String, Value> = (0..20_000).map(|index| (format!("p{index}"), json!({}))).collect();
    schema(json!({ "type": "object", "properties": properties }));
    assert_eq!(schema(json!({ "enum": many(20_000, |index| json!({ "a": index })) })).0, 200);
    assert_eq!(schema(json!({ "enum": many(50_000, |index| json!(index)) })).0, 200);
}

#[test]
fn patterns_cost_no_more_than_a_bound() {
    for (pattern, usable) in [
        ("(a+)+$", true),
        ("^(?=(a+)+$)(?!(b*)*c)(a|aa)+$", true),
        ("^(a+)\\1+$", true),
        ("a{1000000}", false),
        ("((a{1000}){1000}){1000}", false),
        ("^(\\p{L}{1,50}\\s){1,50}$", false),
    ] {
        let text = document(&json!({ "type": "string", "pattern": pattern }), Map::new());
        let found = MockServer::builder().openapi_text("t.json", text.clone()).check().diagnostics;
        assert_eq!(found.iter().any(|found| found.code.to_string() == "CK0712"), !usable, "{pattern}: {found:?}");
        serve(text);
    }
    serve(document(&json!({ "type": "string", "pattern": "(".repeat(5_000) + &")".repeat(5_000) }), Map::new()));
}

#[test]
fn no_instance_is_made_without_bound() {
    for wanted in [
        json!({ "type": "array", "minItems": 1_000_000_000, "items": { "type": "integer" } }),
        json!({ "type": "string", "minLength": 1_000_000_000 }),
        json!({ "type": "object", "minProperties": 1_000_000_000 }),
        json!({ "type": "number", "multipleOf": 1e-300, "minimum": 1e300, "maximum": 2e300 }),
        json!({ "type": "array", "minItems": 1_500, "uniqueItems": true, "items": { "type": "integer", "minimum": 0, "maximum": 1_490 } }),
        json!({ "type": "array", "minContains": 1_000, "contains": { "type": "array", "contains": { "type": "array", "minItems": 1_000 } } }),
    ] {
        let (status, _) = schema(wanted.clone());
        assert!(status == 200 || status >= 500, "{wanted}: {status}");
    }
    let endless = json!({ "type": "object", "required": ["a"], "properties": { "a": reference("A") } });
    assert_eq!(serve(document(&reference("A"), Map::from_iter([("A".to_owned(), endless)]))).unwrap().0, 500);
}

#[test]
fn paths_have_a_bound_and_are_not_compared_pair_by_pair() {
    let paths = |paths: Map<String, Value>| {
        let document = json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": paths });
        serve(document.to_string())
    };
    let get = || json!({ "get": { "responses": { "200": { "description": "ok" } } } });
    paths((0..3_000).map(|index| (format!("/p{index}/{{a}}"), get())).collect()).unwrap();
    // A segment of a million levels would be a recursion of a million levels.
    for long in ["/".repeat(1_000_000), "/".to_owned() + &"{a}-".repeat(20_000)] {
        assert_eq!(paths(Map::from_iter([(long, get())])), Some((404, 404)));
    }
}

#[test]
fn nesting_and_aliases_are_refused() {
    let mut nested = json!({});
    for _ in 0..100 {
        nested = json!({ "type": "object", "required": ["a"], "properties": { "a": nested } });
    }
    schema(nested);
    let laughs: String = (0..12)
        .map(|level| {
            let name = |level: u8| char::from(b'a' + level);
            let before = format!("*{}", name(level));
            format!("{0}: &{0} [{1}]\n", name(level + 1), vec![before; 10].join(", "))
        })
        .collect();
    for text in [
        "{\"openapi\":".to_owned() + &"[".repeat(100_000),
        "openapi: ".to_owned() + &"[".repeat(100_000),
        "openapi: ".to_owned() + &"{a: ".repeat(100_000),
        (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        format!("openapi: 3.1.0\na: &a [x, x]\n{laughs}"),
        "- ".repeat(100_000),
        "a: 1\n".repeat(50_000),
    ] {
        assert_eq!(serve(text), None);
    }
}

#[test]
fn a_thousand_collections_that_all_say_the_same_find_their_own_items() {
    const COLLECTIONS: usize = 1_000;
    let start = Instant::now();
    let thing = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "integer" } } });
    let answer = |schema: Value| json!({ "200": { "description": "ok", "content": { "application/json": { "schema": schema } } } });
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for number in 0..COLLECTIONS {
        let name = format!("T{number}");
        schemas.insert(name.clone(), thing.clone());
        let list = answer(json!({ "type": "array", "items": reference(&name) }));
        paths.insert(format!("/t{number}"), json!({ "get": { "responses": list } }));
        let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }]);
        let item = json!({ "parameters": id, "get": { "responses": answer(reference(&name)) } });
        paths.insert(format!("/items/t{number}/{{id}}"), item);
    }
    let info = json!({ "title": "t", "version": "1" });
    let text = json!({ "openapi": "3.1.0", "info": info, "paths": paths, "components": { "schemas": schemas } });
    let state = MockServer::builder().openapi_text("t.json", text.to_string()).check().state.to_string();
    for number in [0, 9, 999] {
        let line = state.lines().find(|line| line.contains(&format!("/t{number} "))).unwrap_or(&state);
        assert!(line.contains(&format!("/items/t{number}/{{id}}")), "{line}");
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
