//! One setting as a control of its own, one resource as JSON, and both as the request that does the same.

use super::ask::{list, text};
use super::form::Fields;
use super::layout::{self, copy_button};
use super::settings::{Refusal, shown};
use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Words for a setting that is off; of other pairs the second value is the one that is on.
const OFF: [&str; 10] = ["disabled", "disable", "off", "false", "no", "none", "inactive", "denied", "closed", "0"];

/// A member of a resource with the values that it can have.
pub(super) struct Setting<'a> {
    /// The application's address.
    pub(super) action: &'a str,
    pub(super) path: &'a str,
    /// The resource as it is.
    pub(super) current: &'a Value,
    /// What the contract says of the member.
    pub(super) property: &'a Value,
    pub(super) refusal: &'a Refusal<'a>,
}

impl Setting<'_> {
    pub(super) fn show(&self, query: &Fields) -> Markup {
        let name = text(&self.property["name"]);
        let values = list(&self.property["values"]);
        let current = self.current.get(name).unwrap_or(&Value::Null);
        let id = format!("setting-{}-{name}", layout_id(self.path));
        let is_refused = self.refusal.path == self.path && self.refusal.property == name;
        let is_saved = !is_refused
            && query.text("done") == "saved"
            && (query.text("path"), query.text("property")) == (self.path, name);
        let note = format!("{id}-note");
        let control = match values {
            [one, other] => switch(&id, &note, one, other, current),
            values => select(&id, &note, values, current),
        };
        html! {
            form.setting method="post" action={ (self.action) "/settings" } hx-post={ (self.action) "/settings" }
                hx-trigger="change, submit" hx-target="#main" hx-select="#main" hx-swap="outerHTML" {
                input type="hidden" name="path" value=(self.path);
                input type="hidden" name="property" value=(name);
                input type="hidden" name="seen" value=(version(self.current));
                label for=(id) { (name) }
                (control)
                noscript { button type="submit" { "Save" } }
                div.note #(note) {
                    @if is_refused { (layout::complaints(&self.refusal.complaints)) }
                    @if is_saved { p.done role="status" { "✓ Saved" } }
                }
                @if let Some(description) = self.property["description"].as_str() { p.description { (description) } }
            }
        }
    }
}

fn switch(id: &str, note: &str, one: &Value, other: &Value, current: &Value) -> Markup {
    let (off, on) = if OFF.contains(&shown(other).to_lowercase().as_str()) { (other, one) } else { (one, other) };
    html! {
        // What is sent where the box is not checked.
        input type="hidden" name="value" value=(off);
        span.switched {
            input #(id) type="checkbox" role="switch" name="value" value=(on) checked[current == on] aria-describedby=(note);
            output for=(id) { (shown(current)) }
        }
    }
}

fn select(id: &str, note: &str, values: &[Value], current: &Value) -> Markup {
    html! {
        select #(id) name="value" aria-describedby=(note) {
            @if !values.contains(current) { option value="null" selected disabled { "—" } }
            @for value in values {
                option value=(value) selected[value == current] { (shown(value)) }
            }
        }
    }
}

/// The request that a client would send for the same.
pub(super) fn equivalent(base_url: &str, resource: &Value, current: &Value) -> Markup {
    let names = list(&resource["properties"]).iter().map(|property| text(&property["name"]));
    let members: Map<String, Value> =
        names.filter_map(|name| Some((name.to_owned(), current.get(name)?.clone()))).collect();
    let body = super::copy::quoted(&Value::Object(members).to_string());
    let (path, media_type) = (text(&resource["path"]), text(&resource["media_type"]));
    let id = format!("curl-{}", layout_id(path));
    let command = format!(
        "curl -X PUT {base_url}{path} \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -H 'Content-Type: {media_type}' \\\n  -d {body}"
    );
    html! {
        details.snippet {
            summary { "The same as a request" }
            div.copied { pre tabindex="0" { code #(id) { (command) } } (copy_button(&id, "curl")) }
        }
    }
}

/// A resource as JSON, checked while it is written.
pub(super) fn editor(
    action: &str,
    index: usize,
    path: &str,
    current: &Value,
    refusal: &Refusal<'_>,
    query: &Fields,
) -> Markup {
    let is_refused = refusal.path == path && refusal.property.is_empty();
    let is_saved =
        !is_refused && query.text("done") == "saved" && query.text("path") == path && query.text("property").is_empty();
    let written = if is_refused { refusal.json.to_owned() } else { format!("{current:#}") };
    let (id, note) = (format!("json-{index}"), format!("json-{index}-note"));
    let rows = written.lines().count().clamp(3, 24);
    html! {
        form.editor method="post" action={ (action) "/settings" } hx-post={ (action) "/settings" }
            hx-target="#main" hx-select="#main" hx-swap="outerHTML" {
            input type="hidden" name="path" value=(path);
            input type="hidden" name="seen" value=(version(current));
            label for=(id) { "JSON of " code { (path) } }
            textarea #(id) name="json" rows=(rows) spellcheck="false" aria-describedby=(note)
                hx-post={ (action) "/check" } hx-trigger="input changed delay:300ms" hx-target={ "#" (note) } hx-swap="innerHTML" {
                // A first line break would be taken for the tag's own.
                (PreEscaped("\n")) (written)
            }
            div.note #(note) aria-live="polite" {
                @if is_refused { (layout::complaints(&refusal.complaints)) }
                @if is_saved { p.done { "✓ Saved" } }
            }
            button type="submit" { "Save " code { (path) } }
        }
    }
}

/// Tells one version of a resource from another.
pub(super) fn version(resource: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    resource.to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A path as part of an element's id.
fn layout_id(path: &str) -> String {
    path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}
