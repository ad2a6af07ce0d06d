//! The style table of OpenAPI for queries, and for bodies that are written like one.

use std::collections::HashMap;

use super::style::{Malformed, Raw, Shape, Style, percent_decoded};

/// Pairs of one query or form. Over it the rest is left out of a query, and a form is refused.
pub(super) const PAIRS_MAX: usize = 10_000;
/// Nesting of `a[b][c]` in a query or form. Over it the name is taken as it is.
const NESTING_MAX: usize = 16;

/// A query, split at `&` and `=`; names are decoded, values are not yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query<'q> {
    pairs: Vec<(String, &'q str)>,
    /// Where the pairs of each name are.
    index: HashMap<String, Vec<usize>>,
}

/// Decodes a value; `+` is a space, as forms write it.
fn leaf(text: &str) -> Result<String, Malformed> {
    if text.contains('+') { percent_decoded(&text.replace('+', "%20")) } else { percent_decoded(text) }
}

impl<'q> Query<'q> {
    /// Splits a query. A name with a broken escape stays as it is written, and so names nothing.
    pub(crate) fn parse(text: &'q str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (leaf(name).unwrap_or_else(|_| name.to_owned()), value)
        });
        let pairs: Vec<(String, &str)> = pairs.take(PAIRS_MAX).collect();
        let mut index: HashMap<String, Vec<usize>> = HashMap::new();
        for (position, (name, _)) in pairs.iter().enumerate() {
            index.entry(name.clone()).or_default().push(position);
        }
        Self { pairs, index }
    }

    /// The names, each once, in the order of their first pairs.
    pub(super) fn distinct_names(&self) -> impl Iterator<Item = &str> {
        let first = |position: usize, name: &str| {
            self.index.get(name).and_then(|positions| positions.first()) == Some(&position)
        };
        self.pairs
            .iter()
            .enumerate()
            .filter(move |(position, (name, _))| first(*position, name))
            .map(|(_, (name, _))| name.as_str())
    }

    /// The names, in order, repeated as they are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    fn values(&self, name: &str) -> Vec<&'q str> {
        let positions = self.index.get(name).into_iter().flatten();
        positions.filter_map(|position| self.pairs.get(*position)).map(|(_, value)| *value).collect()
    }

    /// The one value of a name, decoded.
    pub(crate) fn single(&self, name: &str) -> Result<Option<String>, Malformed> {
        self.one(name)?.map(leaf).transpose()
    }

    /// All values of a name, decoded.
    pub(super) fn all(&self, name: &str) -> Result<Vec<String>, Malformed> {
        self.values(name).into_iter().map(leaf).collect()
    }

    fn one(&self, name: &str) -> Result<Option<&'q str>, Malformed> {
        let values = self.values(name);
        if values.len() > 1 { Err(Malformed::repeated()) } else { Ok(values.first().copied()) }
    }
}

/// The object that an exploded form parameter gathers from the names of the query.
pub(crate) struct Gathered<'a> {
    /// The names that the schema declares.
    pub(crate) names: &'a [String],
    /// Whether it takes others.
    pub(crate) open: bool,
    /// Whether a name belongs to another parameter.
    pub(crate) claimed: &'a dyn Fn(&str) -> bool,
}

/// Decodes one parameter; `None` if it is not there.
pub(crate) fn decode_query(
    style: Style,
    explode: bool,
    shape: Shape,
    name: &str,
    query: &Query<'_>,
    members: &Gathered<'_>,
) -> Result<Option<Raw>, Malformed> {
    match (style, shape) {
        (_, Shape::Primitive) => Ok(query.single(name)?.map(Raw::Text)),
        (Style::DeepObject, Shape::Object) => deep_object(name, query),
        (Style::DeepObject, Shape::Array) => exploded_array(name, query),
        (_, Shape::Array) if explode => exploded_array(name, query),
        (_, Shape::Object) if explode => exploded_object(query, members),
        (_, shape) => {
            let Some(value) = query.one(name)? else { return Ok(None) };
            let texts: Vec<String> =
                split(style, value).into_iter().map(|text| leaf(&text)).collect::<Result<_, _>>()?;
            delimited(texts, shape).map(Some)
        }
    }
}

/// Splits a value that is not exploded at its style's delimiter, raw or percent-encoded as the style has it.
fn split(style: Style, value: &str) -> Vec<String> {
    let text = match style {
        Style::SpaceDelimited => value.replace(['+', ' '], "%20"),
        Style::PipeDelimited => value.replace("%7C", "|").replace("%7c", "|"),
        _ => value.to_owned(),
    };
    let delimiter = match style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "|",
        _ => ",",
    };
    text.split(delimiter).map(ToOwned::to_owned).collect()
}

fn delimited(texts: Vec<String>, shape: Shape) -> Result<Raw, Malformed> {
    if shape == Shape::Array {
        return Ok(Raw::List(texts.into_iter().map(Raw::Text).collect()));
    }
    if texts.len() == 1 && texts.first().is_some_and(String::is_empty) {
        return Ok(Raw::Text(String::new()));
    }
    if texts.len() % 2 == 1 {
        return Err(Malformed::new("its names and values do not pair up", "pairs of a name and a value"));
    }
    let pairs = texts.chunks(2).filter_map(|pair| match pair {
        [name, value] => Some((name.clone(), Raw::Text(value.clone()))),
        _ => None,
    });
    Ok(Raw::Map(pairs.collect()))
}

fn exploded_array(name: &str, query: &Query<'_>) -> Result<Option<Raw>, Malformed> {
    let values = query.values(name);
    if values.is_empty() {
        return Ok(None);
    }
    values
        .into_iter()
        .map(|value| leaf(value).map(Raw::Text))
        .collect::<Result<_, _>>()
        .map(|items| Some(Raw::List(items)))
}

fn exploded_object(query: &Query<'_>, members: &Gathered<'_>) -> Result<Option<Raw>, Malformed> {
    let mut found: Vec<(String, Raw)> = Vec::new();
    for (name, value) in &query.pairs {
        let own = members.names.contains(name) || members.open && !(members.claimed)(name);
        if own {
            add(&mut found, name, Raw::Text(leaf(value)?));
        }
    }
    Ok((!found.is_empty()).then_some(Raw::Map(found)))
}

/// Adds a member; the second one of a name makes a list.
fn add(members: &mut Vec<(String, Raw)>, name: &str, value: Raw) {
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, Raw::List(items))) => items.push(value),
        Some((_, known)) => {
            let first = std::mem::replace(known, Raw::Text(String::new()));
            *known = Raw::List(vec![first, value]);
        }
        None => members.push((name.to_owned(), value)),
    }
}

/// `name[property]=value`; deeper brackets, which the specification leaves open, nest.
fn deep_object(name: &str, query: &Query<'_>) -> Result<Option<Raw>, Malformed> {
    let mut members: Vec<(String, Raw)> = Vec::new();
    for (key, value) in &query.pairs {
        if key == name {
            return Err(Malformed::new(
                "a deep object names a property in brackets",
                format!("`{name}[property]=value`"),
            ));
        }
        let Some(path) = key.strip_prefix(name).and_then(bracketed) else { continue };
        insert(&mut members, &path, leaf(value)?);
    }
    Ok((!members.is_empty()).then_some(Raw::Map(members)))
}

/// The names in `[a][b]`; an empty one at the end is how some clients write arrays.
fn bracketed(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut path: Vec<&str> = inner.split("][").collect();
    if path.len() > 1 && path.last() == Some(&"") {
        path.pop();
    }
    (path.len() <= NESTING_MAX && !path.contains(&"")).then_some(path)
}

fn insert(members: &mut Vec<(String, Raw)>, path: &[&str], value: String) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        add(members, first, Raw::Text(value));
        return;
    }
    if let Some((_, Raw::Map(inner))) =
        members.iter_mut().find(|(known, inner)| known == first && matches!(inner, Raw::Map(_)))
    {
        insert(inner, rest, value);
        return;
    }
    let mut inner = Vec::new();
    insert(&mut inner, rest, value);
    members.push(((*first).to_owned(), Raw::Map(inner)));
}
