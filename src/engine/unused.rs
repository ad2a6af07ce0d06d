//! What of fixtures and examples was used, and what never was.

use super::{Engine, Seen};
use crate::contract::Operation;
use crate::evidence::{Unused, UnusedExample};
use crate::store::{Application, State};
use http::StatusCode;
use std::collections::HashSet;
use std::sync::Arc;

impl Engine {
    /// Resources of fixtures that were never asked for. Whoever lists a collection asks for its items.
    pub(super) fn unused(&self, application: Option<&Application>) -> Vec<Unused> {
        let all = self.store.all();
        let applications = match application {
            Some(application) => vec![application],
            None => all.iter().map(Arc::as_ref).collect(),
        };
        applications
            .into_iter()
            .filter(|application| application.is_fixture())
            .flat_map(|it| self.unused_of(it))
            .collect()
    }

    fn unused_of(&self, application: &Application) -> Vec<Unused> {
        let seed = application.seed();
        let used = self.evidence.used(Some(application.arrival()));
        let listed =
            seed.collections().filter(|(path, _)| used.resources.contains(*path)).flat_map(|(_, items)| items.iter());
        let listed: HashSet<&str> = listed.collect();
        let unused =
            seed.resources().keys().filter(|path| !used.resources.contains(*path) && !listed.contains(path.as_str()));
        unused.map(|path| Unused { application: application.name().to_owned(), path: path.clone() }).collect()
    }

    /// Examples of good answers that were never sent.
    pub(super) fn unused_examples(&self, application: Option<&Application>) -> Vec<UnusedExample> {
        let world = self.world();
        let used = self.evidence.used(application.map(Application::arrival));
        let mut seen = HashSet::new();
        let mut unused = Vec::new();
        for operation in world.contract.operations() {
            for (status, media_type, example) in operation.good_examples() {
                // Several operations may share one by reference.
                if !used.examples.contains(&example.pointer) && seen.insert(example.pointer.as_str()) {
                    unused.push(UnusedExample {
                        operation: operation.names.name.clone(),
                        status,
                        media_type,
                        name: example.name.clone(),
                        place: world.contract.example_location(example),
                    });
                }
            }
        }
        unused
    }
}

/// The path of a fixture's resource and the pointer of an example that an exchange used.
pub(super) fn used<'s>(
    application: Option<&Application>,
    operation: Option<&'s Operation>,
    seen: &'s Seen<'_>,
    status: StatusCode,
) -> (Option<&'s str>, Option<&'s str>) {
    // Only what a fixture says is remembered, as clients can ask for any number of paths.
    let is_seeded = |path: &&str| {
        let holds = |seed: &State| seed.resource(path).is_some() || seed.collection(path).is_some();
        application.is_some_and(|application| application.look_at_seed(holds))
    };
    let resource = seen.used.as_deref().filter(is_seeded);
    let sent = operation.zip(seen.body.as_ref());
    let example = sent.and_then(|(operation, body)| operation.example_that_is(status.as_u16(), &body.value));
    (resource, example)
}
