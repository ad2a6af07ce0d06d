//! readOnly and writeOnly: which names a direction does not carry, and where that counts.

use super::{Direction, Lowering};
use crate::contract::document::Version;
use crate::source::pointer;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};

/// The names that this direction does not carry, as the schemas of one instance mark them.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden {
    /// Marked by schemas that every instance satisfies.
    pub(super) certain: BTreeSet<String>,
    /// These, and those that an alternative marks.
    pub(super) possible: BTreeSet<String>,
    /// Inside of `not` and `if`, where a requirement left out would turn the verdict round.
    pub(super) suspended: bool,
}

impl Hidden {
    /// What reaches the schema under a keyword: alternatives have nothing to do with one another.
    pub(super) fn below(&self, keyword: &str) -> Self {
        match keyword {
            "allOf" | "dependentSchemas" => self.clone(),
            "anyOf" | "oneOf" | "then" | "else" => Self { possible: self.certain.clone(), ..self.clone() },
            "not" | "if" => Self { suspended: true, ..Self::default() },
            _ => Self { suspended: self.suspended, ..Self::default() },
        }
    }
}

/// Whether anything in a document is readOnly or writeOnly.
pub(super) fn has_markers(document: &Value) -> bool {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if members.contains_key("readOnly") || members.contains_key("writeOnly") {
                    return true;
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    false
}

impl Lowering<'_> {
    fn marker(&self) -> &'static str {
        match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        }
    }

    /// Adds the names of properties that this direction does not carry.
    pub(super) fn hide(&mut self, at: &str, object: &Map<String, Value>, hidden: &mut Hidden) {
        // Most documents mark nothing, and looking through all that a schema leads to is the work of each schema anew.
        if hidden.suspended || !self.marked {
            return;
        }
        let mut certain = BTreeSet::new();
        self.collect_hidden(at, object, &["allOf"], &mut certain, &mut HashSet::new());
        self.collect_hidden(at, object, &["allOf", "anyOf", "oneOf"], &mut hidden.possible, &mut HashSet::new());
        hidden.possible.extend(certain.iter().cloned());
        hidden.certain.append(&mut certain);
    }

    fn collect_hidden(
        &mut self,
        at: &str,
        object: &Map<String, Value>,
        through: &[&str],
        hidden: &mut BTreeSet<String>,
        seen: &mut HashSet<String>,
    ) {
        if !seen.insert(at.to_owned()) || seen.len() > 1024 {
            return;
        }
        if let Some(Value::Object(properties)) = object.get("properties") {
            for (name, property) in properties {
                let place = pointer::join(&pointer::join(at, "properties"), name);
                if self.is_marked(&place, property, 0) {
                    hidden.insert(name.clone());
                }
            }
        }
        for keyword in through {
            if let Some(Value::Array(members)) = object.get(*keyword) {
                for (index, member) in members.iter().enumerate() {
                    if let Value::Object(member) = member {
                        self.collect_hidden(&format!("{at}/{keyword}/{index}"), member, through, hidden, seen);
                    }
                }
            }
        }
        if let Some(Ok(target)) = self.document.target(at)
            && let Some(Value::Object(object)) = self.document.at(target)
        {
            let target = target.clone();
            self.collect_hidden(&target, object, through, hidden, seen);
        }
    }

    fn is_marked(&mut self, at: &str, property: &Value, depth: usize) -> bool {
        const HOPS_MAX: usize = 16;
        let Value::Object(object) = property else { return false };
        if object.contains_key("readOnly") || object.contains_key("writeOnly") {
            self.directional = true;
        }
        let alone = self.document.version == Version::V30 && object.contains_key("$ref");
        if !alone && object.get(self.marker()) == Some(&Value::Bool(true)) {
            return true;
        }
        if depth > HOPS_MAX {
            return false;
        }
        if let Some(Ok(target)) = self.document.target(at)
            && let Some(found) = self.document.at(target)
        {
            let target = target.clone();
            if self.is_marked(&target, found, depth + 1) {
                return true;
            }
        }
        let Some(Value::Array(members)) = object.get("allOf").filter(|_| !alone) else { return false };
        members
            .iter()
            .enumerate()
            .any(|(index, member)| self.is_marked(&format!("{at}/allOf/{index}"), member, depth + 1))
    }

    pub(super) fn hide_required(&self, hidden: &Hidden, lowered: &mut Map<String, Value>) {
        if let Some(Value::Array(required)) = lowered.get_mut("required") {
            required.retain(|name| name.as_str().is_none_or(|name| !hidden.possible.contains(name)));
            if required.is_empty() {
                lowered.remove("required");
            }
        }
    }
}
