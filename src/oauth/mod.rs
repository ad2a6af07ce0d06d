//! The authorization server: client credentials in, tokens out (RFC 6749 §4.4), and what a token stands for.
//!
//! It accepts what ChatKitty's official clients send, which is more than RFC 6749 allows: multipart
//! bodies, Basic credentials that were not form-urlencoded, and two client authentications that agree.

mod form;

use crate::contract::security::{Presented, basic, scope_covers};
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::{Reply, Request};
use crate::store::{Application, Credential, Moment, Store};
use bytes::Bytes;
use form::Parameters;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

/// What a token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) application: Arc<Application>,
    pub(crate) scopes: Arc<[String]>,
    expires: Timestamp,
}

impl Grant {
    /// Whether the grant's scopes cover a required one.
    pub(crate) fn covers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| scope_covers(granted, scope))
    }
}

/// The tokens of one server.
#[derive(Debug)]
pub(crate) struct AuthorizationServer {
    ttl: SignedDuration,
    tokens_max: usize,
    tokens: RwLock<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    grants: HashMap<String, Grant>,
    /// Oldest first, for the bound.
    order: VecDeque<String>,
}

/// A token that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadToken {
    Unknown,
    Expired,
}

/// A reply of the token endpoint, with what was wrong and whose it was.
pub(crate) struct TokenReply {
    pub(crate) reply: Reply,
    pub(crate) diagnostic: Option<Diagnostic>,
    pub(crate) application: Option<Arc<Application>>,
}

impl AuthorizationServer {
    pub(crate) fn new(ttl: SignedDuration, tokens_max: usize) -> Self {
        Self { ttl, tokens_max, tokens: RwLock::default() }
    }

    /// What a token stands for at this time.
    pub(crate) fn grant(&self, token: &str, moment: Moment) -> Result<Grant, BadToken> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        match tokens.grants.get(token) {
            Some(grant) if moment.of(Some(&grant.application)) < grant.expires => Ok(grant.clone()),
            Some(_) => Err(BadToken::Expired),
            None => Err(BadToken::Unknown),
        }
    }

    /// Issues a token for an application.
    pub(crate) fn issue(
        &self,
        token: String,
        application: &Arc<Application>,
        scopes: Vec<String>,
        moment: Moment,
    ) -> String {
        let expires = moment.of(Some(application)).checked_add(self.ttl).unwrap_or(Timestamp::MAX);
        let grant = Grant { application: Arc::clone(application), scopes: scopes.into(), expires };
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        while tokens.order.len() >= self.tokens_max {
            match tokens.order.pop_front() {
                Some(oldest) => tokens.grants.remove(&oldest),
                None => break,
            };
        }
        tokens.order.push_back(token.clone());
        tokens.grants.insert(token.clone(), grant);
        token
    }

    /// Makes an application's tokens unknown.
    pub(crate) fn forget(&self, application: &Arc<Application>) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let Tokens { grants, order } = &mut *tokens;
        grants.retain(|_, grant| !Arc::ptr_eq(&grant.application, application));
        order.retain(|token| grants.contains_key(token));
    }

    /// Answers a request to the token endpoint. `token` is the text that a token issued now has.
    pub(crate) fn token_endpoint(
        &self,
        request: &Request,
        store: &Store,
        token: impl FnOnce() -> String,
        moment: Moment,
    ) -> TokenReply {
        if request.method() != Method::POST {
            return method_not_allowed(request.method());
        }
        match self.answer(request, store, token, moment) {
            Ok((reply, application)) => TokenReply { reply, diagnostic: None, application: Some(application) },
            Err(refusal) => refusal.into_reply(),
        }
    }

    fn answer(
        &self,
        request: &Request,
        store: &Store,
        token: impl FnOnce() -> String,
        moment: Moment,
    ) -> Result<(Reply, Arc<Application>), Refusal> {
        let parameters = Parameters::read(request)
            .map_err(|reason| Refusal::new(code::TOKEN_INVALID_REQUEST, "invalid_request", reason))?;
        if let Some(name) = parameters.repeated() {
            return Err(Refusal::new(
                code::TOKEN_INVALID_REQUEST,
                "invalid_request",
                format!("the parameter `{name}` is given more than once"),
            ));
        }
        let (application, credential) = authenticate(request, &parameters, store)?;
        match parameters.get("grant_type") {
            Some("client_credentials") => {}
            None | Some("") => {
                return Err(Refusal::new(
                    code::TOKEN_INVALID_REQUEST,
                    "invalid_request",
                    "the parameter `grant_type` is missing",
                )
                .of(&application));
            }
            Some(_) => {
                let reason = "only the grant type `client_credentials` is supported";
                return Err(
                    Refusal::new(code::TOKEN_UNSUPPORTED_GRANT, "unsupported_grant_type", reason).of(&application)
                );
            }
        }
        let scopes = granted(&application, &credential, parameters.get("scope"))?;
        let text = scopes.join(" ");
        let token = self.issue(token(), &application, scopes, moment);
        let body =
            json!({ "access_token": token, "token_type": "bearer", "expires_in": self.ttl.as_secs(), "scope": text });
        Ok((reply(StatusCode::OK, &body), application))
    }
}

/// The scopes that a request gets: those it asks for, or all that the application has.
fn granted(
    application: &Arc<Application>,
    credential: &Credential,
    requested: Option<&str>,
) -> Result<Vec<String>, Refusal> {
    let own = &credential.scopes;
    let requested: Vec<&str> = requested.unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()).collect();
    if requested.is_empty() {
        return Ok(own.clone());
    }
    let refused: Vec<&str> =
        requested.iter().copied().filter(|scope| !own.iter().any(|granted| scope_covers(granted, scope))).collect();
    if refused.is_empty() {
        let mut scopes: Vec<String> = Vec::new();
        for scope in requested {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        return Ok(scopes);
    }
    let reason = format!("the application does not have the scope `{}`", refused.join("`, `"));
    Err(Refusal::new(code::TOKEN_INVALID_SCOPE, "invalid_scope", reason).of(application))
}

/// Finds the application that the request speaks for, by Basic credentials, the body, or both when they agree.
fn authenticate(request: &Request, parameters: &Parameters, store: &Store) -> Result<Authenticated, Refusal> {
    let invalid = |reason: &str| Refusal::new(code::TOKEN_INVALID_CLIENT, "invalid_client", reason);
    let header = match request.headers().get(AUTHORIZATION) {
        None => None,
        Some(value) => {
            let text = value.to_str().map_err(|_| invalid("the `Authorization` header is not ASCII"))?;
            let (scheme, credentials) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
            if !scheme.eq_ignore_ascii_case("basic") {
                return Err(invalid("client authentication in the header is `Basic`"));
            }
            match basic(credentials.trim()) {
                Presented::Basic { user, password } => Some((user, password)),
                Presented::Malformed(reason) => return Err(invalid(&reason)),
                _ => None,
            }
        }
    };
    let body = parameters.get("client_id").zip(parameters.get("client_secret"));
    if let (Some((user, _)), Some(client_id)) = (&header, parameters.get("client_id"))
        && user != client_id
        && decoded(user) != client_id
    {
        return Err(Refusal::new(
            code::TOKEN_INVALID_REQUEST,
            "invalid_request",
            "the header and the body name different clients",
        ));
    }
    let from_header = header.as_ref().map(|(user, password)| known(store, user, password));
    let from_body = body.map(|(client_id, secret)| known(store, client_id, secret));
    match (from_header, from_body) {
        (None, None) => Err(invalid("no client authentication was sent")),
        (Some(Some(found)), None | Some(Some(_))) | (None, Some(Some(found))) => Ok(found),
        _ => Err(invalid("the client id is unknown, or the client secret is wrong")),
    }
}

/// An application, and the credential that spoke for it.
type Authenticated = (Arc<Application>, Credential);

/// The application with these credentials, as they are or form-urlencoded (RFC 6749 §2.3.1).
fn known(store: &Store, user: &str, password: &str) -> Option<Authenticated> {
    let find = |user: &str, password: &str| {
        let application = store.by_client_id(user)?;
        let credential = application.credential(user).filter(|credential| credential.has_secret(password))?;
        Some((application, credential))
    };
    find(user, password).or_else(|| find(&decoded(user), &decoded(password)))
}

fn decoded(text: &str) -> String {
    let pair = format!("x={text}");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// An error of RFC 6749 §5.2.
struct Refusal {
    code: Code,
    error: &'static str,
    reason: String,
    application: Option<Arc<Application>>,
}

impl Refusal {
    fn new(code: Code, error: &'static str, reason: impl Into<String>) -> Self {
        Self { code, error, reason: reason.into(), application: None }
    }

    fn of(mut self, application: &Arc<Application>) -> Self {
        self.application = Some(Arc::clone(application));
        self
    }

    fn into_reply(self) -> TokenReply {
        let status = self
            .code
            .entry()
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::BAD_REQUEST);
        // RFC 6749 §5.2 keeps the description to printable ASCII without quotes and backslashes.
        let description: String = self
            .reason
            .chars()
            .map(|c| if c == '`' || c == '"' { '\'' } else { c })
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .collect();
        let mut reply = reply(status, &json!({ "error": self.error, "error_description": description }));
        if status == StatusCode::UNAUTHORIZED {
            reply
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"mock\", charset=\"UTF-8\""));
        }
        let diagnostic = Diagnostic::new(self.code, self.reason).at(Part::Request, "");
        TokenReply { reply, diagnostic: Some(diagnostic), application: self.application }
    }
}

fn reply(status: StatusCode, body: &serde_json::Value) -> Reply {
    let mut reply = Reply::new(Bytes::from(body.to_string()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}

fn method_not_allowed(method: &Method) -> TokenReply {
    let reason = format!("the token endpoint takes POST, not {method}");
    let mut reply =
        reply(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "invalid_request", "error_description": reason }));
    reply.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    let diagnostic = Diagnostic::new(code::METHOD_NOT_ALLOWED, reason).at(Part::Request, "");
    TokenReply { reply, diagnostic: Some(diagnostic), application: None }
}
