//! Another contract and other fixtures in the place of those that are served, with the state that still fits.
//!
//! A state says what it was checked against. A request that finds one which was checked against another contract than
//! its own has it refitted, and is answered anew: so nobody waits while the world is replaced, and a state that comes
//! back from earlier is refitted whenever that is.

use super::{Engine, World};
use crate::diagnostic::{Diagnostic, code};
use crate::resources::Dropped;
use crate::store::{Application, Refused, Seed, State};
use jiff::Timestamp;
use std::sync::Arc;

impl Engine {
    /// Serves another world. Applications keep what still fits, follow their fixture in what nobody changed, and take
    /// its credentials; tokens stay. Gives what does not fit any more; an error changes nothing.
    pub(crate) fn replace(
        &self,
        world: World,
        mut seeds: Vec<Seed>,
        real: Timestamp,
    ) -> Result<Vec<Diagnostic>, (String, Refused)> {
        if let Some(refused) = self.store.refuses(&seeds, self.settings.limits.applications_max) {
            return Err(refused);
        }
        let world = Arc::new(world.after(&self.world()));
        self.world.store(Arc::clone(&world));
        self.evidence.follow(&world.contract);
        self.store.replace_credentials(&seeds);
        let mut told = Vec::new();
        for application in self.store.all() {
            let at = seeds.iter().position(|seed| seed.name == application.name());
            let seed = at.map(|at| seeds.remove(at).state);
            told.extend(world.refit(&application, seed));
        }
        for seed in seeds {
            let name = seed.name.clone();
            if self.add_application(seed, real).is_err() {
                let message = format!("the application `{name}` was added by somebody else in the meantime");
                told.push(Diagnostic::new(code::FIXTURE_DUPLICATE, message));
            }
        }
        Ok(told)
    }

    /// Has an application's state fit what is served now, before somebody looks at it.
    pub(crate) fn refit(&self, application: &Application) {
        let world = self.world();
        let stamp = world.model.stamp();
        if !application.look(|state| state.is_certified(stamp)) || !application.seed().is_certified(stamp) {
            world.refit(application, None);
        }
    }
}

impl World {
    /// This world, with the token endpoint that the one before it announced.
    fn after(self, earlier: &Self) -> Self {
        let mut token_paths = self.token_paths();
        let announced = earlier.token_path().to_owned();
        if token_paths.contains(&announced) {
            return self;
        }
        token_paths.push(announced);
        Self::with_token_paths(self.contract, self.model, &token_paths)
    }

    /// Has an application fit, with another seed if there is one. Gives what does not fit any more.
    fn refit(&self, application: &Application, seed: Option<State>) -> Vec<Diagnostic> {
        let stamp = self.model.stamp();
        let dropped = application.refit(|state, before| {
            if seed.is_none() && state.is_certified(stamp) && before.is_certified(stamp) {
                return None;
            }
            let (after, mut dropped) = match seed {
                Some(seed) => (seed, Vec::new()),
                None => self.model.refitted(&self.contract, before, &State::default(), &State::default()),
            };
            let (fitted, changed) = self.model.refitted(&self.contract, state, before, &after);
            // Of the seed's, only what the state had is missed.
            dropped.retain(|one| {
                state.resource(&one.path).is_some() && !changed.iter().any(|other| other.path == one.path)
            });
            dropped.extend(changed);
            Some((fitted, after, dropped))
        });
        dropped.unwrap_or_default().into_iter().map(|one| told(one, application.name())).collect()
    }
}

/// What is said of a resource that does not fit any more.
fn told(dropped: Dropped, application: &str) -> Diagnostic {
    let path = &dropped.path;
    let reason = match &dropped.because {
        Some(violation) => format!("breaks the contract that is served now: {}", violation.message),
        None => "has no place in the contract that is served now".to_owned(),
    };
    let fate = if dropped.is_seeded { "it is what the fixture says again" } else { "it is gone" };
    let message = format!("`{path}` of the application `{application}` {reason}; {fate}");
    let place = dropped.because.and_then(|violation| violation.contract);
    Diagnostic::new(code::STATE_DROPPED, message).contract(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Handling, testing};
    use crate::evidence::CoverageScope;
    use crate::fixtures;
    use crate::message::Request;
    use serde_json::{Value, json};
    use std::time::Duration;

    /// A lamp of one of some colours.
    fn world(colours: &[&str]) -> World {
        let schema =
            json!({ "type": "object", "required": ["colour"], "properties": { "colour": { "enum": colours } } });
        let content = json!({ "application/json": { "schema": schema } });
        let answer = json!({ "200": { "description": "ok", "content": content } });
        let lamp = json!({ "get": { "responses": answer }, "put": { "requestBody": { "content": content }, "responses": answer } });
        let document =
            json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": { "/lamp": lamp } });
        testing::world(&document)
    }

    fn seed(world: &World, colour: &str) -> Seed {
        let mut seed = Seed { name: "a".to_owned(), ..Seed::default() };
        let lamp = json!({ "colour": colour });
        fixtures::resource(&world.contract, &world.model, "/lamp", &lamp, &mut seed.state).unwrap();
        seed
    }

    fn engine(world: World) -> Engine {
        let first = seed(&world, "RED");
        let engine = Engine::new(world, testing::settings());
        engine.add_application(first, Timestamp::UNIX_EPOCH).unwrap();
        engine
    }

    fn put(colour: &str) -> Request {
        let request = http::Request::put("/lamp").header("content-type", "application/json");
        request.body(json!({ "colour": colour }).to_string().into()).unwrap()
    }

    fn send(engine: &Engine, request: &Request) -> (u16, Value) {
        let reply = engine.handle(request.clone(), None, Timestamp::UNIX_EPOCH, || Duration::ZERO);
        (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap())
    }

    #[test]
    fn a_state_of_another_contract_is_refitted_before_a_request_sees_it() {
        let get: Request = http::Request::get("/lamp").body(bytes::Bytes::new()).unwrap();
        let engine = engine(world(&["RED", "GREEN"]));
        let application = engine.store.all().remove(0);
        assert_eq!(send(&engine, &put("GREEN")), (200, json!({ "colour": "GREEN" })));
        let snapshot = application.state();
        // As between the swap and the applications' turn.
        engine.world.store(Arc::new(world(&["BLUE", "RED"])));
        assert_eq!(send(&engine, &get), (200, json!({ "colour": "RED" })));
        assert_eq!(send(&engine, &put("BLUE")).0, 200);
        application.restore(snapshot);
        assert_eq!(send(&engine, &get), (200, json!({ "colour": "RED" })), "what comes back from earlier is refitted");
        let before = seed(&world(&["GREEN"]), "GREEN").state;
        application.restore(Arc::new(before));
        assert_eq!(send(&engine, &put("BLUE")), (200, json!({ "colour": "BLUE" })));
        application.restore(Arc::new(seed(&world(&["GREEN"]), "GREEN").state));
        assert_eq!(engine.resource(&application, "/lamp"), Some(json!({ "colour": "RED" })), "embedders look, too");
        application.restore(Arc::new(seed(&world(&["GREEN"]), "GREEN").state));
        let blue = json!({ "colour": "BLUE" });
        assert!(engine.change_resources(&application, &[("/lamp", Some(&blue))], |_| true).is_ok());
        assert_eq!(send(&engine, &get), (200, blue));
        assert_eq!(engine.report(None, false).counts.drift, 0);
    }

    #[test]
    fn a_request_of_the_world_before_neither_reads_nor_writes_a_refitted_state() {
        let engine = engine(world(&["RED", "GREEN"]));
        let earlier = engine.world();
        let now = world(&["RED", "BLUE"]);
        let seeds = vec![seed(&now, "BLUE")];
        assert!(engine.replace(now, seeds, Timestamp::UNIX_EPOCH).unwrap().is_empty());
        let request = put("GREEN");
        let moment = engine.store.moment(Timestamp::UNIX_EPOCH);
        let late = Handling { engine: &engine, world: &earlier, request: &request, moment }.answer_request();
        assert!(late.stale.is_some());
        assert_eq!(engine.resource(&engine.store.all()[0], "/lamp").unwrap(), json!({ "colour": "BLUE" }));
        assert_eq!(send(&engine, &request).0, 400);
    }

    #[test]
    fn what_was_touched_before_counts_where_the_contract_still_has_it() {
        let engine = engine(world(&["RED", "GREEN"]));
        let earlier = engine.world();
        let touched = || {
            let coverage = engine.coverage(None);
            let calls = coverage.operations.iter().map(|operation| operation.calls).collect::<Vec<_>>();
            (calls, coverage.counts(CoverageScope::Everything))
        };
        assert_eq!(send(&engine, &put("GREEN")).0, 200);
        let (calls, (points, all)) = touched();
        assert_eq!(calls, [0, 1]);
        // One colour fewer, which is a point of the request and one of each answer.
        engine.replace(world(&["RED"]), Vec::new(), Timestamp::UNIX_EPOCH).unwrap();
        let (calls, now) = touched();
        assert_eq!((calls, now), (vec![0, 1], (points - 2, all - 3)), "GREEN was sent and received");
        engine.replace(world(&["RED", "GREEN"]), Vec::new(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(touched().1, (points, all), "it is not forgotten");
        let get: Request = http::Request::get("/lamp").body(bytes::Bytes::new()).unwrap();
        let moment = engine.store.moment(Timestamp::UNIX_EPOCH);
        let late = Handling { engine: &engine, world: &earlier, request: &get, moment };
        let mut outcome = late.answer_request();
        let admission = engine.admit(&outcome);
        late.finish(&mut outcome, admission.id);
        engine.record(&earlier, get.clone(), outcome, moment, (admission, Duration::ZERO), None);
        assert_eq!(touched().0, [1, 1], "a request of the world before counts");
        let application = engine.store.all().remove(0);
        assert_eq!(engine.coverage(Some(&application)).operations[0].calls, 1);
        assert!(engine.remove_application(application.client_id()));
        assert_eq!(touched().0, [1, 1], "so do those of an application that is gone");
    }
}
