//! XML bodies by the `xml` hints of their schemas (OAS 3.1.1 §4.8.26; `nodeType` since 3.2).

use super::BodyError;
use super::charset::Charset;
use super::style::{Raw, Shape};
use super::typed::{item_schemas, items_schemas, keyword_value, member_schemas, shape_of, typed_by};
use super::write::plain;
use crate::contract::lower::{SELECTED, reference_pointer};
use crate::contract::operation::Members;
use crate::contract::tree::SchemaTree;
use crate::source::pointer;
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Elements of XML nested in one another. Over it the body is refused.
const DEPTH_MAX: usize = 128;
/// Attributes of one element of XML. Over it the body is refused.
const ATTRIBUTES_MAX: usize = 256;
/// Namespace declarations of one body of XML, for each element has a list of those around it. Over it the body is refused.
const NAMESPACES_MAX: usize = 256;
/// Nodes of one body of XML. Over it the body is refused.
const NODES_MAX: u32 = 100_000;

/// What a schema stands for in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum NodeKind {
    /// An element, or the elements of an array.
    #[default]
    Element,
    Attribute,
    Text,
    Cdata,
    /// Nothing: what it describes stands in its parent.
    None,
}

/// An XML Object.
#[derive(Default)]
struct Hints<'t> {
    name: Option<&'t str>,
    namespace: Option<&'t str>,
    kind: NodeKind,
    wrapped: bool,
}

fn hints<'t>(tree: &'t dyn SchemaTree, at: &str) -> Hints<'t> {
    let Some(xml) = keyword_value(tree, at, "xml") else { return Hints::default() };
    let text = |name: &str| xml.get(name).and_then(Value::as_str);
    let flag = |name: &str| xml.get(name) == Some(&Value::Bool(true));
    Hints {
        name: text("name"),
        namespace: text("namespace"),
        kind: match text("nodeType") {
            Some("attribute") => NodeKind::Attribute,
            Some("text") => NodeKind::Text,
            Some("cdata") => NodeKind::Cdata,
            Some("none") if shape_of(tree, at) == Shape::Object => NodeKind::None,
            _ if flag("attribute") => NodeKind::Attribute,
            _ => NodeKind::Element,
        },
        wrapped: flag("wrapped") || text("nodeType") == Some("element") && shape_of(tree, at) == Shape::Array,
    }
}

/// The names that the root element may have: the hint's, else that of the component the schema is or refers to; of
/// alternatives, those of each that takes the value, where there is one to look at.
fn root_names(tree: &dyn SchemaTree, at: &str, value: Option<&Value>, depth: usize) -> Vec<String> {
    const HOPS_MAX: usize = 16;
    let Some(Value::Object(schema)) = tree.at(at).filter(|_| depth < HOPS_MAX) else { return Vec::new() };
    if let Some(name) = schema.get("xml").and_then(|xml| xml.get("name")).and_then(Value::as_str) {
        return vec![name.to_owned()];
    }
    let mut names = Vec::new();
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        names = root_names(tree, &target, value, depth + 1);
    }
    for keyword in ["oneOf", "anyOf", SELECTED] {
        for index in 0..schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len) {
            let branch = format!("{at}/{keyword}/{index}");
            if value.is_none_or(|value| tree.is_valid(&branch, value)) {
                names.extend(root_names(tree, &branch, value, depth + 1));
            }
        }
    }
    let own = at.strip_prefix("/components/schemas/").filter(|name| !name.contains('/'));
    match own {
        // A component's hint may stand in what it is made of; its name comes after those.
        Some(own) => {
            names.extend(hints(tree, at).name.map(ToOwned::to_owned));
            names.push(pointer::unescape(own).into_owned());
        }
        None if names.is_empty() => names.extend(hints(tree, at).name.map(ToOwned::to_owned)),
        None => {}
    }
    names
}

/// The value of an XML document by the schema at a pointer. A byte order mark comes before what the media type
/// says of the charset (RFC 7303 §3).
pub(crate) fn xml_value(tree: &dyn SchemaTree, at: &str, charset: Charset, body: &[u8]) -> Result<Value, BodyError> {
    let charset = Charset::marked(body).unwrap_or(charset);
    let text = charset
        .text(body)
        .map_err(|offset| BodyError::new("", format!("the XML is not {charset} at byte {offset}")))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    bounded(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| BodyError::new("", format!("the body is no well-formed XML: {error}")))?;
    let root = document.root_element();
    let names = root_names(tree, at, None, 0);
    let found = root.tag_name().name();
    if !names.is_empty() && !names.iter().any(|name| name == found) {
        let names = names.iter().enumerate().filter(|(index, name)| !names[..*index].contains(name));
        let expected: Vec<String> = names.map(|(_, name)| format!("`{name}`")).collect();
        return Err(BodyError::new("", format!("the root element is `{found}`, expected {}", expected.join(" or "))));
    }
    check_namespace(tree, at, root, "")?;
    element(tree, &[at.to_owned()], root, "", 0)
}

/// Refuses what would cost the parser more than it is worth: it is recursive in depth, and quadratic in the
/// attributes of one element and in namespaces.
fn bounded(text: &str) -> Result<(), BodyError> {
    let (mut depth, mut attributes, mut namespaces) = (0_usize, 0_usize, 0_usize);
    let (mut in_tag, mut quote) = (false, None);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match (in_tag, quote) {
            (true, Some(open)) if character == open => quote = None,
            (true, Some(_)) => {}
            (true, None) => match character {
                '"' | '\'' => quote = Some(character),
                '=' => attributes += 1,
                '/' if next == Some('>') => depth = depth.saturating_sub(1),
                '>' => in_tag = false,
                _ if next == Some('x') && character.is_ascii_whitespace() => {
                    namespaces += usize::from(text[at + 1..].starts_with("xmlns"));
                }
                _ => {}
            },
            (false, _) if character == '<' => match next {
                Some('/') => depth = depth.saturating_sub(1),
                Some('!' | '?') | None => {}
                Some(_) => {
                    depth += 1;
                    (in_tag, attributes) = (true, 0);
                }
            },
            (false, _) => {}
        }
        if depth > DEPTH_MAX {
            return Err(BodyError::new(
                "",
                format!("the XML has more than {DEPTH_MAX} elements nested in one another"),
            ));
        }
        if attributes > ATTRIBUTES_MAX {
            return Err(BodyError::new("", format!("an XML element has more than {ATTRIBUTES_MAX} attributes")));
        }
        if namespaces > NAMESPACES_MAX {
            return Err(BodyError::new("", format!("the XML declares more than {NAMESPACES_MAX} namespaces")));
        }
    }
    Ok(())
}

fn check_namespace(tree: &dyn SchemaTree, at: &str, node: Node<'_, '_>, place: &str) -> Result<(), BodyError> {
    match hints(tree, at).namespace {
        Some(expected) if node.tag_name().namespace() != Some(expected) => {
            let found = node.tag_name().namespace().unwrap_or("none");
            Err(BodyError::new(
                place,
                format!("the element `{}` is in the namespace {found}, expected `{expected}`", node.tag_name().name()),
            ))
        }
        _ => Ok(()),
    }
}

fn is_loose_text(node: &Node<'_, '_>) -> bool {
    node.is_text() && node.text().is_some_and(|text| !text.trim().is_empty())
}

fn text_of(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

fn element(
    tree: &dyn SchemaTree,
    schemas: &[String],
    node: Node<'_, '_>,
    place: &str,
    depth: usize,
) -> Result<Value, BodyError> {
    if depth > DEPTH_MAX {
        return Err(BodyError::new(place, "the XML is nested too deeply"));
    }
    let shape = schemas.first().map_or(Shape::Primitive, |at| shape_of(tree, at));
    let children = node.children().any(|child| child.is_element());
    match shape {
        Shape::Object => object(tree, schemas, node, place, depth).map(Value::Object),
        // The root of an array has its items as children.
        Shape::Array => items(tree, schemas, node.children().filter(Node::is_element).collect(), place, depth),
        // Elements where a single value is described: what is there is shown to the schema, which refuses it.
        Shape::Primitive if children => object(tree, schemas, node, place, depth).map(Value::Object),
        Shape::Primitive => Ok(typed_by(tree, schemas, &Raw::Text(text_of(node)), 0)),
    }
}

fn items(
    tree: &dyn SchemaTree,
    schemas: &[String],
    nodes: Vec<Node<'_, '_>>,
    place: &str,
    depth: usize,
) -> Result<Value, BodyError> {
    let mut items = Vec::new();
    let schemas_of = items_schemas(tree, schemas);
    for (index, node) in nodes.into_iter().enumerate() {
        items.push(element(tree, &schemas_of(index), node, &format!("{place}/{index}"), depth + 1)?);
    }
    Ok(Value::Array(items))
}

fn object(
    tree: &dyn SchemaTree,
    schemas: &[String],
    node: Node<'_, '_>,
    place: &str,
    depth: usize,
) -> Result<Map<String, Value>, BodyError> {
    let mut members = Map::new();
    let mut taken: Vec<String> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for at in schemas {
        names.extend(crate::contract::members::members(tree, at).names);
    }
    for name in &names {
        let own: Vec<String> = schemas.iter().flat_map(|at| member_schemas(tree, at, name)).collect();
        let Some(at) = own.first() else { continue };
        let hint = hints(tree, at);
        let written = hint.name.unwrap_or(name);
        let here = pointer::join(place, name);
        match hint.kind {
            NodeKind::Element => {}
            NodeKind::Attribute => {
                if let Some(text) = node.attributes().find(|attribute| attribute.name() == written) {
                    members.insert(name.clone(), typed_by(tree, &own, &Raw::Text(text.value().to_owned()), 0));
                }
                continue;
            }
            NodeKind::Text | NodeKind::Cdata => {
                let mut texts = node.children().filter(Node::is_text).filter_map(|text| text.text()).peekable();
                if texts.peek().is_some() {
                    let text: String = texts.collect();
                    // What stands around a CDATA section is layout.
                    let text = if hint.kind == NodeKind::Cdata { text.trim() } else { text.as_str() };
                    members.insert(name.clone(), typed_by(tree, &own, &Raw::Text(text.to_owned()), 0));
                }
                continue;
            }
            NodeKind::None => {
                let inner = object(tree, &own, node, &here, depth + 1)?;
                let declared: Vec<String> =
                    own.iter().flat_map(|at| crate::contract::members::members(tree, at).names).collect();
                let inner: Map<String, Value> = inner.into_iter().filter(|(name, _)| declared.contains(name)).collect();
                taken.extend(declared.iter().map(|name| element_name(tree, &own, name)));
                members.insert(name.clone(), Value::Object(inner));
                continue;
            }
        }
        let array = shape_of(tree, at) == Shape::Array;
        let item_name = item_schemas(tree, at, 0).first().and_then(|item| hints(tree, item).name);
        let child_name = element_name(tree, schemas, name);
        let found: Vec<Node<'_, '_>> =
            node.children().filter(|child| child.is_element() && child.tag_name().name() == child_name).collect();
        if found.is_empty() {
            continue;
        }
        taken.push(child_name);
        let value = if array && hint.wrapped {
            let wrapper = found.first().copied().into_iter();
            if let Some(text) = found.first().and_then(|wrapper| wrapper.children().find(is_loose_text)) {
                let text = text.text().unwrap_or_default().trim();
                return Err(BodyError::new(here, format!("the text `{text}` stands where only elements are expected")));
            }
            // Items without a name of their own have that of the array (OAS 3.0.4, XML Arrays).
            let expected = item_name.or(hint.name).unwrap_or(name);
            let inner: Vec<Node<'_, '_>> =
                wrapper.flat_map(|wrapper| wrapper.children().filter(Node::is_element)).collect();
            if let Some(other) = inner.iter().find(|item| item.tag_name().name() != expected) {
                return Err(BodyError::new(
                    here,
                    format!("the element `{}` stands where `{expected}` is expected", other.tag_name().name()),
                ));
            }
            items(tree, &own, inner, &here, depth + 1)?
        } else if array {
            items(tree, &own, found, &here, depth + 1)?
        } else {
            single(tree, &own, at, &found, &here, depth)?
        };
        members.insert(name.clone(), value);
    }
    undeclared(tree, schemas, node, place, depth, &taken, &mut members)?;
    Ok(members)
}

/// The name of the elements that a property's schema describes.
fn element_name(tree: &dyn SchemaTree, schemas: &[String], name: &str) -> String {
    let own: Vec<String> = schemas.iter().flat_map(|at| member_schemas(tree, at, name)).collect();
    let Some(at) = own.first() else { return name.to_owned() };
    let hint = hints(tree, at);
    let item_name = item_schemas(tree, at, 0).first().and_then(|item| hints(tree, item).name);
    let unwrapped = shape_of(tree, at) == Shape::Array && !hint.wrapped;
    (if unwrapped { item_name } else { hint.name }).unwrap_or(name).to_owned()
}

fn single(
    tree: &dyn SchemaTree,
    own: &[String],
    at: &str,
    found: &[Node<'_, '_>],
    here: &str,
    depth: usize,
) -> Result<Value, BodyError> {
    for node in found {
        check_namespace(tree, at, *node, here)?;
    }
    let mut values =
        found.iter().map(|node| element(tree, own, *node, here, depth + 1)).collect::<Result<Vec<_>, _>>()?;
    // More than one element where one is declared: the schema refuses the array.
    Ok(if values.len() == 1 { values.remove(0) } else { Value::Array(values) })
}

fn undeclared(
    tree: &dyn SchemaTree,
    schemas: &[String],
    node: Node<'_, '_>,
    place: &str,
    depth: usize,
    taken: &[String],
    members: &mut Map<String, Value>,
) -> Result<(), BodyError> {
    let described: Vec<Members> = schemas.iter().map(|at| crate::contract::members::members(tree, at)).collect();
    let open = described.iter().all(|members| members.open);
    let taken: HashSet<&str> = taken.iter().map(String::as_str).collect();
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        if taken.contains(name) || members.contains_key(name) {
            continue;
        }
        let declared = described.iter().any(|members| members.names.iter().any(|known| known == name));
        // A declared property whose hints want it written otherwise is not there; a closed object has no place for it.
        if declared && open {
            continue;
        }
        let own: Vec<String> = schemas.iter().flat_map(|at| member_schemas(tree, at, name)).collect();
        let here = pointer::join(place, name);
        if declared {
            let hint = own.first().map(|at| hints(tree, at)).unwrap_or_default();
            let written = match hint.kind {
                NodeKind::Element => format!("the element `{}`", element_name(tree, schemas, name)),
                NodeKind::Attribute => format!("the attribute `{}`", hint.name.unwrap_or(name)),
                NodeKind::Text | NodeKind::Cdata => "text".to_owned(),
                NodeKind::None => "what it consists of".to_owned(),
            };
            return Err(BodyError::new(here, format!("the element `{name}` stands where {written} is expected")));
        }
        members.insert(name.to_owned(), element(tree, &own, child, &here, depth + 1)?);
    }
    Ok(())
}

/// A value as an XML document, by the hints of the schema at a pointer.
pub(crate) fn xml_text(tree: &dyn SchemaTree, at: &str, value: &Value) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let name = root_names(tree, at, Some(value), 0).into_iter().next().unwrap_or_else(|| "root".to_owned());
    write_element(tree, &[at.to_owned()], &name, value, &mut text, 0);
    text
}

fn write_element(
    tree: &dyn SchemaTree,
    schemas: &[String],
    name: &str,
    value: &Value,
    text: &mut String,
    depth: usize,
) {
    if depth > DEPTH_MAX {
        return;
    }
    let namespace = schemas.first().and_then(|at| hints(tree, at).namespace);
    let _ = write!(text, "<{name}");
    if let Some(namespace) = namespace {
        let _ = write!(text, " xmlns=\"{}\"", escaped(namespace));
    }
    match value {
        Value::Object(members) => {
            let mut inner = String::new();
            write_members(tree, schemas, members, text, &mut inner, depth);
            let _ = write!(text, ">{inner}</{name}>");
        }
        Value::Array(items) => {
            text.push('>');
            for (index, item) in items.iter().enumerate() {
                let own: Vec<String> = schemas.iter().flat_map(|at| item_schemas(tree, at, index)).collect();
                let item_name = own.first().and_then(|at| root_names(tree, at, Some(item), 0).into_iter().next());
                write_element(tree, &own, &item_name.unwrap_or_else(|| "item".to_owned()), item, text, depth + 1);
            }
            let _ = write!(text, "</{name}>");
        }
        other => {
            let _ = write!(text, ">{}</{name}>", escaped(&plain(other)));
        }
    }
}

/// Writes attributes to the tag, and all else to what stands in the element.
fn write_members(
    tree: &dyn SchemaTree,
    schemas: &[String],
    members: &Map<String, Value>,
    tag: &mut String,
    inner: &mut String,
    depth: usize,
) {
    if depth > DEPTH_MAX {
        return;
    }
    for (key, member) in members {
        let own: Vec<String> = schemas.iter().flat_map(|at| member_schemas(tree, at, key)).collect();
        let hint = own.first().map(|at| hints(tree, at)).unwrap_or_default();
        let written = hint.name.unwrap_or(key);
        match (hint.kind, member) {
            (NodeKind::Attribute, _) => {
                let _ = write!(tag, " {written}=\"{}\"", escaped(&plain(member)));
            }
            (NodeKind::Text, _) => inner.push_str(&escaped(&plain(member))),
            (NodeKind::Cdata, _) => {
                let _ = write!(inner, "<![CDATA[{}]]>", plain(member).replace("]]>", "]]]]><![CDATA[>"));
            }
            (NodeKind::None, Value::Object(members)) => write_members(tree, &own, members, tag, inner, depth + 1),
            (_, Value::Array(items)) => write_items(tree, &own, key, &hint, items, inner, depth),
            _ => write_element(tree, &own, written, member, inner, depth + 1),
        }
    }
}

fn write_items(
    tree: &dyn SchemaTree,
    own: &[String],
    key: &str,
    hint: &Hints<'_>,
    items: &[Value],
    text: &mut String,
    depth: usize,
) {
    let wrapper = hint.name.unwrap_or(key);
    if hint.wrapped {
        let _ = write!(text, "<{wrapper}>");
    }
    for (index, item) in items.iter().enumerate() {
        let inner: Vec<String> = own.iter().flat_map(|at| item_schemas(tree, at, index)).collect();
        let wrapped = hint.name.filter(|_| hint.wrapped);
        let name = inner.first().and_then(|at| hints(tree, at).name).or(wrapped).unwrap_or(key);
        write_element(tree, &inner, name, item, text, depth + 1);
    }
    if hint.wrapped {
        let _ = write!(text, "</{wrapper}>");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
