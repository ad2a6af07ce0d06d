//! Client authentication (RFC 6749 §2.3): by Basic credentials, by the body, or by both when they agree.

use super::Strictness;
use super::form::{Parameters, decoded, is_encoded};
use super::refusal::Refusal;
use crate::contract::security::{Presented, basic};
use crate::message::Request;
use crate::store::{Application, Credential, Store};
use http::header::AUTHORIZATION;
use std::sync::Arc;

/// A client that has proven who it is.
pub(super) struct Client {
    pub(super) application: Arc<Application>,
    /// The credential that it proved it with.
    pub(super) credential: Credential,
}

/// Reads a request's parameters, and finds out which client sent it.
pub(super) fn read(request: &Request, store: &Store, strictness: Strictness) -> Result<(Parameters, Client), Refusal> {
    let parameters = Parameters::read(request, strictness).map_err(Refusal::invalid_request)?;
    let client = authenticate(request, &parameters, store, strictness)?;
    Ok((parameters, client))
}

fn authenticate(
    request: &Request,
    parameters: &Parameters,
    store: &Store,
    strictness: Strictness,
) -> Result<Client, Refusal> {
    let strict = strictness == Strictness::ToTheLetter;
    let header = basic_credentials(request)?;
    if let Some((user, password)) = header.as_ref().filter(|_| strict)
        && !(is_encoded(user) && is_encoded(password))
    {
        return Err(Refusal::invalid_client("the `Basic` credentials were not form-urlencoded first"));
    }
    if let (Some((user, _)), Some(client_id)) = (&header, parameters.get("client_id"))
        && (strict || user != client_id)
        && decoded(user) != client_id
    {
        return Err(Refusal::invalid_request("the header and the body name different clients"));
    }
    if strict && header.is_some() && parameters.get("client_secret").is_some() {
        return Err(Refusal::invalid_request("the client authenticates twice, in the header and in the body"));
    }
    let body = parameters.get("client_id").zip(parameters.get("client_secret"));
    let from_header = header.as_ref().map(|(user, password)| {
        let as_it_is = if strict { None } else { known(store, user, password) };
        // RFC 6749 §2.3.1 has both parts form-urlencoded.
        as_it_is.or_else(|| known(store, &decoded(user), &decoded(password)))
    });
    let from_body = body.map(|(client_id, secret)| known(store, client_id, secret));
    match (from_header, from_body) {
        (None, None) => Err(Refusal::invalid_client("no client authentication was sent")),
        (Some(Some(found)), None | Some(Some(_))) | (None, Some(Some(found))) => Ok(found),
        _ => Err(Refusal::invalid_client("the client id is unknown, or the client secret is wrong")),
    }
}

/// User and password of the header, as they were sent.
fn basic_credentials(request: &Request) -> Result<Option<(String, String)>, Refusal> {
    let mut fields = request.headers().get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(Refusal::invalid_client("there is more than one `Authorization` header"));
    }
    let text = field.to_str().map_err(|_| Refusal::invalid_client("the `Authorization` header is not ASCII"))?;
    let (scheme, credentials) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refusal::invalid_client("client authentication in the header is `Basic`"));
    }
    match basic(credentials.trim()) {
        Presented::Basic { user, password } => Ok(Some((user, password))),
        Presented::Malformed(reason) => Err(Refusal::invalid_client(reason)),
        _ => Ok(None),
    }
}

/// The client with these credentials.
fn known(store: &Store, client_id: &str, secret: &str) -> Option<Client> {
    let application = store.by_client_id(client_id)?;
    let credential = application.credential(client_id).filter(|credential| credential.has_secret(secret))?;
    Some(Client { application, credential })
}
