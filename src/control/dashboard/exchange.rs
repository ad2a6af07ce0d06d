//! One exchange: what broke the contract, with the instance beside the contract's lines; the messages; what changed.

use super::ask::{list, text};
use super::instance::{self, Marks};
use super::layout;
use super::traffic::{duration, verdict};
use super::{Answer, Shown, Visit, copy};
use crate::contract::segment;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

/// Lines of the contract before and after the one that is meant.
const CONTEXT: u64 = 3;

pub(super) fn show(visit: &Visit<'_>, id: &str) -> Shown {
    let exchange = visit.get(&format!("/exchanges/{}", segment(id)))?;
    let (request, response) = (&exchange["request"], &exchange["response"]);
    let title = format!("{} {}", text(&request["method"]), text(&request["target"]));
    let main = html! {
        p.crumbs { a href="/_mock/traffic" { "Traffic" } " › exchange " (exchange["id"]) }
        h1.exchange { (title) " " span.status { "→ " (response["status"]) } }
        dl.facts {
            div { dt { "Verdict" } dd { (verdict(&exchange["verdict"])) } }
            div { dt { "Operation" } dd { (exchange["operation"].as_str().unwrap_or("none matched")) } }
            div { dt { "Application" } dd { bdi { (exchange["application"].as_str().unwrap_or("none")) } } }
            div { dt { "Time" } dd { (layout::time(text(&exchange["time"]))) } }
            div { dt { "Duration" } dd { (duration(&exchange["duration_us"])) } }
        }
        (contract(visit, &exchange)?)
        h2 #request { "Request" }
        (message(&title, request))
        h2 #response { "Response" }
        (message(&response["status"].to_string(), response))
        (changes(&exchange))
        h2 #copy { "Copy" }
        (copy::show(&exchange, &visit.base_url()))
        h2 #raw { "Raw" }
        details.snippet { summary { "The exchange as JSON" } pre tabindex="0" { code { (format!("{exchange:#}")) } } }
    };
    Ok(layout::page(visit, StatusCode::OK, &title, "Traffic", &main))
}

/// The bodies with their marks on one side, each violation with the contract's lines on the other.
fn contract(visit: &Visit<'_>, exchange: &Value) -> Result<Markup, Answer> {
    let violations = list(&exchange["violations"]);
    let mut shown = Vec::new();
    for (index, violation) in violations.iter().enumerate() {
        shown.push(html! { li #{ "violation-" (index + 1) } .(text(&violation["severity"])) { (diagnostic(visit, index + 1, violation)?) } });
    }
    let sides: Vec<Markup> =
        ["request", "response"].into_iter().filter_map(|side| marked(side, exchange, violations)).collect();
    Ok(html! {
        h2 #contract { "Contract" }
        @if violations.is_empty() {
            p.done { "✓ Request and response are what the contract says." }
        } @else {
            div.beside {
                @if !sides.is_empty() { div.instances { @for side in &sides { (side) } } }
                ol.violations { @for violation in &shown { (violation) } }
            }
        }
    })
}

/// Whether a violation is in the body of the request or of the response.
fn side_of(violation: &Value) -> Option<&'static str> {
    (violation["in"] == "body").then(|| if violation["fault"] == "client" { "request" } else { "response" })
}

/// The body of one message with a mark at each place; nothing where no violation is in it.
fn marked(side: &str, exchange: &Value, violations: &[Value]) -> Option<Markup> {
    let mut marks = Marks::new();
    for (index, violation) in violations.iter().enumerate().filter(|(_, violation)| side_of(violation) == Some(side)) {
        marks.entry(text(&violation["pointer"]).to_owned()).or_default().push(index + 1);
    }
    if marks.is_empty() {
        return None;
    }
    let body = exchange[side]["body"].as_str().unwrap_or_default();
    Some(html! {
        h3 { "The body of the " (side) }
        @match serde_json::from_str::<Value>(body) {
            Ok(value) => (instance::show(&value, &marks)),
            Err(_) => pre.instance tabindex="0" { code { (body) } },
        }
    })
}

fn diagnostic(visit: &Visit<'_>, number: usize, violation: &Value) -> Result<Markup, Answer> {
    let place = [text(&violation["in"]), text(&violation["pointer"])].join(" ");
    let facts = [("Expected", &violation["expected"]), ("Found", &violation["actual"]), ("Help", &violation["help"])];
    Ok(html! {
        p.message { span.mark aria-hidden="true" { (number) } b { (layout::prose(text(&violation["message"]))) } " " code { (text(&violation["code"])) } }
        p.place {
            @if violation["in"].is_string() { "in " code { (place.trim_end()) } ", " }
            "fault of the " (text(&violation["fault"]))
        }
        dl.facts { @for (name, value) in facts { @if let Some(value) = value.as_str() { div { dt { (name) } dd { (layout::prose(value)) } } } } }
        @if let Some(place) = violation["contract"].as_str() { (excerpt(visit, place)) }
    })
}

/// The contract's lines around a place, `file:line:col`; a place that is not the contract's is named alone.
pub(super) fn excerpt(visit: &Visit<'_>, place: &str) -> Markup {
    let mut parts = place.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let line: u64 = line.and_then(|line| line.parse().ok()).unwrap_or(1);
    let column: usize = column.and_then(|column| column.parse().ok()).unwrap_or(1);
    let from = line.saturating_sub(CONTEXT).max(1);
    let (first, limit) = (from.to_string(), (line - from + 1 + CONTEXT).to_string());
    let query = [("file", file), ("from", &first), ("limit", &limit)];
    let source = visit.get(&super::form::with_query("/contract/source", query)).unwrap_or_default();
    html! {
        p.place { "contract: " code.place { (place) } }
        @if !list(&source["lines"]).is_empty() {
            pre.excerpt tabindex="0" { code {
                @for (number, text) in (from..).zip(list(&source["lines"]).iter().map(text)) {
                    span.line.meant[number == line] {
                        span.gutter { (number) }
                        @if number == line { (pointed(text, column)) } @else { (text) }
                    } "\n"
                }
            } }
        }
    }
}

/// A line with what stands at a column marked.
fn pointed(line: &str, column: usize) -> Markup {
    let start = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(start, _)| start);
    let (before, rest) = line.split_at(start);
    html! { (before) @if !rest.is_empty() { mark { (rest) } } }
}

fn message(first: &str, message: &Value) -> Markup {
    let body = message["body"].as_str();
    let value = body.and_then(|body| serde_json::from_str::<Value>(body).ok());
    html! {
        details.headers {
            summary { (first) ", " (list(&message["headers"]).len()) " header fields" }
            table {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Value" } } }
                tbody { @for field in list(&message["headers"]) { tr { th scope="row" { (text(&field["name"])) } td { (text(&field["value"])) } } } }
            }
        }
        @match (value, body) {
            (Some(value), _) => (instance::show(&value, &Marks::new())),
            (None, Some(body)) => pre tabindex="0" { code { (body) } },
            (None, None) => {
                @if let Some(bytes) = message["body_base64"].as_str() { p.aside { "The body is no text; in base64:" } pre tabindex="0" { code { (bytes) } } }
                @else { p.aside { "No body." } }
            }
        }
        @if message["body_truncated"] == true { p.aside { "The journal kept only the beginning of the body." } }
    }
}

fn changes(exchange: &Value) -> Markup {
    let changes = list(&exchange["changes"]);
    html! {
        h2 #state { "State" }
        @if changes.is_empty() { p.aside { "Nothing was changed." } }
        @for change in changes { (difference(change)) }
    }
}

/// One path before and after, with the members that differ marked.
pub(super) fn difference(change: &Value) -> Markup {
    let pointers = list(&change["pointers"]).iter().map(|pointer| (text(pointer).to_owned(), Vec::new()));
    let marks: Marks = pointers.collect();
    html! {
        h3 { code { (text(&change["path"])) } }
        div.beside.difference {
            @for (label, side) in [("Before", &change["before"]), ("After", &change["after"])] {
                div { h4 { (label) } @if side.is_null() { p.aside { "Nothing was there." } } @else { (instance::show(side, &marks)) } }
            }
        }
    }
}
