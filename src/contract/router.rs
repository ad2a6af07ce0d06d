//! From a request target's path to a path template of the contract: a trie by segments.
//!
//! A concrete segment goes before a templated one (OAS 3.1.1 §4.8.8.2). The cost depends on the number of
//! segments, not on the number of paths.

use super::decoded;
use http::Method;
use std::collections::HashMap;

/// One piece of a templated segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Expression,
}

/// The methods of one path template.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// Each method with its operation's index, and the names of the template's expressions as that operation spells them.
    pub(crate) methods: Vec<(Method, usize, Vec<String>)>,
}

#[derive(Debug, Default)]
struct Node {
    /// What a client sends is only looked up, so a hash that is merely fast will do.
    literals: HashMap<String, Node, foldhash::fast::FixedState>,
    templates: Vec<(Vec<Piece>, Node)>,
    route: Option<Route>,
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) struct Match<'r, 'p> {
    pub(crate) route: &'r Route,
    /// The raw text of each expression, in order, those of the base path first.
    pub(crate) captures: Vec<&'p str>,
}

/// All paths of a contract.
#[derive(Debug, Default)]
pub(crate) struct Router {
    root: Node,
}

/// The names of the expressions in a path template, in order.
pub(crate) fn expression_names(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        names.push(name.to_owned());
        rest = after;
    }
    names
}

impl Router {
    /// Adds an operation; `false` if the template with this method is there already, under whatever names.
    ///
    /// Expressions of the base path capture, too, but have no names.
    pub(crate) fn add(&mut self, base: &str, template: &str, method: Method, operation: usize) -> bool {
        let mut node = &mut self.root;
        for segment in segments(&format!("{base}{template}")) {
            node = node.child(segment);
        }
        let route = node.route.get_or_insert_with(Route::default);
        if route.methods.iter().any(|(known, _, _)| *known == method) {
            return false;
        }
        route.methods.push((method, operation, expression_names(template)));
        true
    }

    /// The route of a path, which must begin with a slash and have only well-formed escapes.
    pub(crate) fn find<'p>(&self, path: &'p str) -> Option<Match<'_, 'p>> {
        let mut captures = Vec::new();
        let route = self.root.find(Some(path.strip_prefix('/').unwrap_or(path)), &mut captures)?;
        Some(Match { route, captures })
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

fn pieces(segment: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else { break };
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Expression);
        rest = after;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    pieces
}

/// Templates with more literal text come first, then those with fewer expressions.
fn rank(pieces: &[Piece]) -> (std::cmp::Reverse<usize>, usize) {
    let literal = pieces.iter().map(|piece| if let Piece::Literal(text) = piece { text.len() } else { 0 }).sum();
    (std::cmp::Reverse(literal), pieces.len())
}

impl Node {
    fn child(&mut self, segment: &str) -> &mut Node {
        let pieces = pieces(segment);
        if !pieces.contains(&Piece::Expression) {
            return self.literals.entry(decoded(segment).into_owned()).or_default();
        }
        let index = match self.templates.iter().position(|(known, _)| *known == pieces) {
            Some(index) => index,
            None => {
                let index = self.templates.partition_point(|(known, _)| rank(known) <= rank(&pieces));
                self.templates.insert(index, (pieces, Node::default()));
                index
            }
        };
        &mut self.templates[index].1
    }

    /// `segments`: those that are left of the path; `None` behind the last.
    fn find<'p>(&self, segments: Option<&'p str>, captures: &mut Vec<&'p str>) -> Option<&Route> {
        let Some(segments) = segments else { return self.route.as_ref() };
        let (first, rest) = segments.split_once('/').map_or((segments, None), |(first, rest)| (first, Some(rest)));
        let literal =
            if first.contains('%') { self.literals.get(decoded(first).as_ref()) } else { self.literals.get(first) };
        if let Some(found) = literal.and_then(|node| node.find(rest, captures)) {
            return Some(found);
        }
        for (pieces, node) in &self.templates {
            let before = captures.len();
            if capture(pieces, first, captures)
                && let Some(found) = node.find(rest, captures)
            {
                return Some(found);
            }
            captures.truncate(before);
        }
        None
    }
}

/// Matches a segment; an expression takes at least one character, and as few as it can.
fn capture<'p>(pieces: &[Piece], segment: &'p str, captures: &mut Vec<&'p str>) -> bool {
    match pieces {
        [] => segment.is_empty(),
        [Piece::Expression] => {
            if !segment.is_empty() {
                captures.push(segment);
            }
            !segment.is_empty()
        }
        [Piece::Literal(text), rest @ ..] => {
            segment.strip_prefix(text.as_str()).is_some_and(|after| capture(rest, after, captures))
        }
        // A later occurrence of the text that follows leaves less for the rest, so only the first one is tried.
        [Piece::Expression, rest @ ..] => {
            let Some(first) = segment.chars().next() else { return false };
            let end = match rest {
                [Piece::Literal(text)] => segment.strip_suffix(text.as_str()).map(str::len),
                [Piece::Literal(text), ..] => {
                    segment[first.len_utf8()..].find(text.as_str()).map(|found| first.len_utf8() + found)
                }
                _ => Some(first.len_utf8()),
            };
            let Some(end) = end.filter(|end| *end > 0) else { return false };
            captures.push(&segment[..end]);
            capture(rest, &segment[end..], captures)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_templates() {
        let templates = [
            "/pets/mine",
            "/pets/{id}",
            "/pets/{id}.json",
            "/pets/{a}-{b}",
            "/pets/{id}/toys",
            "/{any}/mine/x",
            "/",
            "/a%20b",
            "/slash/",
            "/v{version}/x",
        ];
        let mut router = Router::default();
        for (index, template) in templates.iter().enumerate() {
            assert!(router.add("", template, Method::GET, index));
        }
        assert!(!router.add("", "/pets/{name}", Method::GET, 99));
        for (path, expected) in [
            ("/pets/mine", Some((0, vec![]))),
            ("/pets/7", Some((1, vec!["7"]))),
            ("/pets/7.json", Some((2, vec!["7"]))),
            ("/pets/x-y-z", Some((3, vec!["x", "y-z"]))),
            ("/pets/a%2Fb", Some((1, vec!["a%2Fb"]))),
            ("/pets/7/toys", Some((4, vec!["7"]))),
            ("/pets/mine/x", Some((5, vec!["pets"]))),
            ("/", Some((6, vec![]))),
            ("/a%20b", Some((7, vec![]))),
            ("/slash/", Some((8, vec![]))),
            ("/slash", None),
            ("/pets/", None),
            ("/pets/7/", None),
            ("/v2/x", Some((9, vec!["2"]))),
            ("/%70ets/mine", Some((0, vec![]))),
        ] {
            let found = router.find(path).map(|found| (found.route.methods[0].1, found.captures));
            assert_eq!(found, expected, "{path}");
        }
    }
}
