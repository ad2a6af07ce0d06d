//! The list of applications, and the form that creates one.

use super::ask::{Answer, list, text};
use super::layout;
use super::{Shown, Visit, see_other};
use crate::contract::segment;
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::{Value, json};

/// Applications on the page. Over it the filter by name finds the others.
const SHOWN_MAX: usize = 200;

pub(super) fn show(visit: &Visit<'_>) -> Shown {
    whole(visit, StatusCode::OK, "", &[])
}

/// Creates an application and leads to its page, where its credentials are.
pub(super) fn create(visit: &Visit<'_>) -> Shown {
    let form = visit.form();
    let name = form.text("name").trim();
    if name.is_empty() {
        return whole(visit, StatusCode::UNPROCESSABLE_ENTITY, "", &["Give the application a name.".to_owned()]);
    }
    match visit.send(&Method::POST, "/applications", &json!({ "name": name })) {
        Ok(created) => {
            let client_id = text(&created.value["client_id"]);
            Ok(see_other(&format!("/_mock/applications/{}?created=1", segment(client_id))))
        }
        Err(refusal) => whole(visit, refusal.status, name, &refusal.complaints()),
    }
}

fn whole(visit: &Visit<'_>, status: StatusCode, name: &str, wrong: &[String]) -> Shown {
    let wanted = visit.query().text("name").trim().to_lowercase();
    let all = visit.get("/applications")?;
    let all = list(&all["applications"]);
    let fits = |application: &&Value| text(&application["name"]).to_lowercase().contains(&wanted);
    let found: Vec<&Value> = all.iter().filter(fits).collect();
    let main = html! {
        h1 { "Applications" }
        p.lead { "An application is one set of credentials with state of its own: one for each environment, or one for each test." }
        (create_form(name, wrong))
        @if all.len() > 10 || !wanted.is_empty() {
            form.filters method="get" action="/_mock/" role="search" {
                label for="filter" { "Find by name" }
                input #filter type="search" name="name" value=(wanted);
                button type="submit" { "Find" }
            }
        }
        @if found.is_empty() {
            p.empty { @if all.is_empty() { "There is no application yet. Create one above." } @else { "No application has such a name." } }
        } @else {
            (table(visit, &found)?)
        }
        @if found.len() > SHOWN_MAX {
            p { "The first " (SHOWN_MAX) " of " (found.len()) " are shown." }
        }
    };
    Ok(layout::page(visit, status, "Applications", "Applications", &main))
}

fn create_form(name: &str, wrong: &[String]) -> Markup {
    let is_wrong = !wrong.is_empty();
    html! {
        form.inline method="post" action="/_mock/applications" {
            div.field {
                label for="name" { "Application name" }
                input #name type="text" name="name" value=(name) required autocomplete="off" dir="auto"
                    aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("name-wrong")];
            }
            button.primary type="submit" { "Create application" }
            @if is_wrong { div #name-wrong { (layout::complaints(wrong)) } }
        }
    }
}

fn table(visit: &Visit<'_>, found: &[&Value]) -> Result<Markup, Answer> {
    let mut rows = Vec::new();
    for application in found.iter().take(SHOWN_MAX) {
        let whole = visit.get(&format!("/applications/{}", segment(text(&application["client_id"]))))?;
        rows.push((*application, api_key(&whole).map(ToOwned::to_owned)));
    }
    Ok(html! {
        table.applications {
            thead {
                tr {
                    @for label in ["Name", "Key", "Created"] { th scope="col" { (label) } }
                    @for label in ["Requests", "Violations"] { th.number scope="col" { (label) } }
                }
            }
            tbody {
                @for (application, key) in rows { (row(application, key.as_deref())) }
            }
        }
    })
}

fn row(application: &Value, key: Option<&str>) -> Markup {
    let address = format!("/_mock/applications/{}", segment(text(&application["client_id"])));
    let violations = application["violations"].as_u64().unwrap_or_default();
    html! {
        tr {
            th scope="row" { a.name href=(address) dir="auto" { (text(&application["name"])) } }
            td.key { code { (key.unwrap_or("—")) } }
            td { (layout::time(text(&application["created_time"]))) }
            td.number { (application["requests"].as_u64().unwrap_or_default()) }
            td.number.violation[violations > 0] { (violations) }
        }
    }
}

/// The key of an application: the member `key` of the first resource that has one.
pub(super) fn api_key(application: &Value) -> Option<&str> {
    application["resources"].as_object()?.values().find_map(|resource| resource["key"].as_str())
}
