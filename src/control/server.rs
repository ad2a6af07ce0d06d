//! The server itself: the control plane's document, and the end of the server.

use super::dispatch::failure;
use super::{Call, DOCUMENT, Failure, json_reply};
use crate::diagnostic::code;
use crate::message::Reply;
use crate::source::SourceFile;
use http::StatusCode;

impl Call<'_> {
    pub(super) fn openapi(&self) -> Result<Reply, Failure> {
        let parsed = SourceFile::new("openapi/admin.yaml", DOCUMENT).parse();
        let parsed =
            parsed.map_err(|error| failure(StatusCode::INTERNAL_SERVER_ERROR, code::CONTRACT_SYNTAX, error.message))?;
        Ok(json_reply(StatusCode::OK, &parsed.value))
    }

    pub(super) fn shutdown(&self) -> Reply {
        self.plane.shutdown.send_replace(true);
        let mut reply = Reply::default();
        *reply.status_mut() = StatusCode::ACCEPTED;
        reply
    }
}
