//! One page that needs no script and nothing from outside, in light and dark.

use super::rows::{Row, rows};
use super::{Exchange, Report, curl, text};
use crate::evidence::CoverageScope;
use std::fmt::Write as _;

const STYLE: &str = include_str!("report.css");

pub(super) fn html(report: &Report) -> String {
    let (title, version) = &report.contract;
    let title = escape(&format!("{title} {version}"));
    let word = report.word();
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{word}: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    let counts = report.counts;
    let _ = writeln!(
        page,
        "<h1>{title}: {}</h1>\n<p>{} exchanges, {} with violations, {} with drift.</p>",
        verdict(report.is_clean(), "pass", "fail"),
        counts.exchanges,
        counts.violations,
        counts.drift
    );
    gates(report, &mut page);
    expectations(report, &mut page);
    broken(report, &mut page);
    coverage(report, &mut page);
    let never_used = report.never_used();
    if !never_used.is_empty() {
        let _ = writeln!(page, "<h2>Never used</h2>\n{}", list(never_used.iter().map(String::as_str)));
    }
    let _ = write!(
        page,
        "</main>\n<footer><p class=\"quiet\">{} {}</p></footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION")
    );
    page
}

fn verdict(good: bool, yes: &str, no: &str) -> String {
    let (class, word) = if good { ("good", yes) } else { ("bad", no) };
    format!("<span class=\"{class}\">{word}</span>")
}

fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    let items: String = items.map(|item| format!("<li>{}</li>", escape(item))).collect();
    if items.is_empty() { items } else { format!("<ul>{items}</ul>") }
}

fn table(page: &mut String, heading: &str, columns: &[&str]) {
    let columns: String = columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    let _ = writeln!(page, "<h2>{heading}</h2>\n<table>\n<thead><tr>{columns}</tr></thead>\n<tbody>");
}

fn gates(report: &Report, page: &mut String) {
    table(page, "Gates", &["gate", "result", "figures"]);
    for gate in &report.gates {
        let lacking = list(gate.lacking.iter().map(String::as_str));
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}{lacking}</td></tr>",
            escape(&gate.name),
            verdict(gate.is_met, "met", "not met"),
            escape(&gate.message)
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn expectations(report: &Report, page: &mut String) {
    if report.outcomes.is_empty() {
        return;
    }
    table(page, "Expectations", &["expectation", "result", "what came"]);
    for outcome in &report.outcomes {
        let nearest = outcome.nearest.as_ref().map(|(id, differences)| {
            format!("<p>nearest is exchange {id}:</p>{}", list(differences.iter().map(String::as_str)))
        });
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}{}</td></tr>",
            escape(&outcome.expectation.name),
            verdict(outcome.is_met(), "met", "not met"),
            escape(&outcome.sentence()),
            nearest.unwrap_or_default()
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn broken(report: &Report, page: &mut String) {
    if report.reported.is_empty() {
        return;
    }
    page.push_str("<h2>Exchanges that broke the contract</h2>\n");
    report.reported.iter().for_each(|exchange| one_broken(report, exchange, page));
    if report.left_out() > 0 {
        let _ = writeln!(page, "<p>{} more are not shown.</p>", report.left_out());
    }
}

fn one_broken(report: &Report, exchange: &Exchange, page: &mut String) {
    let id = exchange.id;
    let _ = writeln!(page, "<details open>\n<summary>{}</summary>", escape(&text::heading(exchange)));
    block(page, &format!("what is wrong with exchange {id}"), &text::diagnostics(exchange, false));
    if let Some(line) = curl::line(exchange, report.address) {
        page.push_str("<p>To send it again:</p>\n");
        block(page, &format!("a command that sends exchange {id} again"), &line.command);
        if let Some(note) = line.note {
            let _ = writeln!(page, "<p class=\"quiet\">{}</p>", escape(&note));
        }
    }
    page.push_str("</details>\n");
}

/// Code, which may be wider than the page, so that a keyboard has to be able to scroll it.
fn block(page: &mut String, label: &str, code: &str) {
    let label = escape(label);
    let _ = writeln!(page, "<pre tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{}</pre>", escape(code));
}

fn coverage(report: &Report, page: &mut String) {
    let Some(coverage) = &report.coverage else { return };
    table(page, "Coverage of the contract", &["scope", "touched", "of", "percent"]);
    for scope in CoverageScope::ALL {
        let (touched, all) = coverage.counts(scope);
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{touched}</td><td>{all}</td><td>{:.1} %</td></tr>",
            scope.as_str(),
            coverage.percent(scope)
        );
    }
    page.push_str("</tbody>\n</table>\n");
    table(page, "Operations", &["operation", "calls", "touched", "not touched"]);
    rows(report).0.iter().for_each(|row| operation(row, page));
    page.push_str("</tbody>\n</table>\n");
}

fn operation(row: &Row<'_>, page: &mut String) {
    let (touched, all) = row.counts();
    let untouched: Vec<String> = row.untouched().map(|point| point.sentence()).collect();
    let lacking = if untouched.is_empty() {
        String::new()
    } else {
        let open = if row.operation.calls > 0 { " open" } else { "" };
        let items = list(untouched.iter().map(String::as_str));
        format!("<details{open}><summary>{} points</summary>{items}</details>", untouched.len())
    };
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{touched} of {all}</td><td>{lacking}</td></tr>",
        escape(&row.title()),
        row.operation.calls
    );
}

/// A text as HTML shows it, within elements and attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
