//! What a token is worth (RFC 7662), and giving it back (RFC 7009): for clients of the application that it was issued to.

use super::client::{self, Client};
use super::form::Parameters;
use super::refusal::{Answered, Refusal, json_reply};
use super::{AuthorizationServer, Grant};
use crate::diagnostic::code;
use crate::message::{Reply, Request};
use crate::store::{Application, Moment, Store};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

impl AuthorizationServer {
    /// Answers a request to the introspection endpoint of an issuer.
    pub(crate) fn introspection_endpoint(
        &self,
        request: &Request,
        store: &Store,
        issuer: &str,
        moment: Moment,
    ) -> Answered {
        Answered::of(self.introspect(request, store, issuer, moment))
    }

    fn introspect(
        &self,
        request: &Request,
        store: &Store,
        issuer: &str,
        moment: Moment,
    ) -> Result<(Reply, Arc<Application>), Refusal> {
        let (parameters, client) = client::read(request, store, self.strictness)?;
        let token = token_of(&parameters, &client)?;
        let own = self.look(token, moment, Clone::clone).ok().filter(|grant| is_own(grant, &client));
        // Of a token that is not good, or somebody else's, nothing is said but that (RFC 7662 §2.2).
        let body = own.map_or_else(|| json!({ "active": false }), |grant| described(&grant, issuer));
        Ok((json_reply(StatusCode::OK, &body), client.application))
    }

    /// Answers a request to the revocation endpoint.
    pub(crate) fn revocation_endpoint(&self, request: &Request, store: &Store) -> Answered {
        Answered::of(self.give_back(request, store))
    }

    fn give_back(&self, request: &Request, store: &Store) -> Result<(Reply, Arc<Application>), Refusal> {
        let (parameters, client) = client::read(request, store, self.strictness)?;
        let token = token_of(&parameters, &client)?;
        match self.known(token) {
            Some(grant) if !is_own(&grant, &client) => {
                let reason = "the token was issued to a client of another application";
                return Err(Refusal::new(code::TOKEN_FOREIGN, "invalid_grant", reason).of(&client.application));
            }
            Some(_) => self.revoke(token),
            // A token that is not known is as good as revoked (RFC 7009 §2.2).
            None => {}
        }
        let mut reply = json_reply(StatusCode::OK, &Value::Null);
        *reply.body_mut() = bytes::Bytes::new();
        reply.headers_mut().remove(http::header::CONTENT_TYPE);
        Ok((reply, client.application))
    }
}

fn token_of<'p>(parameters: &'p Parameters, client: &Client) -> Result<&'p str, Refusal> {
    let missing = || Refusal::invalid_request("the parameter `token` is missing").of(&client.application);
    parameters.get("token").ok_or_else(missing)
}

fn is_own(grant: &Grant, client: &Client) -> bool {
    Arc::ptr_eq(&grant.application, &client.application)
}

fn described(grant: &Grant, issuer: &str) -> Value {
    let mut body = json!({
        "active": true,
        "scope": grant.scopes.join(" "),
        "client_id": &*grant.client_id,
        "token_type": "bearer",
        "exp": grant.expires.as_second(),
        "iat": grant.issued.as_second(),
        // The client speaks for itself: with this grant there is nobody else (RFC 9068 §2.2).
        "sub": &*grant.client_id,
        "iss": issuer,
    });
    if let Value::Object(members) = &mut body
        && grant.scopes.is_empty()
    {
        members.shift_remove("scope");
    }
    body
}
