//! What the authorization server says of itself (RFC 8414).

use super::endpoints::{Endpoints, Served};
use super::refusal::{Answered, json_reply};
use crate::message::{Reply, Request, scheme_of};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HOST, PRAGMA};
use http::uri::Authority;
use serde_json::{Map, Value, json};

impl Endpoints {
    /// Answers a request for metadata. `scopes` are those that the contract declares.
    pub(crate) fn metadata(&self, served: &Served, request: &Request, scopes: &[String]) -> Answered {
        Answered { reply: self.described(served, request, scopes), diagnostic: None, application: None }
    }

    fn described(&self, served: &Served, request: &Request, scopes: &[String]) -> Reply {
        let origin = origin(request);
        let mut members = Map::new();
        let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
        say("issuer", json!(issuer(request, served)));
        let methods = json!(["client_secret_basic", "client_secret_post"]);
        if let Some(site) = self.site_of(served) {
            say("token_endpoint", json!(format!("{origin}{}", site.token)));
            say("token_endpoint_auth_methods_supported", methods.clone());
            for (name, path) in [("introspection", &site.introspection), ("revocation", &site.revocation)] {
                if let Some(path) = path {
                    say(&format!("{name}_endpoint"), json!(format!("{origin}{path}")));
                    say(&format!("{name}_endpoint_auth_methods_supported"), methods.clone());
                }
            }
        }
        say("grant_types_supported", json!(["client_credentials"]));
        // Required (RFC 8414 §2), although without an authorization endpoint there are none.
        say("response_types_supported", json!([]));
        if !scopes.is_empty() {
            say("scopes_supported", json!(scopes));
        }
        let mut reply = json_reply(StatusCode::OK, &Value::Object(members));
        // Nothing here is secret.
        reply.headers_mut().remove(CACHE_CONTROL);
        reply.headers_mut().remove(PRAGMA);
        reply
    }
}

/// The issuer's identifier, as the client that asks must have it (RFC 8414 §3.3).
pub(crate) fn issuer(request: &Request, served: &Served) -> String {
    format!("{}{}", origin(request), served.issuer_path)
}

/// The origin that the request was sent to, in its own words.
fn origin(request: &Request) -> String {
    let uri = request.uri();
    let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let authority = uri.authority().map(Authority::as_str).or(host);
    let authority =
        authority.filter(|text| !text.contains('@') && text.parse::<Authority>().is_ok()).unwrap_or("localhost");
    format!("{}://{authority}", scheme_of(request))
}
