//! The bodies of a recorded exchange: their bytes as far as the recording tells them, and whether that is all.

use super::entry::{ContentJson, ParamJson, PostJson, Text};
use crate::contract::Extent;
use crate::message::media_type::{MediaType, without_charset};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::de::IgnoredAny;

pub(super) fn own_body(
    text: Option<Text>,
    base64: Option<String>,
    is_truncated: Option<bool>,
) -> Result<(Bytes, Extent), String> {
    let extent = if is_truncated == Some(true) { Extent::Part } else { Extent::Whole };
    match (text, base64) {
        (Some(text), _) => Ok((Bytes::from(text.0), extent)),
        (None, Some(base64)) => match STANDARD.decode(base64) {
            Ok(bytes) => Ok((Bytes::from(bytes), extent)),
            Err(_) => Err("`body_base64` is no base64".to_owned()),
        },
        (None, None) => Ok((Bytes::new(), extent)),
    }
}

/// The body that a HAR tells as `postData`.
pub(super) fn posted(post: Option<PostJson>, size: f64, headers: &mut HeaderMap) -> (Bytes, Extent) {
    // What is told is not in its content coding any more.
    headers.remove(CONTENT_ENCODING);
    let nothing = if size > 0.0 { Extent::Part } else { Extent::Whole };
    let Some(post) = post else { return (Bytes::new(), nothing) };
    let text = post.text.filter(|text| !text.0.is_empty());
    let params = post.params.unwrap_or_default();
    let media = post.media.unwrap_or_default();
    let is_told = text.is_some() && !is_encoded(post.encoding.as_deref());
    let (body, extent) = match text {
        Some(text) => read(text, post.encoding.as_deref(), size),
        None if !params.is_empty() => from_params(&params, &media),
        None => (Bytes::new(), nothing),
    };
    if !headers.contains_key(CONTENT_TYPE)
        && (!body.is_empty() || extent == Extent::Part)
        && let Ok(media) = HeaderValue::from_str(&media)
        && !media.is_empty()
    {
        headers.insert(CONTENT_TYPE, media);
    }
    if is_told {
        forget_charset(headers);
    }
    (body, extent)
}

/// The body that a HAR tells as `content`.
pub(super) fn content(content: ContentJson, headers: &mut HeaderMap) -> (Bytes, Extent) {
    headers.remove(CONTENT_ENCODING);
    // Browsers guess a type where the response has none, so it counts only where no header is told at all.
    if headers.is_empty()
        && let Some(media) = &content.media
        && let Ok(media) = HeaderValue::from_str(media)
        && !media.is_empty()
    {
        headers.insert(CONTENT_TYPE, media);
    }
    // -1 is a size that is not known.
    let size = content.size.unwrap_or_default();
    let text = content.text.filter(|text| !text.0.is_empty());
    if text.is_some() && !is_encoded(content.encoding.as_deref()) {
        forget_charset(headers);
    }
    match text {
        Some(text) => read(text, content.encoding.as_deref(), size),
        None if size == 0.0 => (Bytes::new(), Extent::Whole),
        None => (Bytes::new(), Extent::Part),
    }
}

fn is_encoded(encoding: Option<&str>) -> bool {
    encoding.is_some_and(|name| !name.is_empty())
}

/// Text is told in Unicode, whatever its bytes were, so a charset that is not compatible with UTF-8 is no longer true.
fn forget_charset(headers: &mut HeaderMap) {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return };
    let Some(media) = MediaType::parse(text).filter(|media| media.is_text() || media.is_xml()) else { return };
    let is_true = |charset: &str| ["utf-8", "utf8", "us-ascii", "ascii"].contains(&&*charset.to_ascii_lowercase());
    if media.parameter("charset").is_none_or(is_true) {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&without_charset(text)) {
        headers.insert(CONTENT_TYPE, value);
    }
}

/// The bytes of a text, and whether they are all.
fn read(text: Text, encoding: Option<&str>, size: f64) -> (Bytes, Extent) {
    let bytes = match encoding {
        None | Some("") => Bytes::from(text.0),
        Some(name) if name.eq_ignore_ascii_case("base64") => match STANDARD.decode(text.0.trim_ascii()) {
            Ok(bytes) => Bytes::from(bytes),
            Err(_) => return (Bytes::new(), Extent::Part),
        },
        Some(_) => return (Bytes::new(), Extent::Part),
    };
    let is_short = size > f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let extent = if is_short && is_cut_json(&bytes) { Extent::Part } else { Extent::Whole };
    (bytes, extent)
}

/// Whether it is JSON that ends too early. A size alone does not tell: it may count another character encoding.
fn is_cut_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_err_and(|error| error.is_eof())
}

/// A form's body from its fields. What the recording has no value of, such as a file, makes it a part.
fn from_params(params: &[ParamJson], media: &str) -> (Bytes, Extent) {
    let lower = media.to_ascii_lowercase();
    if lower.starts_with("application/x-www-form-urlencoded") {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for param in params {
            let value = param.value.as_ref().map(|value| String::from_utf8_lossy(&value.0)).unwrap_or_default();
            pairs.append_pair(param.name.as_deref().unwrap_or_default(), &value);
        }
        return (Bytes::from(pairs.finish()), Extent::Whole);
    }
    let boundary = lower.find("boundary=").and_then(|at| media.get(at + "boundary=".len()..));
    let boundary = boundary.and_then(|rest| rest.split(';').next()).map(|boundary| boundary.trim().trim_matches('"'));
    let is_whole = params.iter().all(|param| param.value.is_some());
    let Some(boundary) = boundary.filter(|boundary| is_whole && !boundary.is_empty()) else {
        return (Bytes::new(), Extent::Part);
    };
    let mut body = Vec::new();
    for param in params {
        let name = param.name.as_deref().unwrap_or_default();
        body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes());
        if let Some(file) = &param.file_name {
            body.extend_from_slice(format!("; filename=\"{file}\"").as_bytes());
        }
        if let Some(media) = &param.media {
            body.extend_from_slice(format!("\r\nContent-Type: {media}").as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(param.value.as_ref().map(|value| value.0.as_slice()).unwrap_or_default());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (Bytes::from(body), Extent::Whole)
}
