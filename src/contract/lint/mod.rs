//! What can be wrong with a document although each part of it is in order: examples and defaults that
//! contradict their schemas, and alternatives that overlap; [`document`] looks at names and what they lead to.

mod document;

use crate::contract::document::Version;
use crate::contract::generate::generate;
use crate::contract::lower::{Discriminator, reference_pointer};
use crate::contract::operation::{Content, Example, ExampleForm, ParameterValue};
use crate::contract::schema::{Checker, SchemaUse};
use crate::contract::tree::SchemaTree;
use crate::contract::{Contract, Direction, roots};
use crate::diagnostic::{Code, Diagnostic, Fault, Part, Place, Severity, code};
use crate::source::{Focus, pointer};
use serde_json::Value;
use std::collections::HashSet;

/// Looks for everything of this kind.
pub(in crate::contract) fn lint(contract: &Contract) -> Vec<Diagnostic> {
    let mut lint = Lint { contract, findings: Vec::new(), seen: HashSet::new() };
    for operation in contract.operations() {
        if operation.response(operation.success).is_none() {
            let message = format!("`{}` declares no final response, so it answers 500", operation.names.name);
            let finding =
                Diagnostic::new(code::DRIFT_STATUS, message).severity(Severity::Warning).fault(Fault::Contract);
            lint.findings.push(finding.in_file(contract.operation_location(operation)));
        }
        for parameter in &operation.parameters {
            let schema = match &parameter.value {
                ParameterValue::Styled { schema, .. } => Some(schema),
                ParameterValue::Content { schema, .. } => schema.as_ref(),
                ParameterValue::QueryString(content) => {
                    lint.content(content);
                    None
                }
                ParameterValue::Any => None,
            };
            if let Some(schema) = schema {
                lint.examples_at(&parameter.pointer, schema);
            }
        }
        for content in operation.body.iter().flat_map(|body| &body.content) {
            lint.content(content);
        }
        for response in &operation.responses {
            for content in &response.content {
                lint.content(content);
                lint.answer(content);
            }
            for header in &response.headers {
                if let (Some(schema), Some(example)) = (&header.schema, &header.example) {
                    lint.example(code::CONTRACT_EXAMPLE, "the example", example, schema);
                }
            }
        }
    }
    lint.tags();
    lint.document();
    for root in roots::schema_roots(&contract.document) {
        lint.schema(&root, 0);
    }
    lint.findings
}

struct Lint<'a> {
    contract: &'a Contract,
    findings: Vec<Diagnostic>,
    seen: HashSet<String>,
}

impl Lint<'_> {
    fn content(&mut self, content: &Content) {
        for example in &content.examples {
            // Other media types serialise; what is no data there is a text in them.
            let data = content.media.is_json() || content.media.is_form() || content.media.is_range();
            match (&content.schema, &example.form) {
                (Some(_), ExampleForm::Either) if content.media.is_form() && self.is_text(&example.pointer) => {
                    self.written_example(content, example);
                }
                (Some(schema), ExampleForm::Either) if data => {
                    self.example(code::CONTRACT_EXAMPLE, "the example", &example.pointer, schema);
                }
                (_, ExampleForm::Either) if content.sequence.is_none() => {}
                _ => self.written_example(content, example),
            }
        }
    }

    fn is_text(&self, at: &str) -> bool {
        self.contract.document.at(at).is_some_and(Value::is_string)
    }

    /// An example that has a text, or is a sequence, against all that is said of it.
    fn written_example(&mut self, content: &Content, example: &Example) {
        let contract = self.contract;
        let place = contract.document.location(&example.pointer, Focus::Value);
        let message = match contract.example_value(content, example) {
            Err(reason) => format!("the example is not written in `{}`: {reason}", content.media.essence()),
            Ok((value, _)) => match contract.check_value(content, &value).into_iter().next() {
                Some(first) => format!("the example contradicts its schema: {}", first.message),
                None => return,
            },
        };
        self.findings.push(Diagnostic::new(code::CONTRACT_EXAMPLE, message).in_file(place));
    }

    /// Tags lead to their parents, and round in no circle (OAS 3.2.0, Tag Object).
    fn tags(&mut self) {
        let document = &self.contract.document;
        let tags = document.at("/tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |tag: &Value, field: &str| tag.get(field).and_then(Value::as_str).map(ToOwned::to_owned);
        let parent = |name: &str| {
            let found = tags.iter().find(|tag| text(tag, "name").as_deref() == Some(name));
            found.map(|tag| text(tag, "parent"))
        };
        for (index, tag) in tags.iter().enumerate().filter(|_| document.version >= Version::V32) {
            let Some(first) = text(tag, "parent") else { continue };
            let mut above = Some(first.clone());
            let mut hops = 0;
            let message = loop {
                match above.as_deref().map(parent) {
                    Some(None) if hops == 0 => break Some(format!("there is no tag `{first}`")),
                    Some(Some(next)) if hops <= tags.len() => above = next,
                    Some(Some(_)) => break Some("the parents of the tag go round in a circle".to_owned()),
                    Some(None) | None => break None,
                }
                hops += 1;
            };
            if let Some(message) = message {
                let place = document.location(&format!("/tags/{index}/parent"), Focus::Value);
                self.findings.push(
                    Diagnostic::new(code::CONTRACT_STRUCTURE, message).severity(Severity::Warning).in_file(place),
                );
            }
        }
    }

    /// Whether anything can be answered at all.
    fn answer(&mut self, content: &Content) {
        let contract = self.contract;
        if contract.example(content, None).is_some() || contract.generated(content, 0).is_some() {
            return;
        }
        let message = "no example satisfies the schema, and no instance of it could be made; operations answer 500";
        let finding = Diagnostic::new(code::DRIFT_NO_ANSWER, message)
            .severity(Severity::Warning)
            .fault(Fault::Contract)
            .in_file(contract.content_location(content));
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The `example` and `examples` of a parameter.
    fn examples_at(&mut self, at: &str, schema: &SchemaUse) {
        let document = &self.contract.document;
        let mut places = vec![pointer::join(at, "example")];
        let section = pointer::join(at, "examples");
        for name in document.at(&section).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
            if let Ok(entry) = document.follow(&pointer::join(&section, name)) {
                places.push(pointer::join(&entry, "value"));
                places.push(pointer::join(&entry, "dataValue"));
            }
        }
        for place in places {
            if document.at(&place).is_some() {
                self.example(code::CONTRACT_EXAMPLE, "the example", &place, schema);
            }
        }
    }

    /// One value of the document against a schema of the document: a finding with both places.
    fn example(&mut self, code: Code, what: &str, at: &str, schema: &SchemaUse) {
        if !self.seen.insert(format!("{at} {}", schema.pointer)) {
            return;
        }
        let contract = self.contract;
        let Some(value) = contract.document.at(at) else { return };
        let other = SchemaUse::new(
            schema.pointer.clone(),
            if schema.direction == Direction::Request { Direction::Response } else { Direction::Request },
        );
        let schemas = |direction| if direction == Direction::Request { &contract.request } else { &contract.response };
        if other.is_valid(schemas(other.direction), value) {
            return;
        }
        let checker = Checker { document: &contract.document, schemas: schemas(schema.direction) };
        let Some(first) = schema.check(checker, value, Part::Body, "").into_iter().next() else { return };
        if first.code == code::CONTRACT_SCHEMA {
            self.findings.push(
                Diagnostic::new(code::CONTRACT_SCHEMA, first.message)
                    .in_file(contract.document.location(&schema.pointer, Focus::Value)),
            );
            return;
        }
        let inner = match &first.place {
            Some(Place::Message { pointer, .. }) => pointer.clone(),
            _ => String::new(),
        };
        let place = contract.document.location(&format!("{at}{inner}"), Focus::Value);
        let inside = if inner.is_empty() { String::new() } else { format!(" at `{inner}`") };
        let mut finding = Diagnostic::new(code, format!("{what} contradicts its schema{inside}: {}", first.message))
            .in_file(place)
            .contract(first.contract);
        finding.keyword = first.keyword;
        finding.expected = first.expected;
        finding.actual = first.actual;
        finding.help = first.help;
        self.findings.push(finding);
    }

    /// The values that a Schema Object carries, and those of the schemas in it.
    fn schema(&mut self, at: &str, depth: usize) {
        const DEPTH_MAX: usize = 128;
        let contract = self.contract;
        let Some(Value::Object(object)) = contract.document.at(at) else { return };
        if depth > DEPTH_MAX || !self.seen.insert(at.to_owned()) {
            return;
        }
        let schema = SchemaUse::new(at.to_owned(), Direction::Response);
        if let Err(reason) = contract.response.validator(at).as_ref() {
            let place = contract.document.location(at, Focus::Value);
            self.findings.push(
                Diagnostic::new(code::CONTRACT_SCHEMA, format!("the schema cannot be used: {reason}")).in_file(place),
            );
            return;
        }
        self.schema_object(at, object);
        for (keyword, code, what) in
            [("example", code::CONTRACT_EXAMPLE, "the example"), ("default", code::CONTRACT_DEFAULT, "the default")]
        {
            if object.contains_key(keyword) {
                self.example(code, what, &pointer::join(at, keyword), &schema);
            }
        }
        if let Some(Value::Array(examples)) = object.get("examples") {
            for index in 0..examples.len() {
                self.example(code::CONTRACT_EXAMPLE, "the example", &format!("{at}/examples/{index}"), &schema);
            }
        }
        self.overlap(at);
        for (keyword, value) in object {
            let here = pointer::join(at, keyword);
            match (keyword.as_str(), value) {
                ("properties" | "patternProperties" | "$defs" | "dependentSchemas", Value::Object(members)) => {
                    for name in members.keys() {
                        self.schema(&pointer::join(&here, name), depth + 1);
                    }
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(items)) => {
                    for index in 0..items.len() {
                        self.schema(&format!("{here}/{index}"), depth + 1);
                    }
                }
                (
                    "items"
                    | "additionalProperties"
                    | "not"
                    | "if"
                    | "then"
                    | "else"
                    | "contains"
                    | "propertyNames"
                    | "unevaluatedItems"
                    | "unevaluatedProperties",
                    Value::Object(_),
                ) => {
                    self.schema(&here, depth + 1);
                }
                _ => {}
            }
        }
    }

    /// Whether what one branch of a discriminated `oneOf` describes is taken by another one, too.
    fn overlap(&mut self, at: &str) {
        let contract = self.contract;
        if contract.options.discriminator == Discriminator::Select {
            return;
        }
        let tree = &contract.response;
        let Some(Value::Object(schema)) = tree.at(at) else { return };
        let (Some(_), Some(Value::Array(branches))) = (schema.get("discriminator"), schema.get("oneOf")) else {
            return;
        };
        let targets: Vec<String> = branches
            .iter()
            .filter_map(|branch| {
                branch.get("$ref").and_then(Value::as_str).and_then(reference_pointer).map(|target| target.into_owned())
            })
            .collect();
        for (index, target) in targets.iter().enumerate() {
            let Some(instance) = generate(tree, target, 0) else { continue };
            let Some(other) =
                targets.iter().enumerate().find(|(other, at)| *other != index && tree.is_valid(at, &instance))
            else {
                continue;
            };
            let name =
                |target: &str| pointer::tokens(target).last().map(|token| token.into_owned()).unwrap_or_default();
            let message =
                format!("an instance of `{}` is also one of `{}`, so `oneOf` refuses it", name(target), name(other.1));
            let place = contract.document.location(&pointer::join(at, "oneOf"), Focus::Key);
            self.findings.push(
                Diagnostic::new(code::CONTRACT_OVERLAP, message)
                    .in_file(place)
                    .help("start with `--discriminator select`"),
            );
            return;
        }
    }
}
