//! From a document to operations: walks the raw tree, lets `openapiv3` type each object on its own, and
//! leaves schemas where they are, named by their pointers.
//!
//! An object that cannot be typed is a finding and is left out; the rest of the document is still served.

mod content;
mod parameter;
mod path;
mod response;
mod security;

use super::Options;
use super::document::{Document, Version, shown};
use super::operation::Operation;
use super::router::Router;
use super::security::Scheme;
use super::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Severity, code};
use crate::source::{Focus, pointer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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
        path_shapes: BTreeMap::new(),
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
    /// The first path of each shape, whatever its parameters are called.
    path_shapes: BTreeMap<String, String>,
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
}
