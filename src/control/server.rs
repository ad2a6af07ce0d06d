//! The server itself: the control plane's document, and the end of the server.

use super::{Call, Failure, json_reply};
use crate::message::Reply;
use http::StatusCode;

impl Call<'_> {
    pub(super) fn openapi(&self) -> Result<Reply, Failure> {
        Ok(json_reply(StatusCode::OK, self.plane.contract()?.whole_document()))
    }

    pub(super) fn shutdown(&self) -> Reply {
        self.plane.shutdown.send_replace(true);
        let mut reply = Reply::default();
        *reply.status_mut() = StatusCode::ACCEPTED;
        reply
    }
}
