//! What a write answers: the resource that the declared schema means, found among those that the path is about.

use super::{Call, Decided, Role};
use crate::contract::{Prepared, Structure};
use crate::store::State;

impl Call<'_> {
    /// The answer of a write that leaves `representation` at the request's path, or took it away.
    pub(super) fn respond(&self, state: &State, representation: Option<&Prepared>) -> Decided {
        Decided {
            body: self.body_of(state, representation),
            etag: representation.and_then(|found| self.etag_of(found)),
            created: None,
        }
    }

    fn body_of(&self, state: &State, representation: Option<&Prepared>) -> Option<Prepared> {
        let content = self.content?;
        let wanted = self.contract.structure(content)?;
        let own = self.model.place(&self.operation.template).and_then(|place| place.structure.as_ref());
        // What the path reads as goes first; where the answer is of another kind, whatever is of that kind and near.
        let is_own = own.is_none_or(|own| self.contract.is_same(own, &wanted));
        let fits = |found: &&Prepared| self.contract.is_valid(content, &found.value);
        if let Some(found) = representation.filter(|_| is_own).filter(fits) {
            return Some(found.clone());
        }
        self.related(state, &wanted).filter(|found| fits(&found)).or_else(|| representation.filter(fits).cloned())
    }

    /// A resource of this structure: one that the path lies below, or the only one of its kind.
    fn related(&self, state: &State, wanted: &Structure) -> Option<Prepared> {
        let is_wanted = |template: &str| {
            let structure = self.model.place(template).and_then(|place| place.structure.as_ref());
            structure.is_some_and(|structure| self.contract.is_same(structure, wanted))
        };
        let above = self
            .ancestors()
            .filter(|(template, _)| is_wanted(template))
            .find_map(|(_, path)| state.resource(&path).cloned());
        let alone = || {
            let singletons = self.model.places.iter().filter(|(template, place)| {
                matches!(place.role, Role::Singleton) && !template.contains('{') && is_wanted(template)
            });
            singletons.into_iter().find_map(|(template, _)| state.resource(template).cloned())
        };
        above.or_else(alone)
    }
}
