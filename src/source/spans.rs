//! The tree of spans of one text, and the way from a JSON Pointer to a short span. It never reads a text's syntax.

use std::ops::Range;

use super::{Focus, char_boundary, pointer};

/// A one-line container up to this many bytes is underlined as a whole.
const CONTAINER_BYTES_MAX: usize = 60;
/// Merge keys looked through on the way to one token: a mapping may merge itself.
const MERGES_MAX: usize = 64;

/// Every value of a text with its own span and its key's.
#[derive(Debug, Default)]
pub(super) struct Spans {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    key: Option<Range<usize>>,
    value: Range<usize>,
    kind: Kind,
}

/// What a value holds; numbers are places in `nodes`.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar,
    Sequence(Vec<usize>),
    /// In the order of the names, equal ones in that of the text, once the whole text is read.
    Mapping(Vec<(String, usize)>),
    /// YAML's `*name`: the value that stands elsewhere.
    Alias(usize),
}

impl Spans {
    /// The span of what `pointer` leads to, or of its nearest ancestor.
    pub(super) fn find(&self, text: &str, pointer: &str, focus: Focus) -> Range<usize> {
        let mut found = 0;
        for token in pointer::tokens(pointer) {
            let mut budget = MERGES_MAX;
            match self.child(found, &token, &mut budget) {
                Some(child) => found = child,
                None => break,
            }
        }
        self.nodes.get(found).map_or(0..0, |node| node.span(text, focus))
    }

    fn child(&self, of: usize, token: &str, budget: &mut usize) -> Option<usize> {
        *budget = budget.checked_sub(1)?;
        match &self.nodes.get(of)?.kind {
            Kind::Scalar => None,
            Kind::Alias(target) => self.child(*target, token, budget),
            Kind::Sequence(items) => {
                let canonical = token == "0" || !token.starts_with(['0', '+']);
                items.get(token.parse::<usize>().ok().filter(|_| canonical)?).copied()
            }
            // The last of equal keys counts.
            Kind::Mapping(members) => match named(members, token) {
                [.., (_, child)] => Some(*child),
                [] => named(members, "<<").iter().find_map(|(_, merged)| self.merged(*merged, token, budget)),
            },
        }
    }

    fn merged(&self, from: usize, token: &str, budget: &mut usize) -> Option<usize> {
        match &self.nodes.get(from)?.kind {
            Kind::Sequence(items) => items.iter().find_map(|item| self.child(*item, token, budget)),
            _ => self.child(from, token, budget),
        }
    }
}

/// The members of a name.
fn named<'m>(members: &'m [(String, usize)], name: &str) -> &'m [(String, usize)] {
    let from = members.partition_point(|(known, _)| known.as_str() < name);
    let rest = members.get(from..).unwrap_or_default();
    &rest[..rest.partition_point(|(known, _)| known == name)]
}

impl Node {
    fn span(&self, text: &str, focus: Focus) -> Range<usize> {
        let value = self.value.clone();
        let line = first_line(text, &value);
        match (&self.key, focus) {
            (Some(key), Focus::Key) => first_line(text, key),
            (Some(key), Focus::Value) if line.is_empty() => first_line(text, key),
            (_, _) if matches!(self.kind, Kind::Scalar | Kind::Alias(_)) => line,
            (_, _) if line.end == value.end && line.len() <= CONTAINER_BYTES_MAX && is_flow(text, &line) => line,
            (Some(key), Focus::Value) => first_line(text, key),
            (None, _) if line.len() > CONTAINER_BYTES_MAX && is_flow(text, &line) => line.start..line.start + 1,
            (None, _) => line,
        }
    }
}

fn is_flow(text: &str, span: &Range<usize>) -> bool {
    text.get(span.clone()).is_some_and(|text| text.starts_with(['{', '[']))
}

/// `span` up to its first line's end, without the white space there, on character boundaries.
fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = char_boundary(text, span.start);
    let slice = text.get(start..char_boundary(text, span.end)).unwrap_or("");
    let line = slice.lines().next().unwrap_or("").trim_end();
    start..start + line.len()
}

/// Puts the tree together from what a scanner meets, in the text's order.
#[derive(Debug, Default)]
pub(super) struct Builder {
    spans: Spans,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    node: usize,
    key: Option<(String, Range<usize>)>,
}

impl Builder {
    /// The tree as far as it came.
    pub(super) fn finish(mut self) -> Spans {
        for node in &mut self.spans.nodes {
            if let Kind::Mapping(members) = &mut node.kind {
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
            }
        }
        self.spans
    }

    /// Whether the innermost container is a mapping that waits for a key.
    pub(super) fn wants_key(&self) -> bool {
        self.open.last().is_some_and(|open| {
            open.key.is_none()
                && self.spans.nodes.get(open.node).is_some_and(|node| matches!(node.kind, Kind::Mapping(_)))
        })
    }

    /// The name of the next value of the innermost mapping.
    pub(super) fn key(&mut self, name: String, span: Range<usize>) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some((name, span));
        }
    }

    /// A scalar or an alias; returns its place.
    pub(super) fn leaf(&mut self, value: Range<usize>, kind: Kind) -> usize {
        let id = self.spans.nodes.len();
        let mut node = Node { key: None, value, kind };
        if let Some(open) = self.open.last_mut() {
            let key = open.key.take();
            if let Some(parent) = self.spans.nodes.get_mut(open.node) {
                match (&mut parent.kind, key) {
                    (Kind::Sequence(items), _) => items.push(id),
                    (Kind::Mapping(members), Some((name, span))) => {
                        members.push((name, id));
                        node.key = Some(span);
                    }
                    _ => {}
                }
            }
        }
        self.spans.nodes.push(node);
        id
    }

    /// A container begins; returns its place.
    pub(super) fn begin(&mut self, start: usize, kind: Kind) -> usize {
        let node = self.leaf(start..start, kind);
        self.open.push(Open { node, key: None });
        node
    }

    /// The innermost container ends.
    pub(super) fn end(&mut self, end: usize) {
        if let Some(node) = self.open.pop().and_then(|open| self.spans.nodes.get_mut(open.node)) {
            node.value.end = end.max(node.value.start);
        }
    }
}
