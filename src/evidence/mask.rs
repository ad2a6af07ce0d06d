//! Hiding secrets in what people and reports see.

use http::{HeaderName, HeaderValue, header};
use serde_json::Value;

/// What stands where a secret was.
pub(crate) const MASK: &str = "***";
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
        Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Whether the value of a member or a parameter of this name, however it is escaped, is secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.to_ascii_lowercase());
    name.is_some_and(|name| SECRET_NAMES.contains(&name.as_str()))
}

/// The body of a request to the authorization server, or of its reply: names stay, values of secrets go.
pub(super) fn body(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if let Some(masked) = json(&text) {
        return masked;
    }
    if text.contains("Content-Disposition") || text.contains("content-disposition") {
        return format!("multipart form data, {} bytes, {MASK}", bytes.len());
    }
    // What is no form may have its secrets anywhere.
    let is_form = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>{}[]\"'".contains(&byte));
    if is_form { target(&format!("?{text}")).split_off(1) } else { format!("{} bytes, {MASK}", bytes.len()) }
}

/// A JSON value as it may be shown: names stay, values of secrets go.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = members.iter().map(|(name, inner)| {
                (name.clone(), if is_secret(name) { Value::String(MASK.to_owned()) } else { self::value(inner) })
            });
            Value::Object(shown.collect())
        }
        Value::Array(items) => items.iter().map(self::value).collect(),
        other => other.clone(),
    }
}

/// A JSON object or array with its secrets masked; `None` where it is none.
pub(super) fn json(text: &str) -> Option<String> {
    let json = serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object() || value.is_array())?;
    Some(value(&json).to_string())
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn no_spelling_of_a_secret_is_shown() {
        for (sent, shown) in [
            ("grant_type=x&client_secret=s3", "grant_type=x&client_secret=***"),
            ("client%5Fsecret=s3&a=b", "client%5Fsecret=***&a=b"),
            ("Client_Secret=s3", "Client_Secret=***"),
            (r#"{"token":"s3","scope":"a"}"#, r#"{"token":"***","scope":"a"}"#),
            (r#"[{"x":{"client_secret":"s3"}}]"#, r#"[{"x":{"client_secret":"***"}}]"#),
            ("<client_secret>s3</client_secret>", "33 bytes, ***"),
            ("client_secret = s3", "18 bytes, ***"),
        ] {
            assert_eq!(body(sent.as_bytes()), shown, "{sent}");
        }
    }
}
