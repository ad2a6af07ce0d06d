//! Who may use the control plane: callers on this machine, or with the admin token; never another site's page.

use super::Failure;
use crate::diagnostic::{Diagnostic, Part, code};
use crate::message::Request;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
#[cfg(feature = "dashboard")]
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// The cookie that holds the admin token after a login.
pub(super) const COOKIE_NAME: &str = "mock_admin_token";

pub(super) struct Guard {
    pub(super) admin_token: Option<String>,
    /// Whether the server listens on a loopback address only.
    pub(super) loopback: bool,
}

impl Guard {
    /// Refuses what comes from another site, or for another host.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Failure> {
        let host = host_of(request);
        if self.loopback && !host.as_deref().is_none_or(is_local) {
            let message = format!("the control plane does not answer for the host `{}`", host.unwrap_or_default());
            return Err(refused(message));
        }
        self.same_origin(request)
    }

    /// Refuses who does not show the admin token where one is demanded: in `Authorization`, or in the cookie that
    /// a browser has from the dashboard's login.
    pub(super) fn authenticate(&self, request: &Request) -> Result<(), Failure> {
        if self.admin_token.is_none() {
            return Ok(());
        }
        let given = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split_once(' '));
        let bearer =
            given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, given)| given.trim().into());
        if bearer.into_iter().chain(cookies(request)).any(|given: Cow<'_, str>| self.is_admin_token(&given)) {
            return Ok(());
        }
        let help = "send `Authorization: Bearer TOKEN` with the admin token of the banner or the ready line";
        let diagnostic = Diagnostic::new(code::CREDENTIALS_MISSING, "the control plane needs the admin token here")
            .at(Part::Request, "")
            .help(help);
        Err(Failure { status: StatusCode::UNAUTHORIZED, diagnostics: vec![diagnostic] })
    }

    /// Whether a text is the admin token; takes the same time for each of the same length.
    pub(super) fn is_admin_token(&self, given: &str) -> bool {
        self.admin_token.as_ref().is_some_and(|token| given.as_bytes().ct_eq(token.as_bytes()).into())
    }

    /// A page of another site can send requests, but says so in `Origin` or `Sec-Fetch-Site`.
    fn same_origin(&self, request: &Request) -> Result<(), Failure> {
        if request.method() == Method::GET || request.method() == Method::HEAD || request.method() == Method::OPTIONS {
            return Ok(());
        }
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        if matches!(text("sec-fetch-site"), Some("cross-site" | "same-site")) {
            return Err(refused("the control plane takes no request from another site's page".to_owned()));
        }
        let Some(origin) = text(ORIGIN.as_str()) else { return Ok(()) };
        let own = text(HOST.as_str()).is_some_and(|host| {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        });
        if own { Ok(()) } else { Err(refused(format!("the control plane takes no request from `{origin}`"))) }
    }
}

/// A token as a cookie can carry it (RFC 6265 §4.1.1), whatever it is made of.
#[cfg(feature = "dashboard")]
pub(super) fn cookie_value(token: &str) -> String {
    utf8_percent_encode(token, NON_ALPHANUMERIC).to_string()
}

/// The values of our cookie that a browser sends.
fn cookies(request: &Request) -> impl Iterator<Item = Cow<'_, str>> {
    let lines = request.headers().get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
}

fn refused(message: String) -> Failure {
    Failure {
        status: StatusCode::FORBIDDEN,
        diagnostics: vec![Diagnostic::new(code::HOST_REFUSED, message).at(Part::Header, "/host")],
    }
}

/// The host that the request names, without port. A request made in the process may name none.
fn host_of(request: &Request) -> Option<String> {
    let text = request
        .headers()
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))?;
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => text.rsplit_once(':').map_or(text, |(host, _)| host),
    };
    Some(host.to_ascii_lowercase())
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
