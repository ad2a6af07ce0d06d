//! What may be asked of the schemas of responses without seeing them: members, items, kinds, validity, and
//! instances that go on from what is given. For those who look for resources in a contract.

use super::Contract;
use super::generate::complete;
use super::lower::SELECTED;
use super::lower::reference_pointer;
use super::members::defaults;
use super::operation::{Content, Parameter, ParameterValue};
use super::response::strip_write_only;
use super::tree::SchemaTree;
use crate::source::pointer;
use serde_json::Value;
use std::collections::HashSet;

/// A schema of the responses, by the end of its chain of references.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Structure(String);

impl Contract {
    /// The structure of a JSON content.
    pub(crate) fn structure(&self, content: &Content) -> Option<Structure> {
        content.schema.as_ref().filter(|_| content.media.is_json()).map(|schema| self.end_of(&schema.pointer))
    }

    /// The schema that a chain of nothing but references ends at.
    fn end_of(&self, at: &str) -> Structure {
        const HOPS_MAX: usize = 32;
        let mut at = at.to_owned();
        for _ in 0..HOPS_MAX {
            let Some(Value::Object(schema)) = self.response.root().pointer(&at) else { break };
            let only = schema.keys().all(|keyword| {
                matches!(keyword.as_str(), "$ref" | "description" | "summary" | "title" | "example" | "examples")
            });
            match schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
                Some(target) if only => at = target.into_owned(),
                _ => break,
            }
        }
        Structure(at)
    }

    /// Whether two structures are one schema, or say the same word for word.
    pub(crate) fn is_same(&self, one: &Structure, other: &Structure) -> bool {
        let schema = |structure: &Structure| self.response.root().pointer(&structure.0);
        one == other
            || schema(one)
                .is_some_and(|schema| schema.is_object() && Some(schema) == self.response.root().pointer(&other.0))
    }

    /// The schemas that apply to the same value.
    fn applying(&self, structure: &Structure) -> Vec<String> {
        let mut found = Vec::new();
        applying(&self.response, &structure.0, &mut found);
        found
    }

    /// The declared members of an object, in the order of the document, with what each is.
    pub(crate) fn members_of(&self, structure: &Structure) -> Vec<(String, Structure)> {
        let mut members: Vec<(String, Structure)> = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        for at in self.applying(structure) {
            let properties = self.response.root().pointer(&at).and_then(|schema| schema.get("properties"));
            for name in properties.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
                if known.insert(name) {
                    members.push((name.clone(), self.end_of(&pointer::join(&format!("{at}/properties"), name))));
                }
            }
        }
        members
    }

    /// One declared member of an object.
    pub(crate) fn member_of(&self, structure: &Structure, name: &str) -> Option<Structure> {
        self.members_of(structure).into_iter().find(|(known, _)| known == name).map(|(_, member)| member)
    }

    /// The items of an array.
    pub(crate) fn items_of(&self, structure: &Structure) -> Option<Structure> {
        let has = |at: &String| {
            self.response.root().pointer(at).is_some_and(|schema| schema.get("items").is_some_and(Value::is_object))
        };
        self.applying(structure).into_iter().find(has).map(|at| self.end_of(&format!("{at}/items")))
    }

    /// Whether the schema says that a value is of a JSON type: by `type`, or where there is none by `properties` and `items`.
    pub(crate) fn is_of_type(&self, structure: &Structure, name: &str) -> bool {
        let schemas = self.applying(structure);
        let schemas = schemas.iter().filter_map(|at| self.response.root().pointer(at));
        let mut by_keyword = false;
        for schema in schemas {
            match schema.get("type") {
                Some(Value::String(kind)) => return kind == name,
                Some(Value::Array(kinds)) => return kinds.iter().any(|kind| kind == name),
                _ => {
                    by_keyword |= schema.get(if name == "array" { "items" } else { "properties" }).is_some()
                        && (name == "array" || name == "object")
                }
            }
        }
        by_keyword
    }

    /// The properties of an object that have a `default`, with it.
    pub(crate) fn defaults_of(&self, structure: &Structure) -> Vec<(String, Value)> {
        defaults(&self.response, &structure.0)
    }

    /// The value without members that no response carries.
    pub(crate) fn without_write_only(&self, structure: &Structure, mut value: Value) -> Value {
        if self.directional {
            strip_write_only(&self.response, &structure.0, &mut value, 0);
        }
        value
    }

    /// Whether the value is an instance.
    pub(crate) fn takes(&self, structure: &Structure, value: &Value) -> bool {
        self.response.is_valid(&structure.0, value)
    }

    /// An instance that has what is given, as far as the schema lets it, and what is required besides.
    pub(crate) fn completed(&self, structure: &Structure, given: &Value, seed: u64) -> Option<Value> {
        complete(&self.response, &structure.0, given, seed)
    }

    /// A keyword of a parameter's schema.
    pub(crate) fn parameter_keyword(&self, parameter: &Parameter, keyword: &str) -> Option<&Value> {
        let schema = match &parameter.value {
            ParameterValue::Styled { schema, .. } | ParameterValue::Content { schema: Some(schema), .. } => schema,
            _ => return None,
        };
        let mut found = Vec::new();
        applying(&self.request, &schema.pointer, &mut found);
        found.iter().find_map(|at| self.request.root().pointer(at)?.get(keyword))
    }
}

/// The schemas that may apply to the same value as the one at `at`, each once.
pub(super) fn applying(tree: &dyn SchemaTree, at: &str, found: &mut Vec<String>) {
    const SCHEMAS_MAX: usize = 1_000;
    let Some(Value::Object(schema)) = tree.root().pointer(at) else { return };
    if found.len() > SCHEMAS_MAX || found.iter().any(|known| known == at) {
        return;
    }
    found.push(at.to_owned());
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        applying(tree, &target, found);
    }
    for keyword in ["allOf", "oneOf", "anyOf", SELECTED] {
        for index in 0..schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len) {
            applying(tree, &format!("{at}/{keyword}/{index}"), found);
        }
    }
}
