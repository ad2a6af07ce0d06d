//! Lines to paste, with which a client finds the stand-in.

use super::layout::copy_button;
use maud::{Markup, html};
use serde_json::Value;

/// What a client has to know.
pub(super) struct Access<'a> {
    pub(super) base_url: &'a str,
    pub(super) token_path: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    /// A path to read first.
    pub(super) first_path: &'a str,
}

/// The SDK of the service for a bundled edition: package, and what goes before its paths.
fn sdk(edition: &str) -> Option<(&'static str, &'static str)> {
    match edition {
        "page" | "camel" => Some(("chatkitty-platform-sdk", "")),
        "snake" => Some(("chatkitty", "/v1")),
        "unversioned" => Some(("chatkitty", "")),
        _ => None,
    }
}

pub(super) fn show(access: &Access<'_>, edition: &Value) -> Markup {
    let mut snippets = vec![("curl", curl(access)), (".env", env(access))];
    if let Some((package, base_path)) = edition.as_str().and_then(sdk) {
        snippets.push(("Node SDK", node(access, package, base_path)));
    }
    snippets.push(("Rust", rust(access)));
    html! {
        @for (index, (name, snippet)) in snippets.iter().enumerate() {
            @let id = format!("snippet-{index}");
            details.snippet open[index == 0] {
                summary { (name) }
                div.copied {
                    pre tabindex="0" { code #(id) { (snippet) } }
                    (copy_button(&id, name))
                }
            }
        }
    }
}

fn curl(access: &Access<'_>) -> String {
    let Access { base_url, token_path, client_id, client_secret, first_path } = access;
    format!(
        r#"TOKEN=$(curl -s -u {client_id}:{client_secret} -d grant_type=client_credentials {base_url}{token_path} |
  sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -H "Authorization: Bearer $TOKEN" {base_url}{first_path}"#
    )
}

fn env(access: &Access<'_>) -> String {
    let Access { base_url, token_path, client_id, client_secret, .. } = access;
    format!(
        "CHATKITTY_BASE_URL={base_url}
CHATKITTY_TOKEN_URL={base_url}{token_path}
CHATKITTY_CLIENT_ID={client_id}
CHATKITTY_CLIENT_SECRET={client_secret}"
    )
}

fn node(access: &Access<'_>, package: &str, base_path: &str) -> String {
    let Access { base_url, token_path, client_id, client_secret, .. } = access;
    format!(
        "// npm install {package}
import sdk from '{package}';

const client = new sdk.ChatKitty({{
  clientId: '{client_id}',
  clientSecret: '{client_secret}',
  basePath: '{base_url}{base_path}',
  authorizationBasePath: '{base_url}{token_path}',
}});"
    )
}

fn rust(access: &Access<'_>) -> String {
    let Access { base_url, token_path, client_id, client_secret, first_path } = access;
    format!(
        r#"// cargo add reqwest --features blocking,json
// cargo add serde_json
let client = reqwest::blocking::Client::new();
let token: serde_json::Value = client
    .post("{base_url}{token_path}")
    .basic_auth("{client_id}", Some("{client_secret}"))
    .form(&[("grant_type", "client_credentials")])
    .send()?
    .json()?;
let reply = client
    .get("{base_url}{first_path}")
    .bearer_auth(token["access_token"].as_str().unwrap_or_default())
    .send()?;"#
    )
}
