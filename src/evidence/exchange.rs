use super::Heads;
use super::mask::{self, Shown};
use crate::contract::{OperationNames, Prepared};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use crate::message::Secrets;
use crate::store::{Difference, Names};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The verdict on one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was violated.
    Pass,
    /// The request broke the contract.
    Violation,
    /// The response broke the contract.
    Drift,
}

impl Verdict {
    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Violation => "violation",
            Self::Drift => "drift",
        }
    }
}

/// A body as the journal keeps it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(crate) bytes: Bytes,
    pub(crate) truncated: bool,
}

impl Kept {
    /// Keeps at most `max` bytes of what was read, in memory of their own: a slice would hold on to the buffer.
    pub(crate) fn copied(bytes: &[u8], max: usize) -> Self {
        let kept = bytes.get(..max).unwrap_or(bytes);
        Self { bytes: Bytes::copy_from_slice(kept), truncated: kept.len() < bytes.len() }
    }

    /// Keeps at most `max` bytes. Only what is cut is copied, for a slice would hold on to the whole.
    pub(crate) fn new(bytes: Bytes, max: usize) -> Self {
        match bytes.get(..max) {
            Some(kept) if bytes.len() > max => Self { bytes: Bytes::copy_from_slice(kept), truncated: true },
            _ => Self { bytes, truncated: false },
        }
    }
}

/// What an exchange did to the application's state, as the journal keeps it.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptChanges {
    changes: Vec<KeptChange>,
    truncated: bool,
}

/// A difference by the texts of its representations, which take one piece of memory where values take dozens.
#[derive(Debug, Clone)]
struct KeptChange {
    path: String,
    before: Option<Bytes>,
    after: Option<Bytes>,
}

impl KeptChange {
    fn weight(&self) -> usize {
        self.path.len() + [&self.before, &self.after].into_iter().flatten().map(Bytes::len).sum::<usize>()
    }

    fn difference(&self) -> Difference {
        let read = |text: &Bytes| {
            let value = serde_json::from_slice(text);
            let text_alone = || Value::String(String::from_utf8_lossy(text).into_owned());
            Prepared::new(value.unwrap_or_else(|_| text_alone()), text.clone())
        };
        let (before, after) = (self.before.as_ref().map(read), self.after.as_ref().map(read));
        Difference { path: self.path.clone(), before, after }
    }
}

impl KeptChanges {
    /// Keeps the first ones that have at most `max` bytes together; their texts are shared, not copied.
    pub(crate) fn new(differences: Vec<Difference>, max: usize) -> Self {
        let mut bytes = 0_usize;
        let fits = |change: &KeptChange| {
            bytes = bytes.saturating_add(change.weight());
            bytes <= max
        };
        let count = differences.len();
        let text = |side: Option<Prepared>| side.map(|side| side.bytes);
        let all = differences.into_iter().map(|difference| KeptChange {
            path: difference.path,
            before: text(difference.before),
            after: text(difference.after),
        });
        let changes: Vec<KeptChange> = all.take_while(fits).collect();
        Self { truncated: changes.len() < count, changes }
    }
}

/// A request with its response and the verdict on both.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub(crate) id: u64,
    pub(crate) time: Timestamp,
    pub(crate) duration: Duration,
    /// All the rest, which exchanges that are the same share.
    pub(crate) messages: Arc<Messages>,
}

/// The messages of an exchange, whose they were, and what was found in them.
#[derive(Debug)]
pub(crate) struct Messages {
    /// What it was called.
    pub(crate) application: Option<Arc<Names>>,
    pub(crate) operation: Option<Arc<OperationNames>>,
    pub(crate) method: Method,
    pub(crate) heads: Heads,
    pub(crate) request_body: Kept,
    pub(crate) status: StatusCode,
    pub(crate) response_body: Kept,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) changes: KeptChanges,
    /// Whether the bodies hold secrets: a token request and its reply.
    pub(crate) secret: bool,
    /// What else is secret, by its name.
    pub(crate) secrets: Arc<Secrets>,
    /// The field of the response that carries the id, which is not among its other fields.
    pub(crate) number: Option<HeaderName>,
}

impl Exchange {
    /// The number that `X-Mock-Exchange` carried.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The name of the application that the request spoke for.
    pub fn application(&self) -> Option<&str> {
        self.messages.application.as_ref().map(|application| application.name.as_str())
    }

    /// The operation's id, else its method and path template.
    pub fn operation(&self) -> Option<&str> {
        self.messages.operation.as_ref().map(|operation| operation.name.as_str())
    }

    /// The operation's method and path template.
    pub(crate) fn template(&self) -> Option<&str> {
        self.messages.operation.as_ref().map(|operation| operation.label.as_str())
    }

    /// The request's method.
    pub fn method(&self) -> &Method {
        &self.messages.method
    }

    /// The request's target: path and query. Secrets in the query are masked.
    pub fn target(&self) -> String {
        mask::target(&self.messages.secrets, self.path_and_query())
    }

    /// The request's path and query, with what is secret in it.
    pub(crate) fn path_and_query(&self) -> &str {
        self.messages.heads.target()
    }

    /// The fields of the response.
    pub(crate) fn received(&self) -> HeaderMap {
        let mut fields = self.messages.heads.response();
        if let Some(number) = &self.messages.number {
            fields.insert(number.clone(), HeaderValue::from(self.id));
        }
        fields
    }

    /// The response's status.
    pub fn status(&self) -> StatusCode {
        self.messages.status
    }

    /// The request's body, up to the journal's bound, as it was sent: nothing is masked.
    pub fn request_body(&self) -> &[u8] {
        &self.messages.request_body.bytes
    }

    /// The response's body, up to the journal's bound, as it was sent: nothing is masked.
    pub fn response_body(&self) -> &[u8] {
        &self.messages.response_body.bytes
    }

    /// Everything found in it, warnings included.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.messages.diagnostics
    }

    /// The verdict. A fault of the client is named before one of the server.
    pub fn verdict(&self) -> Verdict {
        if self.has(Fault::Client) {
            Verdict::Violation
        } else if self.messages.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            Verdict::Drift
        } else {
            Verdict::Pass
        }
    }

    /// Whether it is of an operation: its operationId, or method and path template.
    pub(crate) fn is_of(&self, wanted: &str) -> bool {
        self.operation() == Some(wanted) || self.template() == Some(wanted)
    }

    /// Whether it is of an application, by name or client id.
    pub(crate) fn belongs_to(&self, wanted: &str) -> bool {
        self.messages.application.as_ref().is_some_and(|known| known.name == wanted || known.client_id == wanted)
    }

    /// Whether its status is this one, such as `404`, or of this class, such as `4XX`.
    pub(crate) fn has_status(&self, wanted: &str) -> bool {
        wanted == self.messages.status.as_str()
            || wanted.eq_ignore_ascii_case(&format!("{}XX", self.messages.status.as_u16() / 100))
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.messages
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error && diagnostic.fault == fault)
    }

    /// What the journal's bound in bytes counts.
    pub(crate) fn weight(&self) -> usize {
        /// What an exchange without texts takes, about.
        const EMPTY_BYTES: usize = 1_024;
        let changes: usize = self.messages.changes.changes.iter().map(KeptChange::weight).sum();
        let diagnostics: usize = self.messages.diagnostics.iter().map(Diagnostic::weight).sum();
        let bodies = self.messages.request_body.bytes.len() + self.messages.response_body.bytes.len();
        EMPTY_BYTES + bodies + self.messages.heads.bytes() + changes + diagnostics
    }

    /// The control plane's form.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "time": self.time.to_string(),
            "application": self.application(),
            "operation": self.operation(),
            "request": self.message(json!({ "method": self.messages.method.as_str(), "target": self.target() }), &self.messages.heads.request(), &self.messages.request_body),
            "response": self.message(json!({ "status": self.messages.status.as_u16() }), &self.received(), &self.messages.response_body),
            "duration_us": self.microseconds(),
            "verdict": self.verdict().as_str(),
            "changes": self.messages.changes.changes.iter().map(|change| change.difference().to_json(|value| mask::value(&self.messages.secrets, value))).collect::<Vec<_>>(),
            "changes_truncated": self.messages.changes.truncated,
            "violations": self.messages.diagnostics.iter().map(Diagnostic::to_json).collect::<Vec<_>>(),
        })
    }

    /// What a list shows of it, in the control plane's form.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "id": self.id,
            "time": self.time.to_string(),
            "application": self.application(),
            "operation": self.operation(),
            "method": self.messages.method.as_str(),
            "target": self.target(),
            "status": self.messages.status.as_u16(),
            "duration_us": self.microseconds(),
            "verdict": self.verdict().as_str(),
            "codes": self.messages.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect::<Vec<_>>(),
        })
    }

    fn microseconds(&self) -> u64 {
        u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX)
    }

    /// A header's value as it may be shown.
    pub(super) fn field(&self, name: &HeaderName, value: &HeaderValue) -> String {
        mask::header(&self.messages.secrets, name, value)
    }

    /// A body of it with its secrets masked; `None` where it may be shown as it is.
    pub(super) fn masked(&self, body: &Kept) -> Option<Shown> {
        Some(&body.bytes)
            .filter(|bytes| !bytes.is_empty())
            .and_then(|bytes| mask::body(&self.messages.secrets, bytes, self.messages.secret))
    }

    fn message(&self, head: Value, headers: &HeaderMap, body: &Kept) -> Value {
        let mut message = match head {
            Value::Object(head) => head,
            _ => Map::new(),
        };
        let fields =
            headers.iter().map(|(name, value)| json!({ "name": name.as_str(), "value": self.field(name, value) }));
        message.insert("headers".to_owned(), fields.collect());
        let shown = self.masked(body);
        // What is not shown is not there for whoever reads the journal as a recording.
        let is_part = body.truncated || matches!(shown, Some(Shown::Nothing(_)));
        if let Some(shown) = shown {
            message.insert("body".to_owned(), Value::String(shown.into_text()));
        } else if !body.bytes.is_empty() {
            match std::str::from_utf8(&body.bytes) {
                Ok(text) => message.insert("body".to_owned(), Value::String(text.to_owned())),
                Err(_) => message.insert("body_base64".to_owned(), Value::String(STANDARD.encode(&body.bytes))),
            };
        }
        message.insert("body_truncated".to_owned(), Value::Bool(is_part));
        Value::Object(message)
    }
}
