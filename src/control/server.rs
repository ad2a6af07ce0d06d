//! The server itself: the control plane's document, and the end of the server.

use super::{Call, Failure, json_reply};
use crate::message::Reply;
use http::StatusCode;
use serde_json::Value;

impl Call<'_> {
    pub(super) fn openapi(&self) -> Result<Reply, Failure> {
        Ok(json_reply(StatusCode::OK, self.plane.contract()?.document_value("").unwrap_or(&Value::Null)))
    }

    pub(super) fn shutdown(&self) -> Reply {
        self.plane.shutdown.send_replace(true);
        let mut reply = Reply::default();
        *reply.status_mut() = StatusCode::ACCEPTED;
        reply
    }
}
