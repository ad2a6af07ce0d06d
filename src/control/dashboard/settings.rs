//! The settings of one application: its credentials, and the resources that its contract lets be replaced.
//!
//! Which settings there are is the contract's to say. A save is a conditional change of the one resource: who saves
//! over what somebody else has saved meanwhile is told, and nothing is changed.

use super::application::{self, credentials, done, heading};
use super::ask::{list, text};
use super::control::{self, Setting};
use super::layout;
use super::{Answer, Shown, Visit, see_other};
use crate::contract::segment;
use crate::source::pointer;
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

/// Saves that are tried again because something else of the application changed in between.
const TRIES_MAX: usize = 5;

/// What a save that was not carried out has to say, and where.
#[derive(Default)]
pub(super) struct Refusal<'a> {
    pub(super) path: &'a str,
    /// Empty where the whole resource was to be saved.
    pub(super) property: &'a str,
    /// What was written, where it was JSON.
    pub(super) json: &'a str,
    pub(super) complaints: Vec<String>,
}

pub(super) fn show(visit: &Visit<'_>, id: &str) -> Shown {
    whole(visit, id, StatusCode::OK, &Refusal::default())
}

/// Saves one property, or one resource as JSON.
pub(super) fn save(visit: &Visit<'_>, id: &str) -> Shown {
    let form = visit.form();
    let (path, property, json) = (form.text("path"), form.text("property"), form.text("json"));
    let refuse = |status, complaints| whole(visit, id, status, &Refusal { path, property, json, complaints });
    let given = if property.is_empty() { json } else { form.text("value") };
    let value: Value = match serde_json::from_str(given) {
        Ok(value) => value,
        Err(error) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, vec![format!("this is no JSON: {error}")]),
    };
    for _ in 0..TRIES_MAX {
        let before = application::read(visit, id)?;
        let current = &before.value["resources"][path];
        if control::version(current) != form.text("seen") {
            return refuse(StatusCode::CONFLICT, vec![overtaken(current, property)]);
        }
        let wanted = if property.is_empty() { value.clone() } else { with(current, property, value.clone()) };
        let body = json!({ "resources": Map::from_iter([(path.to_owned(), wanted)]) });
        let target = format!("/applications/{}", segment(id));
        match visit.ask(&Method::PATCH, &target, Some(&body), before.etag.as_deref()) {
            Ok(_) => {
                let query = [("done", "saved"), ("path", path), ("property", property)];
                let here = format!("/_mock/applications/{}/settings", segment(id));
                return Ok(see_other(&super::form::with_query(&here, query)));
            }
            Err(refusal) if refusal.status == StatusCode::PRECONDITION_FAILED => {}
            Err(refusal) => return refuse(refusal.status, placed(&refusal, path, property)),
        }
    }
    refuse(StatusCode::CONFLICT, vec!["The application changes all the time; nothing was saved. Try again.".to_owned()])
}

fn overtaken(current: &Value, property: &str) -> String {
    let now = match current.get(property) {
        Some(value) => format!(" `{property}` is {} now.", shown(value)),
        None => String::new(),
    };
    format!("Somebody else has saved this meanwhile.{now} Nothing of yours was saved: look at it, and save again.")
}

fn with(current: &Value, property: &str, value: Value) -> Value {
    let mut members = current.as_object().cloned().unwrap_or_default();
    members.insert(property.to_owned(), value);
    Value::Object(members)
}

/// The sentences of a refusal, each with its place in the resource where the field does not say it already.
fn placed(refusal: &Answer, path: &str, property: &str) -> Vec<String> {
    let base = pointer::join("/resources", path);
    let errors = list(&refusal.value["errors"]);
    let place = |error: &Value| {
        let pointer = text(&error["pointer"]).strip_prefix(base.as_str()).unwrap_or_default().to_owned();
        if pointer.is_empty() || pointer == pointer::join("", property) {
            String::new()
        } else {
            format!("{pointer}: ")
        }
    };
    refusal
        .complaints()
        .into_iter()
        .enumerate()
        .map(|(index, complaint)| format!("{}{complaint}", errors.get(index).map(place).unwrap_or_default()))
        .collect()
}

/// Checks a resource that is being written, without saving it.
pub(super) fn check(visit: &Visit<'_>, id: &str) -> Shown {
    application::read(visit, id)?;
    let form = visit.form();
    let complaints = match serde_json::from_str::<Value>(form.text("json")) {
        Err(error) => vec![format!("this is no JSON: {error}")],
        Ok(value) => {
            let body = json!({ "path": form.text("path"), "value": value });
            let found = visit.send(&Method::POST, "/contract/check", &body)?;
            let sentence = |violation: &Value| match text(&violation["pointer"]) {
                "" => text(&violation["message"]).to_owned(),
                pointer => format!("{pointer}: {}", text(&violation["message"])),
            };
            list(&found.value["violations"]).iter().map(sentence).collect()
        }
    };
    let fragment = html! {
        @if complaints.is_empty() { p.done { "✓ It is what the contract says." } } @else { (layout::complaints(&complaints)) }
    };
    Ok(layout::reply(StatusCode::OK, fragment))
}

fn whole(visit: &Visit<'_>, id: &str, status: StatusCode, refusal: &Refusal<'_>) -> Shown {
    let application = application::read(visit, id)?.value;
    let replaceable = visit.get("/contract/resources")?;
    let query = visit.query();
    let here = format!("/_mock/applications/{}", segment(id));
    let is_shown = query.filled("reveal").is_some();
    let message = done(query.text("done")).filter(|_| query.filled("path").is_none() && status == StatusCode::OK);
    let own = list(&replaceable["resources"]);
    let resources = application["resources"].as_object().cloned().unwrap_or_default();
    let editable = editable(visit, &resources)?;
    let has_control = |resource: &&Value| {
        let properties = list(&resource["properties"]).iter();
        resource["path"] == refusal.path
            && properties
                .filter(|known| !list(&known["values"]).is_empty())
                .any(|known| known["name"] == refusal.property)
    };
    let has_place = match refusal.property {
        "" => editable.iter().any(|path| path == refusal.path),
        _ => resources.contains_key(refusal.path) && own.iter().any(|resource| has_control(&resource)),
    };
    let main = html! {
        (heading(&application, "Settings"))
        @if let Some(message) = message { p.done role="status" { "✓ " (message) } }
        @if !has_place && !refusal.complaints.is_empty() { (layout::complaints(&refusal.complaints)) }
        h2 { "Credentials" }
        (credentials(&application, "/settings", is_shown))
        div.actions {
            (button(&here, "rotate", "Rotate the secret"))
            (button(&here, "expire", "Expire all tokens"))
        }
        @for resource in own {
            @let path = text(&resource["path"]);
            @if let Some(current) = resources.get(path) {
                h2 { "Settings at " code { (path) } }
                @for property in list(&resource["properties"]).iter().filter(|property| !list(&property["values"]).is_empty()) {
                    @let setting = Setting { action: &here, path, current, property, refusal };
                    (setting.show(&query))
                }
                (control::equivalent(&visit.base_url(), resource, current))
            }
        }
        @if !editable.is_empty() { h2 { "Resources as JSON" } }
        @for (index, path) in editable.iter().enumerate() {
            (control::editor(&here, index, path, &resources[path.as_str()], refusal, &query))
        }
        h2 { "Delete" }
        p { "Deletes the application with its tokens and its state. What it has done stays in the verdict." }
        (button(&here, "delete", "Delete the application"))
    };
    Ok(layout::page(visit, status, "Settings", "Applications", &main))
}

/// The resources that the contract names as they are: those below expressions are many, and have the page of the state.
fn editable(visit: &Visit<'_>, resources: &Map<String, Value>) -> Result<Vec<String>, Answer> {
    let contract = visit.get("/contract")?;
    let named = |path: &&String| {
        list(&contract["operations"])
            .iter()
            .any(|operation| operation["method"] == "GET" && operation["path"] == **path)
    };
    Ok(resources.keys().filter(named).cloned().collect())
}

fn button(here: &str, action: &str, label: &str) -> Markup {
    html! {
        form method="post" action={ (here) "/" (action) } {
            button type="submit" class=[(action == "delete").then_some("danger")] { (label) }
        }
    }
}

/// A value as a sentence has it.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
