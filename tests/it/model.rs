//! State against a model of it: random writes, many threads, writes that fail half-way, resets under traffic.

use bytes::Bytes;
use chatkitty_mock::{Application, MockServer, Unseeded};
use http::{Request, Response};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use serde_json::{Value, json};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

const THREADS: usize = 64;

/// Cards in a list, and a board of one text many times over.
fn document() -> String {
    let members = json!({
        "id": { "type": "integer", "readOnly": true },
        "text": { "type": "string", "minLength": 1 }, "count": { "type": "integer", "minimum": 0 },
    });
    let card = json!({ "type": "object", "additionalProperties": false, "required": ["id", "text", "count"], "properties": members });
    let names: Vec<String> = (0..20).map(|index| format!("m{index}")).collect();
    let texts: Value = names.iter().map(|name| (name.clone(), json!({ "type": "string" }))).collect();
    let board = json!({ "type": "object", "required": names, "properties": texts });
    let one = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let json_of = |schema: Value| json!({ "application/json": { "schema": schema } });
    let answer = |schema: Value| json!({ "description": "ok", "content": json_of(schema) });
    let refused = json!({ "description": "no" });
    let patches = json!({
        "application/merge-patch+json": { "schema": { "type": "object" } },
        "application/json-patch+json": { "schema": { "type": "array" } },
    });
    let written = |answered: &str, name: &str| json!({ answered: answer(one(name)), "default": refused });
    let body = |name: &str| json!({ "required": true, "content": json_of(one(name)) });
    json!({
        "openapi": "3.1.0", "info": { "title": "cards", "version": "1" },
        "components": { "schemas": { "Card": card, "Board": board } },
        "paths": {
            "/cards": {
                "get": { "responses": { "200": answer(json!({ "type": "array", "items": one("Card") })) } },
                "post": { "requestBody": body("Card"), "responses": written("201", "Card") },
            },
            "/cards/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
                "get": { "responses": { "200": answer(one("Card")), "404": refused } },
                "put": {
                    "requestBody": body("Card"),
                    "responses": { "200": answer(one("Card")), "201": answer(one("Card")), "default": refused },
                },
                "patch": { "requestBody": { "required": true, "content": patches }, "responses": written("200", "Card") },
                "delete": { "responses": { "204": refused, "404": refused } },
            },
            "/board": {
                "get": { "responses": { "200": answer(one("Board")) } },
                "put": { "requestBody": body("Board"), "responses": written("200", "Board") },
            },
        },
    })
    .to_string()
}

fn server() -> MockServer {
    let builder = MockServer::builder().openapi_text("cards.json", document()).unseeded(Unseeded::NotFound);
    let mock = builder.start().unwrap();
    assert!(mock.findings().is_empty(), "{:?}", mock.findings());
    mock.allow_violations();
    mock
}

/// One caller's view of one application.
struct Caller<'a> {
    mock: &'a MockServer,
    application: &'a Application,
}

impl Caller<'_> {
    fn send(&self, method: &str, path: &str, media: &str, body: Option<&Value>) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(path).header("x-mock-application", self.application.name());
        let request = if body.is_some() { request.header("content-type", media) } else { request };
        self.mock.handle(request.body(body.map(Value::to_string).unwrap_or_default()).unwrap())
    }

    fn get(&self, path: &str) -> (u16, Value) {
        told(&self.send("GET", path, "", None))
    }

    /// What one operation answers.
    fn carry_out(&self, operation: &Operation) -> (u16, Value) {
        let media = |kind: &str| format!("application/{kind}+json");
        let reply = match operation {
            Operation::Create(card) => self.send("POST", "/cards", "application/json", Some(&card.sent())),
            Operation::Replace(id, card) => self.send("PUT", &path(*id), "application/json", Some(&card.sent())),
            Operation::Merge(id, patch) => self.send("PATCH", &path(*id), &media("merge-patch"), Some(patch)),
            Operation::Patch(id, patch) => self.send("PATCH", &path(*id), &media("json-patch"), Some(patch)),
            Operation::Delete(id) => self.send("DELETE", &path(*id), "", None),
            Operation::Get(id) => self.send("GET", &path(*id), "", None),
            Operation::List => self.send("GET", "/cards", "", None),
        };
        told(&reply)
    }
}

fn told(reply: &Response<Bytes>) -> (u16, Value) {
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or(Value::Null))
}

fn path(id: u64) -> String {
    format!("/cards/{id}")
}

#[derive(Debug, Clone, PartialEq)]
struct Card {
    text: String,
    count: i64,
}

impl Card {
    fn sent(&self) -> Value {
        json!({ "text": self.text, "count": self.count })
    }

    fn shown(&self, id: u64) -> Value {
        json!({ "id": id, "text": self.text, "count": self.count })
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Create(Card),
    Replace(u64, Card),
    Merge(u64, Value),
    Patch(u64, Value),
    Delete(u64),
    Get(u64),
    List,
}

/// What the cards of one application must be.
#[derive(Debug, Default)]
struct Model {
    cards: Vec<(u64, Card)>,
    given: u64,
}

impl Model {
    fn position(&self, id: u64) -> Option<usize> {
        self.cards.iter().position(|(known, _)| *known == id)
    }

    /// The status that an operation must get and, where it has one, the body.
    fn carry_out(&mut self, operation: &Operation) -> (u16, Option<Value>) {
        match operation {
            Operation::Create(card) => {
                self.given = self.cards.iter().map(|(id, _)| *id).max().unwrap_or_default().max(self.given) + 1;
                self.cards.push((self.given, card.clone()));
                (201, Some(card.shown(self.given)))
            }
            Operation::Replace(id, card) => {
                let status = match self.position(*id) {
                    Some(at) => {
                        self.cards[at].1 = card.clone();
                        200
                    }
                    None => {
                        self.cards.push((*id, card.clone()));
                        201
                    }
                };
                (status, Some(card.shown(*id)))
            }
            Operation::Merge(id, patch) => self.change(*id, 400, |card| merged(card, patch)),
            Operation::Patch(id, patch) => {
                let steps = patch.as_array().map(Vec::as_slice).unwrap_or_default();
                match self.position(*id).map(|at| patched(&self.cards[at].1, steps)) {
                    Some(None) => (409, None),
                    _ => self.change(*id, 400, |card| patched(card, steps).unwrap()),
                }
            }
            Operation::Delete(id) => match self.position(*id) {
                Some(at) => {
                    self.cards.remove(at);
                    (204, None)
                }
                None => (404, None),
            },
            Operation::Get(id) => match self.position(*id) {
                Some(at) => (200, Some(self.cards[at].1.shown(*id))),
                None => (404, None),
            },
            Operation::List => (200, Some(self.listed())),
        }
    }

    fn change(&mut self, id: u64, refused: u16, change: impl FnOnce(&Card) -> Card) -> (u16, Option<Value>) {
        let Some(at) = self.position(id) else { return (404, None) };
        let card = change(&self.cards[at].1);
        if card.count < 0 || card.text.is_empty() {
            return (refused, None);
        }
        self.cards[at].1 = card.clone();
        (200, Some(card.shown(id)))
    }

    fn listed(&self) -> Value {
        self.cards.iter().map(|(id, card)| card.shown(*id)).collect()
    }
}

fn merged(card: &Card, patch: &Value) -> Card {
    Card {
        text: patch.get("text").and_then(Value::as_str).unwrap_or(&card.text).to_owned(),
        count: patch.get("count").and_then(Value::as_i64).unwrap_or(card.count),
    }
}

/// What the steps make of a card; nothing if one of them fails.
fn patched(card: &Card, steps: &[Value]) -> Option<Card> {
    let mut card = card.clone();
    for step in steps {
        let (value, is_text) = (&step["value"], step["path"] == "/text");
        if step["op"] == "test" {
            let own = if is_text { json!(card.text) } else { json!(card.count) };
            (own == *value).then_some(())?;
        } else if is_text {
            card.text = value.as_str()?.to_owned();
        } else {
            card.count = value.as_i64()?;
        }
    }
    Some(card)
}

fn card() -> impl Strategy<Value = Card> {
    ("[a-z]{1,6}", 0_i64..5).prop_map(|(text, count)| Card { text, count })
}

/// Some of the counts and texts break the schema.
fn operation(ids: std::ops::Range<u64>) -> impl Strategy<Value = Operation> {
    let step = (any::<bool>(), any::<bool>(), "[a-z]{0,2}", -1_i64..4).prop_map(|(tests, is_text, text, count)| {
        let value = if is_text { json!(text) } else { json!(count) };
        json!({ "op": if tests { "test" } else { "replace" }, "path": if is_text { "/text" } else { "/count" }, "value": value })
    });
    let merge = prop_oneof![
        (-1_i64..5).prop_map(|count| json!({ "count": count })),
        "[a-z]{0,3}".prop_map(|text| json!({ "text": text })),
        ("[a-z]{0,3}", -1_i64..5).prop_map(|(text, count)| json!({ "text": text, "count": count })),
    ];
    prop_oneof![
        3 => card().prop_map(Operation::Create),
        2 => (ids.clone(), card()).prop_map(|(id, card)| Operation::Replace(id, card)),
        2 => (ids.clone(), merge).prop_map(|(id, patch)| Operation::Merge(id, patch)),
        2 => (ids.clone(), vec(step, 1..4)).prop_map(|(id, steps)| Operation::Patch(id, Value::Array(steps))),
        2 => ids.clone().prop_map(Operation::Delete),
        1 => ids.prop_map(Operation::Get),
        1 => Just(Operation::List),
    ]
}

#[test]
fn any_sequence_of_writes_to_several_applications_does_what_the_model_says() {
    let mock = server();
    let operations = vec((0_usize..3, operation(1..7)), 1..40);
    proptest!(ProptestConfig::with_cases(60), |(operations in operations)| {
        let applications: Vec<Application> = (0..3).map(|_| mock.new_application()).collect();
        let mut models: Vec<Model> = (0..3).map(|_| Model::default()).collect();
        for (which, operation) in &operations {
            let caller = Caller { mock: &mock, application: &applications[*which] };
            let (status, body) = models[*which].carry_out(operation);
            let (answered, shown) = caller.carry_out(operation);
            proptest::prop_assert_eq!(answered, status, "{:?}: {}", operation, shown);
            if let Some(body) = body {
                proptest::prop_assert_eq!(shown, body, "{:?}", operation);
            }
            for (application, model) in applications.iter().zip(&models) {
                let caller = Caller { mock: &mock, application };
                proptest::prop_assert_eq!(caller.get("/cards").1, model.listed());
            }
        }
    });
    assert_eq!(mock.report().drift(), 0);
}

/// The operations of one thread on cards that no other thread touches, checked one by one; the ids are its own.
fn play(caller: &Caller<'_>, operations: &[Operation], thread: u64) -> Model {
    let mut model = Model::default();
    // A number that is given is the largest one and one more: it must not be one that a thread will name itself.
    let own = |id: u64| 10_000 * (10 * thread + id);
    for operation in operations {
        let operation = match operation.clone() {
            Operation::Create(card) => {
                let (status, shown) = caller.carry_out(&Operation::Create(card.clone()));
                let id = shown["id"].as_u64().unwrap();
                assert_eq!((status, &shown), (201, &card.shown(id)));
                assert_eq!(model.position(id), None, "an id is given once");
                model.cards.push((id, card));
                continue;
            }
            Operation::List => {
                let (_, listed) = caller.get("/cards");
                let is_own = |card: &&Value| card["id"].as_u64().is_some_and(|id| model.position(id).is_some());
                let seen: Vec<&Value> = listed.as_array().unwrap().iter().filter(is_own).collect();
                assert_eq!(json!(seen), model.listed());
                continue;
            }
            Operation::Replace(id, card) => Operation::Replace(own(id), card),
            Operation::Merge(id, patch) => Operation::Merge(own(id), patch),
            Operation::Patch(id, patch) => Operation::Patch(own(id), patch),
            Operation::Delete(id) => Operation::Delete(own(id)),
            Operation::Get(id) => Operation::Get(own(id)),
        };
        let (status, body) = model.carry_out(&operation);
        let (answered, shown) = caller.carry_out(&operation);
        assert_eq!(answered, status, "{operation:?}: {shown}");
        assert!(body.is_none_or(|body| body == shown), "{operation:?}: {shown}");
    }
    model
}

/// Adds one to the count of a card that everybody writes to, if it is still what was read; tells whether it was.
fn increment(caller: &Caller<'_>, id: u64) -> bool {
    let before = caller.get(&path(id)).1["count"].as_u64().unwrap();
    let steps = json!([
        { "op": "test", "path": "/count", "value": before },
        { "op": "replace", "path": "/count", "value": before + 1 },
    ]);
    match caller.carry_out(&Operation::Patch(id, steps)).0 {
        200 => true,
        409 => false,
        status => panic!("{status}"),
    }
}

#[test]
fn sixty_four_threads_agree_with_their_model_in_every_application() {
    const APPLICATIONS: usize = 4;
    let mock = server();
    let config = ProptestConfig { cases: 3, max_shrink_iters: 0, ..ProptestConfig::default() };
    proptest!(config, |(scripts in vec(vec(operation(1..5), 24), THREADS))| {
        let applications: Vec<Application> = (0..APPLICATIONS).map(|_| mock.new_application()).collect();
        let shared = Card { text: "shared".to_owned(), count: 0 };
        for application in &applications {
            assert_eq!(Caller { mock: &mock, application }.carry_out(&Operation::Replace(1, shared.clone())).0, 201);
        }
        let start = Barrier::new(THREADS);
        let ends: Vec<(Model, u64)> = std::thread::scope(|scope| {
            let threads: Vec<_> = scripts.iter().enumerate().map(|(thread, script)| {
                let caller = Caller { mock: &mock, application: &applications[thread % APPLICATIONS] };
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let added = (0..6).filter(|_| increment(&caller, 1)).count() as u64;
                    (play(&caller, script, thread as u64), added)
                })
            }).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (which, application) in applications.iter().enumerate() {
            let own = || ends.iter().skip(which).step_by(APPLICATIONS);
            let mut expected: Vec<Value> = own().flat_map(|(model, _)| model.listed().as_array().unwrap().clone()).collect();
            let added: u64 = own().map(|(_, added)| added).sum();
            proptest::prop_assert!(added > 0);
            expected.push(json!({ "id": 1, "text": "shared", "count": added }));
            let (_, listed) = Caller { mock: &mock, application }.get("/cards");
            let mut listed = listed.as_array().unwrap().clone();
            for cards in [&mut expected, &mut listed] {
                cards.sort_by_key(|card| card["id"].as_u64());
            }
            proptest::prop_assert_eq!(listed, expected);
        }
    });
    assert_eq!(mock.report().drift(), 0);
}

fn board(text: &str) -> Value {
    (0..20).map(|index| (format!("m{index}"), json!(text))).collect()
}

/// Whether every member has the same text.
fn is_whole(board: &Value) -> bool {
    let members = board.as_object().unwrap();
    members.len() == 20 && members.values().all(|text| *text == board["m0"])
}

#[test]
fn of_two_puts_at_once_one_body_stays_and_never_a_mixture() {
    let mock = server();
    let application = mock.new_application();
    let caller = Caller { mock: &mock, application: &application };
    for round in 0..50 {
        let bodies = [board(&format!("one {round}")), board(&format!("two {round}"))];
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            for body in &bodies {
                let (caller, start) = (&caller, &start);
                scope.spawn(move || {
                    start.wait();
                    let (status, shown) = told(&caller.send("PUT", "/board", "application/json", Some(body)));
                    assert_eq!((status, &shown), (200, body));
                });
            }
            start.wait();
            for _ in 0..5 {
                let (status, shown) = caller.get("/board");
                assert!(status == 404 && round == 0 || is_whole(&shown), "{shown}");
            }
        });
        assert!(bodies.contains(&caller.get("/board").1));
    }
}

#[test]
fn a_write_that_fails_half_way_leaves_everything_as_it_was() {
    let mock = server();
    let application = mock.new_application();
    let caller = Caller { mock: &mock, application: &application };
    let send = |method: &str, path: &str, media: &str, body: Value| {
        caller.send(method, path, &format!("application/{media}"), Some(&body)).status().as_u16()
    };
    assert_eq!(send("POST", "/cards", "json", json!({ "text": "a", "count": 1 })), 201);
    assert_eq!(send("PUT", "/board", "json", board("b")), 200);
    let state = || (caller.get("/cards"), caller.get("/cards/1"), caller.get("/board"));
    let before = state();
    let replace = |path: &str, value: Value| json!({ "op": "replace", "path": path, "value": value });
    let third_fails = json!([replace("/text", json!("x")), replace("/count", json!(2)), replace("/no/such", json!(3))]);
    let third_tests = json!([replace("/text", json!("x")), replace("/count", json!(2)), { "op": "test", "path": "/count", "value": 3 }]);
    let breaks = json!([replace("/text", json!("x")), replace("/count", json!(-1))]);
    let removes = json!([replace("/text", json!("x")), { "op": "remove", "path": "/count" }]);
    for (method, path, media, body, status) in [
        ("PATCH", "/cards/1", "json-patch+json", third_fails, 409),
        ("PATCH", "/cards/1", "json-patch+json", third_tests, 409),
        ("PATCH", "/cards/1", "json-patch+json", breaks, 400),
        ("PATCH", "/cards/1", "json-patch+json", removes, 400),
        ("PATCH", "/cards/1", "json-patch+json", json!([replace("/text", json!("x")), { "op": "nonsense" }]), 409),
        ("PATCH", "/cards/1", "merge-patch+json", json!({ "text": "x", "count": -1 }), 400),
        ("PATCH", "/cards/1", "merge-patch+json", json!({ "text": "x", "count": null }), 400),
        ("PATCH", "/cards/2", "merge-patch+json", json!({ "text": "x" }), 404),
        ("PUT", "/cards/1", "json", json!({ "text": "x" }), 400),
        ("PUT", "/cards/1", "json", json!({ "text": "x", "count": 1, "more": 1 }), 400),
        ("POST", "/cards", "json", json!({ "text": "x", "count": -1 }), 400),
    ] {
        assert_eq!(send(method, path, media, body.clone()), status, "{method} {path} {body}");
        assert_eq!(state(), before, "{method} {path} {body}");
    }
    assert_eq!(send("POST", "/cards", "json", json!({ "text": "c", "count": 1 })), 201);
    assert_eq!(caller.get("/cards/2").0, 200, "no number was used up");
}

#[test]
fn a_reset_during_traffic_shows_the_old_state_or_the_new_one() {
    const CARDS: usize = 8;
    let mock = server();
    let application = mock.new_application();
    let caller = Caller { mock: &mock, application: &application };
    let count = || caller.get("/cards").1.as_array().map(Vec::len);
    for round in 0..20 {
        for _ in 0..CARDS {
            let card = Card { text: format!("of {round}"), count: 0 };
            assert_eq!(
                caller.carry_out(&Operation::Create(card)),
                (201, caller.get("/cards").1[count().unwrap() - 1].clone())
            );
        }
        let (start, over) = (Barrier::new(4), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let (start, over, count) = (&start, &over, &count);
                scope.spawn(move || {
                    start.wait();
                    let mut was_reset = false;
                    while !over.load(Ordering::Relaxed) {
                        let seen = count();
                        assert!(seen == Some(0) || seen == Some(CARDS) && !was_reset, "{seen:?}");
                        was_reset = seen == Some(0);
                    }
                });
            }
            start.wait();
            application.reset();
            let seen = count();
            over.store(true, Ordering::Relaxed);
            assert_eq!(seen, Some(0));
        });
    }
}
