//! Exchanges as they come, newest first. The rows of a page that is loaded and those that come later are the same.

use super::ask::{list, text};
use super::form::{Fields, with_query};
use super::layout;
use super::{Answer, Shown, Visit};
use crate::message::{Later, Reply, Stream};
use bytes::Bytes;
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::Value;
use std::fmt::Write as _;

/// Rows of a page that is loaded. Live ones come on top; the script keeps at most 1,000.
const ROWS: &str = "200";

/// Rows that the page takes in at once. More of them would be felt.
const SWAPPED_MAX: usize = 50;

/// The filters of the control plane that the page has fields for.
const FILTERS: [&str; 4] = ["application", "operation", "status", "violations"];

pub(super) fn show(visit: &Visit<'_>) -> Shown {
    let query = visit.query();
    let filters = filters(&query);
    let mut wanted = filters.clone();
    wanted.extend([("order", "newest"), ("view", "summary"), ("limit", ROWS)]);
    wanted.extend(query.filled("before").map(|before| ("before", before)));
    let page = match visit.get(&with_query("/exchanges", wanted)) {
        Ok(page) => page,
        Err(refusal) if refusal.status == StatusCode::BAD_REQUEST => {
            return whole(visit, &query, None, &refusal.complaints());
        }
        Err(refusal) => return Err(refusal),
    };
    whole(visit, &query, Some(&page), &[])
}

fn filters(query: &Fields) -> Vec<(&'static str, &str)> {
    FILTERS.into_iter().filter_map(|name| Some((name, query.filled(name)?))).collect()
}

fn whole(visit: &Visit<'_>, query: &Fields, page: Option<&Value>, wrong: &[String]) -> Shown {
    let exchanges = page.map(|page| list(&page["exchanges"])).unwrap_or_default();
    let is_live = wrong.is_empty() && query.filled("before").is_none();
    let stream = if is_live { Some(stream_address(visit, query)?) } else { None };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let older = page.and_then(|page| page["next"].as_u64()).map(|before| {
        let before = before.to_string();
        let mut pairs = filters(query);
        pairs.push(("before", &before));
        with_query("/_mock/traffic", pairs)
    });
    let main = html! {
        h1 { "Traffic" }
        (filter_form(visit, query, wrong)?)
        div.bar {
            @if is_live {
                span #live.live role="status" { "Live updates need scripts; reload for what is new." }
                button #pause type="button" aria-pressed="false" hidden { "Pause" }
            } @else {
                a href={ (with_query("/_mock/traffic", filters(query))) } { "Back to the newest" }
            }
        }
        p.empty #no-traffic hidden[!exchanges.is_empty()] { "No exchange yet. Send a request, and it appears here." }
        table.traffic hidden[exchanges.is_empty()] {
            thead { tr {
                th scope="col" { "Time" } th.wide scope="col" { "Application" } th scope="col" { "Request" }
                th.wide scope="col" { "Operation" } th scope="col" { "Status" } th.wide.number scope="col" { "Duration" } th scope="col" { "Verdict" }
            } }
            tbody #rows hx-sse:connect=[stream] hx-target="#rows" hx-swap="afterbegin" {
                @for exchange in exchanges { (row(exchange)) }
            }
        }
        @if let Some(older) = older { p { a rel="next" href=(older) { "Older exchanges" } } }
    };
    Ok(layout::page(visit, status, "Traffic", "Traffic", &main))
}

/// The live rows go on where the page ends, so that none is lost in between.
fn stream_address(visit: &Visit<'_>, query: &Fields) -> Result<String, Answer> {
    let newest = visit.get("/exchanges?order=newest&view=summary&limit=1")?;
    let after =
        list(&newest["exchanges"]).first().and_then(|newest| newest["id"].as_u64()).unwrap_or_default().to_string();
    let mut pairs = filters(query);
    pairs.push(("after", &after));
    Ok(with_query("/_mock/traffic/events", pairs))
}

fn filter_form(visit: &Visit<'_>, query: &Fields, wrong: &[String]) -> Result<Markup, Answer> {
    let applications = visit.get("/applications")?;
    let contract = visit.get("/contract")?;
    let operation = |operation: &Value| match operation["operation_id"].as_str() {
        Some(id) => id.to_owned(),
        None => format!("{} {}", text(&operation["method"]), text(&operation["path"])),
    };
    let verdicts = [("", "any"), ("true", "broke the contract"), ("false", "kept the contract")];
    Ok(html! {
        form.filters method="get" action="/_mock/traffic" role="search" {
            div.field {
                label for="application" { "Application" }
                input #application type="search" name="application" list="applications" value=(query.text("application"));
            }
            datalist #applications { @for application in list(&applications["applications"]).iter().take(200) { option value=(text(&application["name"])) {} } }
            div.field {
                label for="operation" { "Operation" }
                input #operation type="search" name="operation" list="operations" value=(query.text("operation"));
            }
            datalist #operations { @for found in list(&contract["operations"]).iter().take(500) { option value=(operation(found)) {} } }
            div.field.short { label for="status" { "Status" } input #status type="search" name="status" placeholder="404 or 4XX" value=(query.text("status")); }
            div.field.short { label for="violations" { "Verdict" } select #violations name="violations" {
                @for (value, label) in verdicts { option value=(value) selected[query.text("violations") == value] { (label) } }
            } }
            button type="submit" { "Filter" }
            @if !filters(query).is_empty() { a href="/_mock/traffic" { "Clear" } }
            @if !wrong.is_empty() { (layout::complaints(wrong)) }
        }
    })
}

fn row(exchange: &Value) -> Markup {
    let id = exchange["id"].as_u64().unwrap_or_default();
    html! {
        tr #{ "exchange-" (id) } .(text(&exchange["verdict"])) {
            td.when { (layout::time(text(&exchange["time"]))) }
            td.wide { bdi { (exchange["application"].as_str().unwrap_or("—")) } }
            td.request { a href={ "/_mock/exchanges/" (id) } { b { (text(&exchange["method"])) } " " (breakable(text(&exchange["target"]))) } }
            td.wide { (exchange["operation"].as_str().unwrap_or("—")) }
            td { (exchange["status"]) }
            td.wide.number { (duration(&exchange["duration_us"])) }
            td { (verdict(&exchange["verdict"])) @for code in list(&exchange["codes"]).iter().take(3) { " " code { (text(code)) } } }
        }
    }
}

/// A target that a narrow screen breaks where its parts begin.
fn breakable(target: &str) -> Markup {
    html! { @for part in target.split_inclusive(['/', '?', '&']) { (part) wbr; } }
}

/// The verdict as a word with its icon; the colour is the class's.
pub(super) fn verdict(verdict: &Value) -> Markup {
    let verdict = text(verdict);
    let icon = match verdict {
        "pass" => "✓",
        "violation" => "✕",
        _ => "▲",
    };
    html! { span class={ "verdict " (verdict) } { span.icon aria-hidden="true" { (icon) } " " (verdict) } }
}

/// Microseconds, in the unit that reads best.
pub(super) fn duration(microseconds: &Value) -> String {
    match microseconds.as_u64().unwrap_or_default() {
        short @ 0..1_000 => format!("{short} µs"),
        long => format!("{}.{} ms", long / 1_000, long % 1_000 / 100),
    }
}

/// The control plane's events, each made a row. Those that come at once travel at once, newest first.
pub(super) fn events(visit: &Visit<'_>) -> Shown {
    let query = visit.request.uri().query().unwrap_or_default();
    let seen = visit.request.headers().get("last-event-id").and_then(|seen| seen.to_str().ok());
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if let Some(seen) = seen {
        pairs.retain(|(name, _)| name != "after");
        pairs.push(("after".to_owned(), seen.to_owned()));
    }
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut reply = visit.ask(&Method::GET, &with_query("/events", pairs), None, None)?.reply;
    if let Some(Later::Stream(stream)) = Later::take(&mut reply) {
        let changed = stream.changed.clone();
        let rows = move || as_rows(&stream.more());
        reply.extensions_mut().insert(Later::Stream(Stream::new(changed, rows)));
    }
    Ok::<Reply, Answer>(reply)
}

/// Events without a name, which htmx swaps in, from any number of the control plane's.
fn as_rows(events: &Bytes) -> Bytes {
    let events = String::from_utf8_lossy(events);
    let fields = |name| events.lines().filter_map(move |line: &str| line.strip_prefix(name));
    let datas = fields("data: ").filter_map(|data| serde_json::from_str(data).ok());
    let exchanges: Vec<(&str, Value)> = fields("id: ").zip(datas).collect();
    let mut text = String::new();
    for some in exchanges.chunks(SWAPPED_MAX) {
        let rows = html! { @for (_, exchange) in some.iter().rev() { (row(exchange)) } }.into_string();
        let last = some.last().map_or("", |(id, _)| id);
        // A line break within a row would end the data.
        let _ = write!(text, "id: {last}\ndata: {}\n\n", rows.replace(['\n', '\r'], " "));
    }
    Bytes::from(text)
}
