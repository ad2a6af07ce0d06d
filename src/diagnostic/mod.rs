//! One type for everything that is reported: at start, by `check`, in exchanges and in reports.
//!
//! A [`Diagnostic`] says what is wrong, who is at fault, the place in the instance and the place in the
//! contract. It knows neither HTTP nor OpenAPI; [`code`] is the catalogue, `render` shows people the lines,
//! `sarif` and `github` tell them to code scanning and to GitHub Actions.

pub mod code;
mod github;
mod render;
mod sarif;

use serde_json::{Map, Value};

pub use crate::source::Location;
use crate::source::char_boundary;
pub use code::Code;
pub(crate) use github::Annotations;
pub use github::github;
pub use render::render;
pub(crate) use sarif::SarifLog;
pub use sarif::sarif;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing needs to change.
    Note,
    /// A slip that does not stop the server.
    Warning,
    /// The contract is broken, or something cannot be served.
    Error,
}

impl Severity {
    /// The lower-case name used in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Who has to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The program that sent the request.
    Client,
    /// The OpenAPI document.
    Contract,
    /// The fixture file.
    Fixture,
    /// The server that made the response.
    Server,
}

impl Fault {
    /// The lower-case name used in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Contract => "contract",
            Self::Fixture => "fixture",
            Self::Server => "server",
        }
    }
}

/// The part of a message that an instance place is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The path of the request target.
    Path,
    /// The query of the request target.
    Query,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
    /// The body.
    Body,
    /// The method and the target as a whole.
    Request,
    /// The status line of the response.
    Status,
}

impl Part {
    /// The lower-case name used in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
            Self::Request => "request",
            Self::Status => "status",
        }
    }
}

/// The place in the thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a message: the part, and a JSON Pointer into its decoded value.
    Message {
        /// The part of the message.
        part: Part,
        /// JSON Pointer (RFC 6901); for a parameter its first token is the parameter's name.
        pointer: String,
    },
    /// In a file: a contract or a fixture.
    File(Location),
}

/// Bytes of each text of a diagnostic: names and values come from outside. Over it the rest is left out.
const TEXT_BYTES_MAX: usize = 2 * 1024;

/// A text, cut off where it is too long.
fn short(text: String) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    format!("{}…", &text[..char_boundary(&text, TEXT_BYTES_MAX)])
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Who has to change something.
    pub fault: Fault,
    /// One sentence, lower case, that stands alone.
    pub message: String,
    /// Where in the instance.
    pub place: Option<Place>,
    /// Where in the contract.
    pub contract: Option<Location>,
    /// The JSON Schema keyword that failed, if one did.
    pub keyword: Option<String>,
    /// What the contract expects there.
    pub expected: Option<String>,
    /// What was there.
    pub actual: Option<String>,
    /// The thing to do or to type.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic with the severity and the fault that its code has by default. No text of it is longer than 2 KiB.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let entry = code.entry();
        Self {
            code,
            severity: entry.severity,
            fault: entry.fault,
            message: short(message.into()),
            place: None,
            contract: None,
            keyword: None,
            expected: None,
            actual: None,
            help: None,
        }
    }

    /// Sets the place in a message. A pointer over 2 KiB is cut off where a level ends, and leads to what the place is in.
    #[must_use]
    pub fn at(mut self, part: Part, pointer: impl Into<String>) -> Self {
        let mut pointer = pointer.into();
        if pointer.len() > TEXT_BYTES_MAX {
            let end = pointer.as_bytes()[..TEXT_BYTES_MAX].iter().rposition(|byte| *byte == b'/').unwrap_or_default();
            pointer = pointer[..end].to_owned();
        }
        self.place = Some(Place::Message { part, pointer });
        self
    }

    /// Sets the place in a file.
    #[must_use]
    pub fn in_file(mut self, location: Location) -> Self {
        self.place = Some(Place::File(location));
        self
    }

    /// Sets the place in the contract.
    #[must_use]
    pub fn contract(mut self, location: Option<Location>) -> Self {
        self.contract = location;
        self
    }

    /// Sets the keyword that failed.
    #[must_use]
    pub fn keyword(mut self, keyword: impl Into<String>) -> Self {
        self.keyword = Some(keyword.into());
        self
    }

    /// Sets what was expected and what was there.
    #[must_use]
    pub fn values(mut self, expected: Option<String>, actual: Option<String>) -> Self {
        self.expected = expected.map(short);
        self.actual = actual.map(short);
        self
    }

    /// Sets the suggestion.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(short(help.into()));
        self
    }

    /// Sets the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets who is at fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// The bytes that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        let texts = [&self.keyword, &self.expected, &self.actual, &self.help];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let place = match &self.place {
            Some(Place::Message { pointer, .. }) => pointer.len(),
            Some(Place::File(location)) => location.pointer.len(),
            None => 0,
        };
        size_of::<Self>() + self.message.len() + texts + place
    }

    /// The form in problem details, the journal and JSON reports; members that are not known are left out.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), Value::String(value));
            }
        };
        put("code", Some(self.code.to_string()));
        put("severity", Some(self.severity.as_str().to_owned()));
        put("fault", Some(self.fault.as_str().to_owned()));
        put("message", Some(self.message.clone()));
        match &self.place {
            Some(Place::Message { part, pointer }) => {
                put("in", Some(part.as_str().to_owned()));
                put("pointer", Some(pointer.clone()));
            }
            Some(Place::File(location)) => {
                put("file", Some(location.to_string()));
                put("pointer", Some(location.pointer.clone()));
            }
            None => {}
        }
        put("keyword", self.keyword.clone());
        put("contract", self.contract.as_ref().map(ToString::to_string));
        put("expected", self.expected.clone());
        put("actual", self.actual.clone());
        put("help", self.help.clone());
        Value::Object(object)
    }
}

/// The closest of `candidates` to `word`, if it is close enough to be what was meant.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.7;
    /// Bytes of a word that is compared with others, which costs the product of both. Over it nothing is suggested.
    const WORD_BYTES_MAX: usize = 128;
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let folded = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= WORD_BYTES_MAX)
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
