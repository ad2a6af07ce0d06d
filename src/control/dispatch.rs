//! Which function answers which operation, and what those functions share.

use super::{Call, Failure, json_reply};
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::Reply;
use crate::store::{Application, Moment};
use http::StatusCode;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Call<'_> {
    pub(super) fn dispatch(&self, operation: &str) -> Result<Reply, Failure> {
        match operation {
            "getOpenapi" => self.openapi(),
            "getContract" => Ok(self.contract()),
            "getContractSource" => self.contract_source(),
            "listContractFindings" => Ok(self.contract_findings()),
            "listReplaceableResources" => Ok(self.replaceable_resources()),
            "checkResource" => Ok(self.check_resource()),
            "shutdown" => Ok(self.shutdown()),
            "explainExchange" => self.explain_exchange(),
            "listExchanges" => Ok(self.list_exchanges()),
            "streamEvents" => Ok(self.events()),
            "importExchanges" => self.import_exchanges(),
            "clearExchanges" => Ok(self.clear_exchanges()),
            "getExchange" => self.get_exchange(),
            "getVerdict" => Ok(json_reply(StatusCode::OK, &self.engine.report(None, false).to_json())),
            "getReport" => self.get_report(),
            "getCoverage" => self.get_coverage(),
            "getExchangesHar" => Ok(self.get_har()),
            "getExpectations" => Ok(self.get_expectations()),
            "putExpectations" => self.put_expectations(),
            "listApplications" => Ok(self.list_applications()),
            "createApplication" => self.create_application(),
            "getApplication" => self.get_application(),
            "changeApplication" => self.change_application(),
            "deleteApplication" => self.delete_application(),
            "addCredentials" => self.add_credentials(),
            "expireTokens" => self.expire_tokens(),
            "exportApplication" => self.export_application(),
            "getState" => self.get_state(),
            "reset" => self.reset(),
            "listSnapshots" => Ok(self.list_snapshots()),
            "createSnapshot" => self.create_snapshot(),
            "getSnapshot" => self.get_snapshot(),
            "deleteSnapshot" => self.delete_snapshot(),
            "restoreSnapshot" => self.restore_snapshot(),
            "forkSnapshot" => self.fork_snapshot(),
            "compareSnapshot" => self.compare_snapshot(),
            "getClock" => self.get_clock(),
            "setClock" => self.set_clock(),
            "releaseClock" => self.release_clock(),
            "advanceClock" => self.advance_clock(),
            _ => Err(failure(StatusCode::NOT_FOUND, code::UNKNOWN_PATH, "the control plane has no such resource")),
        }
    }

    /// A parameter of the path, as text.
    pub(super) fn in_path(&self, name: &str) -> &str {
        self.decoded.path.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A parameter of the query, as text.
    pub(super) fn in_query(&self, name: &str) -> Option<&str> {
        text(&self.decoded.query, name)
    }

    /// The members of the body; none without a body.
    pub(super) fn body(&self) -> Map<String, Value> {
        self.decoded.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The application that `?application=` names, if there is one in the query.
    pub(super) fn named_application(&self) -> Result<Option<Arc<Application>>, Failure> {
        let Some(name) = self.in_query("application") else { return Ok(None) };
        self.engine.store.by_name_or_id(name).map(Some).ok_or_else(|| unknown_application(name))
    }

    pub(super) fn moment(&self) -> Moment {
        self.engine.store.moment(self.now)
    }
}

pub(super) fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

pub(super) fn failure(status: StatusCode, code: Code, message: impl Into<String>) -> Failure {
    failure_at(status, code, message, Part::Request, "")
}

pub(super) fn failure_at(
    status: StatusCode,
    code: Code,
    message: impl Into<String>,
    part: Part,
    pointer: &str,
) -> Failure {
    Failure { status, diagnostics: vec![Diagnostic::new(code, message).at(part, pointer)] }
}

pub(super) fn unknown_application(name: &str) -> Failure {
    failure(StatusCode::NOT_FOUND, code::APPLICATION_UNKNOWN, format!("there is no application `{name}`"))
}

pub(super) fn no_content() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

/// The bound on what one application holds.
pub(super) fn full() -> Failure {
    let message = "the application would hold more resources, or more bytes, than the limit allows";
    failure(StatusCode::INSUFFICIENT_STORAGE, code::STATE_FULL, message)
}
