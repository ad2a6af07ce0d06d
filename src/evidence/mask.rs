//! Hiding secrets in what people and reports see.

use crate::message::{MASK, Secrets};
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;

/// A header's value as it may be shown; the authentication scheme stays.
pub(super) fn header(secrets: &Secrets, name: &HeaderName, value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let secret = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE];
    if secret.contains(name) {
        return match text.split_once(' ') {
            Some((scheme, _)) if name == header::AUTHORIZATION => format!("{scheme} {MASK}"),
            _ => MASK.to_owned(),
        };
    }
    let words = ["api-key", "apikey", "token", "secret", "password", "credential"];
    if words.iter().any(|word| name.as_str().contains(word)) || secrets.are_named(name.as_str()) {
        return MASK.to_owned();
    }
    if [header::REFERER, header::LOCATION].contains(name) { target(secrets, &text) } else { text }
}

/// A request target without secrets in its query.
pub(super) fn target(secrets: &Secrets, target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(secrets, name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Whether the value of a parameter of this name, however it is escaped, is secret.
pub(super) fn is_secret(secrets: &Secrets, name: &str) -> bool {
    form_urlencoded::parse(name.as_bytes()).next().is_some_and(|(name, _)| secrets.are_named(&name))
}

/// A body as it may be shown.
pub(super) enum Shown {
    /// JSON: names stay, values of secrets go.
    Json(String),
    /// Pairs of a form.
    Form(String),
    /// What may have its secrets anywhere: nothing but its size.
    Nothing(String),
}

impl Shown {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Json(text) | Self::Form(text) | Self::Nothing(text) => text,
        }
    }
}

/// A body with its secrets masked; `None` where it has none and may be shown as it is. What is `sealed`, such as a
/// request to the authorization server or its reply, is shown only as far as it is understood.
pub(super) fn body(secrets: &Secrets, bytes: &[u8], sealed: bool) -> Option<Shown> {
    let text = String::from_utf8_lossy(bytes);
    if !sealed && !tells_secrets(secrets, &text) {
        return None;
    }
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(&text) {
        let masked = value(secrets, &json);
        return (sealed || masked != json).then(|| Shown::Json(masked.to_string()));
    }
    let is_form = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>{}[]\"'".contains(&byte));
    Some(if is_form {
        Shown::Form(target(secrets, &format!("?{text}")).split_off(1))
    } else {
        Shown::Nothing(format!("{} bytes, {MASK}", bytes.len()))
    })
}

/// Whether a text gives a value to something that is secret: `"password": …`, `password=…`, `<password>`,
/// `name="password"`.
fn tells_secrets(secrets: &Secrets, text: &str) -> bool {
    // Of a name's characters, those that a form escapes are not known from here.
    let of_a_name = |c: char| c.is_alphanumeric() || "_-.%".contains(c);
    let mut rest = text;
    let (mut before, mut last) = (' ', "");
    while let Some(start) = rest.find(of_a_name) {
        before = rest[..start].trim_end_matches(['"', '\'', '\\']).chars().next_back().unwrap_or(before);
        let word = &rest[start..];
        let end = word.find(|c| !of_a_name(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let gives = after.trim_start_matches(['"', '\'', '\\', ' ', '\t', '\r', '\n']).starts_with([':', '=', '>']);
        let is_named = "</".contains(before) || before == '=' && last.eq_ignore_ascii_case("name");
        if (gives || is_named) && is_secret(secrets, word) {
            return true;
        }
        last = word;
        before = word.chars().next_back().unwrap_or(before);
        rest = after;
    }
    false
}

/// A JSON value as it may be shown: names stay, values of secrets go.
pub(super) fn value(secrets: &Secrets, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = members.iter().map(|(name, inner)| {
                let shown = || self::value(secrets, inner);
                (name.clone(), if secrets.are_named(name) { Value::String(MASK.to_owned()) } else { shown() })
            });
            Value::Object(shown.collect())
        }
        Value::Array(items) => items.iter().map(|item| self::value(secrets, item)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Secrets, body};

    #[test]
    fn no_spelling_of_a_secret_is_shown() {
        let secrets = Secrets::default();
        for (sent, shown) in [
            ("grant_type=x&client_secret=s3", "grant_type=x&client_secret=***"),
            ("client%5Fsecret=s3&a=b", "client%5Fsecret=***&a=b"),
            ("Client_Secret=s3", "Client_Secret=***"),
            (r#"{"token":"s3","scope":"a"}"#, r#"{"token":"***","scope":"a"}"#),
            (r#"[{"x":{"client_secret":"s3"}}]"#, r#"[{"x":{"client_secret":"***"}}]"#),
            ("<client_secret>s3</client_secret>", "33 bytes, ***"),
            ("client_secret = s3", "18 bytes, ***"),
        ] {
            for sealed in [true, false] {
                assert_eq!(body(&secrets, sent.as_bytes(), sealed).unwrap().into_text(), shown, "{sent}");
            }
        }
    }

    #[test]
    fn what_tells_a_secret_in_no_form_that_is_known_is_not_shown() {
        let secrets = Secrets::new(["pin"]);
        for sent in [
            "{\"a\":1,\"password\":\"s3",
            "{\"pin\" :\n12",
            "{\"text\":\"{\\\"pin\\\":12}",
            "{\"password\":\"s3\"}\n{\"a\":1}\n",
            "--x\r\nContent-Disposition: form-data; name=\"newPassword\"\r\n\r\ns3\r\n--x--\r\n",
            "--x\r\nContent-Disposition: form-data; name=pin\r\n\r\ns3\r\n--x--\r\n",
            "<user password='s3'/>",
            "<soap:password>s3</soap:password>",
            "password: s3\nuser: me\n",
            "\u{fffd}password=s3",
        ] {
            let shown = body(&secrets, sent.as_bytes(), false).map(super::Shown::into_text);
            assert_eq!(shown, Some(format!("{} bytes, ***", sent.len())), "{sent}");
        }
        for open in
            ["the token is gone", "{\"text\":\"password: s3\"}", "a=b&c=token", "{\"tokens\":3}", "pinned: yes", ""]
        {
            assert!(body(&secrets, open.as_bytes(), false).is_none(), "{open}");
        }
    }
}
