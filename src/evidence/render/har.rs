//! HTTP Archive 1.2 of exchanges. Secrets are masked; members that begin with an underscore are our own.

use super::Exchange;
use crate::evidence::exchange::Kept;
use crate::evidence::mask::Shown;
use crate::message::MASK;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

/// `scheme`: that of the URLs.
pub(super) fn har<'e>(exchanges: impl Iterator<Item = &'e Exchange>, scheme: &str) -> Value {
    let entries: Vec<Value> = exchanges.map(|exchange| entry(exchange, scheme)).collect();
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
            "entries": entries,
        },
    })
}

fn entry(exchange: &Exchange, scheme: &str) -> Value {
    let wait = exchange.duration.as_secs_f64() * 1000.0;
    let mut entry = json!({
        "startedDateTime": exchange.time.to_string(),
        "time": wait,
        "request": request(exchange, scheme),
        "response": response(exchange),
        "cache": {},
        // The whole request and the whole response are in memory before and after.
        "timings": { "send": 0, "wait": wait, "receive": 0 },
        "_exchange": exchange.id,
        "_application": exchange.application(),
        "_operation": exchange.operation(),
        "_verdict": exchange.verdict().as_str(),
    });
    if !exchange.messages.diagnostics.is_empty() {
        let messages: Vec<String> = exchange
            .messages
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.message))
            .collect();
        entry["comment"] = Value::String(messages.join("; "));
    }
    entry
}

fn request(exchange: &Exchange, scheme: &str) -> Value {
    let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let sent = exchange.messages.heads.request();
    let host = sent.get(HOST).and_then(|host| host.to_str().ok()).filter(plain);
    // A request that was made in the process names no host.
    let base = format!("{scheme}://{}", host.filter(|host| !host.is_empty()).unwrap_or("localhost"));
    let target = exchange.target();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let mut request = json!({
        "method": exchange.messages.method.as_str(),
        "url": format!("{base}{}", as_uri(&target)),
        "httpVersion": "HTTP/1.1",
        "cookies": request_cookies(&sent),
        "headers": headers(exchange, &sent),
        "queryString": pairs(query),
        "headersSize": -1,
        "bodySize": size(&exchange.messages.request_body),
    });
    if !exchange.messages.request_body.bytes.is_empty() {
        let (text, encoding) = text(exchange, &exchange.messages.request_body);
        let mut data = json!({ "mimeType": media_type(&sent), "text": text });
        if let Some(encoding) = encoding {
            // The format has this member for responses only.
            data["_encoding"] = json!(encoding);
        }
        cut(exchange, &exchange.messages.request_body, &mut data);
        request["postData"] = data;
    }
    request
}

/// The target with what no URI holds escaped (RFC 3986 §3.3): clients send more than they may.
fn as_uri(target: &str) -> String {
    let bytes = target.as_bytes();
    let mut uri = String::with_capacity(bytes.len() + 1);
    if !target.starts_with('/') {
        uri.push('/');
    }
    for (index, byte) in bytes.iter().enumerate() {
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        let holds = match byte {
            b'%' => hex(index + 1) && hex(index + 2),
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(byte),
        };
        if holds {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn response(exchange: &Exchange) -> Value {
    let received = exchange.received();
    let body = &exchange.messages.response_body;
    let (text, encoding) = text(exchange, body);
    let mut content = json!({ "size": body.bytes.len(), "mimeType": media_type(&received), "text": text });
    if let Some(encoding) = encoding {
        content["encoding"] = json!(encoding);
    }
    cut(exchange, body, &mut content);
    let redirect = received.get(LOCATION).map(|location| exchange.field(&LOCATION, location));
    json!({
        "status": exchange.messages.status.as_u16(),
        "statusText": exchange.messages.status.canonical_reason().unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": response_cookies(&received),
        "headers": headers(exchange, &received),
        "content": content,
        "redirectURL": redirect.unwrap_or_default(),
        "headersSize": -1,
        "bodySize": size(body),
    })
}

/// Says of a body that it is not whole.
fn cut(exchange: &Exchange, body: &Kept, data: &mut Value) {
    if matches!(exchange.masked(body), Some(Shown::Nothing(_))) {
        data["comment"] = json!("it holds secrets, and is left out");
    } else if body.truncated {
        data["comment"] = json!(format!("only the first {} bytes were kept", body.bytes.len()));
    }
}

/// The size of a body, or -1 where it is not known.
fn size(body: &Kept) -> i64 {
    if body.truncated { -1 } else { i64::try_from(body.bytes.len()).unwrap_or(-1) }
}

fn text(exchange: &Exchange, body: &Kept) -> (String, Option<&'static str>) {
    match exchange.masked(body) {
        Some(Shown::Nothing(_)) => return (String::new(), None),
        Some(shown) => return (shown.into_text(), None),
        None => {}
    }
    match std::str::from_utf8(&body.bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(&body.bytes), Some("base64")),
    }
}

fn media_type(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn headers(exchange: &Exchange, headers: &HeaderMap) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!({ "name": name.as_str(), "value": exchange.field(name, value) })).collect()
}

fn pairs(query: &str) -> Vec<Value> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn request_cookies(headers: &HeaderMap) -> Vec<Value> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, _)| json!({ "name": name.trim(), "value": MASK })).collect()
}

fn response_cookies(headers: &HeaderMap) -> Vec<Value> {
    let lines = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.filter_map(cookie).collect()
}

/// A `Set-Cookie` field (RFC 6265 §4.1).
fn cookie(line: &str) -> Option<Value> {
    let mut attributes = line.split(';').map(str::trim);
    let (name, _) = attributes.next()?.split_once('=')?;
    let mut cookie = json!({ "name": name.trim(), "value": MASK, "httpOnly": false, "secure": false });
    for attribute in attributes {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match name.to_ascii_lowercase().as_str() {
            "path" => cookie["path"] = json!(value),
            "domain" => cookie["domain"] = json!(value),
            "httponly" => cookie["httpOnly"] = json!(true),
            "secure" => cookie["secure"] = json!(true),
            "expires" => {
                let time = httpdate::parse_http_date(value).ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
                if let Some(time) = time {
                    cookie["expires"] = json!(time.to_string());
                }
            }
            _ => {}
        }
    }
    Some(cookie)
}

#[cfg(test)]
mod tests {
    use super::as_uri;

    #[test]
    fn what_no_uri_holds_is_escaped() {
        for (target, uri) in [
            ("/a?b=c&d=%7C", "/a?b=c&d=%7C"),
            ("/a|b?c=[1]&d=%zz&e=%2&f=\"é", "/a%7Cb?c=%5B1%5D&d=%25zz&e=%252&f=%22%C3%A9"),
            ("*", "/*"),
        ] {
            assert_eq!(as_uri(target), uri);
        }
    }
}
