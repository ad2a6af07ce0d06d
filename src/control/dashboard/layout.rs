//! The frame of every page: head, navigation, the line about the connection; and the page of a refusal.

use super::Visit;
use super::ask::{Answer, text};
use super::assets;
use crate::message::Reply;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use maud::{DOCTYPE, Markup, html};

/// Nothing but this origin, and nothing within the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages that the navigation leads to.
const PAGES: [(&str, &str); 5] = [
    ("/_mock/", "Applications"),
    ("/_mock/traffic", "Traffic"),
    ("/_mock/contract", "Contract"),
    ("/_mock/state", "State"),
    ("/_mock/reports", "Reports"),
];

/// A page: its title, where it stands in the navigation, and what it says.
pub(super) fn page(visit: &Visit<'_>, status: StatusCode, title: &str, place: &str, main: &Markup) -> Reply {
    let contract = if visit.admitted { visit.get("/contract").unwrap_or_default() } else { serde_json::Value::Null };
    let service = Some(text(&contract["title"])).filter(|title| !title.is_empty()).unwrap_or("Stand-in");
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content="history:false includeIndicatorCSS:false";
                title { (title) " · " (service) " stand-in" }
                link rel="icon" href=(assets::icon());
                link rel="stylesheet" href=(assets::style());
                @for script in assets::htmx() {
                    script src=(script) {}
                }
                script src=(assets::script()) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/_mock/" {
                        img src=(assets::icon()) alt="" width="22" height="22";
                        span.service { (service) }
                        span.badge { "stand-in" }
                    }
                    @if visit.admitted {
                        nav aria-label="Pages" {
                            @for (address, name) in PAGES {
                                a href=(address) aria-current=[(place == name).then_some("page")] { (name) }
                            }
                        }
                    }
                }
                div #connection role="status" hidden {}
                main #main tabindex="-1" { (main) }
            }
        }
    };
    reply(status, markup)
}

/// HTML with the policy that every page has.
pub(super) fn reply(status: StatusCode, markup: Markup) -> Reply {
    let mut reply = Reply::new(Bytes::from(markup.into_string()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    reply
}

/// A page that says what the control plane did not do.
pub(super) fn refused(visit: &Visit<'_>, answer: &Answer) -> Reply {
    let title = answer.status.canonical_reason().unwrap_or("Refused");
    let main = html! {
        h1 { (title) }
        (complaints(&answer.complaints()))
        p { a href="/_mock/" { "Back to the applications" } }
    };
    page(visit, answer.status, title, "", &main)
}

/// What is wrong, for people.
pub(super) fn complaints(sentences: &[String]) -> Markup {
    html! {
        div.complaint role="alert" {
            @for sentence in sentences {
                p { span.icon aria-hidden="true" { "✕ " } (prose(sentence)) }
            }
        }
    }
}

/// A sentence in which names stand in backticks.
pub(super) fn prose(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A time as the server told it, to the millisecond.
pub(super) fn time(text: &str) -> Markup {
    let (date, rest) = text.split_once('T').unwrap_or((text, ""));
    let (clock, fraction) = rest.trim_end_matches('Z').split_once('.').unwrap_or((rest.trim_end_matches('Z'), ""));
    let fraction = fraction.get(..3).unwrap_or(fraction);
    html! {
        time datetime=(text) title=(text) {
            span.date { (date) " " }
            (clock)
            @if !fraction.is_empty() { span.fraction { "." (fraction) } }
        }
    }
}

/// A text with a button that copies it; without scripts the button is not there.
pub(super) fn copy_button(target: &str, what: &str) -> Markup {
    html! {
        button type="button" class="copy" data-copy=(target) hidden { "Copy " (what) }
    }
}
