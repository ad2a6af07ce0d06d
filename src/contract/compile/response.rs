//! Responses and headers.

use super::Compiler;
use crate::contract::decode::{Shape, shape_of};
use crate::contract::lower::Direction;
use crate::contract::operation::{Example, ExampleForm, HeaderDeclaration, ResponseDeclaration, StatusKey};
use crate::contract::schema::SchemaUse;
use crate::diagnostic::code;
use crate::source::{Focus, pointer};
use openapiv3 as oas;
use serde_json::Value;

impl Compiler<'_> {
    pub(super) fn responses(&mut self, operation: &str) -> Vec<ResponseDeclaration> {
        let section = pointer::join(operation, "responses");
        let mut responses = Vec::new();
        for key in self.document.keys(&section) {
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

    pub(super) fn headers(&mut self, at: &str, direction: Direction) -> Vec<HeaderDeclaration> {
        let section = pointer::join(at, "headers");
        let mut headers = Vec::new();
        for name in self.document.keys(&section) {
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
