//! What the control plane and embedders do to applications: made like others, changed, given new secrets, exported.

use super::Engine;
use crate::diagnostic::Diagnostic;
use crate::fixtures;
use crate::resources::Exported;
use crate::store::{Application, Bounds, Credential, NotWritten, Refused, Seed, State, Taken};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// Why resources were not changed; all are as they were.
#[derive(Debug)]
pub(crate) enum NotChanged {
    /// The application has another version than the one that was meant.
    Stale,
    /// Paths, each with what is wrong with its new representation.
    Breaks(Vec<(String, Vec<Diagnostic>)>),
    /// The application would hold more than it may.
    Full,
}

impl Engine {
    /// Bounds on what one application holds.
    pub(crate) fn bounds(&self) -> Bounds {
        let limits = &self.settings.limits;
        Bounds { entries_max: limits.state_entries_max, bytes_max: limits.state_bytes_max }
    }

    /// What an application like another one starts from: the scopes, and the state of a fixture as it was loaded, or
    /// of an application as it is now. Without a name, the fixture that came first. `None` if nothing has the name.
    pub(crate) fn seed_like(&self, like: Option<&str>) -> Option<Seed> {
        let pattern = match like {
            Some(like) => Some(self.store.pattern(like)?),
            None => self.store.first().map(|first| {
                let seed = first.seed();
                (first, seed)
            }),
        };
        let mut seed = Seed::default();
        if let Some((application, state)) = pattern {
            seed.credentials.push(made_up(scopes_of(&application)));
            seed.state = State::clone(&state);
        }
        Some(seed)
    }

    /// Puts checked representations in the place of resources, or removes them: all of it at once, or nothing.
    /// `meant` says whether the version is the one that the change is meant for.
    pub(crate) fn change_resources(
        &self,
        application: &Application,
        changes: &[(&str, Option<&Value>)],
        meant: impl Fn(u64) -> bool,
    ) -> Result<(), NotChanged> {
        // A state meets another contract only while that is replaced, and once then.
        const TRIES_MAX: usize = 100;
        for _ in 0..TRIES_MAX {
            self.refit(application);
            if let Some(changed) = self.try_change(application, changes, &meant) {
                return changed;
            }
        }
        Err(NotChanged::Stale)
    }

    /// Changes resources; nothing if the state was checked against another contract than the one that is served.
    fn try_change(
        &self,
        application: &Application,
        changes: &[(&str, Option<&Value>)],
        meant: impl Fn(u64) -> bool,
    ) -> Option<Result<(), NotChanged>> {
        let world = self.world();
        let mut checked = Vec::new();
        let mut broken = Vec::new();
        for (path, value) in changes {
            match fixtures::checked(&world.contract, path, *value) {
                Ok((template, captures)) => {
                    checked.push((template, captures, value.map(|value| world.contract.answerable(template, value))));
                }
                Err(violations) => broken.push(((*path).to_owned(), violations)),
            }
        }
        if !broken.is_empty() {
            return Some(Err(NotChanged::Breaks(broken)));
        }
        // What is removed takes with it what lies below, except for what is given a representation here.
        checked.sort_by_key(|(_, _, value)| value.is_some());
        let written = application.write(self.bounds(), |state| {
            if !state.is_certified(world.model.stamp()) {
                return Err(None);
            }
            if !meant(application.version()) {
                return Err(Some(NotChanged::Stale));
            }
            // Each change is made from what the ones before lead to, so of several all but the last are tried on a copy.
            let mut next = Cow::Borrowed(state);
            let mut steps = Vec::new();
            for (index, (template, captures, value)) in checked.iter().enumerate() {
                let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
                let made = match value {
                    Some(value) => world.model.set(template, &captures, value, &next),
                    None => world.model.remove(template, &captures, &next),
                };
                if index + 1 < checked.len() {
                    next.to_mut().apply(made.clone());
                }
                steps.extend(made);
            }
            Ok((steps, ()))
        });
        match written {
            Ok(_) => Some(Ok(())),
            Err(NotWritten::Refused(reason)) => reason.map(Err),
            Err(NotWritten::Full) => Some(Err(NotChanged::Full)),
        }
    }

    /// A new application that starts from what another one had, with the scopes that it has now.
    pub(crate) fn fork(
        &self,
        taken: &Taken,
        name: Option<String>,
        real: Timestamp,
    ) -> Result<Arc<Application>, Refused> {
        let scopes = self.store.by_arrival(taken.arrival).map(|application| scopes_of(&application));
        let seed = Seed {
            name: name.unwrap_or_default(),
            // Of an application that is gone nothing is known but its state: every scope of the contract.
            credentials: scopes.map(made_up).into_iter().collect(),
            state: State::clone(&taken.state),
            ..Seed::default()
        };
        self.add_application(seed, real)
    }

    /// What an application has at a path of the contract.
    pub(crate) fn resource(&self, application: &Application, path: &str) -> Option<Value> {
        self.refit(application);
        let world = self.world();
        application.look(|state| world.model.shown(&world.contract, state, path))
    }

    /// Gives one of an application's credentials a new secret; `None` if it has none with this client id. Tokens
    /// stay good.
    pub(crate) fn rotate_secret(&self, application: &Arc<Application>, client_id: &str) -> Option<Credential> {
        let secret = self.new_uuid();
        let rotated = self.store.set_credentials(application, |credentials| {
            let rotated = credentials.iter_mut().find(|credential| credential.client_id == client_id);
            Ok(rotated.map(|credential| {
                credential.client_secret = secret;
                credential.clone()
            }))
        });
        rotated.ok().flatten()
    }

    /// Gives an application one more credential; what is not said is made up, or taken from the first one.
    pub(crate) fn add_credential(
        &self,
        application: &Arc<Application>,
        client_id: Option<String>,
        scopes: Option<Vec<String>>,
    ) -> Result<Credential, Refused> {
        let added = Credential {
            client_id: client_id.unwrap_or_else(|| self.new_uuid()),
            client_secret: self.new_uuid(),
            scopes: scopes.unwrap_or_else(|| scopes_of(application)),
        };
        let max = self.settings.limits.credentials_max;
        self.store.set_credentials(application, |credentials| {
            if credentials.len() >= max {
                return Err(Refused::TooMany);
            }
            if credentials.iter().any(|known| known.client_id == added.client_id) {
                return Err(Refused::ClientIdTaken);
            }
            credentials.push(added.clone());
            Ok(added)
        })
    }

    /// An application as a fixture file, with the paths of what such a file cannot say.
    pub(crate) fn export(&self, application: &Application) -> (Value, Vec<String>) {
        self.refit(application);
        let world = self.world();
        let Exported { resources, deleted, left_out } = world.model.exported(&world.contract, &application.state());
        let mut credentials: Vec<Value> = application.credentials().iter().map(credential_json).collect();
        let credentials = match credentials.len() {
            1 => credentials.pop().unwrap_or_default(),
            _ => Value::Array(credentials),
        };
        let mut file = Map::new();
        file.insert("credentials".to_owned(), credentials);
        file.insert("resources".to_owned(), Value::Object(resources));
        if !deleted.is_empty() {
            file.insert("deleted".to_owned(), json!(deleted));
        }
        let state = world.model.overrides().beyond(&world.contract);
        if !state.is_empty() {
            file.insert("state".to_owned(), Value::Object(state));
        }
        (Value::Object(file), left_out)
    }

    /// The file of an export, as text.
    pub(crate) fn export_text(&self, application: &Application) -> String {
        let (file, left_out) = self.export(application);
        let text = crate::source::yaml_text::write(&file);
        let note = |path: &String| format!("# Left out, for no GET reads it: {path}\n");
        left_out.iter().map(note).chain([text]).collect()
    }
}

/// A credential in clear, as fixture files have it.
pub(crate) fn credential_json(credential: &Credential) -> Value {
    json!({
        "client_id": credential.client_id,
        "client_secret": credential.client_secret,
        "scopes": credential.scopes,
    })
}

fn scopes_of(application: &Application) -> Vec<String> {
    application.credentials().first().map(|credential| credential.scopes.clone()).unwrap_or_default()
}

fn made_up(scopes: Vec<String>) -> Credential {
    Credential { scopes, ..Credential::default() }
}
