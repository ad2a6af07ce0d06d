//! Request bodies and Media Type Objects, with their encodings and examples.

use super::Compiler;
use super::parameter::query_style;
use crate::contract::decode::{Encoding, Sequence, Shape, shape_of};
use crate::contract::document::Version;
use crate::contract::lower::Direction;
use crate::contract::operation::{Content, Example, ExampleForm, PartEncoding, Positions, RequestBody};
use crate::contract::schema::SchemaUse;
use crate::diagnostic::code;
use crate::message::media_type::MediaType;
use crate::source::{Focus, pointer};
use http::HeaderValue;
use openapiv3 as oas;
use serde_json::Value;
use std::sync::OnceLock;

impl Compiler<'_> {
    pub(super) fn request_body(&mut self, at: &str) -> Option<RequestBody> {
        let at = self.enter(at)?;
        let typed: oas::RequestBody = self.typed(&at, "request body")?;
        let content = self.contents(&at, Direction::Request);
        Some(RequestBody { required: typed.required, pointer: at, content })
    }

    pub(super) fn contents(&mut self, at: &str, direction: Direction) -> Vec<Content> {
        let section = pointer::join(at, "content");
        let mut contents = Vec::new();
        for name in self.document.keys(&section) {
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
            if direction == Direction::Response && (media.is_multipart() || media.is_form()) {
                let message =
                    format!("responses of `{}` are not written in it: their value is sent as JSON", media.essence());
                self.warned(code::CONTRACT_UNSUPPORTED, message, &entry, Focus::Key);
            }
            contents.push(self.content(media, entry, direction));
        }
        contents
    }

    pub(super) fn content(&mut self, media: MediaType, at: String, direction: Direction) -> Content {
        let schema_at = pointer::join(&at, "schema");
        let schema = self.document.at(&schema_at).is_some().then(|| SchemaUse::new(schema_at, direction));
        let mut encodings = Vec::new();
        let mut part_headers = Vec::new();
        let section = pointer::join(&at, "encoding");
        for property in self.document.keys(&section) {
            let Some(part) = self.encoding(&pointer::join(&section, &property), direction) else { continue };
            encodings.push((property.clone(), part.encoding));
            part_headers.extend(part.headers.into_iter().map(|header| (property.clone(), header)));
        }
        let examples = self.examples(&at);
        let sequence = Sequence::of(&media).filter(|_| self.document.version >= Version::V32);
        let (item_schema, positions) = self.items(&media, &at, schema.as_ref(), sequence.is_some(), direction);
        Content {
            media_value: HeaderValue::from_str(&media.to_string()).ok(),
            media,
            pointer: at,
            schema,
            item_schema,
            sequence,
            encodings,
            positions,
            part_headers,
            examples,
            structure: OnceLock::new(),
        }
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

    pub(super) fn examples(&mut self, at: &str) -> Vec<Example> {
        let mut examples = Vec::new();
        let single = pointer::join(at, "example");
        if self.document.at(&single).is_some() {
            let form = ExampleForm::Either;
            examples.push(Example { name: None, pointer: single, form, prepared: OnceLock::new() });
        }
        let section = pointer::join(at, "examples");
        for name in self.document.keys(&section) {
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
}
