//! Diagnostics as SARIF 2.1.0, for code scanning: one rule a code, one result a diagnostic, pinned to file, line and
//! column. It knows no exchange; a report says of each result where it comes from.

use super::{Code, Diagnostic, Location, Place};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Where the schema of the format is.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What a path in a URI reference cannot hold as it is (RFC 3986 §3.3).
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The log of one run.
#[derive(Debug, Default)]
pub(crate) struct SarifLog {
    rules: Vec<Code>,
    results: Vec<Value>,
}

impl SarifLog {
    /// Adds a diagnostic. `context` is where it comes from, such as an exchange, and ends its message.
    pub(crate) fn add(&mut self, diagnostic: &Diagnostic, context: Option<&str>) {
        let index = self.rules.iter().position(|rule| *rule == diagnostic.code).unwrap_or_else(|| {
            self.rules.push(diagnostic.code);
            self.rules.len() - 1
        });
        self.results.push(result(diagnostic, index, context));
    }

    /// Says of the last result what it is known by from run to run, and how often it came.
    pub(crate) fn repeated(&mut self, fingerprint: &str, count: usize) {
        if let Some(Value::Object(result)) = self.results.last_mut() {
            result.insert("partialFingerprints".to_owned(), json!({ "contractViolation/v1": fingerprint }));
            result.insert("occurrenceCount".to_owned(), json!(count));
        }
    }

    /// The whole log.
    pub(crate) fn into_json(self) -> Value {
        let rules: Vec<Value> = self.rules.into_iter().map(rule).collect();
        json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": env!("CARGO_PKG_NAME"),
                    "version": env!("CARGO_PKG_VERSION"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                } },
                // As lines and columns are counted everywhere here.
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        })
    }
}

/// The log of some diagnostics: SARIF 2.1.0.
pub fn sarif(diagnostics: &[Diagnostic]) -> Value {
    let mut log = SarifLog::default();
    for diagnostic in diagnostics {
        log.add(diagnostic, None);
    }
    log.into_json()
}

/// What the catalogue says of a code.
fn rule(code: Code) -> Value {
    let entry = code.entry();
    json!({
        "id": code.to_string(),
        "shortDescription": { "text": entry.title },
        "fullDescription": { "text": entry.explanation },
        "help": {
            "text": format!("Example: {}\n\nCure: {}", entry.example, entry.cure),
            "markdown": format!("**Example:** {}\n\n**Cure:** {}", entry.example, entry.cure),
        },
        "defaultConfiguration": { "level": entry.severity.as_str() },
        "properties": { "tags": [code.family()] },
    })
}

fn result(diagnostic: &Diagnostic, rule: usize, context: Option<&str>) -> Value {
    let mut result = Map::new();
    let mut put = |name: &str, value: Value| result.insert(name.to_owned(), value);
    put("ruleId", Value::String(diagnostic.code.to_string()));
    put("ruleIndex", Value::from(rule));
    put("level", Value::from(diagnostic.severity.as_str()));
    put("message", json!({ "text": message(diagnostic, context) }));
    let (main, related) = places(diagnostic);
    let logical = logical(diagnostic);
    if main.is_some() || logical.is_some() {
        let mut location = Map::new();
        if let Some(main) = main {
            location.insert("physicalLocation".to_owned(), physical(main));
        }
        if let Some(logical) = logical {
            location.insert("logicalLocations".to_owned(), json!([logical]));
        }
        put("locations", json!([location]));
    }
    if let Some(related) = related {
        let location =
            json!({ "id": 1, "physicalLocation": physical(related), "message": { "text": "declared here" } });
        put("relatedLocations", json!([location]));
    }
    put("properties", json!({ "fault": diagnostic.fault.as_str() }));
    Value::Object(result)
}

/// The place that a result is pinned to, and the contract's where that is another one.
pub(super) fn places(diagnostic: &Diagnostic) -> (Option<&Location>, Option<&Location>) {
    match &diagnostic.place {
        Some(Place::File(location)) => {
            (Some(location), diagnostic.contract.as_ref().filter(|contract| *contract != location))
        }
        _ => (diagnostic.contract.as_ref(), None),
    }
}

/// Everything that is known of a diagnostic and is no place, in plain text.
pub(super) fn message(diagnostic: &Diagnostic, context: Option<&str>) -> String {
    let mut text = diagnostic.message.clone();
    let mut sentence = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            let _ = write!(text, "\n{name}{value}");
        }
    };
    sentence("expected ", diagnostic.expected.as_ref());
    sentence("found ", diagnostic.actual.as_ref());
    sentence("help: ", diagnostic.help.as_ref());
    if let Some(context) = context {
        let _ = write!(text, "\nin {context}");
    }
    text
}

fn logical(diagnostic: &Diagnostic) -> Option<Value> {
    let Some(Place::Message { part, pointer }) = &diagnostic.place else { return None };
    let name = format!("{} {pointer}", part.as_str());
    Some(json!({ "fullyQualifiedName": name.trim_end(), "kind": "member" }))
}

fn physical(location: &Location) -> Value {
    let span = location.span();
    let (start, end) = (location.file.line_column(span.start), location.file.line_column(span.end));
    json!({
        "artifactLocation": { "uri": uri(location.file.name()) },
        "region": { "startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1 },
    })
}

/// A file's name as a URI reference; a relative one stays relative to where the tool ran.
fn uri(name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    let encoded = utf8_percent_encode(name, PATH).to_string();
    if encoded.starts_with('/') {
        return format!("file://{encoded}");
    }
    // A colon in the first segment would end a scheme (RFC 3986 §4.2).
    if encoded.split('/').next().is_some_and(|first| first.contains(':')) { format!("./{encoded}") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Part, code};
    use crate::source::{Focus, SourceFile};

    #[test]
    fn results_are_pinned_to_the_file_and_rules_stand_once() {
        let contract = SourceFile::new("./a b/c.yaml", "x: é\ny: [1]\n");
        let at = |pointer: &str| Location::new(std::sync::Arc::clone(&contract), pointer, Focus::Value);
        let first = Diagnostic::new(code::SCHEMA_ENUM, "no").in_file(at("/y")).contract(Some(at("/x"))).help("do");
        let second = Diagnostic::new(code::SCHEMA_ENUM, "no").at(Part::Body, "/a").contract(Some(at("/x")));
        let mut log = SarifLog::default();
        log.add(&first, None);
        log.add(&second, Some("exchange 1"));
        let log = log.into_json();
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        let region = |at: &str| run.pointer(at).cloned().unwrap_or_default();
        assert_eq!(
            region("/results/0/locations/0/physicalLocation"),
            json!({
                "artifactLocation": { "uri": "a%20b/c.yaml" },
                "region": { "startLine": 2, "startColumn": 4, "endLine": 2, "endColumn": 7 },
            })
        );
        assert_eq!(
            region("/results/0/relatedLocations/0/physicalLocation/region"),
            json!({ "startLine": 1, "startColumn": 4, "endLine": 1, "endColumn": 5 })
        );
        assert_eq!(region("/results/0/message/text"), "no\nhelp: do");
        assert_eq!(region("/results/1/message/text"), "no\nin exchange 1");
        assert_eq!(region("/results/1/locations/0/logicalLocations/0/fullyQualifiedName"), "body /a");
    }

    #[test]
    fn file_names_are_uri_references() {
        for (name, expected) in
            [("a.yaml", "a.yaml"), ("/x/ä.yaml", "file:///x/%C3%A4.yaml"), ("a:b", "./a:b"), ("a%?#", "a%25%3F%23")]
        {
            assert_eq!(uri(name), expected);
        }
    }
}
