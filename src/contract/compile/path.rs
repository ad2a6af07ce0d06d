//! Paths and their operations.

use super::Compiler;
use crate::contract::document::Version;
use crate::contract::operation::{Operation, OperationNames, Parameter, ResponseDeclaration, StatusKey};
use crate::contract::roots::METHODS;
use crate::contract::router::expression_names;
use crate::contract::servers::base_paths;
use crate::diagnostic::{Part, code};
use crate::source::{Focus, pointer};
use http::Method;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// Bytes of a path of the contract. Over it the path is not served, with a finding: a request's target is no longer.
const TEMPLATE_BYTES_MAX: usize = 16 * 1024;

impl Compiler<'_> {
    pub(super) fn paths(&mut self) {
        if self.document.at("/paths").is_none() && self.document.version == Version::V30 {
            self.found(code::CONTRACT_STRUCTURE, "the document has no `paths`", "", Focus::Value);
        }
        for template in self.document.keys("/paths") {
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
            if template.len() > TEMPLATE_BYTES_MAX {
                let message = format!("the path has more than {TEMPLATE_BYTES_MAX} bytes, so nothing reaches it");
                self.found(code::CONTRACT_PATH_TEMPLATE, message, &at, Focus::Key);
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
            self.check_path(&template, &at);
            if self.enter(&at).is_some() {
                self.path_item(&template, &at);
            }
        }
    }

    /// Templates that nothing reaches, or that are another one under other names.
    fn check_path(&mut self, template: &str, at: &str) {
        if let Some(delimiter) = ['?', '#'].into_iter().find(|delimiter| template.contains(*delimiter)) {
            let message =
                format!("the path `{template}` has a `{delimiter}`, which no path has, so nothing reaches it");
            self.found(code::CONTRACT_PATH_TEMPLATE, message, at, Focus::Key);
        }
        let shape = shape(template);
        if shape.contains(['{', '}']) && shape.replace("{}", "").contains(['{', '}']) {
            let message = format!("a brace of the path `{template}` has no partner, so it is taken literally");
            self.found(code::CONTRACT_PATH_TEMPLATE, message, at, Focus::Key);
        }
        match self.path_shapes.get(&shape) {
            Some(first) => {
                let message = format!(
                    "`{template}` differs from `{first}` in nothing but its parameters' names, so they are one path"
                );
                self.found(code::CONTRACT_AMBIGUOUS_PATHS, message, at, Focus::Key);
            }
            None => {
                self.path_shapes.insert(shape, template.to_owned());
            }
        }
    }

    fn path_item(&mut self, template: &str, at: &str) {
        let places = self.document.places(at);
        let mut methods: Vec<(Method, String)> = Vec::new();
        for place in &places {
            for field in self.document.keys(place) {
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
            for name in self.document.keys(&additional) {
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
        // Of a field in both the nearer one counts, as a parameter of an operation counts before its path item's.
        let mut shared: Vec<Parameter> = Vec::new();
        for place in &places {
            for parameter in self.parameters(place) {
                if !shared.iter().any(|known| known.name == parameter.name && known.part == parameter.part) {
                    shared.push(parameter);
                }
            }
        }
        let shared: Vec<String> = shared.into_iter().map(|parameter| parameter.pointer).collect();
        let mut known: Vec<Method> = Vec::new();
        for (method, operation) in methods {
            if !known.contains(&method) {
                known.push(method.clone());
                self.operation(template, &places, method, &operation, &shared);
            }
        }
    }

    pub(super) fn operation(&mut self, template: &str, items: &[String], method: Method, at: &str, shared: &[String]) {
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
        let mut bases = base_paths(self.document, items, at);
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
            } else if !self.router.add(&base, template, method.clone(), index)
                && self.path_shapes.get(&shape(template)).is_some_and(|first| first == template)
            {
                let message =
                    format!("{method} `{full}` is also another path under another base path, so it is never reached");
                self.found(code::CONTRACT_AMBIGUOUS_PATHS, message, at, Focus::Key);
            }
        }
        let label = format!("{method} {template}");
        let name = operation_id.clone().unwrap_or_else(|| label.clone());
        self.operations.push(Operation {
            names: Arc::new(OperationNames { name, label }),
            method,
            template: template.to_owned(),
            operation_id,
            pointer: at.to_owned(),
            parameters,
            body,
            success: success_status(&responses),
            responses,
            security,
            index,
            points: OnceLock::new(),
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
}

/// The template without the names of its expressions.
fn shape(template: &str) -> String {
    let mut shape = template.to_owned();
    for name in expression_names(template) {
        shape = shape.replacen(&format!("{{{name}}}"), "{}", 1);
    }
    shape
}

/// What [`Operation::success`] is.
fn success_status(responses: &[ResponseDeclaration]) -> u16 {
    let codes = responses.iter().filter_map(|response| match response.status {
        StatusKey::Code(code) => Some(code),
        _ => None,
    });
    let has = |key: StatusKey| responses.iter().any(|response| response.status == key);
    let ranges = [3, 4, 5].into_iter().find(|class| has(StatusKey::Range(*class))).map(|class| class * 100);
    let success = codes.clone().filter(|code| (200..300).contains(code)).min();
    let general = (has(StatusKey::Range(2)) || has(StatusKey::Default)).then_some(200);
    success.or(general).or_else(|| codes.filter(|code| *code >= 300).min()).or(ranges).unwrap_or(200)
}
