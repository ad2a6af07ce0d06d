//! Sequential media types (OAS 3.2.0, Media Type Object): bodies that are one item after another, read as an array.

use super::BodyError;
use crate::message::media_type::MediaType;
use crate::source::json;
use serde_json::{Map, Value};

/// The record separator of RFC 7464.
const SEPARATOR: u8 = 0x1E;

/// How the items follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// JSON Lines: one value a line, no line empty.
    Lines,
    /// NDJSON, whose empty lines may be passed over.
    LooseLines,
    /// JSON text sequences (RFC 7464, RFC 8091).
    Records,
    /// Server-sent events (HTML, §9.2).
    Events,
}

impl Sequence {
    /// The sequence that a media type is, if it is one.
    pub(crate) fn of(media: &MediaType) -> Option<Self> {
        match media.essence().as_str() {
            "application/jsonl" | "application/jsonlines" | "application/x-jsonlines" => Some(Self::Lines),
            "application/x-ndjson" | "application/ndjson" => Some(Self::LooseLines),
            "application/json-seq" => Some(Self::Records),
            "text/event-stream" => Some(Self::Events),
            other => other.ends_with("+json-seq").then_some(Self::Records),
        }
    }

    /// The items of a body.
    pub(crate) fn read(self, body: &[u8]) -> Result<Value, BodyError> {
        let items = match self {
            Self::Lines | Self::LooseLines => lines(body, self == Self::LooseLines),
            Self::Records => records(body),
            Self::Events => events(body),
        };
        items.map(Value::Array)
    }

    /// The body of the items.
    pub(crate) fn write(self, items: &[Value]) -> Vec<u8> {
        let mut body = Vec::new();
        for item in items {
            match self {
                Self::Events => write_event(item, &mut body),
                _ => {
                    if self == Self::Records {
                        body.push(SEPARATOR);
                    }
                    body.extend(item.to_string().bytes());
                    body.push(b'\n');
                }
            }
        }
        body
    }
}

fn item(text: &[u8], index: usize) -> Result<Value, BodyError> {
    let at = format!("/{index}");
    let parsed = json::parse(text)
        .map_err(|error| BodyError::new(&*at, format!("item {index} is no well-formed JSON: {}", error.message)))?;
    match parsed.duplicate_keys.first() {
        Some(key) => Err(BodyError::new(format!("{at}{key}"), "a member stands twice in one object")),
        None => Ok(parsed.value),
    }
}

fn lines(body: &[u8], loose: bool) -> Result<Vec<Value>, BodyError> {
    let mut items = Vec::new();
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    if body.is_empty() {
        return Ok(items);
    }
    for line in body.split(|byte| *byte == b'\n') {
        if !(loose && line.trim_ascii().is_empty()) {
            items.push(item(line, items.len())?);
        }
    }
    Ok(items)
}

fn records(body: &[u8]) -> Result<Vec<Value>, BodyError> {
    let mut texts = body.split(|byte| *byte == SEPARATOR);
    if texts.next().is_some_and(|before| !before.is_empty()) {
        return Err(BodyError::new("", "a JSON text sequence begins with the record separator, 0x1E"));
    }
    let mut items = Vec::new();
    for text in texts.filter(|text| !text.is_empty()) {
        let value = item(text, items.len())?;
        // RFC 7464 §2.4: these end nowhere of themselves, so without white space they may be cut off.
        let cut = !text.ends_with(b"\n") && !text.ends_with(b" ") && !text.ends_with(b"\t") && !text.ends_with(b"\r");
        if cut && !(value.is_object() || value.is_array() || value.is_string()) {
            let index = items.len();
            return Err(BodyError::new(
                format!("/{index}"),
                format!("item {index} may be cut off: no line feed ends it"),
            ));
        }
        items.push(value);
    }
    Ok(items)
}

/// One event in the making.
#[derive(Default)]
struct Event {
    fields: Map<String, Value>,
    data: Option<String>,
}

impl Event {
    fn field(&mut self, name: &str, value: &str) {
        match name {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => {
                self.fields.insert(name.to_owned(), value.into());
            }
            "id" if !value.contains('\0') => {
                self.fields.insert(name.to_owned(), value.into());
            }
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number = value.parse::<u64>().map_or_else(|_| Value::from(u64::MAX), Value::from);
                self.fields.insert(name.to_owned(), number);
            }
            _ => {}
        }
    }

    /// The event, if it is one: without data nothing is dispatched.
    fn end(&mut self) -> Option<Value> {
        let mut fields = std::mem::take(&mut self.fields);
        let data = self.data.take()?;
        fields.insert("data".to_owned(), Value::String(data));
        Some(Value::Object(fields))
    }
}

/// Events as HTML's algorithm parses them. The last one counts although no empty line ends it, as in the
/// specification's own example.
fn events(body: &[u8]) -> Result<Vec<Value>, BodyError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        BodyError::new("", format!("the event stream is not UTF-8 at byte {}", error.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut items = Vec::new();
    let mut event = Event::default();
    for line in text.split(['\n', '\r']) {
        if line.is_empty() {
            items.extend(event.end());
        } else if !line.starts_with(':') {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            event.field(name, value.strip_prefix(' ').unwrap_or(value));
        }
    }
    items.extend(event.end());
    Ok(items)
}

fn write_event(item: &Value, body: &mut Vec<u8>) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    for name in ["event", "id", "retry", "data"] {
        for line in item.get(name).map(text).iter().flat_map(|text| text.split('\n')) {
            body.extend(format!("{name}: {line}\n").bytes());
        }
    }
    body.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let values = json!([{ "a": 1 }, [2, "x\ny"], 3, null, "four"]);
        let events = json!([{ "event": "e", "id": "1", "retry": 5, "data": "two\nlines" }, { "data": "" }]);
        for (sequence, items) in [
            (Sequence::Lines, &values),
            (Sequence::LooseLines, &values),
            (Sequence::Records, &values),
            (Sequence::Events, &events),
        ] {
            let body = sequence.write(items.as_array().map(Vec::as_slice).unwrap_or_default());
            assert_eq!(sequence.read(&body).as_ref(), Ok(items), "{sequence:?}");
            assert_eq!(sequence.read(b""), Ok(json!([])), "{sequence:?}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let pieces: [&[u8]; 9] = [b"\x1e", b"\n", b"\r", b":", b"data", b"{", b"1", b"\xff", b"\xef\xbb\xbf"];
        for code in 0..pieces.len().pow(4) {
            let picked = (0..4_u32).filter_map(|place| pieces.get(code / pieces.len().pow(place) % pieces.len()));
            let body: Vec<u8> = picked.flat_map(|piece| piece.iter().copied()).collect();
            for sequence in [Sequence::Lines, Sequence::LooseLines, Sequence::Records, Sequence::Events] {
                let _ = sequence.read(&body);
            }
        }
    }
}
