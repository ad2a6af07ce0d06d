//! Who may use the control plane: callers on this machine, or with the admin token; never another origin's page.
//!
//! A page reaches the server in two ways. Under a name of its own that leads here (DNS rebinding) it has our origin, but
//! its `Host` gives it away, so only known hosts are answered for. Under ours it has another origin, which the browser
//! says in `Origin` and `Sec-Fetch-Site`; what is left of it is a link that a person follows.

use super::Failure;
use crate::diagnostic::{Diagnostic, Part, code};
use crate::message::Request;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
#[cfg(feature = "dashboard")]
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// The cookie that holds the admin token after a login.
pub(super) const COOKIE_NAME: &str = "mock_admin_token";

/// Which page a browser says that it asks for (Fetch Metadata §2.3). It does so where the server is on this machine, or
/// speaks TLS.
const SITE: &str = "sec-fetch-site";

pub(super) struct Guard {
    pub(super) admin_token: Option<String>,
    /// Where the server listens.
    pub(super) address: IpAddr,
    /// Names that it is known by beside its address and `localhost`.
    pub(super) hosts: Vec<String>,
}

impl Guard {
    /// Refuses what is for another host, or comes from another origin's page.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Failure> {
        if let Some(host) = host_of(request)
            && !name_of(&host).is_some_and(|name| self.is_known(&name))
        {
            let message = format!("the control plane does not answer for the host `{host}`");
            let help = "ask at the address that the server listens on, or start it with `--allow-host NAME`";
            return Err(refused(message, HOST.as_str(), help));
        }
        let field = match (is_own_origin(request), is_own_site(request) || is_followed_link(request)) {
            (true, true) => return Ok(()),
            (false, _) => ORIGIN.as_str(),
            (true, false) => SITE,
        };
        let message = "the control plane takes nothing from another origin's page";
        Err(refused(message.to_owned(), field, "ask from a page of this server, or from a program that is no browser"))
    }

    /// Whether a host is this server: an address that cannot lead elsewhere, or a name that was given.
    fn is_known(&self, name: &str) -> bool {
        match name.parse::<IpAddr>().map(|address| address.to_canonical()) {
            // Where it listens on all addresses, each is its own. A page cannot claim an address: its DNS has names only.
            Ok(address) => address.is_loopback() || address == self.address || self.address.is_unspecified(),
            Err(_) => name == "localhost" || name.ends_with(".localhost") || self.hosts.iter().any(|host| host == name),
        }
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
}

/// Whether a request comes from a page of this server, as far as `Origin` tells (Fetch §3.1). One port speaks one scheme,
/// so host and port are all there is to compare.
fn is_own_origin(request: &Request) -> bool {
    let host = host_of(request);
    request.headers().get_all(ORIGIN).iter().all(|origin| {
        let authority =
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        authority.zip(host.as_deref()).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
    })
}

/// The same, as far as `Sec-Fetch-Site` tells; `none` is a person's doing.
fn is_own_site(request: &Request) -> bool {
    request.headers().get_all(SITE).iter().all(|site| site == "same-origin" || site == "none")
}

/// Whether a person follows another page's link here. That page sees nothing of what comes, and a read changes nothing.
fn is_followed_link(request: &Request) -> bool {
    let is = |name: &str, wanted: &str| request.headers().get(name).is_some_and(|value| value == wanted);
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    is_read && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
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

fn refused(message: String, field: &str, help: &str) -> Failure {
    let diagnostic = Diagnostic::new(code::HOST_REFUSED, message).at(Part::Header, format!("/{field}")).help(help);
    Failure { status: StatusCode::FORBIDDEN, diagnostics: vec![diagnostic] }
}

/// The host and port that the request is for. A request made in the process may name none.
fn host_of(request: &Request) -> Option<Cow<'_, str>> {
    let field = request.headers().get(HOST).map(|value| String::from_utf8_lossy(value.as_bytes()));
    field.or_else(|| request.uri().authority().map(|authority| authority.as_str().into()))
}

/// The name in a host with an optional port, in lower case and without brackets; `None` where it has another form.
fn name_of(host: &str) -> Option<String> {
    let (name, rest) = match host.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (rest.is_empty() || is_port(rest)).then(|| name.to_ascii_lowercase())
}
