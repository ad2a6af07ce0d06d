//! One application: its credentials, what clients need to paste, and what can be done with it.

use super::applications::api_key;
use super::ask::text;
use super::layout::{self, copy_button};
use super::snippets::{self, Access};
use super::{Answer, Shown, Visit, see_other};
use crate::contract::segment;
use http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::{Value, json};

/// What stands where a secret is hidden.
const HIDDEN: &str = "••••••••-••••-••••-••••-••••••••••••";

/// The page that follows the creation, and where one comes back to.
pub(super) fn show(visit: &Visit<'_>, id: &str) -> Shown {
    let application = visit.get(&format!("/applications/{}", segment(id)))?;
    let contract = visit.get("/contract")?;
    let query = visit.query();
    let is_new = query.filled("created").is_some();
    let name = text(&application["name"]);
    let is_shown = is_new || query.filled("reveal").is_some();
    let access = Access {
        base_url: &visit.base_url(),
        token_path: text(&contract["token_path"]),
        client_id: text(&application["client_id"]),
        client_secret: if is_shown { text(&application["client_secret"]) } else { "CLIENT_SECRET" },
        first_path: first_path(&application),
    };
    let main = html! {
        (heading(&application, "Credentials"))
        @if is_new { p.done role="status" { "✓ " bdi { (name) } " was created. Give these credentials to your client." } }
        (credentials(&application, "", is_shown))
        h2 { "Ready to paste" }
        (snippets::show(&access, &contract["edition"]))
    };
    Ok(layout::page(visit, StatusCode::OK, name, "Applications", &main))
}

/// The application's name and the pages that belong to it.
pub(super) fn heading(application: &Value, place: &str) -> Markup {
    let (name, id) = (text(&application["name"]), segment(text(&application["client_id"])));
    let traffic = super::form::with_query("/_mock/traffic", [("application", name)]);
    let pages = [
        (format!("/_mock/applications/{id}"), "Credentials"),
        (format!("/_mock/applications/{id}/settings"), "Settings"),
        (traffic, "Traffic of this application"),
    ];
    html! {
        p.crumbs { a href="/_mock/" { "Applications" } " ›" }
        h1.name dir="auto" { (name) }
        nav.tabs aria-label="Pages of the application" {
            @for (address, label) in pages {
                a href=(address) aria-current=[(label == place).then_some("page")] { (label) }
            }
        }
    }
}

/// Key, client id and secret, each with a button that copies it. `page` is the part of the address that reveals.
pub(super) fn credentials(application: &Value, page: &str, is_shown: bool) -> Markup {
    let id = segment(text(&application["client_id"]));
    let here = format!("/_mock/applications/{id}{page}");
    let secret = if is_shown { text(&application["client_secret"]) } else { HIDDEN };
    html! {
        div.credentials {
            @if let Some(key) = api_key(application) { (credential("api-key", "API key", key, true)) }
            (credential("client-id", "Client ID", text(&application["client_id"]), true))
            (credential("client-secret", "Client secret", secret, is_shown))
            p.aside {
                @if is_shown { a href=(here) { "Hide the secret" } } @else { a href={ (here) "?reveal=1" } { "Reveal the secret" } }
            }
        }
    }
}

/// A text area rather than an output: it can be selected by keyboard, and its value is what it shows.
fn credential(id: &str, label: &str, value: &str, is_copied: bool) -> Markup {
    html! {
        div.credential {
            label for=(id) { (label) }
            textarea #(id) readonly rows="1" spellcheck="false" { (value) }
            @if is_copied { (copy_button(id, label)) }
        }
    }
}

/// The first resource with a path of its own, to have something to read.
fn first_path(application: &Value) -> &str {
    application["resources"].as_object().and_then(|resources| resources.keys().next()).map_or("/", String::as_str)
}

/// Carries out a button of the settings page.
pub(super) fn act(visit: &Visit<'_>, id: &str, action: &str) -> Shown {
    let path = format!("/applications/{}", segment(id));
    let settings = format!("/_mock{path}/settings");
    match action {
        "rotate" => {
            visit.send(&Method::POST, &format!("{path}/credentials"), &json!({}))?;
            Ok(see_other(&format!("{settings}?done=rotated&reveal=1")))
        }
        "expire" => {
            visit.ask(&Method::DELETE, &format!("{path}/tokens"), None, None)?;
            Ok(see_other(&format!("{settings}?done=expired")))
        }
        _ => {
            visit.ask(&Method::DELETE, &path, None, None)?;
            Ok(see_other("/_mock/"))
        }
    }
}

/// What a redirect says has been done.
pub(super) fn done(what: &str) -> Option<&'static str> {
    match what {
        "rotated" => {
            Some("The client secret is a new one. Tokens that were issued before stay good until they expire.")
        }
        "expired" => Some("All tokens of this application have expired."),
        "saved" => Some("Saved."),
        _ => None,
    }
}

/// An application's whole representation with its entity tag.
pub(super) fn read(visit: &Visit<'_>, id: &str) -> Result<Answer, Answer> {
    visit.ask(&Method::GET, &format!("/applications/{}", segment(id)), None, None)
}
