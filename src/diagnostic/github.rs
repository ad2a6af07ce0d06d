//! Diagnostics as annotations of GitHub Actions: workflow commands on standard output, most severe first.
//!
//! GitHub shows ten annotations of a kind for each step and drops the rest without a word, so the tenth says how many more.

use super::sarif::{message, places};
use super::{Diagnostic, Severity};
use std::fmt::Write as _;

/// Annotations of one kind; one more line says how many are left out.
const SHOWN_MAX: usize = 9;

/// Annotations in the making.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    /// Lines by kind: errors, warnings, notices.
    lines: [Vec<String>; 3],
    left_out: [usize; 3],
}

impl Annotations {
    /// Adds a diagnostic. `context` is where it comes from, such as an exchange, and ends its message.
    pub(crate) fn add(&mut self, diagnostic: &Diagnostic, context: Option<&str>) {
        let rank = rank(diagnostic.severity);
        let (Some(lines), Some(left_out)) = (self.lines.get_mut(rank), self.left_out.get_mut(rank)) else { return };
        if lines.len() < SHOWN_MAX { lines.push(line(diagnostic, context)) } else { *left_out += 1 }
    }

    /// The lines, errors first.
    pub(crate) fn into_text(self) -> String {
        let mut text = String::new();
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        for ((lines, left_out), severity) in self.lines.into_iter().zip(self.left_out).zip(severities) {
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
            if left_out > 0 {
                let noun = severity.as_str();
                let plural = if left_out == 1 { "" } else { "s" };
                let _ = writeln!(text, "::{} title={left_out} more::{left_out} more {noun}{plural}", kind(severity));
            }
        }
        text
    }
}

/// The annotations of some diagnostics.
pub fn github(diagnostics: &[Diagnostic]) -> String {
    let mut annotations = Annotations::default();
    for diagnostic in diagnostics {
        annotations.add(diagnostic, None);
    }
    annotations.into_text()
}

fn line(diagnostic: &Diagnostic, context: Option<&str>) -> String {
    let mut properties = String::new();
    if let (Some(location), _) = places(diagnostic) {
        let span = location.span();
        let (start, end) = (location.file.line_column(span.start), location.file.line_column(span.end));
        let name = location.file.name();
        let name = property(name.strip_prefix("./").unwrap_or(name));
        let _ = write!(properties, "file={name},line={},col={},", start.0, start.1);
        // A column of the end makes sense to GitHub on the same line only.
        if start.0 == end.0 && end.1 > start.1 {
            let _ = write!(properties, "endColumn={},", end.1);
        }
    }
    let title = property(&format!("{}: {}", diagnostic.code, diagnostic.code.entry().title));
    let kind = kind(diagnostic.severity);
    format!("::{kind} {properties}title={title}::{}", data(&message(diagnostic, context)))
}

fn rank(severity: Severity) -> usize {
    match severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Note => 2,
    }
}

fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

/// A text after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which also ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::code;
    use crate::source::{Focus, Location, SourceFile};

    #[test]
    fn a_line_has_its_place_and_nothing_can_end_it() {
        let file = SourceFile::new("a,b:c.yaml", "x: 1\n");
        let diagnostic = Diagnostic::new(code::SCHEMA_ENUM, "100 %\r\n::error::x")
            .in_file(Location::new(file, "/x", Focus::Value))
            .help("y");
        assert_eq!(
            github(&[diagnostic]),
            format!(
                "::error file=a%2Cb%3Ac.yaml,line=1,col=4,endColumn=5,title=CK0203%3A {}::100 %25%0D%0A::error::x%0Ahelp: y\n",
                code::SCHEMA_ENUM.entry().title
            )
        );
    }

    #[test]
    fn errors_come_first_and_nine_of_a_kind_at_most() {
        let warning = Diagnostic::new(code::SCHEMA_ENUM, "w").severity(Severity::Warning);
        let mut all = vec![warning];
        all.extend((0..12).map(|index| Diagnostic::new(code::SCHEMA_ENUM, format!("e{index}"))));
        let text = github(&all);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 11, "{text}");
        assert!(lines[8].starts_with("::error ") && lines[8].ends_with("::e8"));
        assert_eq!(lines[9], "::error title=3 more::3 more errors");
        assert!(lines[10].starts_with("::warning "));
    }
}
