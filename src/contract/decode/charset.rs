//! Texts by the charset that their media type names (RFC 9110 §8.3.2).

/// The charsets that are read: those of the web's texts, and the two that every XML processor must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16 { big_endian: Option<bool> },
}

impl Charset {
    /// What the parameter names; UTF-8 without one.
    pub(crate) fn named(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self::Utf8) };
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "us-ascii" | "ascii" => Some(Self::Ascii),
            "iso-8859-1" | "latin1" => Some(Self::Latin1),
            "utf-16" => Some(Self::Utf16 { big_endian: None }),
            "utf-16be" => Some(Self::Utf16 { big_endian: Some(true) }),
            "utf-16le" => Some(Self::Utf16 { big_endian: Some(false) }),
            _ => None,
        }
    }

    /// UTF-16 if the bytes begin with its byte order mark.
    pub(crate) fn marked(bytes: &[u8]) -> Option<Self> {
        matches!(bytes, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]).then_some(Self::Utf16 { big_endian: None })
    }

    /// The text, or the byte at which there is none.
    pub(crate) fn text(self, bytes: &[u8]) -> Result<String, usize> {
        match self {
            Self::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
                Some(offset) => Err(offset),
                None => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            },
            Self::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.to_owned()),
                Err(error) => Err(error.valid_up_to()),
            },
            Self::Utf16 { big_endian } => utf16(big_endian, bytes),
        }
    }
}

impl std::fmt::Display for Charset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ascii => "US-ASCII",
            Self::Latin1 => "ISO-8859-1",
            Self::Utf8 => "UTF-8",
            Self::Utf16 { .. } => "UTF-16",
        })
    }
}

/// Without a byte order mark it is big-endian (RFC 2781 §4.3); where the name says the order, there is no mark.
fn utf16(big_endian: Option<bool>, bytes: &[u8]) -> Result<String, usize> {
    let (big_endian, marked) = match (big_endian, bytes) {
        (Some(order), _) => (order, 0),
        (None, [0xFF, 0xFE, ..]) => (false, 2),
        (None, [0xFE, 0xFF, ..]) => (true, 2),
        (None, _) => (true, 0),
    };
    if !bytes.len().is_multiple_of(2) {
        return Err(bytes.len() - 1);
    }
    let pair = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut offset = marked;
    for decoded in char::decode_utf16(bytes[marked..].chunks_exact(2).map(pair)) {
        let character = decoded.map_err(|_| offset)?;
        offset += 2 * character.len_utf16();
        text.push(character);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn bytes_are_read_by_their_charset_or_refused_at_the_byte() {
        let text = |name: &str, bytes: &[u8]| Charset::named(Some(name)).unwrap().text(bytes);
        for (name, bytes, expected) in [
            ("UTF-8", b"J\xC3\xBC".as_slice(), Ok("Jü")),
            ("utf-8", b"a\xFFb", Err(1)),
            ("us-ascii", b"Ju", Ok("Ju")),
            ("us-ascii", b"J\xC3\xBC", Err(1)),
            ("ISO-8859-1", b"J\xFC", Ok("Jü")),
            ("utf-16", b"\xFF\xFEJ\0\xFC\0", Ok("Jü")),
            ("utf-16", b"\xFE\xFF\0J\0\xFC", Ok("Jü")),
            ("utf-16", b"\0J\0\xFC", Ok("Jü")),
            ("utf-16le", b"J\0\xFC\0", Ok("Jü")),
            ("utf-16be", b"\xD8\x3D\xDE\0\0a", Ok("😀a")),
            ("utf-16be", b"\0a\xD8\x3D\0a", Err(2)),
            ("utf-16be", b"\0a\0", Err(2)),
        ] {
            assert_eq!(text(name, bytes), expected.map(str::to_owned), "{name} {bytes:?}");
        }
        assert_eq!(Charset::named(Some("ebcdic")), None);
        assert_eq!(Charset::named(None), Some(Charset::Utf8));
    }
}
