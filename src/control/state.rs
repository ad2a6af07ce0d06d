//! What an application holds, and the way back to what it started from.

use super::dispatch::{failure, no_content};
use super::{Call, Failure, json_reply};
use crate::diagnostic::code;
use crate::message::Reply;
use http::StatusCode;
use serde_json::{Map, Value, json};

impl Call<'_> {
    pub(super) fn get_state(&self) -> Result<Reply, Failure> {
        let application = self.named_application()?.or_else(|| self.engine.store.first());
        let Some(application) = application else {
            return Err(failure(StatusCode::NOT_FOUND, code::APPLICATION_UNKNOWN, "there are no applications"));
        };
        self.engine.refit(&application);
        let world = self.engine.world();
        let state = application.state();
        let mut places: Vec<(&str, Map<String, Value>)> = Vec::new();
        let role = |path: &str| world.model.role_at(&world.contract, path);
        for (path, found) in state.resources() {
            places.push((path, entry(path, role(path), "value", Value::clone(&found.value))));
        }
        for (path, items) in state.collections().filter(|(path, _)| role(path) == Some("collection")) {
            places.push((path, entry(path, Some("collection"), "items", json!(items.iter().collect::<Vec<_>>()))));
        }
        for path in state.gone() {
            places.push((path, entry(path, role(path), "deleted", Value::Bool(true))));
        }
        places.sort_by_key(|(path, _)| *path);
        let resources: Vec<Map<String, Value>> = places.into_iter().map(|(_, entry)| entry).collect();
        Ok(json_reply(
            StatusCode::OK,
            &json!({ "application": application.name(), "client_id": application.client_id(), "resources": resources }),
        ))
    }

    pub(super) fn reset(&self) -> Result<Reply, Failure> {
        match self.named_application()? {
            Some(application) => application.reset(),
            None => self.engine.store.all().iter().for_each(|application| application.reset()),
        }
        Ok(no_content())
    }
}

fn entry(path: &str, role: Option<&str>, name: &str, value: Value) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("path".to_owned(), json!(path));
    entry.insert("role".to_owned(), json!(role));
    entry.insert(name.to_owned(), value);
    entry
}
