//! Asking the control plane, as any client would: requests to `/_mock/api/…` and their JSON.

use super::Visit;
use crate::engine::problem;
use crate::message::{Reply, Request, scheme_of};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH};
use http::{Method, StatusCode};
use serde_json::Value;

/// What the control plane said.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The body, where it is JSON.
    pub(super) value: Value,
    pub(super) etag: Option<String>,
    pub(super) reply: Reply,
}

impl Answer {
    /// The sentences of a refusal, each with its suggestion.
    pub(super) fn complaints(&self) -> Vec<String> {
        let sentence = |error: &Value| match (error["message"].as_str(), error["help"].as_str()) {
            (Some(message), Some(help)) => format!("{message} — {help}"),
            (Some(message), None) => message.to_owned(),
            _ => String::new(),
        };
        let mut complaints: Vec<String> = list(&self.value["errors"]).iter().map(sentence).collect();
        if complaints.is_empty() {
            complaints.push(self.value["title"].as_str().unwrap_or("The request could not be carried out").to_owned());
        }
        complaints
    }
}

/// The items of an array; none of anything else.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text, or nothing.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Visit<'_> {
    /// The JSON of a resource under `/_mock/api`; the refusal if there is none.
    pub(super) fn get(&self, path: &str) -> Result<Value, Answer> {
        self.ask(&Method::GET, path, None, None).map(|answer| answer.value)
    }

    pub(super) fn send(&self, method: &Method, path: &str, body: &Value) -> Result<Answer, Answer> {
        self.ask(method, path, Some(body), None)
    }

    /// Asks for `/_mock/api` and the path; an error status is an error.
    pub(super) fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Result<Answer, Answer> {
        let mut request = Request::new(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())));
        *request.method_mut() = method.clone();
        // What is answered may name the address, so the page's own scheme and host go along.
        if let Ok(uri) = format!("{}/_mock/api{path}", self.base_url()).parse() {
            *request.uri_mut() = uri;
        }
        if body.is_some() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(tag) = if_match.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            request.headers_mut().insert(IF_MATCH, tag);
        }
        let carried = self.plane.carry_out(self.engine, &request, self.now);
        let reply = carried.unwrap_or_else(|failure| problem(failure.status, &failure.diagnostics));
        let answer = Answer {
            status: reply.status(),
            value: serde_json::from_slice(reply.body()).unwrap_or_default(),
            etag: reply.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(ToOwned::to_owned),
            reply,
        };
        if answer.status.is_client_error() || answer.status.is_server_error() { Err(answer) } else { Ok(answer) }
    }

    /// Where clients find the data plane: the host that this page was asked for at.
    pub(super) fn base_url(&self) -> String {
        let host = self.request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
        format!("{}://{}", scheme_of(self.request), host.unwrap_or("localhost"))
    }
}
