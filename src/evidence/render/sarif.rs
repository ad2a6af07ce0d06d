//! SARIF 2.1.0: each finding at its line of the contract, the rules from the catalogue of codes.

use super::Report;
use super::findings::{Finding, findings};
use crate::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::source::Location;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a path in a URI holds as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

pub(super) fn sarif(report: &Report) -> Value {
    let findings = findings(report);
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.diagnostic.code).collect();
    codes.sort_by_key(|code| code.entry().number);
    codes.dedup();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, &codes)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

fn rule(code: Code) -> Value {
    let entry = code.entry();
    let markdown = format!("{}\n\n**Example:** {}\n\n**Cure:** {}", entry.explanation, entry.example, entry.cure);
    json!({
        "id": code.to_string(),
        "shortDescription": { "text": entry.title },
        "fullDescription": { "text": entry.explanation },
        "help": { "text": code.explain(), "markdown": markdown },
        "defaultConfiguration": { "level": level(entry.severity) },
        "properties": { "fault": entry.fault.as_str() },
    })
}

fn result(finding: &Finding<'_>, codes: &[Code]) -> Value {
    let diagnostic = &finding.diagnostic;
    let mut result = json!({
        "ruleId": diagnostic.code.to_string(),
        "ruleIndex": codes.iter().position(|code| *code == diagnostic.code),
        "level": level(diagnostic.severity),
        "message": { "text": message(finding) },
        "locations": finding.location.iter().map(physical).collect::<Vec<_>>(),
        "partialFingerprints": { "contractViolation/v1": finding.fingerprint },
        "occurrenceCount": finding.count,
    });
    let other = match &diagnostic.place {
        Some(Place::File(place)) if finding.location.as_ref() != Some(place) => Some(place),
        _ => None,
    };
    if let Some(place) = other {
        result["relatedLocations"] = json!([physical(place)]);
    }
    if let Some(exchange) = finding.exchange {
        result["properties"] = json!({
            "operation": exchange.operation,
            "fault": diagnostic.fault.as_str(),
            "place": instance(diagnostic),
        });
    }
    result
}

fn message(finding: &Finding<'_>) -> String {
    let diagnostic = &finding.diagnostic;
    let mut text = finding.sentence();
    let mut add = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("\n{name}: {value}"));
        }
    };
    add("expected", &diagnostic.expected);
    add("found", &diagnostic.actual);
    add("help", &diagnostic.help);
    text
}

/// The place in the message: the part and the pointer.
fn instance(diagnostic: &Diagnostic) -> Option<String> {
    match &diagnostic.place {
        Some(Place::Message { part, pointer }) => Some(format!("{} {pointer}", part.as_str()).trim_end().to_owned()),
        _ => None,
    }
}

fn physical(location: &Location) -> Value {
    let span = location.span();
    let (start_line, start_column) = location.file.line_column(span.start);
    let (end_line, end_column) = location.file.line_column(span.end.max(span.start));
    let path = utf8_percent_encode(location.file.name(), PATH).to_string();
    let uri = if path.starts_with('/') { format!("file://{path}") } else { path };
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": {
                "startLine": start_line,
                "startColumn": start_column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        },
    })
}
