//! The `Prefer` header (RFC 7240): which answer a caller asks for, and what of it was honoured.

use crate::message::media_type::split_list;
use crate::message::{Reply, Request};
use http::header::{HeaderName, HeaderValue};
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest wait that `Prefer: wait=…` gets. Over it the preference is not honoured.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a request prefers.
#[derive(Debug, Default)]
pub(super) struct Preferences {
    pub(super) code: Option<u16>,
    pub(super) example: Option<String>,
    pub(super) dynamic: bool,
    pub(super) seed: Option<u64>,
    /// How long the answer is to take.
    pub(super) wait: Option<Duration>,
    /// A `code` that is no status.
    pub(super) unreadable: Option<String>,
    handling: Option<Handling>,
    applied: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handling {
    Lenient,
    Strict,
}

impl Preferences {
    /// Reads the header; what cannot be read is ignored, as RFC 7240 §2 says. The first of two alike counts.
    pub(super) fn of(request: &Request) -> Self {
        let mut preferences = Self::default();
        for field in request.headers().get_all(PREFER) {
            for preference in split_list(&String::from_utf8_lossy(field.as_bytes())) {
                let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
                let name = name.split(';').next().unwrap_or_default();
                preferences.set(&name.trim().to_ascii_lowercase(), &word(value.trim()));
            }
        }
        preferences
    }

    fn set(&mut self, name: &str, value: &str) {
        match name {
            "code" if self.code.is_none() => {
                self.code = value.parse().ok().filter(|code| (100..=599).contains(code));
                if self.code.is_none() {
                    self.unreadable = Some(format!("code={value}"));
                }
            }
            "example" if self.example.is_none() => self.example = Some(value.to_owned()),
            "dynamic" => self.dynamic |= value.is_empty() || value == "true",
            "wait" if self.wait.is_none() => {
                // RFC 7240 §4.3 counts in seconds; a longer wait than that would look like a server that hangs.
                let seconds = value.parse::<u64>().ok();
                self.wait = seconds.map(Duration::from_secs).filter(|wait| *wait <= WAIT_MAX);
            }
            "seed" if self.seed.is_none() => self.seed = value.parse().ok(),
            "handling" if self.handling.is_none() => {
                self.handling = match value {
                    "lenient" => Some(Handling::Lenient),
                    "strict" => Some(Handling::Strict),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    /// Whether violations are to be let through; `None` when the caller does not say.
    pub(super) fn lenient(&mut self) -> Option<bool> {
        let handling = self.handling?;
        self.honour(if handling == Handling::Lenient { "handling=lenient" } else { "handling=strict" });
        Some(handling == Handling::Lenient)
    }

    /// Whether what cannot be honoured is to be refused.
    pub(super) fn strict(&self) -> bool {
        self.handling == Some(Handling::Strict)
    }

    /// Notes that a preference was honoured.
    pub(super) fn honour(&mut self, preference: impl Into<String>) {
        let preference = preference.into();
        if !self.applied.contains(&preference) {
            self.applied.push(preference);
        }
    }

    /// Says in the reply what was honoured.
    pub(super) fn applied(&self, reply: &mut Reply) {
        if self.applied.is_empty() {
            return;
        }
        if let Ok(value) = HeaderValue::from_str(&self.applied.join(", ")) {
            reply.headers_mut().insert(PREFERENCE_APPLIED, value);
        }
    }
}

/// A token or quoted string, without what follows it (RFC 7240 §2, RFC 9110 §5.6.4).
fn word(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.split(';').next().unwrap_or_default().trim_end().to_owned();
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    value
}
