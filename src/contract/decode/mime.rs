//! Splitting a multipart body into its parts (RFC 2046 §5.1.1), whatever is in them.

use bytes::Bytes;

/// Header lines of one part of a multipart body. Over it the body is refused.
const HEADERS_MAX: usize = 32;

/// A part as it is written: its headers with names in lower case, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BodyPart {
    pub(super) headers: Vec<(String, String)>,
    pub(super) bytes: Bytes,
}

impl BodyPart {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The parts between the boundary's delimiters; at most one more than `parts_max` of them.
pub(super) fn body_parts(boundary: &str, body: &Bytes, parts_max: usize) -> Result<Vec<BodyPart>, String> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let Some(mut delimiter) = next(body, 0, mark.as_bytes()) else {
        return Err("the delimiter of its boundary is not there".to_owned());
    };
    while !delimiter.last && parts.len() <= parts_max {
        let Some(following) = next(body, delimiter.end, mark.as_bytes()) else {
            return Err("the last delimiter is missing".to_owned());
        };
        parts.push(body_part(&body.slice(delimiter.end..following.start))?);
        delimiter = following;
    }
    Ok(parts)
}

/// A line that separates parts, or ends the last one.
struct Delimiter {
    /// Where the line end before it begins, which is part of it.
    start: usize,
    end: usize,
    last: bool,
}

/// The first delimiter at or after a place.
fn next(body: &[u8], from: usize, mark: &[u8]) -> Option<Delimiter> {
    let mut at = from;
    loop {
        let found = at + body.get(at..)?.windows(mark.len()).position(|window| window == mark)?;
        let start = match found {
            0 => Some(0),
            _ => body[from..found].ends_with(b"\r\n").then(|| found - 2),
        };
        if let Some((start, (end, last))) = start.zip(line_end(body, found + mark.len())) {
            return Some(Delimiter { start, end, last });
        }
        at = found + 1;
    }
}

/// Where the line of a delimiter ends, of which only hyphens and padding may be left, and whether it is the last one.
fn line_end(body: &[u8], at: usize) -> Option<(usize, bool)> {
    let last = body[at..].starts_with(b"--");
    let at = if last { at + 2 } else { at };
    let at = at + body[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match &body[at..] {
        [b'\r', b'\n', ..] => Some((at + 2, last)),
        [] if last => Some((at, last)),
        _ => None,
    }
}

fn body_part(text: &Bytes) -> Result<BodyPart, String> {
    if text.is_empty() || text.starts_with(b"\r\n") {
        return Ok(BodyPart { headers: Vec::new(), bytes: text.slice(text.len().min(2)..) });
    }
    // The line end before the delimiter also ends the last header of a part without a body.
    let (head, bytes) = match text.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(end) => (text.slice(..end), text.slice(end + 4..)),
        None if text.ends_with(b"\r\n") => (text.slice(..text.len() - 2), Bytes::new()),
        None => return Err("the headers of a part have no end".to_owned()),
    };
    let head = String::from_utf8_lossy(&head);
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.contains(['\r', '\n']) {
            return Err("a header of a part has half a line end".to_owned());
        }
        match headers.last_mut() {
            Some((_, value)) if line.starts_with([' ', '\t']) => value.push_str(line),
            _ => headers.push(header(line)?),
        }
        if headers.len() > HEADERS_MAX {
            return Err(format!("a part has more than {HEADERS_MAX} headers"));
        }
    }
    Ok(BodyPart { headers, bytes })
}

fn header(line: &str) -> Result<(String, String), String> {
    let named = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    match line.split_once(':') {
        Some((name, value)) if named(name) => Ok((name.to_ascii_lowercase(), value.trim().to_owned())),
        _ => Err("a header of a part has no name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyPart, body_parts};
    use bytes::Bytes;

    fn parts(body: &'static str) -> Result<Vec<BodyPart>, String> {
        body_parts("b", &Bytes::from_static(body.as_bytes()), 3)
    }

    #[test]
    fn parts_are_what_stands_between_delimiters() {
        for (body, expected) in [
            ("--b\r\n\r\nx\r\n--b--", vec![("", "x")]),
            ("--b\r\n\r\n\r\n--b--", vec![("", "")]),
            ("--b\r\n\r\n--b--", vec![("", "")]),
            ("--b \t\r\nA: 1\r\n\r\nx\r\n--b-- \r\nafter --b\r\n", vec![("1", "x")]),
            ("before\r\n--b\r\na:1\r\n\r\nx\r\n--b\r\nA:2\r\n\r\ny\r\n\r\n--b--\r\n", vec![("1", "x"), ("2", "y\r\n")]),
            // Only a whole line is a delimiter.
            ("--b\r\n\r\n--bc\r\n --b\r\nx--b--\r\n--b--\r\n", vec![("", "--bc\r\n --b\r\nx--b--")]),
            ("--b\r\nA: 1\r\n\r\n--b--", vec![("1", "")]),
            ("--b\r\nA: \"1\r\n 2\u{7f}\"\r\n\r\nx\r\n--b--", vec![("\"1 2\u{7f}\"", "x")]),
            ("--b--\r\n", vec![]),
        ] {
            let found: Vec<(String, Bytes)> = parts(body)
                .unwrap()
                .into_iter()
                .map(|part| (part.header("a").unwrap_or_default().to_owned(), part.bytes))
                .collect();
            let expected: Vec<(String, Bytes)> =
                expected.into_iter().map(|(header, text)| (header.to_owned(), Bytes::from(text))).collect();
            assert_eq!(found, expected, "{body:?}");
        }
    }

    #[test]
    fn what_is_no_multipart_is_refused() {
        for body in [
            "",
            "x",
            "--b",
            "--bc\r\n\r\nx\r\n--bc--",
            "--b\r\n",
            "--b\r\nA: 1",
            "--b\r\nA: 1\r\n\r\nx",
            "--b\r\nA: 1\r\n\r\nx\r\n--b",
            "--b\r\nA: 1\r\n--b--",
            "--b\r\nno name\r\n\r\nx\r\n--b--",
            "--b\r\n: 1\r\n\r\nx\r\n--b--",
            "--b\r\nA: 1\n2\r\n\r\nx\r\n--b--",
        ] {
            assert!(parts(body).is_err(), "{body:?}");
        }
        let many = format!("{}--b--", "--b\r\n\r\nx\r\n".repeat(100));
        assert_eq!(body_parts("b", &Bytes::from(many), 3).map(|parts| parts.len()), Ok(4));
    }
}
