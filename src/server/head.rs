//! The lines of a head, each read in the one way that RFC 9112 leaves open, or refused.
//!
//! What a lenient reader would repair, a proxy before it may have repaired differently, and the two then disagree
//! about where a request ends. So nothing is repaired.

use super::Refusal;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Request, Uri};

/// What a head says of its message's framing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    is_http_10: bool,
    has_host: bool,
    length: Option<u64>,
    is_chunked: bool,
}

/// How the body is delimited.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; 0 is no body.
    Length(u64),
    Chunked,
}

impl Head {
    /// Reads `METHOD TARGET HTTP/1.x`.
    pub(super) fn start(line: &[u8], target_bytes_max: usize) -> Result<Self, Refusal> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (method, target, version) = match (words.next(), words.next(), words.next()) {
            (Some(method), Some(target), Some(version)) => (method, target, version),
            _ => return bad("the request line is not a method, a target and a version with one space between"),
        };
        if method.is_empty() || !method.iter().all(|byte| is_in(*byte, TOKEN)) {
            return bad("the method is not a token");
        }
        if target.len() > target_bytes_max {
            return Err(Refusal::TargetTooLong);
        }
        check_target(method, target)?;
        let is_http_10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
                return Err(Refusal::VersionUnknown);
            }
            _ => return bad("the request line does not end in `HTTP/1.1`"),
        };
        Ok(Self { is_http_10, ..Self::default() })
    }

    /// Reads one field.
    pub(super) fn field(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let (name, value) = field(line)?;
        // By length first: most fields are told apart by it.
        match name.len() {
            4 if name.eq_ignore_ascii_case(HOST.as_str().as_bytes()) => self.host(value),
            6 if name.eq_ignore_ascii_case(EXPECT.as_str().as_bytes()) => self.expect(value),
            14 if name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str().as_bytes()) => self.content_length(value),
            17 if name.eq_ignore_ascii_case(TRANSFER_ENCODING.as_str().as_bytes()) => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    /// RFC 9112 §3.2: exactly one `Host`, and a valid one.
    fn host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.has_host, true) {
            return bad("`Host` occurs more than once");
        }
        if is_authority(value) { Ok(()) } else { bad("`Host` is not a host with an optional port") }
    }

    /// RFC 9110 §10.1.1: there is one expectation, and HTTP/1.0 has none.
    fn expect(&self, value: &[u8]) -> Result<(), Refusal> {
        if self.is_http_10 || is_known_expectation(value) { Ok(()) } else { Err(Refusal::ExpectationUnknown) }
    }

    /// RFC 9112 §6.3: a second length is refused even if it is the same.
    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.length.is_some() {
            return bad("`Content-Length` occurs more than once");
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return bad("`Content-Length` is not a number of bytes");
        }
        let length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse::<i64>().ok());
        // More than 63 bits are a length like any other, and too much.
        self.length = Some(length.ok_or(Refusal::BodyTooLarge)?.unsigned_abs());
        Ok(())
    }

    /// RFC 9112 §6.1: `chunked` is the only coding that is known here, and comes last and once.
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.is_chunked {
            return bad("`Transfer-Encoding` occurs more than once");
        }
        let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        if !is_chunked(value) {
            let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).rev();
            return match codings.next() {
                Some(last) if is_chunked(last) && codings.all(|coding| !coding.is_empty() && !is_chunked(coding)) => {
                    Err(Refusal::CodingUnknown)
                }
                _ => bad("`Transfer-Encoding` does not end in one `chunked`"),
            };
        }
        self.is_chunked = true;
        Ok(())
    }

    /// What the head as a whole says, at the empty line that ends it.
    pub(super) fn framing(&self) -> Result<Framing, Refusal> {
        if !self.has_host && !self.is_http_10 {
            return bad("`Host` is missing");
        }
        match (self.is_chunked, self.length) {
            (true, Some(_)) => bad("`Content-Length` and `Transfer-Encoding` exclude each other"),
            (true, None) if self.is_http_10 => bad("`Transfer-Encoding` has no meaning in HTTP/1.0"),
            (true, None) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Length(length.unwrap_or_default())),
        }
    }
}

/// A field after the body. It may be anything, but not what would have changed the framing before it.
pub(super) fn trailer(line: &[u8]) -> Result<(), Refusal> {
    let (name, _) = field(line)?;
    let frames =
        [CONTENT_LENGTH, TRANSFER_ENCODING, HOST].iter().any(|framing| name.eq_ignore_ascii_case(framing.as_ref()));
    if frames { bad("a trailer says what belongs into the head") } else { Ok(()) }
}

/// Splits a field's line, and takes the spaces around the value away.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let Some(end) = line.iter().position(|byte| !is_in(*byte, TOKEN)) else {
        return bad("a header line has no colon");
    };
    let (name, rest) = line.split_at(end);
    match rest.split_first() {
        Some((b':', value)) if !name.is_empty() => Ok((name, value.trim_ascii())),
        Some((b':', _)) => bad("a field has no name"),
        Some((b' ' | b'\t', _)) if name.is_empty() => bad("a header line begins with white space"),
        Some((b' ' | b'\t', _)) => bad("white space stands between a field's name and the colon"),
        _ => bad("a field's name is not a token"),
    }
}

/// RFC 9112 §3.2: a path, a whole URL, an authority for `CONNECT`, or `*` for `OPTIONS`.
fn check_target(method: &[u8], target: &[u8]) -> Result<(), Refusal> {
    if target.is_empty() {
        return bad("the request line has more than one space in a row");
    }
    let mut place = PATH;
    for byte in target {
        if !is_in(*byte, place) {
            return bad(match byte {
                b'#' => "the target has a fragment, which is the client's own",
                _ => "the target has characters that must be percent-encoded",
            });
        }
        if *byte == b'?' {
            place = QUERY;
        }
    }
    let authority = match target {
        [b'/', ..] if method != b"CONNECT" => return Ok(()),
        b"*" if method == b"OPTIONS" => return Ok(()),
        _ if method == b"CONNECT" => target,
        _ => {
            let rest = ["http://", "https://"].iter().find_map(|scheme| {
                let (start, rest) = target.split_at_checked(scheme.len())?;
                start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
            });
            let Some(rest) = rest else { return bad("the target is neither a path nor an `http` or `https` URL") };
            rest.split(|byte| b"/?".contains(byte)).next().unwrap_or_default()
        }
    };
    let is_whole = !authority.is_empty() && !authority.starts_with(b":") && is_authority(authority);
    if is_whole { Ok(()) } else { bad("the target's authority is not a host with an optional port") }
}

/// RFC 3986 §3.2.2 and §3.2.3, without user information. A host may be empty (RFC 9112 §3.2).
pub(super) fn is_authority(text: &[u8]) -> bool {
    let is_port = |port: &[u8]| {
        let number = port.iter().try_fold(0u16, |number, byte| {
            number.checked_mul(10)?.checked_add(u16::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?))
        });
        number.is_some()
    };
    if let Some(rest) = text.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        let (address, after) = rest.split_at(end);
        let is_address = std::str::from_utf8(address).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        return is_address && (after.len() == 1 || after.strip_prefix(b"]:").is_some_and(is_port));
    }
    let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    let (host, port) = text.split_at(end);
    host.iter().all(|byte| is_in(*byte, NAME)) && port.strip_prefix(b":").is_none_or(is_port)
}

pub(super) fn is_known_expectation(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"100-continue")
}

/// As much of a refused head as can be told, for whoever answers for it and records it.
pub(super) fn parts(sent: &[u8]) -> Option<Parts> {
    let mut lines = sent.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut words = lines.find(|line| !line.is_empty())?.splitn(3, |byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let uri = Uri::try_from(words.next()?).ok().filter(|uri| uri.path_and_query().is_some())?;
    let mut request = Request::builder().method(method).uri(uri).body(()).ok()?;
    for line in lines.take_while(|line| !line.is_empty()) {
        let Ok((name, value)) = field(line) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // Only a list beyond every limit fills the map.
            let _ = request.headers_mut().try_append(name, value);
        }
    }
    let mut parts = request.into_parts().0;
    super::intake::normalise(&mut parts);
    Some(parts)
}

fn bad<T>(reason: &str) -> Result<T, Refusal> {
    Err(Refusal::BadFraming(reason.to_owned()))
}

/// What a byte may be part of, in bits.
type Class = u8;
/// RFC 9110 §5.6.2.
const TOKEN: Class = 1;
/// What a path may have, beyond RFC 3986 §3.3 what clients send as it is and no reader takes for anything else.
const PATH: Class = 2;
/// The same of a query (RFC 3986 §3.4).
const QUERY: Class = 4;
/// RFC 3986 §3.2.2, a registered name or an IPv4 address.
const NAME: Class = 8;

const CLASSES: [Class; 256] = {
    const fn mark(classes: &mut [Class; 256], bytes: &[u8], class: Class) {
        let mut at = 0;
        while at < bytes.len() {
            classes[bytes[at] as usize] |= class;
            at += 1;
        }
    }
    let mut classes = [0; 256];
    mark(&mut classes, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", TOKEN | PATH | QUERY | NAME);
    mark(&mut classes, b"!#$%&'*+-.^_`|~", TOKEN);
    mark(&mut classes, b"-._~!$&'()*+,;=%:@/?[]\\^|{}", PATH | QUERY);
    mark(&mut classes, b"\"", PATH);
    mark(&mut classes, b"`", QUERY);
    mark(&mut classes, b"-._~!$&'()*+,;=%", NAME);
    classes
};

fn is_in(byte: u8, class: Class) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}
