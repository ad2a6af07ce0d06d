//! What is said in so many words about paths: by `x-mock` in a Path Item Object, or by `state` in a fixture file.

use crate::contract::Contract;
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::source::{Focus, pointer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What was said, by path template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overrides(BTreeMap<String, Override>);

/// What was said of one path; what is absent is inferred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Override {
    /// `collection`, `item`, `singleton` or `none`.
    pub(super) role: Option<String>,
    /// Template of a collection's items.
    pub(super) items: Option<String>,
    /// The member that tells items apart.
    pub(super) id: Option<String>,
    /// JSON Pointer of the array in a collection's answer.
    pub(super) list: Option<String>,
}

impl Override {
    fn to_json(&self) -> Value {
        let said = [&self.role, &self.items, &self.id, &self.list];
        let members =
            MEMBERS.iter().zip(said).filter_map(|(name, said)| Some(((*name).to_owned(), json!(said.as_ref()?))));
        Value::Object(members.collect())
    }
}

const MEMBERS: [&str; 4] = ["role", "items", "id", "list"];
const ROLES: [&str; 4] = ["collection", "item", "singleton", "none"];

impl Overrides {
    /// What a contract says of its own paths, and what is wrong with that.
    pub(crate) fn of_contract(contract: &Contract) -> (Self, Vec<Diagnostic>) {
        let mut overrides = Self::default();
        let mut findings = Vec::new();
        for operation in contract.operations() {
            let Some((path_item, _)) = pointer::parent(&operation.pointer) else { continue };
            let at = pointer::join(path_item, "x-mock");
            let Some(value) = contract.document_value(&at) else { continue };
            if overrides.0.contains_key(&operation.template) {
                continue;
            }
            if let Err(slips) = overrides.add(contract, &operation.template, value) {
                findings.extend(slips.into_iter().map(|(inner, message)| {
                    let place = contract.document_place(&format!("{at}{inner}"), Focus::Value);
                    Diagnostic::new(code::CONTRACT_EXTENSION, message).severity(Severity::Warning).in_file(place)
                }));
            }
        }
        (overrides, findings)
    }

    /// What is said here and not by the contract itself, as `state` of a fixture file has it.
    pub(crate) fn beyond(&self, contract: &Contract) -> Map<String, Value> {
        let (own, _) = Self::of_contract(contract);
        let beyond = self.0.iter().filter(|(template, said)| own.0.get(*template) != Some(said));
        beyond.map(|(template, said)| (template.clone(), said.to_json())).collect()
    }

    pub(super) fn of(&self, template: &str) -> Option<&Override> {
        self.0.get(template)
    }

    /// Adds what is said of a path, before what was said already. An error is a list of pointers and messages.
    pub(crate) fn add(
        &mut self,
        contract: &Contract,
        template: &str,
        value: &Value,
    ) -> Result<(), Vec<(String, String)>> {
        let known = |template: &str| contract.operations().iter().any(|operation| operation.template == template);
        if !known(template) {
            return Err(vec![(String::new(), format!("the contract has no path `{template}`"))]);
        }
        let Some(members) = value.as_object() else {
            return Err(vec![(String::new(), "it is an object with `role`, `items`, `id` or `list`".to_owned())]);
        };
        let mut slips = Vec::new();
        let mut said = Override::default();
        for (name, value) in members {
            let at = pointer::join("", name);
            let Some(text) = value.as_str() else {
                slips.push((at, format!("`{name}` is a string")));
                continue;
            };
            let place = match name.as_str() {
                "role" if ROLES.contains(&text) => &mut said.role,
                "items" if known(text) => &mut said.items,
                "id" => &mut said.id,
                "list" if text.is_empty() || text.starts_with('/') => &mut said.list,
                "role" => {
                    slips.push((at, format!("the role `{text}` is none of `{}`", ROLES.join("`, `"))));
                    continue;
                }
                "items" => {
                    slips.push((at, format!("the contract has no path `{text}`")));
                    continue;
                }
                "list" => {
                    slips.push((at, "`list` is a JSON Pointer".to_owned()));
                    continue;
                }
                _ => {
                    slips.push((at, format!("`{name}` is none of `{}`", MEMBERS.join("`, `"))));
                    continue;
                }
            };
            *place = Some(text.to_owned());
        }
        if slips.is_empty() {
            self.0.insert(template.to_owned(), said);
            Ok(())
        } else {
            Err(slips)
        }
    }
}
