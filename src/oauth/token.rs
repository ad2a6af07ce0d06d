//! The token endpoint: the client credentials grant (RFC 6749 §4.4), and which scopes come of it.

use super::client::{self, Client};
use super::refusal::{Answered, Refusal, json_reply};
use super::{AuthorizationServer, Strictness};
use crate::contract::security::scope_covers;
use crate::diagnostic::code;
use crate::message::{Reply, Request};
use crate::store::{Application, Moment, Store};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

impl AuthorizationServer {
    /// Answers a request to the token endpoint. `token` is the text that a token issued now has.
    pub(crate) fn token_endpoint(
        &self,
        request: &Request,
        store: &Store,
        token: impl FnOnce() -> String,
        moment: Moment,
    ) -> Answered {
        Answered::of(self.token(request, store, token, moment))
    }

    fn token(
        &self,
        request: &Request,
        store: &Store,
        token: impl FnOnce() -> String,
        moment: Moment,
    ) -> Result<(Reply, Arc<Application>), Refusal> {
        let (parameters, client) = client::read(request, store, self.strictness)?;
        let refuse = |refusal: Refusal| refusal.of(&client.application);
        match parameters.get("grant_type") {
            Some("client_credentials") => {}
            None => return Err(refuse(Refusal::invalid_request("the parameter `grant_type` is missing"))),
            Some(_) => {
                let reason = "only the grant type `client_credentials` is supported";
                return Err(refuse(Refusal::new(code::TOKEN_UNSUPPORTED_GRANT, "unsupported_grant_type", reason)));
            }
        }
        let scopes = self.granted(&client, parameters.get("scope").unwrap_or_default()).map_err(refuse)?;
        let text = scopes.join(" ");
        let client_id = &client.credential.client_id;
        let token = self.issue(token(), &client.application, client_id, scopes, moment);
        let mut body = json!({ "access_token": token, "token_type": "bearer", "expires_in": self.ttl.as_secs() });
        // A scope is at least one token (RFC 6749 §3.3), so none is said by leaving it out.
        if !text.is_empty() {
            body["scope"] = Value::String(text);
        }
        Ok((json_reply(StatusCode::OK, &body), client.application))
    }

    /// The scopes that a request gets: those it asks for, or all that the credential has.
    fn granted(&self, client: &Client, requested: &str) -> Result<Vec<String>, Refusal> {
        let invalid = |reason: String| Refusal::new(code::TOKEN_INVALID_SCOPE, "invalid_scope", reason);
        if self.strictness == Strictness::ToTheLetter && !requested.is_empty() && !is_scope(requested) {
            return Err(invalid("the scope is no list of scope tokens with one space between".to_owned()));
        }
        let own = &client.credential.scopes;
        let requested: Vec<&str> = requested.split(' ').filter(|scope| !scope.is_empty()).collect();
        if requested.is_empty() {
            return Ok(own.clone());
        }
        let is_own = |scope: &&str| own.iter().any(|granted| scope_covers(granted, scope));
        let refused: Vec<&str> = requested.iter().copied().filter(|scope| !is_own(scope)).collect();
        if !refused.is_empty() {
            return Err(invalid(format!("the client does not have the scope `{}`", refused.join("`, `"))));
        }
        let mut scopes: Vec<String> = Vec::new();
        for scope in requested {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }
}

/// RFC 6749 §3.3: scope tokens of visible ASCII without double quote and backslash, with one space between.
fn is_scope(text: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    };
    text.split(' ').all(is_token)
}
