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
        "TOKEN=$(curl -s -u {client_id}:{client_secret} -d grant_type=client_credentials {base_url}{token_path} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\ncurl -H \"Authorization: Bearer $TOKEN\" {base_url}{first_path}"
    )
}

fn env(access: &Access<'_>) -> String {
    let Access { base_url, token_path, client_id, client_secret, .. } = access;
    format!(
        "CHATKITTY_BASE_URL={base_url}\nCHATKITTY_TOKEN_URL={base_url}{token_path}\nCHATKITTY_CLIENT_ID={client_id}\nCHATKITTY_CLIENT_SECRET={client_secret}"
    )
}

fn node(access: &Access<'_>, package: &str, base_path: &str) -> String {
    let Access { base_url, token_path, client_id, client_secret, .. } = access;
    format!(
        "// npm install {package}\nimport sdk from '{package}';\n\nconst client = new sdk.ChatKitty({{\n  clientId: '{client_id}',\n  clientSecret: '{client_secret}',\n  basePath: '{base_url}{base_path}',\n  authorizationBasePath: '{base_url}{token_path}',\n}});"
    )
}

fn rust(access: &Access<'_>) -> String {
    let Access { base_url, token_path, client_id, client_secret, first_path } = access;
    format!(
        "// cargo add reqwest --features blocking,json; cargo add serde_json\nlet client = reqwest::blocking::Client::new();\nlet token: serde_json::Value = client\n    .post(\"{base_url}{token_path}\")\n    .basic_auth(\"{client_id}\", Some(\"{client_secret}\"))\n    .form(&[(\"grant_type\", \"client_credentials\")])\n    .send()?\n    .json()?;\nlet reply = client\n    .get(\"{base_url}{first_path}\")\n    .bearer_auth(token[\"access_token\"].as_str().unwrap_or_default())\n    .send()?;"
    )
}
