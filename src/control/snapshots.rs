//! Snapshots: taken, compared, returned to, and started from.

use super::applications::{created, refusal};
use super::dispatch::{failure, failure_at, no_content, text, unknown_application};
use super::{Call, Failure, json_reply};
use crate::diagnostic::{Part, code};
use crate::message::Reply;
use crate::store::{Full, Snapshot, Taken};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A snapshot with its id and name.
type Kept = (u64, Option<String>, Arc<Snapshot>);

impl Call<'_> {
    pub(super) fn list_snapshots(&self) -> Reply {
        let snapshots: Vec<Value> =
            self.engine.store.snapshots.all().iter().map(|kept| Value::Object(summary(kept))).collect();
        json_reply(StatusCode::OK, &json!({ "snapshots": snapshots }))
    }

    pub(super) fn create_snapshot(&self) -> Result<Reply, Failure> {
        let body = self.body();
        let store = &self.engine.store;
        let application = match text(&body, "application") {
            Some(name) => Some(store.by_name_or_id(name).ok_or_else(|| {
                let message = format!("there is no application `{name}`");
                failure_at(StatusCode::BAD_REQUEST, code::APPLICATION_UNKNOWN, message, Part::Body, "/application")
            })?),
            None => None,
        };
        let name = text(&body, "name").map(ToOwned::to_owned);
        let now = self.moment().of(application.as_deref());
        let snapshot = Arc::new(Snapshot::take(store, application.as_deref(), now));
        let limits = &self.engine.settings.limits;
        let id = store
            .snapshots
            .keep(name.clone(), Arc::clone(&snapshot), limits.snapshots_max, limits.snapshots_bytes_max)
            .map_err(not_kept)?;
        let mut reply = json_reply(StatusCode::CREATED, &Value::Object(summary(&(id, name, snapshot))));
        if let Ok(location) = HeaderValue::from_str(&format!("/_mock/api/snapshots/{id}")) {
            reply.headers_mut().insert(LOCATION, location);
        }
        Ok(reply)
    }

    fn snapshot(&self, text: &str) -> Result<Kept, Failure> {
        self.engine.store.snapshots.get(text).ok_or_else(|| unknown_snapshot(text))
    }

    /// The part of the snapshot that `?application=` names; an application may be gone and still be in it.
    fn part<'s>(&self, snapshot: &'s Snapshot) -> Result<Option<&'s Taken>, Failure> {
        let Some(name) = self.in_query("application") else { return Ok(None) };
        let found = snapshot.of(name).or_else(|| snapshot.of_arrival(self.engine.store.by_name_or_id(name)?.arrival()));
        found.map(Some).ok_or_else(|| {
            let message = format!("the snapshot has no application `{name}`");
            failure_at(StatusCode::NOT_FOUND, code::APPLICATION_UNKNOWN, message, Part::Query, "/application")
        })
    }

    pub(super) fn get_snapshot(&self) -> Result<Reply, Failure> {
        let kept = self.snapshot(self.in_path("id"))?;
        let mut shown = summary(&kept);
        let applications: Vec<Value> = kept.2.taken.iter().map(whole).collect();
        shown.insert("applications".to_owned(), Value::Array(applications));
        Ok(json_reply(StatusCode::OK, &Value::Object(shown)))
    }

    pub(super) fn delete_snapshot(&self) -> Result<Reply, Failure> {
        let id = self.in_path("id");
        if self.engine.store.snapshots.remove(id) { Ok(no_content()) } else { Err(unknown_snapshot(id)) }
    }

    pub(super) fn restore_snapshot(&self) -> Result<Reply, Failure> {
        let (_, _, snapshot) = self.snapshot(self.in_path("id"))?;
        let only = self.part(&snapshot)?;
        let restored = snapshot.restore(&self.engine.store, only);
        if only.is_some() && restored.restored.is_empty() {
            return Err(unknown_application(self.in_query("application").unwrap_or_default()));
        }
        Ok(json_reply(StatusCode::OK, &json!({ "restored": restored.restored, "missing": restored.missing })))
    }

    pub(super) fn fork_snapshot(&self) -> Result<Reply, Failure> {
        let (_, _, snapshot) = self.snapshot(self.in_path("id"))?;
        let part = match (self.part(&snapshot)?, snapshot.taken.as_slice()) {
            (Some(part), _) => part,
            (None, [only]) => only,
            (None, _) => {
                let message = "the snapshot is of several applications; `application` says which one is to be forked";
                let status = StatusCode::BAD_REQUEST;
                return Err(failure_at(status, code::PARAMETER_MISSING, message, Part::Query, "/application"));
            }
        };
        let name = text(&self.body(), "name").map(ToOwned::to_owned);
        let application = self.engine.fork(part, name, self.now).map_err(refusal)?;
        Ok(created(&application))
    }

    pub(super) fn compare_snapshot(&self) -> Result<Reply, Failure> {
        let (_, _, snapshot) = self.snapshot(self.in_path("id"))?;
        let against = match self.in_query("against") {
            Some(id) => self.snapshot(id)?.2,
            None => Arc::new(Snapshot::take(&self.engine.store, None, self.moment().now())),
        };
        let only = match self.in_query("application") {
            // Either side may be the only one that knows it.
            Some(name) => match snapshot.of(name).or_else(|| against.of(name)) {
                Some(taken) => Some(taken.arrival),
                None => Some(self.named_application()?.map(|found| found.arrival()).unwrap_or_default()),
            },
            None => None,
        };
        let differences: Vec<Value> = snapshot
            .changed(&against, only)
            .into_iter()
            .map(|changed| {
                let mut shown = Map::new();
                shown.insert("application".to_owned(), json!(changed.application));
                shown.extend(changed.difference.to_json(Value::clone));
                Value::Object(shown)
            })
            .collect();
        Ok(json_reply(StatusCode::OK, &json!({ "differences": differences })))
    }
}

fn summary((id, name, snapshot): &Kept) -> Map<String, Value> {
    let applications: Vec<Value> = snapshot
        .taken
        .iter()
        .map(|taken| {
            json!({ "name": taken.name, "client_id": taken.client_id, "resources": taken.state.resources().len() })
        })
        .collect();
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(id));
    shown.insert("name".to_owned(), json!(name));
    shown.insert("created_time".to_owned(), json!(snapshot.created.to_string()));
    shown.insert("applications".to_owned(), Value::Array(applications));
    shown
}

fn whole(taken: &Taken) -> Value {
    let resources = taken.state.resources().iter();
    let resources: Map<String, Value> =
        resources.map(|(path, found)| (path.clone(), Value::clone(&found.value))).collect();
    json!({ "name": taken.name, "client_id": taken.client_id, "resources": resources })
}

fn unknown_snapshot(id: &str) -> Failure {
    failure(StatusCode::NOT_FOUND, code::NO_SUCH_ENTRY, format!("there is no snapshot `{id}`"))
}

fn not_kept(full: Full) -> Failure {
    let (status, code, message) = match full {
        Full::Snapshots => {
            (StatusCode::TOO_MANY_REQUESTS, code::TOO_MANY, "there are as many snapshots as the limit allows")
        }
        Full::Bytes => {
            (StatusCode::INSUFFICIENT_STORAGE, code::STATE_FULL, "the snapshots hold as many bytes as the limit allows")
        }
        Full::NameTaken => (StatusCode::CONFLICT, code::NAME_TAKEN, "a snapshot of this name exists"),
    };
    failure(status, code, message)
}
