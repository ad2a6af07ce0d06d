//! The server itself: the control plane's document, the contract that is served, and the end.

use super::dispatch::failure;
use super::{Call, DOCUMENT, Failure, json_reply};
use crate::diagnostic::code;
use crate::message::Reply;
use crate::source::SourceFile;
use http::StatusCode;
use serde_json::{Value, json};

impl Call<'_> {
    pub(super) fn openapi(&self) -> Result<Reply, Failure> {
        let parsed = SourceFile::new("openapi/admin.yaml", DOCUMENT).parse();
        let parsed =
            parsed.map_err(|error| failure(StatusCode::INTERNAL_SERVER_ERROR, code::CONTRACT_SYNTAX, error.message))?;
        Ok(json_reply(StatusCode::OK, &parsed.value))
    }

    pub(super) fn contract(&self) -> Reply {
        let world = self.engine.world();
        let contract = &world.contract;
        let operations: Vec<Value> = contract
            .operations()
            .iter()
            .map(|operation| json!({ "operation_id": operation.operation_id, "method": operation.method.as_str(), "path": operation.template }))
            .collect();
        json_reply(
            StatusCode::OK,
            &json!({ "title": contract.title(), "version": contract.version(), "edition": self.plane.edition, "operations": operations }),
        )
    }

    pub(super) fn shutdown(&self) -> Reply {
        self.plane.shutdown.send_replace(true);
        let mut reply = Reply::default();
        *reply.status_mut() = StatusCode::ACCEPTED;
        reply
    }
}
