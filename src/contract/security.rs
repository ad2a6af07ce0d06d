//! Security schemes and requirements, and the credentials that a request presents for a scheme.
//!
//! Whether credentials are valid is not decided here: the authorization server knows that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

use crate::message::Request;

/// Where an API key travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyLocation {
    Query,
    Header,
    Cookie,
}

/// How a caller proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SchemeKind {
    ApiKey {
        location: KeyLocation,
        name: String,
    },
    Basic,
    Bearer,
    /// Another HTTP authentication scheme, by its lower-case name.
    Http(String),
    OAuth2 {
        /// Whether the token endpoint here issues this scheme's tokens.
        issued_here: bool,
    },
    OpenIdConnect,
    MutualTls,
}

/// A Security Scheme Object.
#[derive(Debug, Clone)]
pub(crate) struct Scheme {
    pub(crate) name: String,
    pub(crate) kind: SchemeKind,
}

/// One alternative: every scheme of it, with the scopes it asks for.
pub(crate) type Requirement = Vec<(usize, Vec<String>)>;

/// What a request presents for a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presented<'r> {
    Absent,
    /// The header has another scheme, or does not have the form of its own.
    Malformed(String),
    Key(Cow<'r, str>),
    Basic {
        user: String,
        password: String,
    },
    Token(&'r str),
    /// Something of a scheme that is not looked into further.
    Opaque,
}

impl Scheme {
    /// The challenge that asks for this scheme (RFC 9110 §11.6.1); `None` for schemes that have none.
    pub(crate) fn challenge(&self) -> String {
        match &self.kind {
            SchemeKind::Basic => "Basic realm=\"mock\", charset=\"UTF-8\"".to_owned(),
            SchemeKind::Bearer | SchemeKind::OAuth2 { .. } | SchemeKind::OpenIdConnect => {
                "Bearer realm=\"mock\"".to_owned()
            }
            SchemeKind::Http(name) => format!("{name} realm=\"mock\""),
            SchemeKind::ApiKey { name, location } => {
                let place = match location {
                    KeyLocation::Query => "query",
                    KeyLocation::Header => "header",
                    KeyLocation::Cookie => "cookie",
                };
                format!("ApiKey realm=\"mock\", in=\"{place}\", name=\"{}\"", name.replace(['"', '\\'], ""))
            }
            SchemeKind::MutualTls => "Mutual realm=\"mock\"".to_owned(),
        }
    }

    /// Whether its credentials are a cookie.
    pub(crate) fn travels_in_cookie(&self) -> bool {
        matches!(self.kind, SchemeKind::ApiKey { location: KeyLocation::Cookie, .. })
    }

    /// What the request presents for this scheme.
    pub(crate) fn presented<'r>(&self, request: &'r Request) -> Presented<'r> {
        match &self.kind {
            SchemeKind::ApiKey { location, name } => key(request, *location, name),
            SchemeKind::Basic => match authorization(request, "basic") {
                Ok(Some(credentials)) => basic(credentials),
                Ok(None) => Presented::Absent,
                Err(reason) => Presented::Malformed(reason),
            },
            SchemeKind::Bearer | SchemeKind::OAuth2 { .. } | SchemeKind::OpenIdConnect => {
                match authorization(request, "bearer") {
                    Ok(Some(token)) if is_token68(token) => Presented::Token(token),
                    Ok(Some(_)) => Presented::Malformed(
                        "the bearer token has characters that RFC 6750 §2.1 does not allow, or is empty".to_owned(),
                    ),
                    Ok(None) => Presented::Absent,
                    Err(reason) => Presented::Malformed(reason),
                }
            }
            SchemeKind::Http(scheme) => match authorization(request, scheme) {
                Ok(Some("")) => Presented::Malformed(format!("`{scheme}` credentials are empty")),
                Ok(Some(_)) => Presented::Opaque,
                Ok(None) => Presented::Absent,
                Err(reason) => Presented::Malformed(reason),
            },
            // The transport has no client certificates to look at, so the scheme cannot be refused.
            SchemeKind::MutualTls => Presented::Opaque,
        }
    }
}

/// The credentials of the `Authorization` header, if it is of this scheme (case-insensitive).
fn authorization<'r>(request: &'r Request, scheme: &str) -> Result<Option<&'r str>, String> {
    let mut fields = request.headers().get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err("there is more than one `Authorization` header".to_owned());
    }
    let bytes = field.as_bytes().trim_ascii();
    let (name, credentials) = bytes.split_at(bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len()));
    if !name.eq_ignore_ascii_case(scheme.as_bytes()) {
        return Ok(None);
    }
    let credentials = std::str::from_utf8(credentials.trim_ascii());
    credentials.map(Some).map_err(|_| "the credentials in the `Authorization` header are not UTF-8".to_owned())
}

/// RFC 7617: base64 of `user:password`, split at the first colon.
pub(crate) fn basic(credentials: &str) -> Presented<'static> {
    let decoded = STANDARD.decode(credentials);
    let Some(text) = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Presented::Malformed("the `Basic` credentials are no base64 of UTF-8 text".to_owned());
    };
    if text.chars().any(char::is_control) {
        return Presented::Malformed("the `Basic` credentials have control characters".to_owned());
    }
    match text.split_once(':') {
        Some((user, password)) => Presented::Basic { user: user.to_owned(), password: password.to_owned() },
        None => Presented::Malformed("the `Basic` credentials have no colon".to_owned()),
    }
}

fn is_token68(token: &str) -> bool {
    const ALLOWED: [bool; 256] = {
        let (mut allowed, mut byte) = ([false; 256], 0);
        while byte < 256 {
            let sign = byte as u8;
            allowed[byte] = sign.is_ascii_alphanumeric() || matches!(sign, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
            byte += 1;
        }
        allowed
    };
    let padding = token.bytes().rev().take_while(|byte| *byte == b'=').count();
    let body = &token.as_bytes()[..token.len() - padding];
    !body.is_empty() && body.iter().all(|byte| ALLOWED[usize::from(*byte)])
}

fn key<'r>(request: &'r Request, location: KeyLocation, name: &str) -> Presented<'r> {
    let found = match location {
        KeyLocation::Header => {
            request.headers().get(name).map(|value| trimmed(String::from_utf8_lossy(value.as_bytes())))
        }
        KeyLocation::Query => {
            let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
            pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
        }
        KeyLocation::Cookie => cookie(request, name).map(Cow::Owned),
    };
    match found {
        Some(value) if value.is_empty() => Presented::Malformed(format!("the API key `{name}` is empty")),
        Some(value) => Presented::Key(value),
        None => Presented::Absent,
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

fn cookie(request: &Request, name: &str) -> Option<String> {
    for field in request.headers().get_all(COOKIE) {
        let text = String::from_utf8_lossy(field.as_bytes()).into_owned();
        for pair in text.split(';') {
            if let Some((key, value)) = pair.trim().split_once('=')
                && key == name
            {
                return Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
            }
        }
    }
    None
}

/// Whether a granted scope covers a required one: it is the same, or `verb:*` for `verb:anything`.
pub(crate) fn scope_covers(granted: &str, required: &str) -> bool {
    granted == required
        || granted
            .strip_suffix('*')
            .is_some_and(|verb| verb.ends_with(':') && required.len() > verb.len() && required.starts_with(verb))
}
