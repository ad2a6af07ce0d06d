//! What the specification asks of a document and no meta-schema can say: names that lead somewhere, variables that
//! are declared, arrays that have items.

use super::Lint;
use crate::contract::document::Version;
use crate::contract::router::expression_names;
use crate::diagnostic::{Code, Diagnostic, Severity, code, did_you_mean};
use crate::source::{Focus, pointer};
use serde_json::{Map, Value};

impl Lint<'_> {
    pub(super) fn document(&mut self) {
        self.servers("/servers");
        self.component_names();
        for path in self.contract.document.keys("/paths") {
            for place in self.contract.document.places(&pointer::join("/paths", &path)) {
                self.servers(&pointer::join(&place, "servers"));
            }
        }
        let operations: Vec<String> =
            self.contract.operations().iter().map(|operation| operation.pointer.clone()).collect();
        for operation in operations {
            self.servers(&pointer::join(&operation, "servers"));
            for status in self.contract.document.keys(&pointer::join(&operation, "responses")) {
                let response = pointer::join(&pointer::join(&operation, "responses"), &status);
                let response = self.contract.document.follow(&response).unwrap_or(response);
                self.links(&pointer::join(&response, "links"));
            }
        }
        self.links("/components/links");
    }

    fn warn(&mut self, code: Code, message: String, at: &str, focus: Focus, help: Option<String>) {
        let place = self.contract.document.location(at, focus);
        let finding = Diagnostic::new(code, message).severity(Severity::Warning).in_file(place);
        let finding = match help {
            Some(help) => finding.help(help),
            None => finding,
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Every variable of a server's URL is declared, and its default is one of its values (Server Variable Object).
    fn servers(&mut self, at: &str) {
        let document = &self.contract.document;
        let servers = document.at(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, server) in servers.iter().enumerate() {
            let here = format!("{at}/{index}");
            let Some(url) = server.get("url").and_then(Value::as_str) else { continue };
            let variables = server.get("variables").and_then(Value::as_object);
            for name in expression_names(url) {
                if !variables.is_some_and(|variables| variables.contains_key(&name)) {
                    let message = format!("the server's variable `{name}` is not declared");
                    let close = variables.and_then(|known| did_you_mean(&name, known.keys().map(String::as_str)));
                    let help = close.map(|close| format!("did you mean `{close}`?"));
                    self.warn(code::CONTRACT_STRUCTURE, message, &pointer::join(&here, "url"), Focus::Value, help);
                }
            }
            for (name, variable) in variables.into_iter().flatten() {
                let (Some(default), Some(values)) =
                    (variable.get("default"), variable.get("enum").and_then(Value::as_array))
                else {
                    continue;
                };
                if !values.contains(default) {
                    let message = format!("the default of the server's variable `{name}` is none of its values");
                    let place = pointer::join(&pointer::join(&here, "variables"), name);
                    self.warn(code::CONTRACT_STRUCTURE, message, &pointer::join(&place, "default"), Focus::Value, None);
                }
            }
        }
    }

    /// Keys of components are `^[a-zA-Z0-9._-]+$`. The meta-schemas since 3.1 say so themselves.
    fn component_names(&mut self) {
        if self.contract.document.version > Version::V30 {
            return;
        }
        for section in
            self.contract.document.keys("/components").into_iter().filter(|section| !section.starts_with("x-"))
        {
            let section = pointer::join("/components", &section);
            for name in self.contract.document.keys(&section) {
                let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                if name.is_empty() || !name.chars().all(fits) {
                    let message = format!(
                        "the component's name `{name}` has other characters than letters, digits, `.`, `_`, `-`"
                    );
                    self.warn(code::CONTRACT_STRUCTURE, message, &pointer::join(&section, &name), Focus::Key, None);
                }
            }
        }
    }

    /// A link's operationId is one of the document's.
    fn links(&mut self, at: &str) {
        for name in self.contract.document.keys(at) {
            let link = pointer::join(at, &name);
            let link = self.contract.document.follow(&link).unwrap_or(link);
            let place = pointer::join(&link, "operationId");
            let Some(id) = self.contract.document.at(&place).and_then(Value::as_str).map(ToOwned::to_owned) else {
                continue;
            };
            let known = || self.contract.operations().iter().filter_map(|operation| operation.operation_id.as_deref());
            if !known().any(|known| known == id) {
                let message = format!("there is no operation `{id}` for the link to lead to");
                let help = did_you_mean(&id, known()).map(|close| format!("did you mean `{close}`?"));
                self.warn(code::CONTRACT_REFERENCE, message, &place, Focus::Value, help);
            }
        }
    }

    /// What a Schema Object must have beside what it has.
    pub(super) fn schema_object(&mut self, at: &str, object: &Map<String, Value>) {
        let lacks_items = object.get("type").is_some_and(|kind| kind == "array") && !object.contains_key("items");
        if self.contract.document.version == Version::V30 && lacks_items {
            let message = "in OpenAPI 3.0 an array has `items`".to_owned();
            self.warn(code::CONTRACT_STRUCTURE, message, at, Focus::Value, Some("add `items: {}`".to_owned()));
        }
        let mapping = object.get("discriminator").and_then(|found| found.get("mapping")).and_then(Value::as_object);
        for (name, target) in mapping.into_iter().flatten() {
            let Some(text) = target.as_str() else { continue };
            let document = &self.contract.document;
            let found = document.mapping_target(at, text).is_some_and(|target| document.at(target).is_some());
            if !found {
                let place = pointer::join(&pointer::join(&pointer::join(at, "discriminator"), "mapping"), name);
                let message = format!("no schema stands at `{text}`, which `{name}` is mapped to");
                self.warn(code::CONTRACT_REFERENCE, message, &place, Focus::Value, None);
            }
        }
    }
}
