//! What of an operation a client can touch: its statuses, media types, parameters, enum values, alternatives,
//! optional properties, ways to authenticate, response headers; and which of that one exchange touched.
//!
//! The points of an operation are found when they are first asked for, and numbered; an exchange gives numbers.

use super::Contract;
use super::lower::{SELECTED, reference_pointer};
use super::members::is_read_only;
use super::operation::{Content, Operation, Parameter, ParameterValue, StatusKey};
use super::request::Decoded;
use super::response::is_write_only;
use super::tree::SchemaTree;
use crate::diagnostic::{Location, Part};
use crate::source::{Focus, pointer};
use http::HeaderMap;
use serde_json::{Map, Value};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// Levels of a body that coverage looks into. Over it nothing is counted.
const DEPTH_MAX: usize = 8;
/// Points of one operation that coverage has. Over it what the document declares is not counted.
const POINTS_MAX: usize = 4_000;
/// Schemas that coverage looks into for one operation, each at every place. Over it nothing is counted.
const PLACES_MAX: usize = 10_000;
/// Items of one array that coverage looks into. Over it nothing is counted.
const ITEMS_MAX: usize = 100;

/// What kind of thing a point is. The names are those of `coverage.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PointKind {
    /// The operation was called.
    Operation,
    /// A declared response was given.
    Status,
    /// A body of a media type was sent or received.
    MediaType,
    /// A parameter was sent.
    ParameterPresent,
    /// An optional parameter was left out.
    ParameterAbsent,
    /// An enum's value was sent.
    EnumSent,
    /// An enum's value was received.
    EnumReceived,
    /// An alternative of `oneOf` or `anyOf` was sent.
    BranchSent,
    /// An alternative was received.
    BranchReceived,
    /// An optional property was sent.
    PropertySent,
    /// An optional property was received.
    PropertyReceived,
    /// An alternative of the security requirements was used.
    Security,
    /// A declared response header was received.
    Header,
}

impl PointKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 13] = [
        Self::Operation,
        Self::Status,
        Self::MediaType,
        Self::ParameterPresent,
        Self::ParameterAbsent,
        Self::EnumSent,
        Self::EnumReceived,
        Self::BranchSent,
        Self::BranchReceived,
        Self::PropertySent,
        Self::PropertyReceived,
        Self::Security,
        Self::Header,
    ];

    /// The name in `coverage.json`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Status => "status",
            Self::MediaType => "media_type",
            Self::ParameterPresent => "parameter_present",
            Self::ParameterAbsent => "parameter_absent",
            Self::EnumSent => "enum_sent",
            Self::EnumReceived => "enum_received",
            Self::BranchSent => "branch_sent",
            Self::BranchReceived => "branch_received",
            Self::PropertySent => "property_sent",
            Self::PropertyReceived => "property_received",
            Self::Security => "security",
            Self::Header => "header",
        }
    }
}

/// One thing that a client can touch.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) kind: PointKind,
    /// Unique among the operation's points of this kind.
    pub(crate) name: String,
    /// Where the document declares it.
    pub(crate) pointer: String,
}

/// The points of one operation.
#[derive(Debug, Default)]
pub(crate) struct Points {
    pub(crate) list: Vec<Point>,
    parameters: Vec<ParameterPoints>,
    request: Vec<ContentPoints>,
    request_nodes: Vec<(String, Node)>,
    responses: Vec<ResponsePoints>,
    security: Vec<Option<u32>>,
}

#[derive(Debug)]
struct ParameterPoints {
    name: String,
    part: Part,
    present: Option<u32>,
    absent: Option<u32>,
    value: Node,
}

#[derive(Debug)]
struct ContentPoints {
    seen: Option<u32>,
    /// Index into the owner's nodes.
    node: usize,
}

#[derive(Debug)]
struct ResponsePoints {
    status: StatusKey,
    seen: Option<u32>,
    headers: Vec<(String, Option<u32>)>,
    content: Vec<ContentPoints>,
    nodes: Vec<(String, Node)>,
}

/// The points of one value.
#[derive(Debug, Default)]
struct Node {
    enums: Vec<(Value, u32)>,
    properties: Vec<(String, Option<u32>, Node)>,
    items: Option<Box<Node>>,
    branches: Vec<(String, u32, Node)>,
}

/// What an exchange showed of an operation.
pub(crate) struct Shown<'a> {
    /// The request, unless it broke the contract.
    pub(crate) decoded: Option<&'a Decoded>,
    /// The alternative of the security requirements that was satisfied.
    pub(crate) security: Option<usize>,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    /// The [points of its body](Contract::body_points).
    pub(crate) body_points: &'a [u32],
}

impl Contract {
    /// The points of an operation.
    pub(crate) fn points<'c>(&'c self, operation: &'c Operation) -> &'c Points {
        operation.points.get_or_init(|| Finder::new(self, operation).points())
    }

    /// Where a point is declared.
    pub(crate) fn point_location(&self, point: &Point) -> Location {
        self.document.location(&point.pointer, Focus::Value)
    }

    /// The numbers of the points that an exchange touched, each at least once.
    pub(crate) fn touched(&self, operation: &Operation, shown: &Shown<'_>) -> Vec<u32> {
        let points = self.points(operation);
        let mut touched = Vec::with_capacity(32);
        touched.push(0);
        if let Some(decoded) = shown.decoded {
            points.touch_request(&self.request, decoded, &mut touched);
        }
        if let Some(index) = shown.security {
            touched.extend(points.security.get(index).copied().flatten());
        }
        let Some(response) = points.response(shown.status) else { return touched };
        touched.extend(response.seen);
        for (name, point) in &response.headers {
            if shown.headers.contains_key(name.as_str()) {
                touched.extend(*point);
            }
        }
        touched.extend_from_slice(shown.body_points);
        touched
    }

    /// The numbers of the points that the body of a response touches; `content` is its declaration.
    pub(crate) fn body_points(&self, operation: &Operation, status: u16, content: &Content, body: &Value) -> Vec<u32> {
        let mut touched = Vec::with_capacity(32);
        let declared = operation.response(status).map(|declared| declared.content.as_slice()).unwrap_or_default();
        let place = declared.iter().position(|known| std::ptr::eq(known, content));
        let response = self.points(operation).response(status);
        if let Some((response, content)) =
            response.zip(place).and_then(|(response, place)| Some((response, response.content.get(place)?)))
        {
            touch_content(content, &response.nodes, &self.response, body, &mut touched);
        }
        touched
    }
}

impl Points {
    fn touch_request(&self, tree: &dyn SchemaTree, decoded: &Decoded, touched: &mut Vec<u32>) {
        for parameter in &self.parameters {
            let values = match parameter.part {
                Part::Path => &decoded.path,
                Part::Query => &decoded.query,
                Part::Header => &decoded.header,
                _ => &decoded.cookie,
            };
            match value_of(values, parameter) {
                Some(value) => {
                    touched.extend(parameter.present);
                    parameter.value.touch(tree, value, touched);
                }
                None => touched.extend(parameter.absent),
            }
        }
        let content = decoded.content.and_then(|content| self.request.get(content));
        if let (Some(body), Some(content)) = (&decoded.body, content) {
            touch_content(content, &self.request_nodes, tree, body, touched);
        }
    }

    fn response(&self, status: u16) -> Option<&ResponsePoints> {
        let find = |wanted: StatusKey| self.responses.iter().find(|response| response.status == wanted);
        find(StatusKey::Code(status))
            .or_else(|| find(StatusKey::Range(status / 100)))
            .or_else(|| find(StatusKey::Default))
    }
}

fn touch_content(
    content: &ContentPoints,
    nodes: &[(String, Node)],
    tree: &dyn SchemaTree,
    body: &Value,
    touched: &mut Vec<u32>,
) {
    touched.extend(content.seen);
    if let Some((_, node)) = nodes.get(content.node) {
        node.touch(tree, body, touched);
    }
}

fn value_of<'v>(values: &'v Map<String, Value>, parameter: &ParameterPoints) -> Option<&'v Value> {
    if parameter.part != Part::Header {
        return values.get(&parameter.name);
    }
    values.iter().find(|(name, _)| name.eq_ignore_ascii_case(&parameter.name)).map(|(_, value)| value)
}

impl Node {
    fn touch(&self, tree: &dyn SchemaTree, value: &Value, touched: &mut Vec<u32>) {
        for (known, point) in &self.enums {
            if known == value {
                touched.push(*point);
            }
        }
        if let Value::Object(members) = value {
            for (name, point, node) in &self.properties {
                if let Some(member) = member(members, name) {
                    if let Some(point) = *point {
                        touched.push(point);
                    }
                    node.touch(tree, member, touched);
                }
            }
        }
        if let (Value::Array(items), Some(node)) = (value, &self.items) {
            items.iter().take(ITEMS_MAX).for_each(|item| node.touch(tree, item, touched));
        }
        for (at, point, node) in &self.branches {
            if tree.is_valid(at, value) {
                touched.push(*point);
                node.touch(tree, value, touched);
            }
        }
    }
}

/// A member of an object; that of a small one is found faster without a hash.
fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    const SMALL: usize = 8;
    if members.len() > SMALL {
        return members.get(name);
    }
    members.iter().find(|(known, _)| *known == name).map(|(_, member)| member)
}

/// Finds the points of one operation.
struct Finder<'c> {
    contract: &'c Contract,
    operation: &'c Operation,
    list: Vec<Point>,
    numbers: HashMap<(PointKind, String), u32>,
    places: usize,
}

/// Which way a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Received,
}

impl<'c> Finder<'c> {
    fn new(contract: &'c Contract, operation: &'c Operation) -> Self {
        let called =
            Point { kind: PointKind::Operation, name: "called".to_owned(), pointer: operation.pointer.clone() };
        Self { contract, operation, list: vec![called], numbers: HashMap::new(), places: 0 }
    }

    fn points(mut self) -> Points {
        let operation = self.operation;
        let parameters = operation.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        let body = operation.body.as_ref();
        let (request, request_nodes) =
            self.contents(body.map(|body| body.content.as_slice()).unwrap_or_default(), "request", Way::Sent);
        let responses = operation.responses.iter().map(|response| self.response(response)).collect();
        let several = operation.security.len() > 1;
        let security = operation
            .security
            .iter()
            .map(|requirement| several.then(|| self.requirement(requirement)).flatten())
            .collect();
        Points { list: self.list, parameters, request, request_nodes, responses, security }
    }

    fn point(&mut self, kind: PointKind, name: String, pointer: String) -> Option<u32> {
        if self.list.len() >= POINTS_MAX {
            return None;
        }
        let number = u32::try_from(self.list.len()).ok()?;
        match self.numbers.entry((kind, name.clone())) {
            Entry::Occupied(known) => return Some(*known.get()),
            Entry::Vacant(place) => place.insert(number),
        };
        self.list.push(Point { kind, name, pointer });
        Some(number)
    }

    fn requirement(&mut self, requirement: &super::security::Requirement) -> Option<u32> {
        let schemes = self.contract.schemes();
        let names: Vec<&str> = requirement
            .iter()
            .map(|(scheme, _)| schemes.get(*scheme).map_or("unknown", |scheme| scheme.name.as_str()))
            .collect();
        let name = if names.is_empty() { "none".to_owned() } else { names.join(" and ") };
        self.point(PointKind::Security, name, format!("{}/security", self.operation.pointer))
    }

    fn parameter(&mut self, parameter: &Parameter) -> ParameterPoints {
        let name = format!("{} {}", parameter.part.as_str(), parameter.name);
        let always = parameter.part == Part::Path;
        let mut point = |kind, wanted: bool| {
            if wanted { self.point(kind, name.clone(), parameter.pointer.clone()) } else { None }
        };
        let present = point(PointKind::ParameterPresent, !always);
        let absent = point(PointKind::ParameterAbsent, !always && !parameter.required);
        let mut value = Node::default();
        if let ParameterValue::Styled { schema, .. } | ParameterValue::Content { schema: Some(schema), .. } =
            &parameter.value
        {
            self.node(&schema.pointer, &name, Way::Sent, 0, &mut HashSet::new(), &mut value);
        }
        ParameterPoints { name: parameter.name.clone(), part: parameter.part, present, absent, value }
    }

    fn response(&mut self, response: &super::operation::ResponseDeclaration) -> ResponsePoints {
        let status = response.status.to_string();
        let seen = self.point(PointKind::Status, status.clone(), response.pointer.clone());
        let headers = response
            .headers
            .iter()
            .map(|header| {
                let name = format!("{status} {}", header.name);
                (header.name.clone(), self.point(PointKind::Header, name, header.pointer.clone()))
            })
            .collect();
        let (content, nodes) = self.contents(&response.content, &status, Way::Received);
        ResponsePoints { status: response.status, seen, headers, content, nodes }
    }

    /// The points of the media types of one body; those of one schema are found once.
    fn contents(&mut self, contents: &[Content], name: &str, way: Way) -> (Vec<ContentPoints>, Vec<(String, Node)>) {
        let mut nodes: Vec<(String, Node)> = Vec::new();
        let mut points = Vec::new();
        for content in contents {
            let seen = self.point(PointKind::MediaType, format!("{name} {}", content.media), content.pointer.clone());
            let at = content.schema.as_ref().map(|schema| self.end_of(way, &schema.pointer)).unwrap_or_default();
            let node = match nodes.iter().position(|(known, _)| *known == at) {
                Some(known) => known,
                None => {
                    let mut node = Node::default();
                    if !at.is_empty() {
                        self.node(&at, name, way, 0, &mut HashSet::new(), &mut node);
                    }
                    nodes.push((at, node));
                    nodes.len() - 1
                }
            };
            points.push(ContentPoints { seen, node });
        }
        (points, nodes)
    }

    fn tree(&self, way: Way) -> &'c dyn SchemaTree {
        match way {
            Way::Sent => &self.contract.request,
            Way::Received => &self.contract.response,
        }
    }

    fn end_of(&self, way: Way, at: &str) -> String {
        let target = self.tree(way).at(at).and_then(|schema| schema.get("$ref")).and_then(Value::as_str);
        target.and_then(reference_pointer).map_or_else(|| at.to_owned(), std::borrow::Cow::into_owned)
    }

    /// Adds the points of the values of a schema. `name` says where the value is; `entered` are the schemas that it lies within.
    fn node(&mut self, at: &str, name: &str, way: Way, depth: usize, entered: &mut HashSet<String>, node: &mut Node) {
        let tree = self.tree(way);
        let Some(Value::Object(schema)) = tree.at(at) else { return };
        self.places += 1;
        let full = self.list.len() >= POINTS_MAX || self.places > PLACES_MAX;
        if depth > DEPTH_MAX || full || !entered.insert(at.to_owned()) {
            return;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
            self.node(&target, name, way, depth, entered, node);
        }
        self.enums(at, schema, name, way, node);
        for index in 0..schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len) {
            self.node(&format!("{at}/allOf/{index}"), name, way, depth, entered, node);
        }
        self.properties(at, schema, name, way, depth, entered, node);
        if schema.get("items").is_some_and(Value::is_object) {
            let mut items = Node::default();
            self.node(&format!("{at}/items"), &format!("{name}/*"), way, depth + 1, entered, &mut items);
            node.items = Some(Box::new(items));
        }
        for keyword in ["oneOf", "anyOf", SELECTED] {
            self.branches(at, schema, keyword, name, way, depth, entered, node);
        }
        entered.remove(at);
    }

    fn enums(&mut self, at: &str, schema: &Map<String, Value>, name: &str, way: Way, node: &mut Node) {
        let kind = if way == Way::Sent { PointKind::EnumSent } else { PointKind::EnumReceived };
        let values = schema.get("enum").and_then(Value::as_array).into_iter().flatten().enumerate();
        for (index, value) in values.filter(|(_, value)| !value.is_null()) {
            if let Some(point) = self.point(kind, format!("{name} = {value}"), format!("{at}/enum/{index}")) {
                node.enums.push((value.clone(), point));
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a walk over schemas carries where it is")]
    fn properties(
        &mut self,
        at: &str,
        schema: &Map<String, Value>,
        name: &str,
        way: Way,
        depth: usize,
        entered: &mut HashSet<String>,
        node: &mut Node,
    ) {
        let tree = self.tree(way);
        let required = schema.get("required").and_then(Value::as_array);
        let properties = schema.get("properties").and_then(Value::as_object);
        for property in properties.into_iter().flatten().map(|(property, _)| property) {
            let below = pointer::join(&format!("{at}/properties"), property);
            let travels = match way {
                Way::Sent => !is_read_only(tree, at, property, 0),
                Way::Received => !is_write_only(tree.root(), &below, 0),
            };
            if !travels {
                continue;
            }
            let path = format!("{name}{}{property}", if name.contains('/') { "/" } else { " /" });
            let optional = !required.is_some_and(|required| required.iter().any(|name| name == property));
            let kind = if way == Way::Sent { PointKind::PropertySent } else { PointKind::PropertyReceived };
            let point = if optional { self.point(kind, path.clone(), below.clone()) } else { None };
            let mut inner = Node::default();
            self.node(&below, &path, way, depth + 1, entered, &mut inner);
            node.properties.push((property.clone(), point, inner));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a walk over schemas carries where it is")]
    fn branches(
        &mut self,
        at: &str,
        schema: &Map<String, Value>,
        keyword: &str,
        name: &str,
        way: Way,
        depth: usize,
        entered: &mut HashSet<String>,
        node: &mut Node,
    ) {
        let branches = schema.get(keyword).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        // `null` beside one schema is how 3.1 says nullable, and no alternative that a client chooses.
        let is_null = |branch: &Value| branch.get("type").is_some_and(|kind| kind == "null");
        let several = branches.iter().filter(|branch| !is_null(branch)).count() > 1;
        for (index, branch) in branches.iter().enumerate().filter(|(_, branch)| !is_null(branch)) {
            let below = format!("{at}/{keyword}/{index}");
            if !several {
                self.node(&below, name, way, depth, entered, node);
                continue;
            }
            let kind = if way == Way::Sent { PointKind::BranchSent } else { PointKind::BranchReceived };
            let target = branch.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
            let label = target
                .as_deref()
                .and_then(|target| target.rsplit('/').next())
                .map_or_else(|| index.to_string(), ToOwned::to_owned);
            let Some(point) = self.point(kind, format!("{name} as {label}"), below.clone()) else { return };
            let mut inner = Node::default();
            self.node(&below, name, way, depth, entered, &mut inner);
            node.branches.push((below, point, inner));
        }
    }
}
