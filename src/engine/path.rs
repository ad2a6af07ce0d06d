//! The path of a request, as it is routed.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The path with the escapes of unreserved characters undone, which mean the same (RFC 3986 §6.2.2.2).
pub(super) fn normalised(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut output = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        output.push_str(before);
        let escaped = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).map(char::from);
        match escaped.filter(|character| character.is_ascii_alphanumeric() || "-._~".contains(*character)) {
            Some(character) => {
                output.push(character);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                output.push('%');
                rest = after;
            }
        }
    }
    output.push_str(rest);
    Cow::Owned(output)
}

/// Whether a path's escapes are complete, and UTF-8.
pub(super) fn decodable(path: &str) -> Result<(), String> {
    let bytes = path.as_bytes();
    if !bytes.contains(&b'%') {
        return Ok(());
    }
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        if !hex(index + 1) || !hex(index + 2) {
            return Err(format!("the path has a broken percent-escape at byte {index}"));
        }
    }
    match percent_decode_str(path).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err("the path's percent-escapes are not UTF-8".to_owned()),
    }
}
