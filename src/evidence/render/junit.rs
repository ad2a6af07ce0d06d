//! JUnit XML as CI systems import it. Written here: the crates for it bring a date library, a hash map and an XML
//! writer to everybody who embeds this one, for forty lines.

use super::rows::{Row, rows};
use super::{Exchange, Report, text};
use crate::diagnostic::Severity;
use std::fmt::Write as _;

/// Untouched points that one operation names.
const UNTOUCHED_MAX: usize = 200;

struct Suite {
    name: &'static str,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    seconds: f64,
    /// File and line in the contract.
    place: Option<(String, usize)>,
    result: CaseResult,
    output: String,
}

enum CaseResult {
    Passed,
    Skipped(String),
    Failed { kind: String, message: String, text: String },
}

pub(super) fn junit(report: &Report) -> String {
    let suites = [operations(report), expectations(report), gates(report)];
    let suites: Vec<&Suite> = suites.iter().filter(|suite| !suite.cases.is_empty()).collect();
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let (title, version) = &report.contract;
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = escape(&format!("{title} {version}"));
    let _ = writeln!(xml, "<testsuites name=\"{name}\" {}>", figures(cases()));
    for suite in &suites {
        let name = suite.name;
        let _ = writeln!(xml, "  <testsuite name=\"{name}\" {}>", figures(suite.cases.iter()));
        suite.cases.iter().for_each(|case| write(&mut xml, name, case));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn figures<'c>(cases: impl Iterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut skipped, mut seconds) = (0, 0, 0, 0.0);
    for case in cases {
        tests += 1;
        failures += u64::from(matches!(case.result, CaseResult::Failed { .. }));
        skipped += u64::from(matches!(case.result, CaseResult::Skipped(_)));
        seconds += case.seconds;
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{seconds:.6}\"")
}

fn write(xml: &mut String, suite: &str, case: &Case) {
    let place = case.place.as_ref().map(|(file, line)| format!(" file=\"{}\" line=\"{line}\"", escape(file)));
    let _ = write!(
        xml,
        "    <testcase classname=\"{suite}\" name=\"{}\" time=\"{:.6}\"{}",
        escape(&case.name),
        case.seconds,
        place.unwrap_or_default()
    );
    let mut inner = String::new();
    match &case.result {
        CaseResult::Passed => {}
        CaseResult::Skipped(message) => {
            let _ = writeln!(inner, "      <skipped message=\"{}\"/>", escape(message));
        }
        CaseResult::Failed { kind, message, text } => {
            let (kind, message, text) = (escape(kind), escape(message), escape_text(text));
            let _ = writeln!(inner, "      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>");
        }
    }
    if !case.output.is_empty() {
        let _ = writeln!(inner, "      <system-out>{}</system-out>", escape_text(&case.output));
    }
    if inner.is_empty() {
        xml.push_str("/>\n");
    } else {
        let _ = write!(xml, ">\n{inner}    </testcase>\n");
    }
}

fn operations(report: &Report) -> Suite {
    let (rows, others) = rows(report);
    let mut cases: Vec<Case> = rows.iter().map(|row| operation(report, row)).collect();
    if !others.is_empty() {
        let name = "requests to no operation".to_owned();
        let seconds = seconds(others.iter().copied());
        cases.push(Case { name, seconds, place: None, result: failed(report, &others), output: String::new() });
    }
    Suite { name: "operations", cases }
}

fn operation(report: &Report, row: &Row<'_>) -> Case {
    let own = report.exchanges.iter().filter(|exchange| exchange.template() == Some(row.operation.name.as_str()));
    let result = if !row.broken.is_empty() {
        failed(report, &row.broken)
    } else if row.operation.calls == 0 {
        CaseResult::Skipped("never called".to_owned())
    } else {
        CaseResult::Passed
    };
    let mut output = String::new();
    if row.operation.calls > 0 {
        let (touched, all) = row.counts();
        let _ = writeln!(output, "{touched} of {all} points touched");
        for point in row.untouched().take(UNTOUCHED_MAX) {
            let _ = writeln!(output, "not touched: {}", point.sentence());
        }
        if all - touched > UNTOUCHED_MAX {
            let _ = writeln!(output, "and {} more", all - touched - UNTOUCHED_MAX);
        }
    }
    let place = row.operation.points.first().and_then(|point| point.place.as_ref());
    Case {
        name: row.title(),
        seconds: seconds(own),
        place: place.map(|place| (place.file.name().to_owned(), place.line_column().0)),
        result,
        output,
    }
}

fn seconds<'e>(exchanges: impl Iterator<Item = &'e Exchange>) -> f64 {
    exchanges.map(|exchange| exchange.duration).sum::<std::time::Duration>().as_secs_f64()
}

fn failed(report: &Report, broken: &[&Exchange]) -> CaseResult {
    let found = || broken.iter().flat_map(|exchange| &exchange.messages.diagnostics);
    let first = found().find(|diagnostic| diagnostic.severity == Severity::Error).or_else(|| found().next());
    let more = broken.len().saturating_sub(1);
    let mut message = first.map(|first| first.message.clone()).unwrap_or_default();
    if more > 0 {
        let _ = write!(message, ", and {more} more exchange{}", if more == 1 { "" } else { "s" });
    }
    let shown = broken.iter().map(|exchange| text::exchange_with_line(exchange, false, report.address));
    CaseResult::Failed {
        kind: first.map(|first| first.code.to_string()).unwrap_or_default(),
        message,
        text: shown.collect::<Vec<_>>().join("\n"),
    }
}

fn expectations(report: &Report) -> Suite {
    let cases = report.outcomes.iter().map(|outcome| {
        let nearest = outcome.nearest.iter().flat_map(|(id, differences)| {
            std::iter::once(format!("nearest is exchange {id}:")).chain(differences.iter().cloned())
        });
        let text = nearest.collect::<Vec<_>>().join("\n");
        plain(&outcome.expectation.name, outcome.is_met(), "expectation", outcome.sentence(), text)
    });
    Suite { name: "expectations", cases: cases.collect() }
}

fn gates(report: &Report) -> Suite {
    let cases = report.gates.iter().map(|gate| {
        let text = gate.lacking.join("\n");
        plain(&gate.name, gate.is_met, "gate", gate.message.clone(), text)
    });
    Suite { name: "gates", cases: cases.collect() }
}

fn plain(name: &str, is_met: bool, kind: &str, message: String, text: String) -> Case {
    let result =
        if is_met { CaseResult::Passed } else { CaseResult::Failed { kind: format!("{kind} not met"), message, text } };
    Case { name: name.to_owned(), seconds: 0.0, place: None, result, output: String::new() }
}

/// What an attribute in double quotes may hold (XML 1.0 §2.3); line breaks survive as references.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            '"' => escaped.push_str("&quot;"),
            _ => push(&mut escaped, c),
        }
    }
    escaped
}

/// What an element may hold.
fn escape_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut escaped, c));
    escaped
}

fn push(escaped: &mut String, c: char) {
    match c {
        '&' => escaped.push_str("&amp;"),
        '<' => escaped.push_str("&lt;"),
        '>' => escaped.push_str("&gt;"),
        '\r' => escaped.push_str("&#13;"),
        '\n' | '\t' => escaped.push(c),
        // No XML document can hold these, not even as references (XML 1.0 §2.2).
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
        _ => escaped.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, escape_text};

    #[test]
    fn every_text_becomes_well_formed_xml() {
        let text = "<a b=\"1\">&amp; ]]>\r\n\t\0\u{b}\u{ffff}é'";
        let attribute = "&lt;a b=&quot;1&quot;&gt;&amp;amp; ]]&gt;&#13;&#10;&#9;\u{fffd}\u{fffd}\u{fffd}é'";
        assert_eq!(escape(text), attribute);
        let xml = format!("<x y=\"{}\">{}</x>", escape(text), escape_text(text));
        let document = roxmltree::Document::parse(&xml).unwrap();
        let read = text.replace(['\0', '\u{b}', '\u{ffff}'], "\u{fffd}");
        assert_eq!(document.root_element().attribute("y"), Some(read.as_str()));
        assert_eq!(document.root_element().text(), Some(read.as_str()));
    }
}
