//! Texts in other encodings than UTF-8: those that XML 1.0 §4.3.3 demands, and that of HTTP's past.

use super::BodyError;
use std::borrow::Cow;

/// The text of a body, by its byte order mark, else by the charset that its media type names, else as UTF-8.
pub(crate) fn decoded_text<'b>(body: &'b [u8], charset: Option<&str>, what: &str) -> Result<Cow<'b, str>, BodyError> {
    let charset = charset.map(|charset| charset.trim().to_ascii_lowercase());
    match (body, charset.as_deref()) {
        ([0xFF, 0xFE, rest @ ..], _) => utf_16(rest, u16::from_le_bytes, what),
        ([0xFE, 0xFF, rest @ ..], _) => utf_16(rest, u16::from_be_bytes, what),
        (_, Some("utf-16" | "utf-16be")) => utf_16(body, u16::from_be_bytes, what),
        (_, Some("utf-16le")) => utf_16(body, u16::from_le_bytes, what),
        (_, Some("iso-8859-1" | "latin1")) => Ok(body.iter().map(|byte| char::from(*byte)).collect()),
        _ => {
            let text = std::str::from_utf8(body);
            text.map(|text| Cow::Borrowed(text.strip_prefix('\u{FEFF}').unwrap_or(text)))
                .map_err(|error| BodyError::new("", format!("the {what} is not UTF-8 at byte {}", error.valid_up_to())))
        }
    }
}

/// Whether [`decoded_text`] knows the charset.
pub(crate) fn is_known_charset(charset: &str) -> bool {
    let known = ["utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16be", "utf-16le", "iso-8859-1", "latin1"];
    known.iter().any(|known| charset.trim().eq_ignore_ascii_case(known))
}

fn utf_16<'b>(body: &[u8], unit: fn([u8; 2]) -> u16, what: &str) -> Result<Cow<'b, str>, BodyError> {
    let (pairs, rest) = body.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<u16>>());
    match text {
        Ok(text) if rest.is_empty() => Ok(Cow::Owned(text)),
        _ => Err(BodyError::new("", format!("the {what} is not UTF-16"))),
    }
}
