//! The verdict with what it asks for, and every report as a file.

use super::ask::{list, text};
use super::layout::{self, prose};
use super::{Shown, Visit};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

/// The formats: name of the control plane, file name, and what it is for.
const FORMATS: [(&str, &str, &str); 8] = [
    ("html", "report.html", "one page for people, to keep or to send"),
    ("text", "report.txt", "as the terminal shows it"),
    ("markdown", "report.md", "for a summary of a CI job"),
    ("junit", "report.xml", "for test reports of CI systems"),
    ("sarif", "report.sarif", "for code scanning and editors"),
    ("github", "annotations.txt", "GitHub's workflow commands"),
    ("json", "report.json", "everything, for programs"),
    ("har", "report.har", "the exchanges, for browsers' tools"),
];

pub(super) fn show(visit: &Visit<'_>) -> Shown {
    let verdict = visit.get("/verdict")?;
    let is_pass = verdict["verdict"] == "pass";
    let figures = [
        ("Exchanges", "exchanges"),
        ("With violations", "violations"),
        ("With drift", "drift"),
        ("Unknown paths", "unknown_paths"),
    ];
    let main = html! {
        h1 { "Reports" }
        p.verdict-line .pass[is_pass] .violation[!is_pass] {
            span.icon aria-hidden="true" { @if is_pass { "✓ " } @else { "✕ " } }
            b { (text(&verdict["verdict"])) }
            @if is_pass { ": the contract was kept so far." } @else { ": the contract was broken, or something that was asked for is not met." }
        }
        dl.facts { @for (label, name) in figures { div { dt { (label) } dd { (verdict[name]) } } } }
        (gates(&verdict))
        (expectations(&verdict))
        h2 { "Download" }
        table {
            thead { tr { th scope="col" { "Format" } th scope="col" { "For" } } }
            tbody { @for (format, file, use_of) in FORMATS {
                tr {
                    th scope="row" { a href={ "/_mock/api/report?format=" (format) } download=(file) { (format) } }
                    td { (use_of) }
                }
            } }
        }
        p { a href="/_mock/api/coverage" download="coverage.json" { "coverage.json" } ": how much of the contract was touched. " a href="/_mock/contract" { "As a page" } }
    };
    Ok(layout::page(visit, StatusCode::OK, "Reports", "Reports", &main))
}

fn met(outcome: &Value) -> Markup {
    html! {
        @if outcome["met"] == true { span.verdict.pass { span.icon aria-hidden="true" { "✓" } " met" } }
        @else { span.verdict.violation { span.icon aria-hidden="true" { "✕" } " not met" } }
    }
}

fn gates(verdict: &Value) -> Markup {
    html! {
        h2 { "What the verdict asks for" }
        @if list(&verdict["gates"]).is_empty() { p.aside { "Nothing." } }
        ul.gates { @for gate in list(&verdict["gates"]) {
            li { (met(gate)) " " b { (text(&gate["name"])) } ": " (prose(text(&gate["message"])))
                @if !list(&gate["lacking"]).is_empty() { ul { @for lacking in list(&gate["lacking"]) { li { code { (text(lacking)) } } } } }
            }
        } }
    }
}

fn expectations(verdict: &Value) -> Markup {
    let expectations = list(&verdict["expectations"]);
    html! {
        @if !expectations.is_empty() {
            h2 { "Expectations" }
            ul.gates { @for outcome in expectations {
                li { (met(outcome)) " " (prose(text(&outcome["message"])))
                    @if let Some(exchange) = outcome["nearest"]["exchange"].as_u64() {
                        p { "Nearest: " a href={ "/_mock/exchanges/" (exchange) } { "exchange " (exchange) } }
                        ul { @for difference in list(&outcome["nearest"]["differences"]) { li { (prose(text(difference))) } } }
                    }
                }
            } }
        }
    }
}
