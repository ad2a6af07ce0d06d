//! What a write answers: the thing that the declared schema means, found among those that the path is about.

use super::entity::{Entity, members};
use super::{Call, Collection, Decided, Role};
use crate::contract::{Content, Prepared, Structure};
use crate::store::State;
use serde_json::Value;

impl Call<'_> {
    /// The answer of a write that leaves `representation`, which is of a kind, or took it away.
    pub(super) fn respond(&self, state: &State, representation: Option<(&Prepared, &Entity)>) -> Decided {
        Decided {
            body: self.content.and_then(|content| self.body_of(content, state, representation)),
            etag: representation.and_then(|(found, _)| self.etag_of(found)),
            created: None,
        }
    }

    fn body_of(
        &self,
        content: &Content,
        state: &State,
        representation: Option<(&Prepared, &Entity)>,
    ) -> Option<Prepared> {
        let wanted = self.contract.structure(content)?;
        let fits = |found: &Prepared| self.contract.is_valid_as(content, found);
        let own = |is_same: &dyn Fn(Structure) -> bool| {
            let (found, kind) = representation?;
            if is_same(kind.whole) && fits(found) {
                return Some(found.clone());
            }
            let answer = Entity::find(self.contract, wanted);
            if !is_same(kind.structure()) && !self.contract.is_same(kind.structure(), answer.structure()) {
                return None;
            }
            let whole = answer.close(kind.open(&found.value).clone(), None);
            let whole = if self.contract.takes(wanted, &whole) {
                Some(whole)
            } else {
                self.contract.completed(wanted, &whole, 0)
            };
            whole.map(Prepared::json).filter(fits)
        };
        // One schema goes before two that say the same.
        own(&|known| known == wanted)
            .or_else(|| self.related(state, wanted, &|known| known == wanted).filter(fits))
            .or_else(|| own(&|known| self.contract.is_same(known, wanted)))
            .or_else(|| self.related(state, wanted, &|known| self.contract.is_same(known, wanted)).filter(fits))
            .or_else(|| representation.map(|(found, _)| found).filter(|found| fits(found) && !is_empty(found)).cloned())
            .or_else(|| self.said_of(wanted, representation).filter(fits))
    }

    /// A resource of a structure: one that the path lies below, or the only one of its kind. `is_wanted`: of those that say
    /// the same as `wanted`.
    fn related(&self, state: &State, wanted: Structure, is_wanted: &dyn Fn(Structure) -> bool) -> Option<Prepared> {
        let fits = |template: &str| {
            let entity = self.model.place(template).and_then(|place| place.entity.as_ref());
            entity.is_some_and(|entity| is_wanted(entity.whole))
        };
        let above = self
            .ancestors()
            .filter(|(template, _)| fits(template))
            .find_map(|(_, path)| state.resource(&path).cloned());
        let alone = || {
            let singletons = self.model.singletons.get(&self.contract.wording(wanted)).into_iter().flatten();
            singletons.filter(|template| fits(template)).find_map(|template| state.resource(template).cloned())
        };
        above.or_else(alone)
    }

    /// An answer of another kind that names the thing by its id, such as `{"id": 7, "deleted": true}`.
    fn said_of(&self, wanted: Structure, representation: Option<(&Prepared, &Entity)>) -> Option<Prepared> {
        let (found, kind) = representation?;
        let Some(Role::Item(item)) = self.own.map(|place| &place.role) else { return None };
        let id = item.id.as_ref()?;
        let named = kind.open(&found.value).get(id)?;
        self.contract.member_of(wanted, id).filter(|shape| self.contract.takes(*shape, named))?;
        let mut given = serde_json::Map::new();
        given.insert(id.clone(), named.clone());
        self.contract.completed(wanted, &Value::Object(given), 0).map(Prepared::json)
    }

    /// What an item of a collection is.
    pub(super) fn kind<'c>(&self, collection: &'c Collection) -> Option<&'c Entity> {
        collection.kind.as_ref()
    }
}

fn is_empty(found: &Prepared) -> bool {
    found.value.is_object() && members(&found.value).is_empty()
}
