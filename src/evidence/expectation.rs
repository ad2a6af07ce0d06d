//! What a test expects to be exchanged: how often, and in which order.

use super::{Exchange, mask};
use crate::message::Secrets;
use crate::source::pointer;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Something that has to be exchanged so many times.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Expectation {
    /// What it is called, and what `after` of another one names.
    pub name: String,
    /// Name or client id of the application that asks. Absent: any.
    pub application: Option<String>,
    /// An operationId, or a method and a path template. Absent: any.
    pub operation: Option<String>,
    /// The method. Absent: any.
    pub method: Option<String>,
    /// The path as it is sent, without query. Absent: any.
    pub path: Option<String>,
    /// A status such as `404`, or a class such as `4XX`. Absent: any.
    pub status: Option<String>,
    /// Query parameters with their texts, among others.
    pub query: Map<String, Value>,
    /// Header fields with their texts, among others.
    pub headers: Map<String, Value>,
    /// Members that the JSON body of the request has, among others.
    pub body: Option<Value>,
    /// The least number of times. Default: 1, or 0 where `at_most` is given.
    pub at_least: Option<u64>,
    /// The greatest number of times. Default: any.
    pub at_most: Option<u64>,
    /// The name of an expectation that must have been met once before an exchange counts for this one.
    pub after: Option<String>,
}

/// What came of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was expected.
    pub expectation: Expectation,
    /// How many exchanges were what it is about.
    pub count: u64,
    /// The id of the exchange that comes nearest, where none was right, and in what it is not right.
    pub nearest: Option<(u64, Vec<String>)>,
    /// What is secret in it.
    pub(super) secrets: Arc<Secrets>,
}

impl Expectation {
    /// The members of its JSON form.
    pub(super) const MEMBERS: [&str; 13] = [
        "name",
        "application",
        "operation",
        "method",
        "path",
        "status",
        "query",
        "headers",
        "body",
        "times",
        "at_least",
        "at_most",
        "after",
    ];

    /// Expects requests of an operation: an operationId, or a method and a path template.
    ///
    /// ```
    /// use chatkitty_mock::{Expectation, MockServer};
    ///
    /// let mock = MockServer::start();
    /// mock.expect(Expectation::operation("retrieveApplication").status("200").at_most(1));
    /// mock.verify();
    /// ```
    pub fn operation(operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..Self::default() }
    }

    /// Expects requests with a method and a path as it is sent.
    pub fn request(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: Some(method.into()), path: Some(path.into()), ..Self::default() }
    }

    /// What it is called. Default: its operation.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Only requests of this application, by name or client id. Default: of any.
    #[must_use]
    pub fn of(mut self, application: impl Into<String>) -> Self {
        self.application = Some(application.into());
        self
    }

    /// Only with this status, or class of statuses such as `4XX`. Default: with any.
    #[must_use]
    pub fn status(mut self, status: impl ToString) -> Self {
        self.status = Some(status.to_string());
        self
    }

    /// Only with this query parameter, among others.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.query.insert(name.into(), value.into());
        self
    }

    /// Only with this header field, among others.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Only with a JSON body that has these members, among others.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// So many times, neither more nor less. Default: at least once.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        self.at_least(times).at_most(times)
    }

    /// The least number of times.
    #[must_use]
    pub fn at_least(mut self, times: u64) -> Self {
        self.at_least = Some(times);
        self
    }

    /// The greatest number of times.
    #[must_use]
    pub fn at_most(mut self, times: u64) -> Self {
        self.at_most = Some(times);
        self
    }

    /// Only once the expectation of this name has been met once.
    #[must_use]
    pub fn after(mut self, name: impl Into<String>) -> Self {
        self.after = Some(name.into());
        self
    }

    /// The same with a name: its own, else its operation, else its number.
    pub(super) fn named_by(mut self, number: usize) -> Self {
        if self.name.is_empty() {
            self.name = self.operation.clone().unwrap_or_else(|| format!("expectation {number}"));
        }
        self
    }

    /// Reads one from JSON; an error is a pointer and a message.
    pub fn from_json(value: &Value) -> Result<Self, (String, String)> {
        let Some(members) = value.as_object() else { return Err((String::new(), "it is an object".to_owned())) };
        let mut expectation = Self::default();
        for (name, value) in members {
            let wrong = |what: &str| Err((pointer::join("", name), format!("`{name}` is {what}")));
            let text = value.as_str().map(ToOwned::to_owned);
            match (name.as_str(), value) {
                ("name", Value::String(text)) => expectation.name.clone_from(text),
                ("application", Value::String(_)) => expectation.application = text,
                ("operation", Value::String(_)) => expectation.operation = text,
                ("method", Value::String(_)) => expectation.method = text,
                ("path", Value::String(_)) => expectation.path = text,
                ("after", Value::String(_)) => expectation.after = text,
                ("status", Value::String(_)) => expectation.status = text,
                ("status", Value::Number(status)) => expectation.status = Some(status.to_string()),
                ("query", Value::Object(query)) => expectation.query.clone_from(query),
                ("headers", Value::Object(headers)) => expectation.headers.clone_from(headers),
                ("body", body) => expectation.body = Some(body.clone()),
                ("at_least", Value::Number(least)) if least.is_u64() => expectation.at_least = least.as_u64(),
                ("at_most", Value::Number(most)) if most.is_u64() => expectation.at_most = most.as_u64(),
                ("times", Value::Number(times)) if times.is_u64() => {
                    expectation.at_least = times.as_u64();
                    expectation.at_most = times.as_u64();
                }
                ("at_least" | "at_most" | "times", _) => return wrong("a number of times, from 0"),
                ("query" | "headers", _) => return wrong("an object of texts"),
                ("name" | "application" | "operation" | "method" | "path" | "after", _) => return wrong("a string"),
                ("status", _) => return wrong("a status, or a class such as 4XX"),
                _ => return wrong("no member of an expectation"),
            }
        }
        Ok(expectation)
    }

    /// The form that [`Expectation::from_json`] reads.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        put("name", (!self.name.is_empty()).then(|| json!(self.name)));
        for (name, text) in [
            ("application", &self.application),
            ("operation", &self.operation),
            ("method", &self.method),
            ("path", &self.path),
            ("status", &self.status),
            ("after", &self.after),
        ] {
            put(name, text.as_ref().map(|text| json!(text)));
        }
        put("query", (!self.query.is_empty()).then(|| Value::Object(self.query.clone())));
        put("headers", (!self.headers.is_empty()).then(|| Value::Object(self.headers.clone())));
        put("body", self.body.clone());
        put("at_least", self.at_least.map(|least| json!(least)));
        put("at_most", self.at_most.map(|most| json!(most)));
        Value::Object(members)
    }

    fn bounds(&self) -> (u64, u64) {
        let least = self.at_least.unwrap_or(u64::from(self.at_most.is_none()));
        (least, self.at_most.unwrap_or(u64::MAX))
    }

    /// In what an exchange is not what this is about; empty if it is.
    fn differences(&self, exchange: &Exchange) -> Vec<String> {
        let mut differences = Vec::new();
        let mut expect = |what: &str, wanted: &Option<String>, found: &str, holds: bool| {
            if let Some(wanted) = wanted.as_ref().filter(|_| !holds) {
                differences.push(format!("{what}: expected `{wanted}`, found `{found}`"));
            }
        };
        let path = exchange.path_and_query().split('?').next().unwrap_or_default();
        let operation = exchange.operation().unwrap_or("none");
        let is_operation = self.operation.as_ref().is_none_or(|wanted| exchange.is_of(wanted));
        expect("operation", &self.operation, operation, is_operation);
        let method = exchange.messages.method.as_str();
        expect(
            "method",
            &self.method,
            method,
            self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method)),
        );
        expect("path", &self.path, path, self.path.as_ref().is_none_or(|wanted| wanted == path));
        let application = exchange.application().unwrap_or("none");
        let is_application = self.application.as_ref().is_none_or(|wanted| exchange.belongs_to(wanted));
        expect("application", &self.application, application, is_application);
        let is_status = self.status.as_ref().is_none_or(|wanted| exchange.has_status(wanted));
        expect("status", &self.status, exchange.messages.status.as_str(), is_status);
        self.query_differences(exchange, &mut differences);
        self.header_differences(exchange, &mut differences);
        if let Some(wanted) = &self.body {
            let found = serde_json::from_slice(&exchange.messages.request_body.bytes).unwrap_or(Value::Null);
            body_differences(&exchange.messages.secrets, wanted, &found, "", &mut differences);
        }
        differences
    }

    fn query_differences(&self, exchange: &Exchange, differences: &mut Vec<String>) {
        let query = exchange.path_and_query().split_once('?').map_or("", |(_, query)| query);
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for (name, wanted) in &self.query {
            let wanted = plain(wanted);
            if !pairs.iter().any(|(known, value)| known == name && *value == wanted) {
                let found =
                    pairs.iter().find(|(known, _)| known == name).map_or("nothing", |(_, value)| value.as_str());
                differences.push(if exchange.messages.secrets.are_named(name) {
                    format!("query `{name}`: another secret was expected")
                } else {
                    format!("query `{name}`: expected `{wanted}`, found `{found}`")
                });
            }
        }
    }

    fn header_differences(&self, exchange: &Exchange, differences: &mut Vec<String>) {
        if self.headers.is_empty() {
            return;
        }
        let headers = exchange.messages.heads.request();
        for (name, wanted) in &self.headers {
            let wanted = plain(wanted);
            let found: Vec<&str> =
                headers.get_all(name.as_str()).iter().filter_map(|value| value.to_str().ok()).collect();
            if !found.contains(&wanted.as_str()) {
                // The value may be a secret, so it is not told.
                let found = if found.is_empty() { "nothing" } else { "another value" };
                let wanted = http::HeaderName::from_bytes(name.as_bytes()).ok().zip(wanted.parse().ok());
                let wanted = wanted.map_or_else(String::new, |(name, value)| exchange.field(&name, &value));
                differences.push(format!("header `{name}`: expected `{wanted}`, found {found}"));
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Members that are wanted and not there, one by one.
fn body_differences(secrets: &Secrets, wanted: &Value, found: &Value, at: &str, differences: &mut Vec<String>) {
    let show = |value: &Value| mask::value(secrets, value).to_string();
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (name, wanted) in wanted {
                let at = pointer::join(at, name);
                match found.get(name) {
                    Some(found) if secrets.are_named(name) => {
                        if wanted != found {
                            differences.push(format!("body at `{at}`: another secret was expected"));
                        }
                    }
                    Some(found) => body_differences(secrets, wanted, found, &at, differences),
                    None if secrets.are_named(name) => {
                        differences.push(format!("body at `{at}`: a secret was expected, found nothing"));
                    }
                    None => differences.push(format!("body at `{at}`: expected {}, found nothing", show(wanted))),
                }
            }
        }
        (wanted, found) if wanted != found => {
            differences.push(format!("body at `{at}`: expected {}, found {}", show(wanted), show(found)));
        }
        _ => {}
    }
}

impl Outcome {
    /// Whether it was met.
    pub fn is_met(&self) -> bool {
        let (least, most) = self.expectation.bounds();
        (least..=most).contains(&self.count)
    }

    /// One sentence about it.
    pub fn sentence(&self) -> String {
        let (least, most) = self.expectation.bounds();
        let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let wanted = match (least, most) {
            (0, 0) => "never".to_owned(),
            (least, most) if least == most => times(least),
            (0, most) => format!("at most {}", times(most)),
            (least, u64::MAX) => format!("at least {}", times(least)),
            (least, most) => format!("from {least} to {most} times"),
        };
        let found = if self.count == 0 { "never".to_owned() } else { times(self.count) };
        format!("`{}` was expected {wanted} and came {found}", self.expectation.name)
    }

    /// An expectation that nothing has met yet.
    pub(super) fn new(expectation: Expectation, number: usize, secrets: &Arc<Secrets>) -> Self {
        let secrets = Arc::clone(secrets);
        Self { expectation: expectation.named_by(number), count: 0, nearest: None, secrets }
    }

    /// Takes an exchange into account.
    pub(super) fn see(&mut self, exchange: &Exchange, is_due: bool) {
        let mut differences = self.expectation.differences(exchange);
        if differences.is_empty() && is_due {
            self.count += 1;
            self.nearest = None;
            return;
        }
        if !is_due {
            let after = self.expectation.after.clone().unwrap_or_default();
            differences.push(format!("order: expected after `{after}`, which had not come"));
        }
        let nearer = self.nearest.as_ref().is_none_or(|(_, known)| differences.len() < known.len());
        if self.count == 0 && nearer {
            self.nearest = Some((exchange.id, differences));
        }
    }

    /// The control plane's form; secrets that are expected are masked.
    pub fn to_json(&self) -> Value {
        let nearest =
            self.nearest.as_ref().map(|(id, differences)| json!({ "exchange": id, "differences": differences }));
        json!({
            "expectation": mask::value(&self.secrets, &self.expectation.to_json()),
            "count": self.count,
            "met": self.is_met(),
            "message": self.sentence(),
            "nearest": nearest,
        })
    }
}
