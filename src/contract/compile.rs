//! From a document to operations: walks the raw tree, lets `openapiv3` type each object on its own, and
//! leaves schemas where they are, named by their pointers.
//!
//! An object that cannot be typed is a finding and is left out; the rest of the document is still served.

use super::Options;
use super::decode::{Encoding, Sequence, Shape, Style, shape_of};
use super::document::{Document, Version, shown};
use super::lower::Direction;
use super::members::members;
use super::operation::{
    Content, Example, ExampleForm, HeaderDeclaration, Operation, Parameter, ParameterValue, PartEncoding, Positions,
    RequestBody, ResponseDeclaration, StatusKey,
};
use super::roots::METHODS;
use super::router::{Router, expression_names};
use super::schema::SchemaUse;
use super::security::{KeyLocation, Requirement, Scheme, SchemeKind, scope_covers};
use super::servers::base_paths;
use super::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Part, Severity, code, did_you_mean};
use crate::message::media_type::MediaType;
use crate::source::{Focus, pointer};
use http::Method;
use openapiv3 as oas;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What compiling gives.
pub(crate) struct Compiled {
    pub(crate) operations: Vec<Operation>,
    pub(crate) router: Router,
    pub(crate) schemes: Vec<Scheme>,
    /// Paths of token endpoints, and the scopes that their flows declare.
    pub(crate) token_paths: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) bases: Vec<String>,
}

/// Compiles the operations.
pub(crate) fn compile(
    document: &Document,
    request: &dyn SchemaTree,
    options: Options,
    findings: &mut Vec<Diagnostic>,
) -> Compiled {
    let mut compiler = Compiler {
        document,
        request,
        findings,
        schemes: Vec::new(),
        scheme_scopes: Vec::new(),
        unusable_schemes: BTreeSet::new(),
        token_paths: Vec::new(),
        operations: Vec::new(),
        router: Router::default(),
        bases: Vec::new(),
        options,
        operation_ids: BTreeMap::new(),
    };
    compiler.security_schemes();
    compiler.paths();
    let mut scopes: Vec<String> = Vec::new();
    for scope in compiler.scheme_scopes.into_iter().flatten().flatten() {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Compiled {
        operations: compiler.operations,
        router: compiler.router,
        schemes: compiler.schemes,
        token_paths: compiler.token_paths,
        scopes,
        bases: compiler.bases,
    }
}

struct Compiler<'a> {
    document: &'a Document,
    request: &'a dyn SchemaTree,
    findings: &'a mut Vec<Diagnostic>,
    schemes: Vec<Scheme>,
    /// The scopes that each scheme declares; `None` where it has none to declare.
    scheme_scopes: Vec<Option<Vec<String>>>,
    unusable_schemes: BTreeSet<String>,
    token_paths: Vec<String>,
    operations: Vec<Operation>,
    router: Router,
    bases: Vec<String>,
    options: Options,
    operation_ids: BTreeMap<String, String>,
}

impl Compiler<'_> {
    fn found(&mut self, code: Code, message: impl Into<String>, at: &str, focus: Focus) {
        self.findings.push(Diagnostic::new(code, message).in_file(self.document.location(at, focus)));
    }

    /// A finding that leaves the object as it is.
    fn warned(&mut self, code: Code, message: impl Into<String>, at: &str, focus: Focus) {
        let finding = Diagnostic::new(code, message).severity(Severity::Warning);
        self.findings.push(finding.in_file(self.document.location(at, focus)));
    }

    fn keys(&self, at: &str) -> Vec<String> {
        self.document
            .at(at)
            .and_then(Value::as_object)
            .map(|object| object.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Follows references to an object; a finding if there is none.
    fn enter(&mut self, at: &str) -> Option<String> {
        match self.document.follow(at) {
            Ok(found) if self.document.at(&found).is_some_and(Value::is_object) => Some(found),
            Ok(found) if found != at => {
                self.found(
                    code::CONTRACT_REFERENCE,
                    format!("nothing stands at `{}`", shown(&found)),
                    &pointer::join(at, "$ref"),
                    Focus::Value,
                );
                None
            }
            Ok(_) => {
                self.found(code::CONTRACT_STRUCTURE, "an object is expected here", at, Focus::Value);
                None
            }
            Err(reason) => {
                let place = self.document.location(&pointer::join(at, "$ref"), Focus::Value);
                self.findings.push(reason.finding().in_file(place));
                None
            }
        }
    }

    /// The object at `at` as `openapiv3` types it, its schemas replaced by references to their own pointers.
    fn typed<T: DeserializeOwned>(&mut self, at: &str, what: &str) -> Option<T> {
        let mut object = self.document.at(at)?.as_object()?.clone();
        for (field, value) in &mut object {
            match field.as_str() {
                "schema" => *value = json!({ "$ref": pointer::join(at, "schema") }),
                "content" => {
                    *value = Value::Object(
                        value.as_object().into_iter().flatten().map(|(key, _)| (key.clone(), json!({}))).collect(),
                    )
                }
                // Read from the raw tree, by their own rules.
                "headers" | "links" | "examples" | "callbacks" => *value = json!({}),
                _ => {}
            }
        }
        object.remove("example");
        if object.get("style").and_then(Value::as_str) == Some("cookie") && self.document.version >= Version::V32 {
            // openapiv3 does not know the style that 3.2 brought.
            object.remove("style");
        }
        if what == "response" && !object.contains_key("description") {
            // 3.2 asks for none.
            if self.document.version < Version::V32 {
                self.warned(code::CONTRACT_STRUCTURE, "a response has a `description`", at, Focus::Key);
            }
            object.insert("description".to_owned(), Value::String(String::new()));
        }
        match serde_json::from_value(Value::Object(object)) {
            Ok(typed) => Some(typed),
            Err(error) => {
                self.found(
                    code::CONTRACT_STRUCTURE,
                    format!("this is no {what}, so it is left out: {error}"),
                    at,
                    Focus::Value,
                );
                None
            }
        }
    }

    fn security_schemes(&mut self) {
        const SECTION: &str = "/components/securitySchemes";
        for name in self.keys(SECTION) {
            let Some(at) = self.enter(&pointer::join(SECTION, &name)) else {
                self.unusable_schemes.insert(name);
                continue;
            };
            // openapiv3 knows no mutualTLS, which 3.1 brought.
            if self.document.at(&at).and_then(|scheme| scheme.get("type")) == Some(&json!("mutualTLS")) {
                self.scheme(name, SchemeKind::MutualTls, None);
                continue;
            }
            match self.typed::<oas::SecurityScheme>(&at, "security scheme") {
                Some(scheme) => self.typed_scheme(name, &at, scheme),
                None => {
                    self.unusable_schemes.insert(name);
                }
            }
        }
    }

    fn scheme(&mut self, name: String, kind: SchemeKind, scopes: Option<Vec<String>>) {
        self.schemes.push(Scheme { name, kind });
        self.scheme_scopes.push(scopes);
    }

    fn typed_scheme(&mut self, name: String, at: &str, scheme: oas::SecurityScheme) {
        match scheme {
            oas::SecurityScheme::APIKey { location, name: key, .. } => {
                let location = match location {
                    oas::APIKeyLocation::Query => KeyLocation::Query,
                    oas::APIKeyLocation::Header => KeyLocation::Header,
                    oas::APIKeyLocation::Cookie => KeyLocation::Cookie,
                };
                self.scheme(name, SchemeKind::ApiKey { location, name: key }, None);
            }
            oas::SecurityScheme::HTTP { scheme, .. } => {
                let kind = match scheme.to_ascii_lowercase().as_str() {
                    "basic" => SchemeKind::Basic,
                    "bearer" => SchemeKind::Bearer,
                    other => SchemeKind::Http(other.to_owned()),
                };
                self.scheme(name, kind, None);
            }
            oas::SecurityScheme::OpenIDConnect { .. } => self.scheme(name, SchemeKind::OpenIdConnect, None),
            oas::SecurityScheme::OAuth2 { flows, .. } => {
                let mut scopes: Vec<String> = Vec::new();
                let mut add = |flow: Vec<String>| scopes.extend(flow);
                if let Some(flow) = flows.implicit {
                    add(flow.scopes.into_keys().collect());
                }
                if let Some(flow) = flows.password {
                    add(flow.scopes.into_keys().collect());
                }
                if let Some(flow) = flows.authorization_code {
                    add(flow.scopes.into_keys().collect());
                }
                // openapiv3 does not know the flow that 3.2 brought.
                let device = self.document.at(&format!("{at}/flows/deviceAuthorization/scopes"));
                add(device.and_then(Value::as_object).into_iter().flatten().map(|(scope, _)| scope.clone()).collect());
                let issued_here = flows.client_credentials.is_some();
                if let Some(flow) = flows.client_credentials {
                    add(flow.scopes.into_keys().collect());
                    let path = super::servers::path_of(&flow.token_url);
                    if !self.token_paths.contains(&path) {
                        self.token_paths.push(path);
                    }
                }
                self.scheme(name, SchemeKind::OAuth2 { issued_here }, Some(scopes));
            }
        }
    }

    fn paths(&mut self) {
        if self.document.at("/paths").is_none() && self.document.version == Version::V30 {
            self.found(code::CONTRACT_STRUCTURE, "the document has no `paths`", "", Focus::Value);
        }
        for template in self.keys("/paths") {
            if template.starts_with("x-") {
                continue;
            }
            let at = pointer::join("/paths", &template);
            if !template.starts_with('/') {
                self.found(
                    code::CONTRACT_PATH_TEMPLATE,
                    format!("the path `{template}` does not begin with a slash, so nothing reaches it"),
                    &at,
                    Focus::Key,
                );
                continue;
            }
            if !self.options.reserved_paths && (template == "/_mock" || template.starts_with("/_mock/")) {
                self.found(
                    code::CONTRACT_RESERVED_PATH,
                    format!("`{template}` lies under `/_mock`, which is the control plane's"),
                    &at,
                    Focus::Key,
                );
                continue;
            }
            if let Some(item) = self.enter(&at) {
                self.path_item(&template, &at, &item);
            }
        }
    }

    fn path_item(&mut self, template: &str, at: &str, item: &str) {
        // 3.1 lets fields stand beside a path item's `$ref`; they are read from both.
        let places: Vec<&str> = if at == item { vec![item] } else { vec![at, item] };
        let mut methods: Vec<(Method, String)> = Vec::new();
        for place in &places {
            for field in self.keys(place) {
                let name =
                    if METHODS.contains(&field.as_str()) || field == "query" && self.document.version == Version::V32 {
                        field.to_uppercase()
                    } else {
                        continue;
                    };
                if let Ok(method) = Method::from_bytes(name.as_bytes()) {
                    methods.push((method, pointer::join(place, &field)));
                }
            }
            let additional = pointer::join(place, "additionalOperations");
            for name in self.keys(&additional) {
                let at = pointer::join(&additional, &name);
                if self.document.version < Version::V32 {
                    continue;
                }
                let fixed = METHODS.iter().chain(&["query"]).any(|fixed| fixed.to_uppercase() == name);
                match Method::from_bytes(name.as_bytes()) {
                    Ok(method) if !fixed => methods.push((method, at)),
                    Ok(_) => {
                        let message = format!("`{name}` has a field of its own, `{}`", name.to_lowercase());
                        self.found(code::CONTRACT_STRUCTURE, message, &at, Focus::Key);
                    }
                    Err(_) => self.found(code::CONTRACT_STRUCTURE, format!("`{name}` is no method"), &at, Focus::Key),
                }
            }
        }
        let shared: Vec<Parameter> = places.iter().flat_map(|place| self.parameters(place)).collect();
        let shared: Vec<String> = shared.into_iter().map(|parameter| parameter.pointer).collect();
        for (method, operation) in methods {
            self.operation(template, item, method, &operation, &shared);
        }
    }

    fn operation(&mut self, template: &str, item: &str, method: Method, at: &str, shared: &[String]) {
        let Some(Value::Object(object)) = self.document.at(at) else {
            self.found(code::CONTRACT_STRUCTURE, "an operation is an object", at, Focus::Value);
            return;
        };
        let operation_id = object.get("operationId").and_then(Value::as_str).map(ToOwned::to_owned);
        if let Some(id) = &operation_id
            && let Some(first) = self.operation_ids.insert(id.clone(), format!("{method} {template}"))
        {
            self.found(
                code::CONTRACT_OPERATION_ID,
                format!("the operationId `{id}` is also that of {first}"),
                &pointer::join(at, "operationId"),
                Focus::Value,
            );
        }
        let own = self.parameters(at);
        let mut parameters: Vec<Parameter> = Vec::new();
        for pointer in shared {
            let overridden = |parameter: &Parameter| {
                own.iter().any(|other| other.name == parameter.name && other.part == parameter.part)
            };
            if let Some(parameter) = self.parameter(pointer).filter(|parameter| !overridden(parameter)) {
                parameters.push(parameter);
            }
        }
        parameters.extend(own);
        self.check_template(template, at, &parameters);
        self.check_query(&parameters);
        let body =
            object.contains_key("requestBody").then(|| self.request_body(&pointer::join(at, "requestBody"))).flatten();
        let responses = self.responses(at);
        let security = self.security(at);
        let index = self.operations.len();
        let mut bases = base_paths(self.document, item, at);
        if self.options.ignore_base_path && !bases.iter().any(String::is_empty) {
            bases.push(String::new());
        }
        for base in bases {
            if !self.bases.contains(&base) {
                self.bases.push(base.clone());
            }
            let full = format!("{base}{template}");
            if (full == "/_mock" || full.starts_with("/_mock/")) && !base.is_empty() {
                self.found(
                    code::CONTRACT_RESERVED_PATH,
                    format!("`{full}` lies under `/_mock`, which is the control plane's"),
                    at,
                    Focus::Key,
                );
            } else if !self.router.add(&full, method.clone(), index) {
                self.found(code::CONTRACT_AMBIGUOUS_PATHS, format!("{method} `{full}` differs from an earlier path in nothing but its parameters' names, so it is never reached"), at, Focus::Key);
            }
        }
        self.operations.push(Operation {
            method,
            template: template.to_owned(),
            operation_id,
            pointer: at.to_owned(),
            parameters,
            body,
            responses,
            security,
        });
    }

    fn check_template(&mut self, template: &str, at: &str, parameters: &[Parameter]) {
        let names = expression_names(template);
        for name in &names {
            if !parameters.iter().any(|parameter| parameter.part == Part::Path && parameter.name == *name) {
                self.found(
                    code::CONTRACT_PATH_TEMPLATE,
                    format!("`{{{name}}}` of `{template}` has no path parameter of that name, so any text is taken"),
                    at,
                    Focus::Key,
                );
            }
        }
        for parameter in parameters.iter().filter(|parameter| parameter.part == Part::Path) {
            if !names.contains(&parameter.name) {
                let message = format!(
                    "the path parameter `{}` does not occur in `{template}`, so it is not checked",
                    parameter.name
                );
                self.found(code::CONTRACT_PATH_TEMPLATE, message, &parameter.pointer, Focus::Value);
            }
        }
    }

    /// The parameters listed at a path item or operation.
    fn parameters(&mut self, at: &str) -> Vec<Parameter> {
        let list = pointer::join(at, "parameters");
        let count = self.document.at(&list).and_then(Value::as_array).map_or(0, Vec::len);
        let mut parameters: Vec<Parameter> = Vec::new();
        for index in 0..count {
            let Some(parameter) = self.parameter(&format!("{list}/{index}")) else { continue };
            if parameters.iter().any(|known| known.name == parameter.name && known.part == parameter.part) {
                self.found(
                    code::CONTRACT_STRUCTURE,
                    format!("the parameter `{}` stands twice in one list", parameter.name),
                    &parameter.pointer,
                    Focus::Value,
                );
                continue;
            }
            parameters.push(parameter);
        }
        parameters
    }

    fn parameter(&mut self, at: &str) -> Option<Parameter> {
        let at = self.enter(at)?;
        let raw = self.document.at(&at)?.clone();
        let text = |field: &str| raw.get(field).and_then(Value::as_str);
        let since_32 = self.document.version >= Version::V32;
        if since_32 && text("in") == Some("querystring") {
            return self.query_string(at, &raw);
        }
        let plain_cookie = since_32 && text("in") == Some("cookie") && text("style") == Some("cookie");
        // A parameter that declares neither takes any text; openapiv3 would refuse it.
        let bare = raw.get("schema").is_none() && raw.get("content").is_none();
        let typed = if bare { self.typed_bare(&at) } else { self.typed::<oas::Parameter>(&at, "parameter") }?;
        let data = typed.parameter_data_ref().clone();
        let (part, style, allow_empty) = match typed {
            oas::Parameter::Query { style, allow_empty_value, .. } => {
                (Part::Query, query_style(&style), allow_empty_value.unwrap_or(false))
            }
            oas::Parameter::Header { .. } => (Part::Header, Style::Simple, false),
            oas::Parameter::Path { style, .. } => {
                let style = path_style(&style);
                let dotted = style == Style::Label && self.document.has_dotted_labels();
                (Part::Path, if dotted { Style::DottedLabel } else { style }, false)
            }
            oas::Parameter::Cookie { .. } => {
                (Part::Cookie, if plain_cookie { Style::Cookie } else { Style::Form }, false)
            }
        };
        if part == Part::Header
            && ["accept", "content-type", "authorization"].contains(&data.name.to_ascii_lowercase().as_str())
        {
            return None;
        }
        if part == Part::Path && !data.required {
            self.found(
                code::CONTRACT_PATH_TEMPLATE,
                format!("the path parameter `{}` must have `required: true`", data.name),
                &at,
                Focus::Value,
            );
        }
        let explode = data.explode.unwrap_or(matches!(style, Style::Form | Style::DeepObject | Style::Cookie));
        let value = self.parameter_value(&at, style, explode, bare);
        Some(Parameter {
            name: data.name,
            part,
            required: data.required || part == Part::Path,
            allow_empty,
            pointer: at,
            value,
        })
    }

    /// A parameter that is the whole query (OAS 3.2.0, Parameter Locations).
    fn query_string(&mut self, at: String, raw: &Value) -> Option<Parameter> {
        let name = raw.get("name").and_then(Value::as_str).unwrap_or("querystring").to_owned();
        let mut contents = self.contents(&at, Direction::Request);
        if contents.len() != 1 {
            let message = "a parameter in `querystring` has a `content` of exactly one media type; it is not checked";
            self.found(code::CONTRACT_STRUCTURE, message, &at, Focus::Value);
            return None;
        }
        Some(Parameter {
            name,
            part: Part::Query,
            required: raw.get("required") == Some(&Value::Bool(true)),
            allow_empty: false,
            pointer: at,
            value: ParameterValue::QueryString(Box::new(contents.remove(0))),
        })
    }

    /// The query is one parameter's alone, or that of many.
    fn check_query(&mut self, parameters: &[Parameter]) {
        let whole = |parameter: &&Parameter| matches!(parameter.value, ParameterValue::QueryString(_));
        let mut in_query = parameters.iter().filter(|parameter| parameter.part == Part::Query);
        if in_query.clone().count() > 1
            && let Some(parameter) = in_query.find(whole)
        {
            let message = "a parameter in `querystring` stands alone: no other one, and none in `query`, beside it";
            self.found(code::CONTRACT_STRUCTURE, message, &parameter.pointer, Focus::Value);
        }
    }

    fn typed_bare(&mut self, at: &str) -> Option<oas::Parameter> {
        self.warned(
            code::CONTRACT_STRUCTURE,
            "a parameter has either `schema` or `content`; this one has neither, so any text is taken",
            at,
            Focus::Value,
        );
        let mut object: Map<String, Value> = self.document.at(at)?.as_object()?.clone();
        object.insert("schema".to_owned(), json!({}));
        serde_json::from_value(Value::Object(object)).ok()
    }

    fn parameter_value(&mut self, at: &str, style: Style, explode: bool, bare: bool) -> ParameterValue {
        if bare {
            return ParameterValue::Any;
        }
        let schema_at = pointer::join(at, "schema");
        if self.document.at(&schema_at).is_some() {
            return ParameterValue::Styled {
                style,
                explode,
                shape: shape_of(self.request, &schema_at),
                members: members(self.request, &schema_at),
                schema: SchemaUse::new(schema_at, Direction::Request),
            };
        }
        let mut contents = self.contents(at, Direction::Request);
        if contents.len() == 1 {
            let content = contents.remove(0);
            return ParameterValue::Content { media: content.media, schema: content.schema };
        }
        self.found(
            code::CONTRACT_STRUCTURE,
            "the `content` of a parameter has exactly one media type; any text is taken",
            at,
            Focus::Value,
        );
        ParameterValue::Any
    }

    fn request_body(&mut self, at: &str) -> Option<RequestBody> {
        let at = self.enter(at)?;
        let typed: oas::RequestBody = self.typed(&at, "request body")?;
        let content = self.contents(&at, Direction::Request);
        Some(RequestBody { required: typed.required, pointer: at, content })
    }

    fn contents(&mut self, at: &str, direction: Direction) -> Vec<Content> {
        let section = pointer::join(at, "content");
        let mut contents = Vec::new();
        for name in self.keys(&section) {
            let entry = pointer::join(&section, &name);
            let Some(media) = MediaType::parse(&name) else {
                self.found(
                    code::CONTRACT_STRUCTURE,
                    format!("`{name}` is no media type; it is left out"),
                    &entry,
                    Focus::Key,
                );
                continue;
            };
            let Some(entry) = self.enter(&entry) else { continue };
            contents.push(self.content(media, entry, direction));
        }
        contents
    }

    fn content(&mut self, media: MediaType, at: String, direction: Direction) -> Content {
        let schema_at = pointer::join(&at, "schema");
        let schema = self.document.at(&schema_at).is_some().then(|| SchemaUse::new(schema_at, direction));
        let mut encodings = Vec::new();
        let mut part_headers = Vec::new();
        let section = pointer::join(&at, "encoding");
        for property in self.keys(&section) {
            let Some(part) = self.encoding(&pointer::join(&section, &property), direction) else { continue };
            encodings.push((property.clone(), part.encoding));
            part_headers.extend(part.headers.into_iter().map(|header| (property.clone(), header)));
        }
        let examples = self.examples(&at);
        let sequence = Sequence::of(&media).filter(|_| self.document.version >= Version::V32);
        let (item_schema, positions) = self.items(&media, &at, schema.as_ref(), sequence.is_some(), direction);
        Content { media, pointer: at, schema, item_schema, sequence, encodings, positions, part_headers, examples }
    }

    /// What OpenAPI 3.2 says of the items of a sequence and of parts without names.
    fn items(
        &mut self,
        media: &MediaType,
        at: &str,
        schema: Option<&SchemaUse>,
        sequential: bool,
        direction: Direction,
    ) -> (Option<SchemaUse>, Option<Positions>) {
        if self.document.version < Version::V32 {
            return (None, None);
        }
        let place = |field: &str| pointer::join(at, field);
        let holds = |field: &str| self.document.at(&pointer::join(at, field)).is_some();
        let items = holds("itemSchema").then(|| SchemaUse::new(place("itemSchema"), direction));
        let form_data = media.essence() == "multipart/form-data";
        let array = schema.is_some_and(|schema| shape_of(self.request, &schema.pointer) == Shape::Array);
        let by_position = media.is_multipart() && !form_data && (array || items.is_some());
        let positional = ["prefixEncoding", "itemEncoding"].into_iter().filter(|field| holds(field));
        let misplaced: Vec<(&str, &str)> = positional
            .filter(|_| !by_position)
            .map(|field| (field, "has no effect but in a multipart body of parts without names"))
            .chain(holds("itemSchema").then_some(("itemSchema", "has no effect but in a sequential media type")))
            .filter(|(field, _)| *field != "itemSchema" || !(sequential || by_position))
            .collect();
        for (field, effect) in misplaced {
            self.warned(code::CONTRACT_KEYWORD_IGNORED, format!("`{field}` {effect}"), &place(field), Focus::Key);
        }
        if !by_position {
            return (items.filter(|_| sequential), None);
        }
        let count = self.document.at(&place("prefixEncoding")).and_then(Value::as_array).map_or(0, Vec::len);
        let empty = || PartEncoding { encoding: Encoding::default(), headers: Vec::new() };
        let prefix = (0..count)
            .map(|index| {
                self.encoding(&format!("{}/{index}", place("prefixEncoding")), direction).unwrap_or_else(empty)
            })
            .collect();
        let rest = self.document.at(&place("itemEncoding")).is_some();
        let rest = rest.then(|| self.encoding(&place("itemEncoding"), direction)).flatten();
        (items, Some(Positions { prefix, rest }))
    }

    fn encoding(&mut self, at: &str, direction: Direction) -> Option<PartEncoding> {
        let typed = self.typed::<oas::Encoding>(at, "encoding")?;
        for field in ["encoding", "prefixEncoding", "itemEncoding"] {
            if self.document.version >= Version::V32 && self.document.at(&pointer::join(at, field)).is_some() {
                let message =
                    format!("`{field}` inside an encoding is not supported; the parts in the part are not checked");
                self.found(code::CONTRACT_UNSUPPORTED, message, &pointer::join(at, field), Focus::Key);
            }
        }
        // openapiv3 gives `false` for absent flags; whether they are written matters.
        let flag = |field: &str| self.document.at(&pointer::join(at, field)).and_then(Value::as_bool);
        let encoding = Encoding {
            content_type: typed.content_type,
            style: typed.style.as_ref().map(query_style),
            explode: flag("explode"),
            allow_reserved: flag("allowReserved"),
        };
        Some(PartEncoding { encoding, headers: self.headers(at, direction) })
    }

    fn examples(&mut self, at: &str) -> Vec<Example> {
        let mut examples = Vec::new();
        let single = pointer::join(at, "example");
        if self.document.at(&single).is_some() {
            let form = ExampleForm::Either;
            examples.push(Example { name: None, pointer: single, form, prepared: OnceLock::new() });
        }
        let section = pointer::join(at, "examples");
        for name in self.keys(&section) {
            let Some(entry) = self.enter(&pointer::join(&section, &name)) else { continue };
            let held =
                |field: &str| Some(pointer::join(&entry, field)).filter(|place| self.document.at(place).is_some());
            let text = held("serializedValue").filter(|_| self.document.version >= Version::V32);
            let data = held("dataValue").filter(|_| self.document.version >= Version::V32);
            let found = match (held("value"), data, text) {
                (Some(value), _, _) => Some((value, ExampleForm::Either)),
                (None, Some(data), text) => Some((data, ExampleForm::Data { text })),
                (None, None, Some(text)) => Some((text, ExampleForm::Text)),
                (None, None, None) => None,
            };
            if let Some((pointer, form)) = found {
                examples.push(Example { name: Some(name), pointer, form, prepared: OnceLock::new() });
            } else if self.document.at(&pointer::join(&entry, "externalValue")).is_some() {
                self.warned(
                    code::CONTRACT_UNSUPPORTED,
                    format!("the example `{name}` has an `externalValue`, which is not read"),
                    &entry,
                    Focus::Key,
                );
            }
        }
        examples
    }

    fn responses(&mut self, operation: &str) -> Vec<ResponseDeclaration> {
        let section = pointer::join(operation, "responses");
        let mut responses = Vec::new();
        for key in self.keys(&section) {
            if key.starts_with("x-") {
                continue;
            }
            let entry = pointer::join(&section, &key);
            let Some(status) = status_key(&key) else {
                self.found(
                    code::CONTRACT_STRUCTURE,
                    format!("`{key}` is no status code, range such as `4XX`, or `default`"),
                    &entry,
                    Focus::Key,
                );
                continue;
            };
            let Some(at) = self.enter(&entry) else { continue };
            if self.typed::<oas::Response>(&at, "response").is_none() {
                continue;
            }
            let headers = self.headers(&at, Direction::Response);
            let content = self.contents(&at, Direction::Response);
            responses.push(ResponseDeclaration { status, pointer: at, headers, content });
        }
        if responses.is_empty() {
            self.warned(code::CONTRACT_STRUCTURE, "an operation declares at least one response", operation, Focus::Key);
        }
        responses
    }

    fn headers(&mut self, at: &str, direction: Direction) -> Vec<HeaderDeclaration> {
        let section = pointer::join(at, "headers");
        let mut headers = Vec::new();
        for name in self.keys(&section) {
            // OAS 3.1.1 §4.8.17: a response header named Content-Type is ignored.
            if name.eq_ignore_ascii_case("content-type") {
                continue;
            }
            let Some(entry) = self.enter(&pointer::join(&section, &name)) else { continue };
            let raw = self.document.at(&entry).cloned().unwrap_or_default();
            let bare = raw.get("schema").is_none() && raw.get("content").is_none();
            if !bare && self.typed::<oas::Header>(&entry, "header").is_none() {
                continue;
            }
            let schema_at = pointer::join(&entry, "schema");
            let mut schema = raw.get("schema").map(|_| SchemaUse::new(schema_at.clone(), direction));
            let mut media = None;
            let mut content_example = None;
            if let Some(content) = self.contents(&entry, direction).into_iter().next() {
                media = Some(content.media);
                schema = content.schema;
                content_example = content.examples.into_iter().next().map(|example| example.pointer);
            }
            // A text that is written already is no value to write.
            let value = |example: &Example| example.form != ExampleForm::Text;
            let example = content_example
                .or_else(|| self.examples(&entry).into_iter().find(value).map(|example| example.pointer));
            headers.push(HeaderDeclaration {
                name,
                required: raw.get("required").and_then(Value::as_bool).unwrap_or(false),
                explode: raw.get("explode").and_then(Value::as_bool).unwrap_or(false),
                shape: if raw.get("schema").is_some() { shape_of(self.request, &schema_at) } else { Shape::Primitive },
                pointer: entry,
                schema,
                media,
                example,
            });
        }
        headers
    }

    fn security(&mut self, operation: &str) -> Vec<Requirement> {
        let own = pointer::join(operation, "security");
        let at = if self.document.at(&own).is_some() { own } else { "/security".to_owned() };
        let alternatives = self.document.at(&at).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut requirements: Vec<Requirement> = Vec::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let mut requirement = Requirement::new();
            let mut usable = true;
            for (name, scopes) in alternative.as_object().into_iter().flatten() {
                let place = pointer::join(&format!("{at}/{index}"), name);
                // Since 3.2 it may also be the URI of a scheme.
                let named = name.strip_prefix("#/components/securitySchemes/").map(pointer::unescape);
                let uri = named.filter(|_| self.document.version >= Version::V32);
                let known = |wanted: &str| self.schemes.iter().position(|scheme| scheme.name == wanted);
                let Some(scheme) = known(name).or_else(|| known(&uri?)) else {
                    self.unknown_scheme(name, &place);
                    usable = false;
                    continue;
                };
                let scopes: Vec<String> =
                    scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
                self.check_scopes(scheme, &scopes, &place);
                requirement.push((scheme, scopes));
            }
            if usable {
                requirements.push(requirement);
            }
        }
        if requirements.is_empty() && !alternatives.is_empty() {
            // Nobody can satisfy it; an operation that demands the impossible must not become open.
            requirements.push(vec![(usize::MAX, Vec::new())]);
        }
        requirements
    }

    fn unknown_scheme(&mut self, name: &str, place: &str) {
        if self.unusable_schemes.contains(name) {
            return;
        }
        let known: Vec<String> = self.schemes.iter().map(|scheme| scheme.name.clone()).collect();
        let finding = Diagnostic::new(
            code::CONTRACT_SECURITY_SCHEME,
            format!("there is no security scheme `{name}`, so nobody can satisfy this"),
        )
        .in_file(self.document.location(place, Focus::Key));
        let finding = match did_you_mean(name, known.iter().map(String::as_str)) {
            Some(close) => finding.help(format!("did you mean `{close}`?")),
            None => finding,
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn check_scopes(&mut self, scheme: usize, scopes: &[String], place: &str) {
        let Some(Some(declared)) = self.scheme_scopes.get(scheme) else { return };
        let name = self.schemes.get(scheme).map(|scheme| scheme.name.clone()).unwrap_or_default();
        let mut findings = Vec::new();
        for scope in scopes.iter().filter(|scope| !declared.contains(scope)) {
            let finding = match declared.iter().find(|known| scope_covers(known, scope)) {
                Some(cover) => Diagnostic::new(
                    code::CONTRACT_SCOPE,
                    format!("the scheme `{name}` does not declare the scope `{scope}`; its `{cover}` covers it"),
                )
                .severity(Severity::Note),
                None => Diagnostic::new(
                    code::CONTRACT_SCOPE,
                    format!("the scheme `{name}` does not declare the scope `{scope}`"),
                ),
            };
            findings.push(finding.in_file(self.document.location(place, Focus::Value)));
        }
        for finding in findings {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}

fn status_key(key: &str) -> Option<StatusKey> {
    if key == "default" {
        return Some(StatusKey::Default);
    }
    let mut bytes = key.bytes();
    match (bytes.next()?, bytes.next()?, bytes.next()?, bytes.next()) {
        (class @ b'1'..=b'5', b'X' | b'x', b'X' | b'x', None) => Some(StatusKey::Range(u16::from(class - b'0'))),
        _ => key.parse().ok().filter(|code| (100..=599).contains(code)).map(StatusKey::Code),
    }
}

fn query_style(style: &oas::QueryStyle) -> Style {
    match style {
        oas::QueryStyle::Form => Style::Form,
        oas::QueryStyle::SpaceDelimited => Style::SpaceDelimited,
        oas::QueryStyle::PipeDelimited => Style::PipeDelimited,
        oas::QueryStyle::DeepObject => Style::DeepObject,
    }
}

fn path_style(style: &oas::PathStyle) -> Style {
    match style {
        oas::PathStyle::Matrix => Style::Matrix,
        oas::PathStyle::Label => Style::Label,
        oas::PathStyle::Simple => Style::Simple,
    }
}
