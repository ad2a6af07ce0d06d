//! What a connection was answered last, for a client that asks the same again while nothing has changed.
//!
//! The answer to a safe request follows from the bytes of the request, the contract, the application's state, and whether
//! the credentials are good. The first three are compared with those of the last time, the credentials are judged anew.

use super::{Handling, Outcome, World};
use crate::evidence::{Exchange, Messages, Touch};
use crate::message::{Reply, Request};
use crate::store::Moment;
use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderValue;
use http::uri::PathAndQuery;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

/// The journal's weight of an exchange up to which a connection remembers it. Over it the same request is answered anew.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What one connection remembers: its last exchange, and once that was repeated all that another one like it takes.
#[derive(Default)]
pub(crate) struct Again(Mutex<Option<Last>>);

impl Again {
    /// Nothing while another request of the connection is answered, and for good after a panic.
    pub(super) fn last(&self) -> Option<MutexGuard<'_, Option<Last>>> {
        self.0.try_lock().ok()
    }
}

/// The last exchange of a connection.
pub(super) struct Last {
    messages: Arc<Messages>,
    answer: Option<Answer>,
}

impl Last {
    /// Whether a request is the same as that of this exchange, byte for byte.
    pub(super) fn is_for(&self, request: &Request) -> bool {
        let known = &self.messages;
        known.method == request.method()
            && request.body().is_empty()
            && known.heads.are_of(target_of(request.uri()), request.headers())
    }
}

/// What follows from a request and what it was answered from.
struct Answer {
    /// What was served. Weak, so that a connection that is idle holds on to no contract.
    world: Weak<World>,
    /// The operation's place in the contract.
    operation: usize,
    /// Which application it was, and the version of what that held.
    arrival: u64,
    version: u64,
    /// The alternative of the security requirements that was satisfied.
    security: Option<usize>,
    headers: HeaderMap,
    body: Bytes,
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

impl Last {
    /// What is remembered of an exchange after the one before it; nothing if something of its answer was a matter of the
    /// moment.
    pub(super) fn of(
        before: Option<&Self>,
        world: &Arc<World>,
        moment: Moment,
        outcome: &Outcome<'_>,
        shown: &Recorded<'_>,
    ) -> Option<Self> {
        let messages = &shown.exchange.messages;
        let (application, version) = outcome.application.as_ref().zip(outcome.version)?;
        let is_lasting = outcome.lasting
            && messages.method.is_safe()
            && messages.diagnostics.is_empty()
            && outcome.reply.extensions().is_empty()
            && messages.request_body.bytes.is_empty()
            && shown.exchange.weight() <= ANSWER_BYTES_MAX
            && moment.clock_of(Some(application)).is_real()
            && application.version() == version;
        if !is_lasting {
            return None;
        }
        let is_repeated = before.is_some_and(|before| {
            messages.method == before.messages.method && messages.heads.have_request_of(&before.messages.heads)
        });
        let answer = || Answer {
            world: Arc::downgrade(world),
            operation: shown.touch.operation,
            arrival: application.arrival(),
            version,
            security: outcome.seen.security,
            headers: outcome.reply.headers().iter().map(|(name, value)| (name.clone(), copied(value))).collect(),
            // In memory of its own: what all connections share is counted by all cores.
            body: Bytes::copy_from_slice(outcome.reply.body()),
            count: shown.touch.count,
            points: shown.touch.points.into(),
            used: (shown.used.0.map(str::to_owned), shown.used.1.map(str::to_owned)),
        };
        Some(Self { messages: Arc::clone(messages), answer: is_repeated.then(answer) })
    }
}

impl Handling<'_, '_> {
    /// Answers and records a request that is the last one over again; nothing if that has to be found out anew.
    pub(super) fn again(&self, last: &Last, elapsed: impl FnOnce() -> Duration) -> Option<Reply> {
        let (known, answer) = (&last.messages, last.answer.as_ref()?);
        if !std::ptr::eq(answer.world.as_ptr(), self.world) || !last.is_for(self.request) {
            return None;
        }
        let operation = self.contract().operations().get(answer.operation)?;
        let (application, security) = self.authorize(operation).ok()?;
        let application = application?;
        let is_unchanged = security == answer.security
            && application.arrival() == answer.arrival
            && application.version() == answer.version
            && self.moment.clock_of(Some(&application)).is_real();
        if !is_unchanged {
            return None;
        }
        let id = self.engine.identities.exchange();
        let mut reply = Reply::new(answer.body.clone());
        *reply.status_mut() = known.status;
        *reply.headers_mut() = answer.headers.clone();
        if let Some(number) = known.number.as_ref().and_then(|number| reply.headers_mut().get_mut(number)) {
            *number = HeaderValue::from(id);
        }
        let time = self.moment.of(Some(&application));
        let exchange = Exchange { id, time, duration: elapsed(), messages: Arc::clone(known) };
        let touch = Touch {
            contract: &self.world.contract,
            operation: answer.operation,
            count: answer.count,
            points: &answer.points,
        };
        let used = (answer.used.0.as_deref(), answer.used.1.as_deref());
        self.engine.evidence.record(exchange, Some(answer.arrival), Some(&touch), used);
        Some(reply)
    }
}

/// A value in memory of its own.
fn copied(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(value.as_bytes())).unwrap_or_else(|_| value.clone())
}

/// The target of a request without scheme and authority, which are the connection's and in `Host`.
pub(super) fn target_of(uri: &http::Uri) -> &str {
    uri.path_and_query().map_or_else(|| uri.path(), PathAndQuery::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, testing};
    use crate::fixtures;
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

    /// Carries out the steps; gives all replies, and at the end all evidence. `remembers`: over connections that do.
    fn run(steps: &[Step], remembers: bool) -> (Vec<String>, usize) {
        let (engine, tokens) = engine();
        let connections = [Again::default(), Again::default()];
        let mut now = Timestamp::UNIX_EPOCH;
        let (mut told, mut repeated) = (Vec::new(), 0);
        let nth = |index: usize| engine.store.all().get(index).cloned();
        for step in steps {
            match step {
                Step::Request { kind, connection, token, times } => {
                    for _ in 0..*times {
                        let again = remembers.then_some(&connections[*connection]);
                        let request = request(*kind, tokens.get(*token));
                        repeated += usize::from(again.is_some_and(|again| {
                            again
                                .last()
                                .unwrap()
                                .as_ref()
                                .is_some_and(|last| last.answer.is_some() && last.is_for(&request))
                        }));
                        let reply = engine.handle(request, again, now, || Duration::ZERO);
                        told.push(format!("{reply:?}"));
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
