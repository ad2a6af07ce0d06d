//! What it takes to answer a request again that is the last one over, byte for byte.
//!
//! The answer to a safe request follows from its bytes, the contract, the application's state, and whether the
//! credentials are good. Who keeps the bytes of a connection knows the first to be the same. The next two are compared
//! with those of the last time, and the credentials are judged anew.

use super::{Engine, Handling, Outcome, World};
use crate::evidence::{Exchange, Messages, Touch};
use crate::message::Request;
use crate::store::Moment;
use bytes::Bytes;
use http::header::HeaderValue;
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The journal's weight of an exchange up to which a connection remembers it. Over it the same request is answered anew.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A request that was answered, and what its reply followed from.
pub(crate) struct Repeat {
    request: Request,
    messages: Arc<Messages>,
    /// What was served. Weak, so that a connection that is idle holds on to no contract.
    world: Weak<World>,
    /// The operation's place in the contract.
    operation: usize,
    /// Which application it was, and the version of what that held.
    arrival: u64,
    version: u64,
    /// The alternative of the security requirements that was satisfied.
    security: Option<usize>,
    /// How many points the operation has, and the ones that were touched.
    count: usize,
    points: Box<[u32]>,
    /// The path of a fixture's resource and the pointer of an example that were used.
    used: (Option<String>, Option<String>),
}

/// What an exchange showed that was just recorded.
pub(super) struct Recorded<'s> {
    pub(super) exchange: &'s Exchange,
    pub(super) touch: &'s Touch<'s>,
    pub(super) used: (Option<&'s str>, Option<&'s str>),
}

impl Repeat {
    /// What it takes to give a reply again; nothing if something of it was a matter of the moment. `request`: one that was
    /// [`copied`], so it has no body.
    pub(super) fn of(
        request: Request,
        world: &Arc<World>,
        moment: Moment,
        outcome: &Outcome<'_>,
        shown: &Recorded<'_>,
    ) -> Option<Self> {
        let messages = &shown.exchange.messages;
        let (application, version) = outcome.application.as_ref().zip(outcome.version)?;
        let is_lasting = outcome.lasting
            && outcome.numbered
            && messages.method.is_safe()
            && messages.diagnostics.is_empty()
            && outcome.reply.extensions().is_empty()
            // What is cut is longer than the weight says.
            && !messages.response_body.truncated
            && shown.exchange.weight() <= ANSWER_BYTES_MAX
            && moment.clock_of(Some(application)).is_real()
            && application.version() == version;
        is_lasting.then(|| Self {
            request,
            messages: Arc::clone(messages),
            world: Arc::downgrade(world),
            operation: shown.touch.operation,
            arrival: application.arrival(),
            version,
            security: outcome.seen.security,
            count: shown.touch.count,
            points: shown.touch.points.into(),
            used: (shown.used.0.map(str::to_owned), shown.used.1.map(str::to_owned)),
        })
    }

    /// The request, which has no body.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// The status of its reply.
    pub(crate) fn status(&self) -> StatusCode {
        self.messages.status
    }
}

impl Engine {
    /// Records that a request was answered as it was before; gives the number of the exchange. Nothing, if that may not be
    /// its answer any more.
    pub(crate) fn repeat(&self, repeat: &Repeat, real: Timestamp, elapsed: impl FnOnce() -> Duration) -> Option<u64> {
        let world = self.world.load();
        if !std::ptr::eq(repeat.world.as_ptr(), Arc::as_ptr(&world)) {
            return None;
        }
        let operation = world.contract.operations().get(repeat.operation)?;
        let moment = self.store.moment(real);
        let handling = Handling { engine: self, world: &world, request: &repeat.request, moment };
        let (application, security) = handling.authorize(operation).ok()?;
        let application = application?;
        let is_unchanged = security == repeat.security
            && application.arrival() == repeat.arrival
            && application.version() == repeat.version
            && moment.clock_of(Some(&application)).is_real();
        if !is_unchanged {
            return None;
        }
        let admission = self.evidence.admit(Some(repeat.arrival));
        let (id, time) = (admission.id, moment.of(Some(&application)));
        let exchange = Exchange { id, time, duration: elapsed(), messages: Arc::clone(&repeat.messages) };
        let touch = Touch {
            contract: &world.contract,
            operation: repeat.operation,
            count: repeat.count,
            points: &repeat.points,
        };
        let used = (repeat.used.0.as_deref(), repeat.used.1.as_deref());
        admission.record(exchange, Some(&touch), used);
        Some(id)
    }
}

/// A request in memory of its own, for its parts share the buffer that they were read into; nothing if it has a body.
pub(super) fn copied(request: &Request) -> Option<Request> {
    if !request.body().is_empty() {
        return None;
    }
    let mut copy = Request::default();
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = Uri::try_from(request.uri().to_string()).ok()?;
    for (name, value) in request.headers() {
        let value = HeaderValue::from_maybe_shared(Bytes::copy_from_slice(value.as_bytes())).ok()?;
        copy.headers_mut().append(name.clone(), value);
    }
    Some(copy)
}

/// The target of a request without scheme and authority, which are the connection's and in `Host`.
pub(super) fn target_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or_else(|| uri.path(), PathAndQuery::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{X_MOCK_EXCHANGE, testing};
    use crate::fixtures;
    use crate::message::Reply;
    use crate::store::{Clock, Credential, Seed};
    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;
    use serde_json::json;

    /// Things for those with a token, and a lamp of some colours for all.
    fn world(colours: &[&str]) -> World {
        let of = |schema: serde_json::Value| json!({ "application/json": { "schema": schema } });
        let lamp =
            of(json!({ "type": "object", "required": ["colour"], "properties": { "colour": { "enum": colours } } }));
        let thing = of(json!({ "$ref": "#/components/schemas/Thing" }));
        let things = of(json!({ "type": "array", "items": { "$ref": "#/components/schemas/Thing" } }));
        let ok = |content: &serde_json::Value| json!({ "200": { "description": "ok", "content": content } });
        let secured = json!([{ "tokens": [] }]);
        let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }]);
        let document = json!({
            "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
            "paths": {
                "/lamp": { "get": { "responses": ok(&lamp) }, "put": { "requestBody": { "content": lamp }, "responses": ok(&lamp) } },
                "/things": {
                    "get": { "security": secured, "responses": ok(&things) },
                    "post": { "security": secured, "requestBody": { "content": thing }, "responses": { "201": { "description": "made", "content": thing } } },
                },
                "/things/{id}": {
                    "parameters": id,
                    "get": { "security": secured, "responses": ok(&thing) },
                    "delete": { "security": secured, "responses": { "204": { "description": "gone" } } },
                },
            },
            "components": {
                "schemas": { "Thing": { "type": "object", "required": ["id", "name"], "properties": { "id": { "type": "integer", "readOnly": true }, "name": { "type": "string" } } } },
                "securitySchemes": { "tokens": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": {} } } } },
            },
        });
        testing::world(&document)
    }

    fn seed(world: &World, name: &str) -> Seed {
        let id = format!("{name}-id");
        let credential = Credential { client_id: id, client_secret: "secret".to_owned(), scopes: Vec::new() };
        let mut seed = Seed { name: name.to_owned(), credentials: vec![credential], ..Seed::default() };
        seed.origin = crate::store::Origin::Fixture;
        let colour = if name == "a" { "RED" } else { "GREEN" };
        for (path, value) in [("/lamp", json!({ "colour": colour })), ("/things/1", json!({ "id": 1, "name": name }))] {
            fixtures::resource(&world.contract, &world.model, path, &value, &mut seed.state).unwrap();
        }
        seed
    }

    /// A server with two applications, and a token of each.
    fn engine() -> (Engine, Vec<String>) {
        let world = world(&["RED", "GREEN"]);
        let seeds = ["a", "b"].map(|name| seed(&world, name));
        let engine = Engine::new(world, testing::settings());
        let add = |seed| engine.add_application(seed, Timestamp::UNIX_EPOCH).unwrap();
        let tokens = seeds.into_iter().map(|seed| engine.issue_token(&add(seed), Timestamp::UNIX_EPOCH)).collect();
        (engine, tokens)
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// A request, so many times: over one of two connections, with one of the tokens or none.
        Request {
            kind: usize,
            connection: usize,
            token: usize,
            times: usize,
        },
        Reset(usize),
        Remove(usize),
        Add,
        Reload(bool),
        Wait,
        SetClock(usize),
        Clear,
        Expect,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            12 => (0..REQUESTS.len(), 0..2_usize, 0..3_usize, 1..5_usize)
                .prop_map(|(kind, connection, token, times)| Step::Request { kind, connection, token, times }),
            1 => (0..2_usize).prop_map(Step::Reset),
            1 => (0..2_usize).prop_map(Step::Remove),
            1 => Just(Step::Add),
            1 => any::<bool>().prop_map(Step::Reload),
            1 => Just(Step::Wait),
            1 => (0..2_usize).prop_map(Step::SetClock),
            1 => Just(Step::Clear),
            1 => Just(Step::Expect),
        ]
    }

    type Fields = &'static [(&'static str, &'static str)];

    /// Method, target, fields and body; some are there twice, so that they come more often.
    const REQUESTS: [(&str, &str, Fields, &str); 17] = [
        ("GET", "/lamp", &[], ""),
        ("GET", "/lamp", &[], ""),
        ("GET", "/lamp", &[("x-mock-application", "b")], ""),
        ("GET", "/lamp", &[("prefer", "code=404")], ""),
        ("GET", "/lamp", &[("prefer", "handling=lenient"), ("origin", "http://a")], ""),
        ("GET", "/lamp", &[("accept", "text/html")], ""),
        ("HEAD", "/lamp", &[], ""),
        ("PUT", "/lamp", &[], r#"{"colour":"GREEN"}"#),
        ("PUT", "/lamp", &[], r#"{"colour":"BLUE"}"#),
        ("GET", "/things", &[], ""),
        ("GET", "/things", &[], ""),
        ("GET", "/things?q=1", &[], ""),
        ("GET", "/things/1", &[], ""),
        ("GET", "/things/1", &[], ""),
        ("GET", "/things/2", &[], ""),
        ("POST", "/things", &[], r#"{"name":"new"}"#),
        ("DELETE", "/things/1", &[], ""),
    ];

    fn request(kind: usize, token: Option<&String>) -> Request {
        let (method, target, fields, body) = REQUESTS[kind];
        let mut request = http::Request::builder().method(method).uri(target).header("host", "localhost");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    /// A connection that has the last request answered again.
    #[derive(Default)]
    struct Connection {
        last: String,
        reply: Reply,
        repeat: Option<Repeat>,
    }

    impl Connection {
        fn repeat(&mut self, engine: &Engine, request: &Request, now: Timestamp) -> Option<Reply> {
            let repeat = self.repeat.as_ref().filter(|_| self.last == format!("{request:?}"))?;
            let number = engine.repeat(repeat, now, || Duration::ZERO)?;
            *self.reply.headers_mut().get_mut(X_MOCK_EXCHANGE).unwrap() = number.into();
            Some(self.reply.clone())
        }

        fn handle(&mut self, engine: &Engine, request: Request, now: Timestamp) -> Reply {
            let this = format!("{request:?}");
            self.repeat = None;
            let repeat = (this == self.last).then_some(&mut self.repeat);
            self.reply = engine.handle(request, repeat, now, || Duration::ZERO);
            self.last = this;
            self.reply.clone()
        }
    }

    /// Carries out the steps; gives all replies, and at the end all evidence. `remembers`: over connections that do.
    fn run(steps: &[Step], remembers: bool) -> (Vec<String>, usize) {
        let (engine, tokens) = engine();
        let mut connections = [Connection::default(), Connection::default()];
        let mut now = Timestamp::UNIX_EPOCH;
        let (mut told, mut repeated) = (Vec::new(), 0);
        let nth = |index: usize| engine.store.all().get(index).cloned();
        for step in steps {
            match step {
                Step::Request { kind, connection, token, times } => {
                    for _ in 0..*times {
                        let request = request(*kind, tokens.get(*token));
                        let connection = &mut connections[*connection];
                        if !remembers {
                            told.push(format!("{:?}", engine.handle(request, None, now, || Duration::ZERO)));
                        } else if let Some(reply) = connection.repeat(&engine, &request, now) {
                            repeated += 1;
                            told.push(format!("{reply:?}"));
                        } else {
                            told.push(format!("{:?}", connection.handle(&engine, request, now)));
                        }
                    }
                }
                Step::Reset(index) => nth(*index).iter().for_each(|application| application.reset()),
                Step::Remove(index) => {
                    told.extend(nth(*index).map(|it| engine.remove_application(it.client_id()).to_string()));
                }
                Step::Add => {
                    let added = engine.add_application(seed(&engine.world(), "b"), now);
                    told.push(added.is_ok().to_string());
                }
                Step::Reload(is_wide) => {
                    let world = world(if *is_wide { &["RED", "GREEN", "BLUE"] } else { &["RED", "GREEN"] });
                    let seeds = vec![seed(&world, "a")];
                    told.push(format!("{:?}", engine.replace(world, seeds, now).is_ok()));
                }
                Step::Wait => now += SignedDuration::from_secs(25),
                Step::SetClock(index) => nth(*index).iter().for_each(|application| {
                    application.set_clock(if application.clock().is_some() { None } else { Some(Clock::Frozen(now)) });
                }),
                Step::Clear => engine.evidence.clear(None),
                Step::Expect => {
                    let expected = crate::evidence::Expectation::operation("GET /lamp");
                    told.push(engine.evidence.expect_also(expected));
                }
            }
        }
        told.extend(engine.evidence.all(None).iter().map(|exchange| exchange.to_json().to_string()));
        told.push(engine.evidence.coverage(None).to_json().to_string());
        told.push(format!("{:?} {:?}", engine.evidence.used(None), engine.evidence.counts(None)));
        told.extend(engine.evidence.outcomes().iter().map(|outcome| format!("{:?}", outcome.count)));
        (told, repeated)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_is_remembered_changes_no_reply_and_no_evidence(steps in prop::collection::vec(step(), 1..40)) {
            let (told, _) = run(&steps, false);
            prop_assert_eq!(run(&steps, true).0, told);
        }
    }

    #[test]
    fn a_request_that_is_repeated_is_answered_from_memory_until_something_changes() {
        let get = |times| Step::Request { kind: 0, connection: 0, token: 2, times };
        assert_eq!(run(&[get(5)], true).1, 3, "the third and later ones");
        let put = Step::Request { kind: 7, connection: 1, token: 2, times: 1 };
        let (told, _) = run(&[get(3), put, get(1)], true);
        assert!(told[2].contains("RED") && told[4].contains("GREEN"), "{told:?}");
        // The next application becomes the first, and is of the same version.
        let (told, _) = run(&[get(3), Step::Remove(0), get(1)], true);
        assert!(told[2].contains("RED") && told[4].contains("GREEN"), "{told:?}");
    }
}
