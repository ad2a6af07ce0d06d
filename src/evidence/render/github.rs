//! Workflow commands, which GitHub shows as annotations on the lines that they name.

use super::Report;
use super::findings::{count, findings};
use crate::diagnostic::Severity;
use std::fmt::Write as _;

/// Annotations of one kind that are written. GitHub shows ten of a kind and step, and drops the others without a
/// word, so that the tenth says how many there are.
const SHOWN_MAX: usize = 9;

pub(super) fn github(report: &Report) -> String {
    let findings = findings(report);
    let mut text = String::new();
    for (severity, kind) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "notice")] {
        let own = findings.iter().filter(|finding| finding.diagnostic.severity == severity);
        for finding in own.take(SHOWN_MAX) {
            let mut properties = String::new();
            if let Some(location) = &finding.location {
                let (line, column) = location.line_column();
                let _ = write!(properties, "file={},line={line},col={column},", property(location.file.name()));
            }
            let code = finding.diagnostic.code;
            let _ = write!(properties, "title={}", property(&format!("{code}: {}", code.entry().title)));
            let mut message = finding.sentence();
            if let Some(actual) = finding.diagnostic.actual.as_ref().filter(|_| finding.exchange.is_none()) {
                let _ = write!(message, "\n{actual}");
            }
            if let Some(help) = &finding.diagnostic.help {
                let _ = write!(message, "\nhelp: {help}");
            }
            let _ = writeln!(text, "::{kind} {properties}::{}", data(&message));
        }
        let more = count(&findings, severity).saturating_sub(SHOWN_MAX);
        if more > 0 {
            let _ = writeln!(text, "::{kind} title=and {more} more::{more} more of this kind are not shown here");
        }
    }
    text
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property as the runner reads it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn what_the_runner_takes_for_syntax_is_escaped() {
        assert_eq!(data("50 % of a:b,c\r\nd"), "50 %25 of a:b,c%0D%0Ad");
        assert_eq!(property("50 % of a:b,c\r\nd"), "50 %25 of a%3Ab%2Cc%0D%0Ad");
    }
}
