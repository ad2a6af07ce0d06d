//! The style table of OpenAPI (OAS 3.1.1 §4.8.12.2 to §4.8.12.6) for paths, headers and cookies.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Matrix,
    Label,
    /// `label` as OpenAPI 3.0.0 to 3.0.3 showed it: with dots where RFC 6570 has commas; both are read.
    DottedLabel,
    Simple,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
    /// `form` as cookies have it: nothing is percent-encoded (OAS 3.2.0, Style Values).
    Cookie,
}

/// What kind of value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Primitive,
    Array,
    Object,
}

/// A value whose texts have no types yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(String, Raw)>),
}

/// A text that is not written in its style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    /// Whether the only fault is that the parameter is there more than once.
    pub(crate) repeated: bool,
}

impl Malformed {
    pub(super) fn new(message: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { message: message.into(), expected: Some(expected.into()), repeated: false }
    }

    pub(super) fn repeated() -> Self {
        Self {
            message: "it is given more than once".to_owned(),
            expected: Some("one occurrence".to_owned()),
            repeated: true,
        }
    }
}

/// Percent-decodes to the letter: a broken escape, or one that is not UTF-8, is refused.
pub(crate) fn percent_decoded(text: &str) -> Result<String, Malformed> {
    let bytes = text.as_bytes();
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        if !hex(index + 1) || !hex(index + 2) {
            return Err(Malformed::new("it has a broken percent-escape", "`%` and two hexadecimal digits"));
        }
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| Malformed::new("its percent-escapes are not UTF-8", "UTF-8"))
}

/// Decodes one leaf.
type Leaf = fn(&str) -> Result<String, Malformed>;

pub(super) fn list(text: &str, delimiter: char, leaf: Leaf) -> Result<Raw, Malformed> {
    text.split(delimiter).map(|item| leaf(item).map(Raw::Text)).collect::<Result<_, _>>().map(Raw::List)
}

/// `R,100,G,200`
pub(super) fn alternating(text: &str, delimiter: char, leaf: Leaf) -> Result<Raw, Malformed> {
    let items: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split(delimiter).collect() };
    if items.len() % 2 == 1 {
        return Err(Malformed::new("its names and values do not pair up", format!("name{delimiter}value pairs")));
    }
    let mut members = Vec::new();
    for pair in items.chunks(2) {
        if let [name, value] = pair {
            members.push((leaf(name)?, Raw::Text(leaf(value)?)));
        }
    }
    Ok(Raw::Map(members))
}

/// `R=100,G=200`
fn assigned(text: &str, delimiter: char, leaf: Leaf) -> Result<Raw, Malformed> {
    let mut members = Vec::new();
    for item in text.split(delimiter).filter(|_| !text.is_empty()) {
        let Some((name, value)) = item.split_once('=') else {
            return Err(Malformed::new(format!("`{item}` has no `=`"), format!("name=value joined by `{delimiter}`")));
        };
        members.push((leaf(name)?, Raw::Text(leaf(value)?)));
    }
    Ok(Raw::Map(members))
}

/// Decodes what stands for a path template's expression.
pub(crate) fn decode_path(style: Style, explode: bool, shape: Shape, name: &str, text: &str) -> Result<Raw, Malformed> {
    match style {
        Style::Label | Style::DottedLabel => {
            let Some(rest) = text.strip_prefix('.') else {
                return Err(Malformed::new("a label begins with a dot", "`.value`"));
            };
            let dotted = explode || style == Style::DottedLabel && !rest.contains(',');
            let delimiter = if dotted { '.' } else { ',' };
            match shape {
                Shape::Primitive => percent_decoded(rest).map(Raw::Text),
                Shape::Array => list(rest, delimiter, percent_decoded),
                Shape::Object if explode => assigned(rest, delimiter, percent_decoded),
                Shape::Object => alternating(rest, delimiter, percent_decoded),
            }
        }
        Style::Matrix => matrix(explode, shape, name, text),
        _ => match shape {
            Shape::Primitive => percent_decoded(text).map(Raw::Text),
            Shape::Array => list(text, ',', percent_decoded),
            Shape::Object if explode => assigned(text, ',', percent_decoded),
            Shape::Object => alternating(text, ',', percent_decoded),
        },
    }
}

fn matrix(explode: bool, shape: Shape, name: &str, text: &str) -> Result<Raw, Malformed> {
    let wrong = || Malformed::new(format!("a matrix value begins with `;{name}`"), format!("`;{name}=value`"));
    let Some(rest) = text.strip_prefix(';') else { return Err(wrong()) };
    if shape == Shape::Object && explode {
        return assigned(rest, ';', percent_decoded);
    }
    let own = |item: &str| -> Result<String, Malformed> {
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        if percent_decoded(key)? == name { Ok(value.to_owned()) } else { Err(wrong()) }
    };
    if shape == Shape::Array && explode {
        let items = rest.split(';').map(|item| own(item).and_then(|value| percent_decoded(&value)).map(Raw::Text));
        return items.collect::<Result<_, _>>().map(Raw::List);
    }
    if rest.contains(';') {
        return Err(Malformed::new("a matrix value that is not exploded has one `;`", format!("`;{name}=value`")));
    }
    let value = own(rest)?;
    match shape {
        Shape::Primitive => percent_decoded(&value).map(Raw::Text),
        Shape::Array => list(&value, ',', percent_decoded),
        Shape::Object => alternating(&value, ',', percent_decoded),
    }
}

/// A header's texts are taken as they are: OAS 3.1.1 Appendix D leaves them without percent-encoding.
fn header_leaf(text: &str) -> Result<String, Malformed> {
    Ok(text.trim_matches([' ', '\t']).to_owned())
}

/// Decodes a header's value; `explode` matters for objects only.
pub(crate) fn decode_header(explode: bool, shape: Shape, text: &str) -> Result<Raw, Malformed> {
    match shape {
        Shape::Primitive => header_leaf(text).map(Raw::Text),
        // RFC 9110 §5.6.1.2: empty elements of a list are ignored.
        Shape::Array => {
            let items = text.split(',').map(|item| item.trim_matches([' ', '\t'])).filter(|item| !item.is_empty());
            Ok(Raw::List(items.map(|item| Raw::Text(item.to_owned())).collect()))
        }
        Shape::Object if explode => assigned(text.trim(), ',', header_leaf),
        Shape::Object => alternating(text.trim(), ',', header_leaf),
    }
}

/// A header's text for a value, in style `simple`.
pub(crate) fn encode_header(explode: bool, value: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match value {
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Object(members) => {
            let joint = if explode { '=' } else { ',' };
            members.iter().map(|(name, value)| format!("{name}{joint}{}", text(value))).collect::<Vec<_>>().join(",")
        }
        Value::Null => String::new(),
        other => text(other),
    }
}

/// Cookies are often written plainly: what is no escape is text.
fn cookie_leaf(text: &str) -> Result<String, Malformed> {
    Ok(percent_decoded(text).unwrap_or_else(|_| text.to_owned()))
}

/// In style `cookie` the text is the value.
fn plain_leaf(text: &str) -> Result<String, Malformed> {
    Ok(text.to_owned())
}

/// Decodes a cookie in style `form` or `cookie`.
pub(crate) fn decode_cookie(
    style: Style,
    explode: bool,
    shape: Shape,
    name: &str,
    cookies: &[(String, String)],
    names: &[String],
) -> Result<Option<Raw>, Malformed> {
    let cookie_leaf: Leaf = if style == Style::Cookie { plain_leaf } else { cookie_leaf };
    if shape == Shape::Object && explode {
        let members: Vec<(String, Raw)> = cookies
            .iter()
            .filter(|(key, _)| names.contains(key))
            .map(|(key, value)| cookie_leaf(value).map(|value| (key.clone(), Raw::Text(value))))
            .collect::<Result<_, _>>()?;
        return Ok((!members.is_empty()).then_some(Raw::Map(members)));
    }
    let values: Vec<&str> = cookies.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
    let Some(first) = values.first() else { return Ok(None) };
    if shape == Shape::Array && explode && style == Style::Cookie {
        return Ok(Some(Raw::List(values.into_iter().map(|value| Raw::Text(value.to_owned())).collect())));
    }
    if shape == Shape::Array && explode {
        let items = values
            .iter()
            .flat_map(|value| value.split('&').map(|item| item.strip_prefix(&format!("{name}=")).unwrap_or(item)));
        return items
            .map(|item| cookie_leaf(item).map(Raw::Text))
            .collect::<Result<_, _>>()
            .map(|items| Some(Raw::List(items)));
    }
    // Of cookies with one name, the one of the more specific path comes first (RFC 6265 §5.4).
    let raw = match shape {
        Shape::Primitive => Raw::Text(cookie_leaf(first)?),
        Shape::Array => list(first, ',', cookie_leaf)?,
        Shape::Object => alternating(first, ',', cookie_leaf)?,
    };
    Ok(Some(raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Shape::{Array, Object, Primitive};
    use Style::{Label, Matrix, Simple};

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    fn colours() -> Raw {
        Raw::List(vec![text("blue"), text("black"), text("brown")])
    }

    fn rgb() -> Raw {
        Raw::Map(vec![("R".to_owned(), text("100")), ("G".to_owned(), text("200")), ("B".to_owned(), text("150"))])
    }

    #[test]
    fn every_cell_of_the_style_table_for_paths_is_read() {
        for (style, explode, shape, written, expected) in [
            (Simple, false, Primitive, "blue", text("blue")),
            (Simple, true, Primitive, "blue", text("blue")),
            (Simple, false, Array, "blue,black,brown", colours()),
            (Simple, true, Array, "blue,black,brown", colours()),
            (Simple, false, Object, "R,100,G,200,B,150", rgb()),
            (Simple, true, Object, "R=100,G=200,B=150", rgb()),
            (Label, false, Primitive, ".blue", text("blue")),
            (Label, true, Primitive, ".blue", text("blue")),
            (Label, false, Array, ".blue,black,brown", colours()),
            (Label, true, Array, ".blue.black.brown", colours()),
            (Label, false, Object, ".R,100,G,200,B,150", rgb()),
            (Label, true, Object, ".R=100.G=200.B=150", rgb()),
            (Matrix, false, Primitive, ";color=blue", text("blue")),
            (Matrix, true, Primitive, ";color=blue", text("blue")),
            (Matrix, true, Primitive, ";color", text("")),
            (Matrix, false, Array, ";color=blue,black,brown", colours()),
            (Matrix, true, Array, ";color=blue;color=black;color=brown", colours()),
            (Matrix, false, Object, ";color=R,100,G,200,B,150", rgb()),
            (Matrix, true, Object, ";R=100;G=200;B=150", rgb()),
        ] {
            assert_eq!(
                decode_path(style, explode, shape, "color", written),
                Ok(expected),
                "{style:?} {explode} {written}"
            );
        }
        for (style, explode, shape, written) in [
            (Label, false, Primitive, "blue"),
            (Matrix, false, Primitive, "blue"),
            (Matrix, false, Primitive, ";colour=blue"),
            (Matrix, true, Array, ";color=blue;shade=black"),
            (Simple, false, Object, "R,100,G"),
            (Simple, true, Object, "R=100,G"),
            (Simple, false, Primitive, "%zz"),
            (Simple, false, Primitive, "%ff"),
        ] {
            assert!(decode_path(style, explode, shape, "color", written).is_err(), "{style:?} {written}");
        }
    }

    #[test]
    fn delimiters_are_split_before_escapes_are_decoded() {
        let items = Raw::List(vec![text("a,b"), text("c")]);
        assert_eq!(decode_path(Simple, false, Array, "x", "a%2Cb,c"), Ok(items));
    }
}
