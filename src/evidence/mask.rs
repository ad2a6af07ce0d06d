//! Hiding secrets in what people and reports see.

use http::{HeaderName, HeaderValue, header};
use serde_json::Value;

const MASK: &str = "***";
/// Names of members and parameters whose values are secret.
const SECRET_NAMES: [&str; 7] =
    ["client_secret", "access_token", "refresh_token", "password", "token", "api_key", "apikey"];

/// A header's value as it may be shown; the authentication scheme stays.
pub(super) fn header(name: &HeaderName, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let secret = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE];
    if secret.contains(name) {
        return match text.split_once(' ') {
            Some((scheme, _)) if name == header::AUTHORIZATION => format!("{scheme} {MASK}"),
            _ => MASK.to_owned(),
        };
    }
    let key = name.as_str();
    if key.contains("api-key") || key.contains("apikey") || key.contains("token") || key.contains("secret") {
        return MASK.to_owned();
    }
    text
}

/// A request target without secrets in its query.
pub(super) fn target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str()) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// The body of a token request or reply: names stay, values of secrets go.
pub(super) fn body(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(object @ Value::Object(_)) = serde_json::from_str::<Value>(&text) {
        return value(&object).to_string();
    }
    if text.contains("Content-Disposition") || text.contains("content-disposition") {
        return format!("multipart form data, {} bytes, {MASK}", bytes.len());
    }
    target(&format!("?{text}")).split_off(1)
}

/// A JSON value as it may be shown: names stay, values of secrets go.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = members.iter().map(|(name, inner)| {
                let secret = SECRET_NAMES.contains(&name.to_ascii_lowercase().as_str());
                (name.clone(), if secret { Value::String(MASK.to_owned()) } else { self::value(inner) })
            });
            Value::Object(shown.collect())
        }
        Value::Array(items) => items.iter().map(self::value).collect(),
        other => other.clone(),
    }
}
