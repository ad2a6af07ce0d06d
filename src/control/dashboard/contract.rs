//! The contract: what of it was touched, what is wrong with it, and a form to try it with.

use super::ask::{list, text};
use super::exchange::excerpt;
use super::form::{Fields, with_query};
use super::layout::{self, prose};
use super::{Answer, Shown, Visit, see_other};
use crate::contract::segment;
use crate::message::Request;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::Value;
use std::time::Duration;

/// Operations on the page. Over it the filter finds the others.
const OPERATIONS_MAX: usize = 100;
/// Points of an operation that are shown.
const POINTS_MAX: usize = 300;
/// Findings that are shown.
const FINDINGS_MAX: usize = 100;

/// Kinds of points, in groups that a reader knows.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Statuses", &["status"]),
    ("Parameters", &["parameter_present", "parameter_absent"]),
    ("Enum values", &["enum_sent", "enum_received"]),
    ("Alternatives", &["branch_sent", "branch_received"]),
    ("Optional properties", &["property_sent", "property_received"]),
    ("Media types, headers, security", &["media_type", "header", "security"]),
];

pub(super) fn show(visit: &Visit<'_>) -> Shown {
    whole(visit, StatusCode::OK, &visit.query(), &[])
}

fn whole(visit: &Visit<'_>, status: StatusCode, query: &Fields, wrong: &[String]) -> Shown {
    let contract = visit.get("/contract")?;
    let coverage = visit.get("/coverage")?;
    let wanted = query.text("find").trim().to_lowercase();
    let fits = |operation: &&Value| {
        let id = text(&operation["operation_id"]).to_lowercase();
        id.contains(&wanted) || text(&operation["operation"]).to_lowercase().contains(&wanted)
    };
    let operations: Vec<&Value> = list(&coverage["operations"]).iter().filter(fits).collect();
    let summary = &coverage["summary"];
    let main = html! {
        h1 { (text(&contract["title"])) " " span.aside { (text(&contract["version"])) } }
        p.aside { "From " @for file in list(&contract["files"]).iter().take(5) { code { (text(file)) } " " } }
        dl.facts { @for (label, scope) in [("Operations", "operations"), ("Statuses", "statuses"), ("Everything", "everything")] {
            div { dt { (label) " touched" } dd { (summary[scope]["touched"]) " of " (summary[scope]["all"]) ", " (summary[scope]["percent"]) " %" } }
        } }
        h2 { "Coverage" }
        form.filters method="get" action="/_mock/contract" role="search" {
            div.field { label for="find" { "Find an operation" } input #find type="search" name="find" value=(query.text("find")); }
            button type="submit" { "Find" }
        }
        p.legend { span.point.touched { "touched" } " " span.point.never { "never touched" } }
        @if operations.is_empty() { p.empty { "No operation has such a name or path." } }
        @for operation in operations.iter().take(OPERATIONS_MAX) { (heat(operation)) }
        @if operations.len() > OPERATIONS_MAX { p.aside { "The first " (OPERATIONS_MAX) " of " (operations.len()) " are shown." } }
        (try_form(visit, &contract, query, wrong)?)
        (findings(visit)?)
    };
    Ok(layout::page(visit, status, "Contract", "Contract", &main))
}

fn heat(operation: &Value) -> Markup {
    let points = list(&operation["points"]);
    let touched = points.iter().filter(|point| point["touched"] == true).count();
    let name = operation["operation_id"].as_str().unwrap_or_default();
    let traffic = with_query("/_mock/traffic", [("operation", text(&operation["operation"]))]);
    html! {
        details.operation open[points.len() <= 60] {
            summary { code { (text(&operation["operation"])) } " " span.aside { (name) " · " (operation["calls"]) @if operation["calls"] == 1 { " call · " } @else { " calls · " } (touched) " of " (points.len()) } }
            meter min="0" max=(points.len().max(1)) value=(touched) aria-label={ "Touched of " (text(&operation["operation"])) } {}
            @for (label, kinds) in GROUPS {
                @let of_kind: Vec<&Value> = points.iter().filter(|point| kinds.contains(&text(&point["kind"]))).collect();
                @if !of_kind.is_empty() {
                    h3 { (label) }
                    ul.points { @for point in of_kind.iter().take(POINTS_MAX) { (cell(point)) } }
                    @if of_kind.len() > POINTS_MAX { p.aside { "and " (of_kind.len() - POINTS_MAX) " more" } }
                }
            }
            p { a href=(traffic) { "Traffic of " (text(&operation["operation"])) } }
        }
    }
}

fn cell(point: &Value) -> Markup {
    let is_touched = point["touched"] == true;
    let how = match text(&point["kind"]) {
        "enum_sent" | "branch_sent" | "property_sent" => "sent ",
        "enum_received" | "branch_received" | "property_received" => "received ",
        "parameter_absent" => "without ",
        _ => "",
    };
    html! {
        li.point .touched[is_touched] .never[!is_touched] title=[point["contract"].as_str()] {
            (how) (text(&point["name"])) span.hidden { @if is_touched { ", touched" } @else { ", never touched" } }
        }
    }
}

fn findings(visit: &Visit<'_>) -> Result<Markup, Answer> {
    let found = visit.get("/contract/findings")?;
    let found = list(&found["findings"]);
    Ok(html! {
        h2 { "Findings" }
        @if found.is_empty() { p.done { "✓ Nothing is wrong with the document." } }
        ol.violations { @for finding in found.iter().take(FINDINGS_MAX) {
            li .(text(&finding["severity"])) {
                p.message { b { (prose(text(&finding["message"]))) } " " code { (text(&finding["code"])) } }
                @if let Some(help) = finding["help"].as_str() { p.place { "help: " (prose(help)) } }
                @if let Some(place) = finding["file"].as_str() { (excerpt(visit, place)) }
            }
        } }
        @if found.len() > FINDINGS_MAX { p.aside { "The first " (FINDINGS_MAX) " of " (found.len()) " are shown; " code { "check" } " shows all." } }
    })
}

fn try_form(visit: &Visit<'_>, contract: &Value, query: &Fields, wrong: &[String]) -> Result<Markup, Answer> {
    let applications = visit.get("/applications")?;
    let operations = list(&contract["operations"]);
    let first = operations.first();
    let method = query.filled("method").or_else(|| first.map(|first| text(&first["method"]))).unwrap_or("GET");
    let target = query.filled("target").or_else(|| first.map(|first| text(&first["path"]))).unwrap_or("/");
    let mut preferences: Vec<String> = Vec::new();
    for operation in operations {
        let statuses = list(&operation["statuses"]).iter().filter(|status| text(status).parse::<u16>().is_ok());
        preferences.extend(statuses.map(|status| format!("code={}", text(status))));
        preferences.extend(list(&operation["examples"]).iter().map(|name| format!("example={}", text(name))));
    }
    preferences.sort();
    preferences.dedup();
    Ok(html! {
        h2 #try { "Try it" }
        p { "The request is sent as a client of the application, with a token of its own, and counts like any other. It leads to its exchange." }
        form.try method="post" action="/_mock/contract/try" {
            div.field {
                label for="as" { "As" }
                select #as name="application" {
                    @for application in list(&applications["applications"]).iter().take(500) {
                        option value=(text(&application["client_id"])) { (text(&application["name"])) }
                    }
                }
            }
            div.field.short {
                label for="method" { "Method" }
                input #method type="text" name="method" value=(method) list="methods" required;
            }
            datalist #methods { @for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"] { option value=(method) {} } }
            div.field {
                label for="target" { "Path and query" }
                input #target type="text" name="target" value=(target) list="targets" required;
            }
            datalist #targets { @for operation in operations.iter().take(500) { option value=(text(&operation["path"])) {} } }
            div.field {
                label for="prefer" { "Status or example (Prefer)" }
                input #prefer type="text" name="prefer" list="preferences" placeholder="code=404 or example=name"
                    value=(query.text("prefer"));
            }
            datalist #preferences { @for preference in preferences.iter().take(500) { option value=(preference) {} } }
            div.field.whole {
                label for="body" { "JSON body" }
                textarea #body name="body" rows="4" spellcheck="false" { (maud::PreEscaped("\n")) (query.text("body")) }
            }
            @if !wrong.is_empty() { (layout::complaints(wrong)) }
            button.primary type="submit" { "Send the request" }
        }
    })
}

/// Sends a request over the data plane, as a client of the application would; leads to the exchange that it was.
pub(super) fn attempt(visit: &Visit<'_>) -> Shown {
    let form = visit.form();
    let refuse = |message: &str| whole(visit, StatusCode::UNPROCESSABLE_ENTITY, &form, &[message.to_owned()]);
    let Ok(method) = Method::from_bytes(form.text("method").trim().as_bytes()) else {
        return refuse("This is no method.");
    };
    let Ok(uri) = form.text("target").trim().parse::<http::Uri>() else {
        return refuse("This is no path with a query.");
    };
    if !uri.path().starts_with('/') || uri.authority().is_some() || uri.path().starts_with("/_mock") {
        return refuse("Give a path of the contract, which begins with /.");
    }
    let application = visit.get(&format!("/applications/{}", segment(form.text("application"))))?;
    let mut request = Request::new(Bytes::from(form.text("body").trim().to_owned()));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    if !request.body().is_empty() {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(preference) = form.filled("prefer") {
        let Ok(preference) = HeaderValue::from_str(preference) else { return refuse("This is no preference.") };
        request.headers_mut().insert(HeaderName::from_static("prefer"), preference);
    }
    if let Some(token) =
        token(visit, &application)?.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok())
    {
        request.headers_mut().insert(AUTHORIZATION, token);
    }
    let reply = visit.engine.handle(request, None, visit.now, || Duration::ZERO);
    match reply.headers().get("x-mock-exchange").and_then(|id| id.to_str().ok()) {
        Some(id) => Ok(see_other(&format!("/_mock/exchanges/{id}"))),
        None => refuse("The request left no exchange."),
    }
}

/// A token from the token endpoint, as the application's client gets one.
fn token(visit: &Visit<'_>, application: &Value) -> Result<Option<String>, Answer> {
    let contract = visit.get("/contract")?;
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", text(&application["client_id"])),
        ("client_secret", text(&application["client_secret"])),
    ];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = text(&contract["token_path"]).parse().unwrap_or_default();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form);
    let reply = visit.engine.handle(request, None, visit.now, || Duration::ZERO);
    let granted: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    Ok(granted["access_token"].as_str().map(ToOwned::to_owned))
}
