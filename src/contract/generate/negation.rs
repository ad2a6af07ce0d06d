//! What `not` leaves, and what a schema's place says about a value: conditions that no keyword states by itself.

use super::Generator;
use super::merge::{KINDS, Merged, bound, count};
use crate::contract::lower::{branch_names, reference_pointer, reference_text};
use crate::source::pointer::find;
use serde_json::{Map, Value, json};

impl Generator<'_> {
    /// Adds that the schema at `at` must not hold: of all that it asks for, one thing must fail.
    pub(super) fn negated(&mut self, at: &str, merged: &mut Merged, depth: usize) -> Option<()> {
        const NESTING_MAX: usize = 48;
        let root = self.root;
        let schema = match find(root, at) {
            Some(Value::Object(schema)) => schema,
            Some(Value::Bool(true)) => return None,
            _ => return Some(()),
        };
        if depth > NESTING_MAX || !self.spend(1) {
            return None;
        }
        let assertions: Vec<(&String, &Value)> =
            schema.iter().filter(|(keyword, value)| self.can_fail(keyword, value, merged)).collect();
        let index = self.choose(assertions.len());
        let Some((keyword, value)) = assertions.get(index) else { return Some(()) };
        let above = |value: &Value| value.as_u64().map(|count| count.saturating_add(1));
        let below = |value: &Value| value.as_u64().map(|count| count.saturating_sub(1));
        match keyword.as_str() {
            "$ref" => {
                let target = value.as_str().and_then(reference_pointer)?;
                self.negated(&target, merged, depth + 1)?;
            }
            "not" => self.merge(&format!("{at}/not"), merged, depth + 1)?,
            "allOf" => {
                let branch = self.choose(value.as_array().map_or(0, Vec::len));
                self.negated(&format!("{at}/allOf/{branch}"), merged, depth + 1)?;
            }
            "anyOf" | "oneOf" => {
                for branch in 0..value.as_array().map_or(0, Vec::len) {
                    self.negated(&format!("{at}/{keyword}/{branch}"), merged, depth + 1)?;
                }
            }
            "type" => {
                let named = |kind: &str| {
                    *value == kind || value.as_array().is_some_and(|all| all.iter().any(|one| one == kind))
                };
                let rest: Vec<&str> = KINDS
                    .iter()
                    .copied()
                    .filter(|kind| !(named(kind) || *kind == "integer" && named("number")))
                    .collect();
                merged.restrict_kinds(&json!(rest));
            }
            "enum" => merged.forbidden.extend(value.as_array().cloned().unwrap_or_default()),
            "const" => merged.forbidden.push(Value::clone(value)),
            "minimum" => bound("exclusiveMaximum", value, merged),
            "maximum" => bound("exclusiveMinimum", value, merged),
            "exclusiveMinimum" => bound("maximum", value, merged),
            "exclusiveMaximum" => bound("minimum", value, merged),
            "minLength" => merged.length_max = merged.length_max.min(below(value)?),
            "maxLength" => merged.length_min = merged.length_min.max(above(value)?),
            "minItems" => merged.items_max = merged.items_max.min(below(value)?),
            "maxItems" => merged.items_min = merged.items_min.max(above(value)?),
            "minProperties" => merged.members_max = merged.members_max.min(below(value)?),
            "maxProperties" => merged.members_min = merged.members_min.max(above(value)?),
            "pattern" => merged.unpatterns.extend(value.as_str().map(ToOwned::to_owned)),
            "required" => {
                let names = value.as_array().map_or(&[][..], Vec::as_slice);
                let index = self.choose(names.len());
                merged.forbidden_names.extend(names.get(index).and_then(Value::as_str).map(ToOwned::to_owned));
            }
            _ => {}
        }
        self.narrow_to(keyword, merged);
        Some(())
    }

    /// Whether an assertion can be made to fail by what is decided in advance.
    fn can_fail(&self, keyword: &str, value: &Value, merged: &Merged) -> bool {
        match keyword {
            "minLength" | "minItems" | "minProperties" => count(value).is_some_and(|least| least > 0),
            "type" => {
                let taken = |kind: &str| {
                    *value == kind || value.as_array().is_some_and(|all| all.iter().any(|one| one == kind))
                };
                merged.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| !taken(kind)))
            }
            "required" => value.as_array().is_some_and(|names| {
                names.iter().filter_map(Value::as_str).any(|name| !merged.required.iter().any(|known| known == name))
            }),
            "$ref" | "not" | "allOf" | "anyOf" | "oneOf" | "enum" | "const" | "minimum" | "maximum"
            | "exclusiveMinimum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" | "pattern" => true,
            _ => false,
        }
    }

    /// A keyword fails only for the types that it is about.
    fn narrow_to(&self, keyword: &str, merged: &mut Merged) {
        let kinds = match keyword {
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => json!(["number"]),
            "minLength" | "maxLength" | "pattern" => json!(["string"]),
            "minItems" | "maxItems" => json!(["array"]),
            "required" | "minProperties" | "maxProperties" => json!(["object"]),
            _ => return,
        };
        merged.restrict_kinds(&kinds);
    }

    /// The discriminating property of a parent schema names the heir that is being made.
    pub(super) fn inherited_name(&self, schema: &Map<String, Value>, merged: &mut Merged) {
        let property = schema.get("discriminator").and_then(|found| found.get("propertyName")).and_then(Value::as_str);
        let Some(property) = property.filter(|_| !schema.contains_key("oneOf") && !schema.contains_key("anyOf")) else {
            return;
        };
        let heir = merged
            .origins
            .iter()
            .find(|origin| origin.strip_prefix("/components/schemas/").is_some_and(|name| !name.contains('/')));
        let Some(heir) = heir else { return };
        if let Some(name) = branch_names(schema, &reference_text(heir)).into_iter().next() {
            merged.names.push(format!("{property}\u{0}{name}"));
        }
    }
}
