//! What applications hold, by path; snapshots of it and the way back; and the time that they go by.

use super::ask::{list, text};
use super::exchange::difference;
use super::form::{Fields, with_query};
use super::instance::{self, Marks};
use super::layout;
use super::{Answer, Shown, Visit, see_other};
use crate::contract::segment;
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::{Value, json};

/// Resources on the page. Over it the beginning of a path finds the others.
const SHOWN_MAX: usize = 200;
const HERE: &str = "/_mock/state";

pub(super) fn show(visit: &Visit<'_>) -> Shown {
    whole(visit, StatusCode::OK, &visit.query(), &[])
}

/// A path of the control plane that is about one application, or about all where none is chosen.
fn of(path: &str, application: Option<&str>) -> String {
    with_query(path, application.map(|name| ("application", name)))
}

/// Carries out a button of the page.
pub(super) fn act(visit: &Visit<'_>, action: &str) -> Shown {
    let form = visit.form();
    match carry_out(visit, action, &form) {
        Ok(done) => {
            let mut pairs = vec![("done", action)];
            pairs.extend(form.filled("application").map(|name| ("application", name)));
            pairs.extend(done.as_deref().map(|undo| ("undo", undo)));
            Ok(see_other(&with_query(HERE, pairs)))
        }
        Err(refusal) => whole(visit, refusal.status, &form, &refusal.complaints()),
    }
}

/// Gives the snapshot by which a reset can be undone.
fn carry_out(visit: &Visit<'_>, action: &str, form: &Fields) -> Result<Option<String>, Answer> {
    let application = form.filled("application");
    let snapshot = format!("/snapshots/{}", segment(form.text("snapshot")));
    let named = |name: Option<&str>| {
        let members = [("name", name), ("application", application)];
        let members = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?))));
        visit.send(&Method::POST, "/snapshots", &Value::Object(members.collect()))
    };
    match action {
        "save" => drop(named(form.filled("name"))?),
        "restore" => drop(visit.ask(&Method::POST, &of(&format!("{snapshot}/restore"), application), None, None)?),
        "forget" => drop(visit.ask(&Method::DELETE, &snapshot, None, None)?),
        "reset" => {
            let before = named(Some(&format!("before the reset at {}", visit.now)))?;
            visit.ask(&Method::POST, &of("/reset", application), None, None)?;
            return Ok(Some(before.value["id"].to_string()));
        }
        "advance" => {
            let seconds =
                form.text("seconds").trim().parse::<f64>().map_or_else(|_| json!(form.text("seconds")), Value::from);
            visit.send(&Method::POST, &of("/clock/advance", application), &json!({ "seconds": seconds }))?;
        }
        "set" => {
            drop(visit.send(&Method::PUT, &of("/clock", application), &json!({ "now": form.text("now").trim() }))?)
        }
        "freeze" | "run" => {
            drop(visit.send(&Method::PUT, &of("/clock", application), &json!({ "frozen": action == "freeze" }))?);
        }
        _ => drop(visit.ask(&Method::DELETE, &of("/clock", application), None, None)?),
    }
    Ok(None)
}

fn done(action: &str) -> Option<&'static str> {
    Some(match action {
        "save" => "The snapshot was saved.",
        "restore" => "The state of the snapshot is back.",
        "forget" => "The snapshot is gone.",
        "reset" => "The state is what it was at the start.",
        "advance" | "set" => "The time was changed.",
        "freeze" => "The clock stands still.",
        "run" => "The clock runs.",
        "release" => "The clock is what it was at first.",
        _ => return None,
    })
}

fn whole(visit: &Visit<'_>, status: StatusCode, query: &Fields, wrong: &[String]) -> Shown {
    let application = query.filled("application");
    let applications = visit.get("/applications")?;
    let hidden = html! { @if let Some(name) = application { input type="hidden" name="application" value=(name); } };
    let main = html! {
        h1 { "State" }
        form.filters method="get" action=(HERE) role="search" {
            div.field { label for="application" { "Application" } select #application name="application" {
                option value="" selected[application.is_none()] { "All applications" }
                @for known in list(&applications["applications"]) { @let name = text(&known["name"]);
                    option value=(name) selected[application == Some(name)] { (name) } }
            } }
            div.field { label for="path" { "Path begins with" } input #path type="search" name="path" value=(query.text("path")); }
            button type="submit" { "Show" }
        }
        @if !wrong.is_empty() { (layout::complaints(wrong)) }
        @else if let Some(message) = done(query.text("done")) { p.done role="status" { "✓ " (message) } }
        @if let Some(undo) = query.filled("undo") {
            form.undo method="post" action={ (HERE) "/restore" } {
                (hidden) input type="hidden" name="snapshot" value=(undo);
                button type="submit" { "Undo the reset" }
            }
        }
        h2 { "Resources" }
        @match application {
            Some(name) => (resources(&visit.get(&of("/state", Some(name)))?, query.text("path").trim())),
            None => {
                p { "Choose an application above to see what it holds." }
                ul {
                    @for known in list(&applications["applications"]).iter().take(SHOWN_MAX) {
                        li {
                            a href=(of(HERE, known["name"].as_str())) { bdi { (text(&known["name"])) } }
                            ": " (known["resources"]) " resources"
                        }
                    }
                }
            }
        }
        (clock(visit, application, &hidden)?)
        (snapshots(visit, application, query, &hidden)?)
    };
    Ok(layout::page(visit, status, "State", "State", &main))
}

fn button(action: &str, label: &str, hidden: &Markup) -> Markup {
    html! { form method="post" action={ (HERE) "/" (action) } { (hidden) button type="submit" { (label) } } }
}

fn clock(visit: &Visit<'_>, application: Option<&str>, hidden: &Markup) -> Result<Markup, Answer> {
    let clock = visit.get(&of("/clock", application))?;
    let is_frozen = clock["frozen"] == true;
    let own = clock["own"] == true;
    let is_moved = own || (application.is_none() && clock["real"] == false);
    Ok(html! {
        h2 { "Clock" }
        p {
            @match application { Some(name) => { "The clock of " bdi { (name) } @if !own { ", which is the server's," } }, None => "The server's clock" }
            " shows " b { (layout::time(text(&clock["now"]))) } " UTC and " @if is_frozen { "stands still." } @else { "runs." }
            " Tokens expire, and times are given, by it."
        }
        div.actions {
            @if is_frozen { (button("run", "Let it run", hidden)) } @else { (button("freeze", "Freeze time", hidden)) }
            @if is_moved { (button("release", "Back to the real time", hidden)) }
        }
        form.inline method="post" action={ (HERE) "/advance" } {
            (hidden)
            div.field.short { label for="seconds" { "Seconds" } input #seconds type="text" inputmode="decimal" name="seconds" value="43200" required; }
            button type="submit" { "Advance" }
        }
        form.inline method="post" action={ (HERE) "/set" } {
            (hidden)
            div.field { label for="now" { "Time (RFC 3339)" } input #now type="text" name="now" value=(text(&clock["now"])) required; }
            button type="submit" { "Set the time" }
        }
    })
}

fn snapshots(visit: &Visit<'_>, application: Option<&str>, query: &Fields, hidden: &Markup) -> Result<Markup, Answer> {
    let all = visit.get("/snapshots")?;
    let is_of = |known: &Value| application.is_none_or(|name| known["name"] == name);
    let found: Vec<&Value> = list(&all["snapshots"])
        .iter()
        .rev()
        .filter(|snapshot| list(&snapshot["applications"]).iter().any(is_of))
        .collect();
    let compared = query.filled("since");
    Ok(html! {
        h2 { "Snapshots" }
        form.inline method="post" action={ (HERE) "/save" } {
            (hidden)
            div.field { label for="name" { "Snapshot name" } input #name type="text" name="name" autocomplete="off" dir="auto"; }
            button type="submit" { "Save snapshot" }
        }
        @if found.is_empty() { p.aside { "There is none yet." } }
        @for snapshot in found.iter().take(SHOWN_MAX) { (shown(snapshot, application, hidden)) }
        @if let Some(since) = compared { (differences(visit, application, since)?) }
        h2 { "Reset" }
        p {
            "Puts "
            @match application {
                Some(name) => { bdi { (name) } " back to what it" },
                None => "all applications back to what they",
            }
            " started from. It can be undone."
        }
        (button("reset", "Reset", hidden))
    })
}

fn shown(snapshot: &Value, application: Option<&str>, hidden: &Markup) -> Markup {
    let id = snapshot["id"].to_string();
    let name = snapshot["name"].as_str().map_or_else(|| format!("snapshot {id}"), ToOwned::to_owned);
    let mut pairs = vec![("since", id.as_str())];
    pairs.extend(application.map(|name| ("application", name)));
    let form = |action: &str, label: &str| {
        html! {
            form method="post" action={ (HERE) "/" (action) } {
                (hidden) input type="hidden" name="snapshot" value=(id);
                button type="submit" aria-label={ (label) " " (name) } { (label) }
            }
        }
    };
    html! {
        div.snapshot {
            b.name dir="auto" { (name) }
            span.aside { (layout::time(text(&snapshot["created_time"]))) ", " (list(&snapshot["applications"]).len()) " applications" }
            span.actions { (form("restore", "Restore")) a href=(with_query(HERE, pairs)) { "Compare" span.hidden { " " (name) } } (form("forget", "Forget")) }
        }
    }
}

fn differences(visit: &Visit<'_>, application: Option<&str>, since: &str) -> Result<Markup, Answer> {
    let found = visit.get(&of(&format!("/snapshots/{}/diff", segment(since)), application))?;
    let found = list(&found["differences"]);
    Ok(html! {
        h3 #differences { "What has changed since snapshot " (since) }
        @if found.is_empty() { p.done { "✓ Nothing." } }
        @for change in found.iter().take(SHOWN_MAX) { p.crumbs { bdi { (text(&change["application"])) } } (difference(change)) }
        @if found.len() > SHOWN_MAX { p.aside { "The first " (SHOWN_MAX) " of " (found.len()) " are shown." } }
    })
}

fn resources(state: &Value, prefix: &str) -> Markup {
    let found: Vec<&Value> =
        list(&state["resources"]).iter().filter(|resource| text(&resource["path"]).starts_with(prefix)).collect();
    let role = |resource: &Value| match resource["role"].as_str() {
        Some("singleton") => "a resource of its own".to_owned(),
        Some("none") | None => "not read by the contract".to_owned(),
        Some(role) => format!("{} {role}", if role.starts_with('i') { "an" } else { "a" }),
    };
    html! {
        @if found.is_empty() { p.empty { "Nothing is held here." } }
        @for resource in found.iter().take(SHOWN_MAX) {
            details.snippet {
                summary { code { (text(&resource["path"])) } " " span.aside { (role(resource)) @if resource["deleted"] == true { ", deleted" } } }
                @match (resource.get("value"), resource.get("items")) {
                    (Some(value), _) | (None, Some(value)) => (instance::show(value, &Marks::new())),
                    _ => p.aside { "It is known that nothing is here." },
                }
            }
        }
        @if found.len() > SHOWN_MAX { p.aside { "The first " (SHOWN_MAX) " of " (found.len()) " are shown." } }
    }
}
