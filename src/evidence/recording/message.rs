//! What a recorded entry means: a request and a reply as they would have come in, as far as the recording has them.

use super::body::{content, own_body, posted};
use super::entry::{EntryJson, PairJson, RequestJson, ResponseJson};
use super::{Entry, Recorded};
use crate::contract::Extent;
use crate::message::{Reply, Request};
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use std::time::Duration;

/// Which form an entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// HAR: bodies are told without their content codings.
    Har,
    /// The control plane's: bodies are as they were sent.
    Own,
}

/// What a request target cannot hold as it is; some exporters write it all the same.
const TARGET: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}').add(b'\\').add(b'^');

/// The exchange that an entry tells of; an error says why it tells of none.
pub(super) fn exchange(entry: EntryJson, form: Form, fields_max: usize) -> Result<Entry, String> {
    let request = entry.request.ok_or("`request` is missing")?;
    let method = request.method.as_deref().ok_or("`request.method` is missing")?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "`request.method` is no method")?;
    let url = request.url.as_deref().or(request.target.as_deref()).ok_or("`request.url` is missing")?;
    let Some((host, target)) = split_url(url) else { return Ok(Entry::NotHttp) };
    let status = entry.response.as_ref().and_then(|response| response.status).unwrap_or_default();
    let Some(response) = entry.response.filter(|_| status >= 1.0) else { return Ok(Entry::WithoutResponse) };
    let status = Some(status).filter(|status| status.fract() == 0.0 && *status < 1_000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, from 1 to 999")]
    let status = status.and_then(|status| StatusCode::from_u16(status as u16).ok());
    let status = status.ok_or("`response.status` is no status")?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Entry::NotHttp);
    }
    let mut notes = Vec::new();
    let mut named = None;
    let headers = fields(request.headers.as_deref(), fields_max, &mut named, &mut notes);
    let host = host.or(named).map(|host| host.to_ascii_lowercase());
    let (target, bad_target) = parsed_target(target, request.query.as_deref().unwrap_or_default());
    let (request, request_extent) = request_of(request, headers, form)?;
    let (mut head, body) = request.into_parts();
    (head.method, head.uri) = (method, target);
    let (reply, reply_extent) = reply_of(response, status, form, fields_max, &mut notes)?;
    let time = entry.started.as_deref().or(entry.time.as_ref().and_then(Value::as_str));
    let duration = entry.time.as_ref().and_then(Value::as_f64).map(|ms| ms * 1_000.0).or(entry.duration_us);
    Ok(Entry::Exchange(Box::new(Recorded {
        request: Request::from_parts(head, body),
        request_extent,
        reply,
        reply_extent,
        host,
        bad_target,
        time: time.and_then(|time| time.parse::<Timestamp>().ok()),
        duration: duration.and_then(|us| Duration::try_from_secs_f64(us / 1_000_000.0).ok()).unwrap_or_default(),
        notes,
    })))
}

/// The host, where it is named, and the target of a URL; `None` if it is not HTTP's.
fn split_url(url: &str) -> Option<(Option<String>, &str)> {
    let url = url.split('#').next().unwrap_or_default();
    let before = url.split(['/', '?']).next().unwrap_or_default();
    let Some((scheme, _)) = before.split_once(':') else { return Some((None, url)) };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let rest = url.get(scheme.len() + 1..)?.strip_prefix("//")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some((Some(host.to_owned()), target))
}

/// The target as a URI, or `/` with the reason.
fn parsed_target(target: &str, query: &[PairJson]) -> (Uri, Option<String>) {
    let mut text = utf8_percent_encode(target, TARGET).to_string();
    if !text.starts_with('/') {
        text.insert(0, '/');
    }
    // Some exporters leave the query out of the URL.
    if !text.contains('?') && !query.is_empty() {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for pair in query {
            pairs.append_pair(pair.name.as_deref().unwrap_or_default(), pair.value.as_deref().unwrap_or_default());
        }
        text.push('?');
        text.push_str(&pairs.finish());
    }
    match text.parse::<Uri>() {
        Ok(uri) => (uri, None),
        Err(error) => (Uri::default(), Some(format!("the target of {} bytes cannot be read: {error}", text.len()))),
    }
}

/// The header fields. `host` gets what HTTP/2 tells as `:authority`, or `Host`.
fn fields(
    pairs: Option<&[PairJson]>,
    fields_max: usize,
    host: &mut Option<String>,
    notes: &mut Vec<String>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let pairs = pairs.unwrap_or_default();
    if pairs.len() > fields_max {
        notes.push(format!("of {} header fields the first {fields_max} were read", pairs.len()));
    }
    for pair in pairs.iter().take(fields_max) {
        let (Some(name), Some(value)) = (pair.name.as_deref(), pair.value.as_deref()) else { continue };
        if name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host") {
            *host = Some(value.to_owned());
        }
        if name.starts_with(':') {
            continue;
        }
        // Browsers tell the lines of one name as one value.
        for line in value.split('\n') {
            let parsed =
                HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(line.as_bytes()).ok());
            let added = parsed.is_some_and(|(name, value)| headers.try_append(name, value).is_ok());
            if !added {
                notes.push(format!("the header field `{}` cannot be read", name.escape_debug()));
            }
        }
    }
    headers
}

fn request_of(request: RequestJson, mut headers: HeaderMap, form: Form) -> Result<(Request, Extent), String> {
    let (body, extent) = match form {
        Form::Own => own_body(request.body, request.body_base64, request.body_truncated)?,
        Form::Har => {
            let size = request.body_size.unwrap_or_default();
            posted(request.post, size, &mut headers)
        }
    };
    if !headers.contains_key(COOKIE) {
        let cookies = request.cookies.unwrap_or_default();
        let pairs = cookies
            .iter()
            .filter_map(|cookie| Some(format!("{}={}", cookie.name.as_deref()?, cookie.value.as_deref()?)));
        let text = pairs.collect::<Vec<_>>().join("; ");
        if let Ok(value) = HeaderValue::from_str(&text)
            && !text.is_empty()
        {
            headers.insert(COOKIE, value);
        }
    }
    let mut request = Request::new(body);
    *request.headers_mut() = headers;
    Ok((request, extent))
}

fn reply_of(
    response: ResponseJson,
    status: StatusCode,
    form: Form,
    fields_max: usize,
    notes: &mut Vec<String>,
) -> Result<(Reply, Extent), String> {
    let mut headers = fields(response.headers.as_deref(), fields_max, &mut None, notes);
    let (body, extent) = match form {
        Form::Own => own_body(response.body, response.body_base64, response.body_truncated)?,
        Form::Har => content(response.content.unwrap_or_default(), &mut headers),
    };
    let mut reply = Reply::new(body);
    *reply.status_mut() = status;
    *reply.headers_mut() = headers;
    Ok((reply, extent))
}
