//! One function for each operation of the control plane.

use super::{Call, DOCUMENT, Failure, json_reply};
use crate::diagnostic::{Code, Diagnostic, Part, Place, code};
use crate::fixtures;
use crate::message::Reply;
use crate::source::{SourceFile, pointer};
use crate::store::{Application, Credential, Refused, Seed, State};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Call<'_> {
    pub(super) fn dispatch(&self, operation: &str) -> Result<Reply, Failure> {
        match operation {
            "getOpenapi" => self.openapi(),
            "explainExchange" => self.explain_exchange(),
            "listExchanges" => Ok(self.list_exchanges()),
            "streamEvents" => Ok(self.events()),
            "clearExchanges" => Ok(self.clear_exchanges()),
            "getExchange" => self.exchange().map(|exchange| json_reply(StatusCode::OK, &exchange.to_json())),
            "getVerdict" => Ok(json_reply(StatusCode::OK, &self.engine.report(None, false).to_json())),
            "listApplications" => Ok(self.list_applications()),
            "createApplication" => self.create_application(),
            "getApplication" => {
                self.application().map(|application| json_reply(StatusCode::OK, &application_json(&application)))
            }
            "deleteApplication" => self.delete_application(),
            "reset" => self.reset(),
            "getContract" => Ok(self.contract()),
            "getContractSource" => self.contract_source(),
            "listContractFindings" => Ok(self.contract_findings()),
            "listReplaceableResources" => Ok(self.replaceable_resources()),
            "shutdown" => Ok(self.shutdown()),
            _ => Err(failure(StatusCode::NOT_FOUND, code::UNKNOWN_PATH, "the control plane has no such resource")),
        }
    }

    pub(super) fn text<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
        map.get(name).and_then(Value::as_str)
    }

    fn openapi(&self) -> Result<Reply, Failure> {
        let parsed = SourceFile::new("openapi/admin.yaml", DOCUMENT).parse();
        let parsed =
            parsed.map_err(|error| failure(StatusCode::INTERNAL_SERVER_ERROR, code::CONTRACT_SYNTAX, error.message))?;
        Ok(json_reply(StatusCode::OK, &parsed.value))
    }

    fn exchange(&self) -> Result<Arc<crate::evidence::Exchange>, Failure> {
        let id = self.decoded.path.get("id").and_then(Value::as_u64).unwrap_or_default();
        let found = self.engine.evidence.get(id);
        found.ok_or_else(|| {
            failure(
                StatusCode::NOT_FOUND,
                code::UNKNOWN_PATH,
                format!("the journal has no exchange {id}; it may have been dropped or cleared"),
            )
        })
    }

    fn explain_exchange(&self) -> Result<Reply, Failure> {
        let mut reply = Reply::new(Bytes::from(self.exchange()?.render(false)));
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Ok(reply)
    }

    fn clear_exchanges(&self) -> Reply {
        self.engine.evidence.clear(None);
        no_content()
    }

    fn list_applications(&self) -> Reply {
        let applications: Vec<Value> =
            self.engine.store.all().iter().map(|application| application_json(application)).collect();
        json_reply(StatusCode::OK, &json!({ "applications": applications }))
    }

    fn application(&self) -> Result<Arc<Application>, Failure> {
        let client_id = Self::text(&self.decoded.path, "client_id").unwrap_or_default();
        self.engine.store.by_client_id(client_id).ok_or_else(|| unknown_application(client_id))
    }

    fn create_application(&self) -> Result<Reply, Failure> {
        let empty = Map::new();
        let body = self.decoded.body.as_ref().and_then(Value::as_object).unwrap_or(&empty);
        let pattern = match Self::text(body, "like") {
            Some(like) => Some(self.engine.store.by_name_or_id(like).ok_or_else(|| {
                let message = format!("there is no application `{like}` to copy");
                Failure {
                    status: StatusCode::BAD_REQUEST,
                    diagnostics: vec![Diagnostic::new(code::SCHEMA_OTHER, message).at(Part::Body, "/like")],
                }
            })?),
            None => self.engine.store.first(),
        };
        let mut seed = Seed { name: Self::text(body, "name").unwrap_or_default().to_owned(), ..Seed::default() };
        if let Some(pattern) = pattern {
            let scopes = pattern.credentials().first().map(|credential| credential.scopes.clone()).unwrap_or_default();
            seed.credentials.push(Credential { scopes, ..Credential::default() });
            seed.state = State::clone(&pattern.seed());
        }
        self.resources(body, &mut seed)?;
        let application = self.engine.add_application(seed, self.now).map_err(|refused| match refused {
            Refused::NameTaken => {
                failure(StatusCode::CONFLICT, code::FIXTURE_DUPLICATE, "an application of this name exists")
            }
            Refused::ClientIdTaken => {
                failure(StatusCode::CONFLICT, code::FIXTURE_DUPLICATE, "an application with this client id exists")
            }
            Refused::TooMany => failure(
                StatusCode::TOO_MANY_REQUESTS,
                code::FIXTURE_DUPLICATE,
                "there are as many applications as the limit allows",
            ),
        })?;
        let mut reply = json_reply(StatusCode::CREATED, &application_json(&application));
        if let Ok(location) = HeaderValue::from_str(&format!("/_mock/api/applications/{}", application.client_id())) {
            reply.headers_mut().insert(LOCATION, location);
        }
        Ok(reply)
    }

    /// The resources that the body gives instead of those copied.
    fn resources(&self, body: &Map<String, Value>, seed: &mut Seed) -> Result<(), Failure> {
        let mut diagnostics = Vec::new();
        let world = self.engine.world();
        for (path, value) in body.get("resources").and_then(Value::as_object).into_iter().flatten() {
            let at = pointer::join("/resources", path);
            match fixtures::resource(&world.contract, &world.model, path, value, &mut seed.state) {
                Ok(()) => {}
                Err(violations) => diagnostics.extend(violations.into_iter().map(|violation| {
                    let inner = match &violation.place {
                        Some(Place::Message { pointer, .. }) => pointer.clone(),
                        _ => String::new(),
                    };
                    violation.at(Part::Body, format!("{at}{inner}"))
                })),
            }
        }
        if diagnostics.is_empty() { Ok(()) } else { Err(Failure { status: StatusCode::BAD_REQUEST, diagnostics }) }
    }

    fn delete_application(&self) -> Result<Reply, Failure> {
        let client_id = Self::text(&self.decoded.path, "client_id").unwrap_or_default();
        if self.engine.remove_application(client_id) { Ok(no_content()) } else { Err(unknown_application(client_id)) }
    }

    fn reset(&self) -> Result<Reply, Failure> {
        match Self::text(&self.decoded.query, "application") {
            Some(name) => self.engine.store.by_name_or_id(name).ok_or_else(|| unknown_application(name))?.reset(),
            None => self.engine.store.all().iter().for_each(|application| application.reset()),
        }
        Ok(no_content())
    }

    fn shutdown(&self) -> Reply {
        self.plane.shutdown.send_replace(true);
        let mut reply = Reply::default();
        *reply.status_mut() = StatusCode::ACCEPTED;
        reply
    }
}

pub(super) fn failure(status: StatusCode, code: Code, message: impl Into<String>) -> Failure {
    Failure { status, diagnostics: vec![Diagnostic::new(code, message).at(Part::Request, "")] }
}

fn unknown_application(name: &str) -> Failure {
    failure(StatusCode::NOT_FOUND, code::UNKNOWN_PATH, format!("there is no application `{name}`"))
}

fn no_content() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// An application with its credentials in clear: it is what the dashboard of the real service shows.
fn application_json(application: &Application) -> Value {
    let resources: Map<String, Value> = application.look(|state| {
        state.resources().iter().map(|(path, found)| (path.clone(), Value::clone(&found.value))).collect()
    });
    let credential = application.credentials().first().cloned().unwrap_or_default();
    json!({
        "name": application.name(),
        "client_id": application.client_id(),
        "client_secret": credential.client_secret,
        "scopes": credential.scopes,
        "resources": resources,
        "created_time": application.created.to_string(),
    })
}
