//! The thing itself within a representation: some contracts answer `{"article": {…}}` where they list bare articles.

use super::names::{CREATED, UPDATED, is_one_of, plain};
use crate::contract::{Content, Contract, Structure};
use serde_json::{Map, Value};

/// Members that say something about an answer, and are not what it is about.
const ABOUT: [&str; 9] =
    ["meta", "metadata", "links", "included", "jsonapi", "status", "success", "message", "requestid"];

/// What a representation is, and where in it the thing itself is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entity {
    /// The whole representation.
    pub(super) whole: Structure,
    /// The member that holds the thing, with what it is; `None` if the representation is the thing.
    pub(super) within: Option<(String, Structure)>,
    /// The members of the thing that tell when: those of its making, and those of its last change.
    pub(super) created: Vec<(String, Structure)>,
    pub(super) updated: Vec<(String, Structure)>,
}

impl Entity {
    /// Finds the thing in a representation: it is within a member if that is an object, and all else only about it.
    pub(super) fn find(contract: &Contract, whole: Structure) -> Self {
        let members = contract.members_of(whole);
        let mut held = members.iter().filter(|(name, _)| !name.starts_with('_') && !is_one_of(name, &ABOUT));
        let only = match (held.next(), held.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        let is_thing =
            |structure| contract.is_of_type(structure, "object") && !contract.members_of(structure).is_empty();
        let within = only.filter(|(_, structure)| is_thing(*structure)).cloned();
        Self::of(contract, whole, within)
    }

    /// A representation that is the thing.
    pub(super) fn bare(contract: &Contract, whole: Structure) -> Self {
        Self::of(contract, whole, None)
    }

    fn of(contract: &Contract, whole: Structure, within: Option<(String, Structure)>) -> Self {
        let members = contract.members_of(within.as_ref().map_or(whole, |(_, structure)| *structure));
        let named = |known: &[&str]| members.iter().filter(|(name, _)| is_one_of(name, known)).cloned().collect();
        Self { whole, within, created: named(&CREATED), updated: named(&UPDATED) }
    }

    /// What the thing is.
    pub(super) fn structure(&self) -> Structure {
        self.within.as_ref().map_or(self.whole, |(_, structure)| *structure)
    }

    /// The name of the member that holds it.
    pub(super) fn member(&self) -> Option<&str> {
        self.within.as_ref().map(|(member, _)| member.as_str())
    }

    /// The thing in a representation.
    pub(super) fn open<'v>(&self, whole: &'v Value) -> &'v Value {
        self.member().and_then(|member| whole.get(member)).unwrap_or(whole)
    }

    /// A representation with the thing in it; what else there was `before` stays.
    pub(super) fn close(&self, thing: Value, before: Option<&Value>) -> Value {
        let Some(member) = self.member() else { return thing };
        let mut whole = before.and_then(Value::as_object).cloned().unwrap_or_default();
        whole.insert(member.to_owned(), thing);
        Value::Object(whole)
    }

    /// The thing in what a request sends: bare, or within a member as the answer has it; with the member's name.
    pub(super) fn sent<'v>(
        &self,
        contract: &Contract,
        content: Option<&Content>,
        body: &'v Value,
    ) -> (&'v Value, Option<&'v str>) {
        let only = body.as_object().filter(|members| members.len() == 1).and_then(|members| members.iter().next());
        let Some((name, inner)) = only.filter(|(_, inner)| inner.is_object()) else { return (body, None) };
        let is_own = contract.members_of(self.structure()).iter().any(|(known, _)| plain(known) == plain(name));
        let holds = content.is_some_and(|content| {
            let members = contract.declared_members(content);
            matches!(members, [(only, _)] if only == name)
        });
        if self.member() == Some(name) || holds && !is_own { (inner, Some(name)) } else { (body, None) }
    }
}

/// The members of an object; none of anything else.
pub(super) fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
