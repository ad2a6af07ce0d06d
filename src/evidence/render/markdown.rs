//! GitHub-flavoured Markdown for job summaries. Texts from outside are escaped: they make no table cells, headings,
//! links or HTML.

use super::findings::findings;
use super::rows::rows;
use super::{Report, curl, text};
use crate::evidence::CoverageScope;
use std::fmt::Write as _;

/// Bytes of a summary. GitHub drops one of more than 1 MiB as a whole.
pub(super) const SUMMARY_BYTES_MAX: usize = 1024 * 1024;

/// Room for the sentence that says what was cut off.
const CUT_NOTE_BYTES: usize = 256;

pub(super) fn markdown(report: &Report, bytes_max: usize) -> String {
    let blocks = blocks(report);
    let mut output = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let is_last = index + 1 == blocks.len();
        let room = if is_last { bytes_max } else { bytes_max.saturating_sub(CUT_NOTE_BYTES) };
        // Less than the bound, not as much: that is how GitHub puts it.
        if output.len() + block.len() >= room {
            let left = blocks.len() - index;
            let note = format!("_The report was cut here: a summary holds 1 MiB, and {left} more parts do not fit._\n");
            if output.len() + note.len() < bytes_max {
                output.push_str(&note);
            }
            break;
        }
        output.push_str(block);
    }
    output
}

/// The parts, each of which stands or falls as a whole.
fn blocks(report: &Report) -> Vec<String> {
    let mut blocks = vec![head(report)];
    blocks.push(gates(report));
    if !report.outcomes.is_empty() {
        blocks.push(expectations(report));
    }
    if !report.reported.is_empty() {
        blocks.push(list_of_findings(report));
    }
    if report.coverage.is_some() {
        blocks.push(coverage(report));
    }
    blocks.extend(report.reported.iter().map(|exchange| {
        let code = fenced("text", &text::exchange_text(exchange, false));
        let line = curl::line(exchange, report.address).map_or_else(String::new, |line| {
            let note = line.note.map(|note| format!("{}\n\n", escape(&note))).unwrap_or_default();
            format!("To send it again:\n\n{}{note}", fenced("sh", &line.command))
        });
        let summary = html(&text::heading(exchange));
        format!("<details><summary>{summary}</summary>\n\n{code}{line}</details>\n\n")
    }));
    blocks
}

fn head(report: &Report) -> String {
    let (sign, word) = (if report.is_clean() { "✅" } else { "❌" }, report.word());
    let (title, version) = &report.contract;
    let counts = report.counts;
    format!(
        "## {sign} {}: {word}\n\n{} exchanges, {} with violations, {} with drift.\n\n",
        escape(&format!("{title} {version}")),
        counts.exchanges,
        counts.violations,
        counts.drift
    )
}

fn gates(report: &Report) -> String {
    let mut table = String::from("| gate | | |\n|---|---|---|\n");
    for gate in &report.gates {
        let mut lacking: Vec<String> = gate.lacking.iter().map(|lacking| escape(lacking)).collect();
        lacking.insert(0, escape(&gate.message));
        let _ = writeln!(table, "| {} | {} | {} |", escape(&gate.name), sign(gate.is_met), lacking.join("<br>"));
    }
    table.push('\n');
    table
}

fn expectations(report: &Report) -> String {
    let mut table = String::from("| expectation | | |\n|---|---|---|\n");
    for outcome in &report.outcomes {
        let mut lines = vec![escape(&outcome.sentence())];
        if let Some((id, differences)) = &outcome.nearest {
            lines.push(format!("nearest is exchange {id}:"));
            lines.extend(differences.iter().map(|difference| escape(difference)));
        }
        let (name, sign) = (escape(&outcome.expectation.name), sign(outcome.is_met()));
        let _ = writeln!(table, "| {name} | {sign} | {} |", lines.join("<br>"));
    }
    table.push('\n');
    table
}

fn sign(is_met: bool) -> &'static str {
    if is_met { "✅" } else { "❌" }
}

fn list_of_findings(report: &Report) -> String {
    let mut table = String::from("| what | where in the contract | times |\n|---|---|---|\n");
    for finding in findings(report).iter().filter(|finding| finding.exchange.is_some()) {
        let place = finding.location.as_ref().map(ToString::to_string).unwrap_or_default();
        let what = format!("{} {}", finding.diagnostic.code, finding.diagnostic.message);
        let _ = writeln!(table, "| {} | {} | {} |", escape(&what), escape(&place), finding.count);
    }
    if report.left_out() > 0 {
        let _ = writeln!(table, "\n{} more exchanges are not shown.", report.left_out());
    }
    table.push('\n');
    table
}

fn coverage(report: &Report) -> String {
    let Some(coverage) = &report.coverage else { return String::new() };
    let scopes = CoverageScope::ALL.map(|scope| {
        let (touched, all) = coverage.counts(scope);
        format!("{} {touched} of {all}", scope.as_str())
    });
    let mut table = format!("Touched: {}.\n\n| operation | calls | touched |\n|---|---|---|\n", scopes.join(", "));
    for row in rows(report).0 {
        let (touched, all) = row.counts();
        let _ = writeln!(table, "| {} | {} | {touched} of {all} |", escape(&row.title()), row.operation.calls);
    }
    table.push('\n');
    table
}

/// A block of code, within a fence that the code cannot close.
fn fenced(language: &str, code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if code.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{code}{end}{fence}\n\n")
}

/// A text within a line or a table cell, which shows as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Not to be taken for a mention or an issue.
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text within HTML, on one line.
fn html(text: &str) -> String {
    super::html::escape(text).replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::{escape, fenced};

    #[test]
    fn texts_make_no_markup() {
        assert_eq!(escape("a|b `c` <i>&\n# *d* _e_ [f](g)"), r"a\|b \`c\` &lt;i&gt;&amp; \# \*d\* \_e\_ \[f\](g)");
        assert_eq!(escape("@someone $x$"), r"&#64;someone \$x\$");
    }

    #[test]
    fn code_cannot_leave_its_fence() {
        assert_eq!(fenced("sh", "a"), "```sh\na\n```\n\n");
        assert_eq!(fenced("", "````\n"), "`````\n````\n`````\n\n");
    }
}
