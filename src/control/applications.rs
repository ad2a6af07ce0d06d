//! Applications: made, changed, exported and deleted, with their credentials and tokens.

use super::dispatch::{failure, failure_at, full, no_content, text, unknown_application};
use super::import::moved;
use super::{Call, Failure, json_reply, typed, yaml};
use crate::contract::segment;
use crate::diagnostic::{Part, code};
use crate::engine::{NotChanged, credential_json};
use crate::message::Reply;
use crate::message::media_type::{MediaType, accept_of, negotiate};
use crate::resources::{Comparison, names_etag};
use crate::source::pointer;
use crate::store::{Application, Refused};
use bytes::Bytes;
use http::StatusCode;
use http::header::{ETAG, HeaderValue, IF_MATCH, LOCATION};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Call<'_> {
    /// What a list shows of an application.
    fn summary(&self, application: &Application) -> Value {
        let counts = self.engine.evidence.counts(Some(application.arrival()));
        json!({
            "name": application.name(),
            "client_id": application.client_id(),
            "created_time": application.created.to_string(),
            "resources": application.look(|state| state.resources().len()),
            "requests": counts.exchanges,
            "violations": counts.violations + counts.drift,
        })
    }

    pub(super) fn list_applications(&self) -> Reply {
        let applications: Vec<Value> =
            self.engine.store.all().iter().map(|application| self.summary(application)).collect();
        json_reply(StatusCode::OK, &json!({ "applications": applications }))
    }

    /// The application of the path, by any of its client ids.
    fn application(&self) -> Result<Arc<Application>, Failure> {
        let client_id = self.in_path("client_id");
        let application = self.engine.store.by_client_id(client_id).ok_or_else(|| unknown_application(client_id))?;
        self.engine.refit(&application);
        Ok(application)
    }

    pub(super) fn get_application(&self) -> Result<Reply, Failure> {
        let application = self.application()?;
        Ok(shown(StatusCode::OK, &application))
    }

    pub(super) fn create_application(&self) -> Result<Reply, Failure> {
        let seed = self.seed(&self.body())?;
        let application = self.engine.add_application(seed, self.now).map_err(refusal)?;
        Ok(created(&application))
    }

    pub(super) fn change_application(&self) -> Result<Reply, Failure> {
        let application = self.application()?;
        let body = self.body();
        let resources = body.get("resources").and_then(Value::as_object);
        let changes: Vec<(&str, Option<&Value>)> = resources
            .into_iter()
            .flatten()
            .map(|(path, value)| (path.as_str(), Some(value).filter(|value| !value.is_null())))
            .collect();
        let meant = |version: u64| self.is_meant(&etag(&application, version));
        match self.engine.change_resources(&application, &changes, meant) {
            Ok(()) => Ok(shown(StatusCode::OK, &application)),
            Err(NotChanged::Stale) => Err(stale()),
            Err(NotChanged::Breaks(broken)) => {
                let diagnostics = broken
                    .into_iter()
                    .flat_map(|(path, violations)| moved(violations, pointer::join("/resources", &path)))
                    .collect();
                Err(Failure { status: StatusCode::BAD_REQUEST, diagnostics })
            }
            Err(NotChanged::Full) => Err(full()),
        }
    }

    /// Whether `If-Match` lets a request through (RFC 9110 §13.1.1); a weak tag never matches.
    fn is_meant(&self, etag: &str) -> bool {
        let headers = self.request.headers();
        !headers.contains_key(IF_MATCH) || names_etag(headers, IF_MATCH.as_str(), etag, Comparison::Strong)
    }

    pub(super) fn delete_application(&self) -> Result<Reply, Failure> {
        let application = self.application()?;
        if !self.is_meant(&etag(&application, application.version())) {
            return Err(stale());
        }
        let client_id = self.in_path("client_id");
        if self.engine.remove_application(client_id) { Ok(no_content()) } else { Err(unknown_application(client_id)) }
    }

    pub(super) fn add_credentials(&self) -> Result<Reply, Failure> {
        let application = self.application()?;
        let body = self.body();
        if body.is_empty() {
            let client_id = self.in_path("client_id");
            let rotated = self.engine.rotate_secret(&application, client_id);
            let rotated = rotated.ok_or_else(|| unknown_application(client_id))?;
            return Ok(json_reply(StatusCode::OK, &credential_json(&rotated)));
        }
        let scopes = body.get("scopes").and_then(Value::as_array);
        let scopes = scopes
            .map(|scopes| scopes.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect::<Vec<String>>());
        let client_id = text(&body, "client_id").map(ToOwned::to_owned);
        let added = self.engine.add_credential(&application, client_id, scopes).map_err(refusal)?;
        Ok(json_reply(StatusCode::CREATED, &credential_json(&added)))
    }

    pub(super) fn expire_tokens(&self) -> Result<Reply, Failure> {
        self.engine.authorization.forget(&self.application()?);
        Ok(no_content())
    }

    pub(super) fn export_application(&self) -> Result<Reply, Failure> {
        let application = self.application()?;
        let offers = [yaml::MEDIA_TYPE, "application/json"];
        let parsed: Vec<MediaType> = offers.iter().filter_map(|offer| MediaType::parse(offer)).collect();
        match negotiate(accept_of(self.request.headers()).as_deref(), parsed.iter()) {
            Some(0) => Ok(typed(yaml::MEDIA_TYPE, Bytes::from(self.engine.export_text(&application)))),
            Some(_) => Ok(json_reply(StatusCode::OK, &self.engine.export(&application).0)),
            None => {
                let message = format!("an application is exported as `{}`", offers.join("` or `"));
                Err(failure_at(StatusCode::NOT_ACCEPTABLE, code::NOT_ACCEPTABLE, message, Part::Header, "/accept"))
            }
        }
    }
}

/// The reply to what made an application.
pub(super) fn created(application: &Application) -> Reply {
    let mut reply = shown(StatusCode::CREATED, application);
    let location = format!("/_mock/api/applications/{}", segment(application.client_id()));
    if let Ok(location) = HeaderValue::from_str(&location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

pub(super) fn refusal(refused: Refused) -> Failure {
    let (status, code, message) = match refused {
        Refused::NameTaken => (StatusCode::CONFLICT, code::NAME_TAKEN, "an application of this name exists"),
        Refused::ClientIdTaken => (StatusCode::CONFLICT, code::NAME_TAKEN, "a credential with this client id exists"),
        Refused::TooMany => {
            (StatusCode::TOO_MANY_REQUESTS, code::TOO_MANY, "there are as many of them as the limit allows")
        }
    };
    failure(status, code, message)
}

fn stale() -> Failure {
    let message = "`If-Match` names another version of the application than the present one";
    failure_at(StatusCode::PRECONDITION_FAILED, code::PRECONDITION_FAILED, message, Part::Header, "/if-match")
}

/// A strong entity tag. The time of creation tells applications apart that have one client id, one after the other.
fn etag(application: &Application, version: u64) -> String {
    format!("\"{:x}-{version:x}\"", application.created.as_microsecond())
}

fn shown(status: StatusCode, application: &Application) -> Reply {
    // Read before what it stands for: a write in between makes the tag old, never the representation.
    let etag = etag(application, application.version());
    let mut reply = json_reply(status, &whole(application));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        reply.headers_mut().insert(ETAG, etag);
    }
    reply
}

/// An application with its credentials in clear: it is what the dashboard of the real service shows.
fn whole(application: &Application) -> Value {
    let resources: Map<String, Value> = application.look(|state| {
        state.resources().iter().map(|(path, found)| (path.clone(), Value::clone(&found.value))).collect()
    });
    let credentials = application.credentials();
    let first = credentials.first().cloned().unwrap_or_default();
    json!({
        "name": application.name(),
        "client_id": application.client_id(),
        "client_secret": first.client_secret,
        "scopes": first.scopes,
        "credentials": credentials.iter().map(credential_json).collect::<Vec<_>>(),
        "resources": resources,
        "created_time": application.created.to_string(),
    })
}
