//! Media types and ranges, and which representation an `Accept` header asks for (RFC 9110 §8.3, §12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;
use mediatype::{MediaType as Parsed, ReadParams};
use std::borrow::Cow;
use std::fmt;

/// A media type or range, lower-cased, with its parameters in the order they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaType {
    kind: String,
    subtype: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads `type/subtype;name=value`; `None` if it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((kind, subtype)) = text.split_once('/')
            && is_plain(kind)
            && is_plain(subtype)
        {
            let [kind, subtype] = [kind, subtype].map(str::to_ascii_lowercase);
            return Some(Self { kind, subtype, parameters: Vec::new() });
        }
        let parts: Vec<&str> = split(text, ';').into_iter().map(str::trim).collect();
        let (essence, parameters) = parts.split_first()?;
        // RFC 9110 §5.6.6 allows empty parameters, but none without a value.
        let parameters: Vec<&str> = parameters.iter().copied().filter(|parameter| !parameter.is_empty()).collect();
        let valued = |parameter: &&str| {
            parameter.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
        };
        if !parameters.iter().all(valued) {
            return None;
        }
        let text = &[&[*essence], parameters.as_slice()].concat().join(";");
        if let Some(range) = wildcard(text) {
            return Some(range);
        }
        Parsed::parse(text).ok().map(|parsed| Self::of(&parsed))
    }

    fn of(parsed: &Parsed<'_>) -> Self {
        let subtype = match parsed.suffix {
            Some(suffix) => format!("{}+{suffix}", parsed.subty),
            None => parsed.subty.to_string(),
        };
        Self {
            kind: parsed.ty.as_str().to_ascii_lowercase(),
            subtype: subtype.to_ascii_lowercase(),
            parameters: parsed
                .params()
                .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.unquoted_str().into_owned()))
                .collect(),
        }
    }

    /// `type/subtype` without parameters.
    pub(crate) fn essence(&self) -> String {
        format!("{}/{}", self.kind, self.subtype)
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether this is `application/json` or has the `+json` suffix. The order `json+merge-patch`, which is in use, too, means the same.
    pub(crate) fn is_json(&self) -> bool {
        (self.kind == "application" || self.kind == "text") && self.subtype == "json"
            || self.subtype.ends_with("+json")
            || self.subtype.starts_with("json+")
    }

    /// Whether this is XML (RFC 7303).
    pub(crate) fn is_xml(&self) -> bool {
        (self.kind == "application" || self.kind == "text") && self.subtype == "xml" || self.subtype.ends_with("+xml")
    }

    /// Whether the body is text.
    pub(crate) fn is_text(&self) -> bool {
        self.kind == "text"
    }

    /// Whether this is `application/x-www-form-urlencoded`.
    pub(crate) fn is_form(&self) -> bool {
        self.kind == "application" && self.subtype == "x-www-form-urlencoded"
    }

    /// Whether this is `multipart/form-data` or another multipart type.
    pub(crate) fn is_multipart(&self) -> bool {
        self.kind == "multipart"
    }

    /// Whether this has a wildcard.
    pub(crate) fn is_range(&self) -> bool {
        self.kind == "*" || self.subtype == "*"
    }

    /// Whether this, as a range, covers `other`. The range's parameters must be among the other's;
    /// `charset` of a JSON or text type is no part of the comparison unless the range names it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        (self.kind == "*" || self.kind == other.kind)
            && (self.subtype == "*" || self.subtype == other.subtype)
            && self.parameters.iter().all(|(name, value)| {
                name == "q"
                    || match other.parameter(name) {
                        Some(found) if name == "charset" => found.eq_ignore_ascii_case(value),
                        Some(found) => found == value,
                        // What is not said about the charset is not contradicted.
                        None => name == "charset",
                    }
            })
    }

    /// How specific a range is: exact types before `type/*` before `*/*`, more parameters before fewer.
    pub(crate) fn specificity(&self) -> usize {
        let class = usize::from(self.kind != "*") + usize::from(self.subtype != "*");
        class * 100 + self.parameters.iter().filter(|(name, _)| name != "q").count()
    }

    fn quality(&self) -> f32 {
        let quality = self.parameter("q").map_or(Some(1.0), |text| text.trim().parse::<f32>().ok());
        quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(1.0)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)?;
        for (name, value) in &self.parameters {
            write!(f, "; {name}={value}")?;
        }
        Ok(())
    }
}

/// Whether it is a name that most types and subtypes are of, and nothing besides (RFC 6838 §4.2).
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte))
}

/// The `mediatype` crate reads no wildcards outside of lists.
fn wildcard(text: &str) -> Option<MediaType> {
    let (essence, rest) = text.split_once(';').map_or((text, ""), |(essence, rest)| (essence, rest));
    let (kind, subtype) = essence.trim().split_once('/')?;
    if subtype != "*" {
        return None;
    }
    let parsed = Parsed::parse(format!("{}/x;{rest}", if kind == "*" { "x" } else { kind }).trim_end_matches(';'))
        .ok()
        .map(|parsed| MediaType::of(&parsed))?;
    Some(MediaType { kind: kind.to_ascii_lowercase(), subtype: "*".to_owned(), parameters: parsed.parameters })
}

/// The `Accept` header, its lines joined; `None` where there is none.
pub(crate) fn accept_of(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let mut lines = headers.get_all(ACCEPT).iter().map(|value| match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(value.as_bytes()),
    });
    let first = lines.next()?;
    Some(lines.fold(first, |joined, line| Cow::Owned(format!("{joined},{line}"))))
}

/// The index of the offer that `accept` prefers; the first one without a header or with an unreadable one.
///
/// Quality comes first, then the order of the offers. Ranges that cannot be read are passed over.
pub(crate) fn negotiate<'o>(
    accept: Option<&str>,
    offers: impl ExactSizeIterator<Item = &'o MediaType>,
) -> Option<usize> {
    let ranges = match accept {
        Some(text) if text != "*/*" => accepted(text),
        _ => Vec::new(),
    };
    if ranges.is_empty() {
        return (offers.len() > 0).then_some(0);
    }
    let mut best: Option<(f32, usize)> = None;
    for (index, offer) in offers.enumerate() {
        let quality = ranges
            .iter()
            .filter(|range| range.covers(offer) || offer.is_range() && overlap(range, offer))
            .max_by_key(|range| range.specificity())
            .map_or(0.0, MediaType::quality);
        if quality > 0.0 && best.is_none_or(|(found, _)| quality > found) {
            best = Some((quality, index));
        }
    }
    best.map(|(_, index)| index)
}

/// The first concrete type that `accept` names and `offer`, a range, covers.
pub(crate) fn concrete(accept: Option<&str>, offer: &MediaType) -> Option<String> {
    accepted(accept?).into_iter().find(|range| !range.is_range() && offer.covers(range)).map(|range| range.essence())
}

/// The ranges of an `Accept` header; what cannot be read is left out.
fn accepted(text: &str) -> Vec<MediaType> {
    // A list parser stops at the first malformed member; members are read one by one instead.
    split_list(text).into_iter().filter_map(MediaType::parse).collect()
}

fn overlap(range: &MediaType, offer: &MediaType) -> bool {
    (offer.kind == "*" || range.kind == "*" || offer.kind == range.kind)
        && (offer.subtype == "*" || range.subtype == "*" || offer.subtype == range.subtype)
}

/// A media type's text without its `charset`; the rest is as it was written.
pub(crate) fn without_charset(text: &str) -> String {
    let is_charset = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
    };
    split(text, ';').into_iter().filter(|parameter| !is_charset(parameter)).collect::<Vec<_>>().join(";")
}

/// Splits a list at commas outside of quoted strings.
pub(crate) fn split_list(text: &str) -> Vec<&str> {
    split(text, ',')
}

/// Splits at a delimiter outside of quoted strings.
pub(crate) fn split(text: &str, delimiter: char) -> Vec<&str> {
    let mut members = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if !quoted && char::from(byte) == delimiter => {
                members.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    members.push(&text[start..]);
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(names: &[&str]) -> Vec<MediaType> {
        names.iter().map(|name| MediaType::parse(name).expect("a media type")).collect()
    }

    #[test]
    fn the_accept_header_chooses() {
        let json = ["application/json", "application/xml"];
        for (accept, expected) in [
            (None, Some(0)),
            (Some(""), Some(0)),
            (Some("*/*"), Some(0)),
            (Some("application/xml"), Some(1)),
            (Some("application/json;q=0.5, application/xml"), Some(1)),
            (Some("application/*;q=0.5, application/xml;q=0.1"), Some(0)),
            (Some("image/png"), None),
            (Some("image/png, */*;q=0.8"), Some(0)),
            (Some("application/json;q=0"), None),
            (Some("/, ;;, application/xml"), Some(1)),
            (Some("application/vnd.chatkitty+json,*/*;q=0.8"), Some(0)),
            (Some("APPLICATION/XML"), Some(1)),
        ] {
            assert_eq!(negotiate(accept, offers(&json).iter()), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_charset_is_taken_out() {
        for (text, rest) in [
            ("text/plain", "text/plain"),
            ("text/plain; Charset=\"utf-16\"", "text/plain"),
            ("text/csv;charset=x; header=\"a;charset=b\"", "text/csv; header=\"a;charset=b\""),
        ] {
            assert_eq!(without_charset(text), rest);
        }
    }

    #[test]
    fn ranges_cover_and_rank() {
        for (range, other, covers) in [
            ("application/json", "application/json; charset=utf-8", true),
            ("application/json;charset=utf-8", "application/json", true),
            ("application/*", "application/json", true),
            ("*/*", "image/png", true),
            ("text/plain", "application/json", false),
            ("application/json;v=1", "application/json", false),
            ("application/json;v=1", "application/json;v=1;x=2", true),
        ] {
            let (range, other) = (MediaType::parse(range).expect("range"), MediaType::parse(other).expect("type"));
            assert_eq!(range.covers(&other), covers, "{range} covers {other}");
        }
        assert!(MediaType::parse("nonsense").is_none());
        assert!(MediaType::parse("a/").is_none());
        assert!(MediaType::parse("application/problem+json").is_some_and(|media| media.is_json()));
        assert!(MediaType::parse("application/json+merge-patch").is_some_and(|media| media.is_json()));
    }
}
