//! The way in where an admin token is demanded: a form that turns the token into a cookie, which no script can read
//! and no other site's page can send.

use super::layout;
use super::{Visit, see_other};
use crate::control::guard::{COOKIE_NAME, cookie_value};
use crate::message::{Reply, scheme_of};
use http::StatusCode;
use http::header::{HeaderValue, SET_COOKIE};
use maud::html;

/// The form; 401 where it stands in another page's place.
pub(super) fn form(visit: &Visit<'_>, status: StatusCode) -> Reply {
    let next = match status {
        StatusCode::UNAUTHORIZED => visit.request.uri().path_and_query().map_or("/_mock/", |target| target.as_str()),
        _ => "/_mock/",
    };
    shown(visit, status, next, None)
}

fn shown(visit: &Visit<'_>, status: StatusCode, next: &str, wrong: Option<&str>) -> Reply {
    let main = html! {
        h1 { "Log in" }
        p {
            "This server listens beyond this machine, so its control plane asks for the admin token. It is in the banner "
            "and in the ready line that the server printed when it started."
        }
        form.stacked method="post" action="/_mock/login" {
            input type="hidden" name="next" value=(next);
            // What keeps passwords for people keeps them by a name.
            input type="text" name="username" autocomplete="username" value="admin" hidden;
            label for="token" { "Admin token" }
            input #token type="password" name="token" autocomplete="current-password" required
                aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong")];
            @if let Some(wrong) = wrong {
                p.complaint #wrong role="alert" { span.icon aria-hidden="true" { "✕ " } (wrong) }
            }
            button type="submit" { "Log in" }
        }
    };
    layout::page(visit, status, "Log in", "", &main)
}

/// Takes the token; the cookie lasts as long as the browser's session.
pub(super) fn enter(visit: &Visit<'_>) -> Reply {
    let form = visit.form();
    let given = form.text("token").trim();
    // Only pages of this server follow, wherever the form was made.
    let next = Some(form.text("next")).filter(|next| next.starts_with("/_mock/")).unwrap_or("/_mock/");
    if !visit.plane.guard.is_admin_token(given) {
        return shown(visit, StatusCode::UNAUTHORIZED, next, Some("This is not the admin token of this server."));
    }
    let mut reply = see_other(next);
    let secure = if scheme_of(visit.request) == "https" { "; Secure" } else { "" };
    let cookie = format!("{COOKIE_NAME}={}; Path=/_mock; HttpOnly; SameSite=Strict{secure}", cookie_value(given));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}
