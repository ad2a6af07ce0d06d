//! GET and HEAD: what is there, and what is known not to be.

use super::infer::last_expression;
use super::{Answer, Call, Collection, Item, Items, Place, Role, Told};
use crate::contract::{Prepared, decoded, resource_path, segment};
use crate::store::State;
use http::header::{HeaderMap, IF_NONE_MATCH};
use serde_json::Value;

impl Call<'_> {
    pub(super) fn read(&self, place: &Place, state: &State) -> Told {
        if self.lacks_ancestor(state) {
            return Told::NotFound;
        }
        match &place.role {
            Role::Action => Told::Nothing,
            Role::Singleton => self.told(state.resource(self.path), state.is_gone(self.path)),
            Role::Item(item) => {
                let path = self.item_path(item);
                let listed = self.is_listed(item, state, &path);
                self.told(
                    state.resource(&path).filter(|_| listed != Some(false)),
                    listed == Some(false) || self.is_absent(state, &path),
                )
            }
            Role::Collection(collection) => self.read_collection(collection, state),
        }
    }

    fn told(&self, found: Option<&Prepared>, absent: bool) -> Told {
        match found {
            Some(found) => {
                let etag = self.etag_of(found);
                if let Some(etag) = etag
                    .as_ref()
                    .filter(|etag| names_etag(self.request.headers(), IF_NONE_MATCH.as_str(), etag, Comparison::Weak))
                    && self.operation.declares(304)
                {
                    return Told::NotModified { etag: etag.clone() };
                }
                Told::Answer(Answer { body: Some(found.clone()), etag, ..Answer::default() })
            }
            None if absent || self.absent_by_default => Told::NotFound,
            None => Told::Nothing,
        }
    }

    fn read_collection(&self, collection: &Collection, state: &State) -> Told {
        let Some(envelope) = &collection.envelope else { return Told::Nothing };
        match state.collection(self.path) {
            Some(paths) => self.list(collection, envelope, state, paths.iter()),
            None if self.absent_by_default || self.below_a_resource(state) => {
                self.list(collection, envelope, state, std::iter::empty())
            }
            None if self.views(collection) => match self.home_of(collection).and_then(|home| state.collection(&home)) {
                Some(paths) => self.list(collection, envelope, state, paths.iter()),
                None => Told::Nothing,
            },
            None => Told::Nothing,
        }
    }

    /// Whether a collection holds nothing of its own, and shows items that are elsewhere: `/pets/findByStatus`.
    fn views(&self, collection: &Collection) -> bool {
        matches!(collection.items, Items::Elsewhere(_))
            && self.captures.is_empty()
            && self.contract.operation_at(&http::Method::POST, self.template()).is_none()
    }

    /// The collection that the items of another one have their own paths in.
    pub(super) fn home_of(&self, collection: &Collection) -> Option<String> {
        let (home, _) = last_expression(collection.items.template()?)?;
        Some(self.filled(home))
    }

    /// Whether items come to be by POST where they have their own paths.
    pub(super) fn is_created_at_home(&self, items: &str) -> bool {
        let Some((home, _)) = last_expression(items) else { return false };
        self.model.collection(home).is_some() && self.contract.operation_at(&http::Method::POST, home).is_some()
    }

    /// Whether the path lies below something that was created or seeded, so that nothing is there by example.
    fn below_a_resource(&self, state: &State) -> bool {
        self.ancestors().any(|(template, path)| {
            let is_item = self.model.place(template).is_some_and(|place| matches!(place.role, Role::Item(_)));
            is_item && state.resource(&path).is_some()
        })
    }

    /// Templates above this one, nearest first, with the concrete paths.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = (&str, String)> {
        std::iter::successors(above(self.template()), |template| above(template))
            .map(|template| (template, resource_path(template, self.captures)))
    }

    /// Whether the path lies below an item that is known not to be there.
    pub(super) fn lacks_ancestor(&self, state: &State) -> bool {
        !self.captures.is_empty()
            && self.ancestors().any(|(template, path)| match self.model.place(template).map(|place| &place.role) {
                Some(Role::Item(item)) if item.refers_to.is_none() => {
                    state.resource(&path).is_none() && self.is_absent(state, &path)
                }
                _ => false,
            })
    }

    /// Whether an item is known not to be there: it was deleted, or its collection is kept and lacks it.
    pub(super) fn is_absent(&self, state: &State, path: &str) -> bool {
        let kept = path.rsplit_once('/').is_some_and(|(collection, _)| state.collection(collection).is_some());
        state.resource(path).is_none()
            && (kept || state.is_gone(path) || self.absent_by_default || self.lies_in_created(state, path))
    }

    /// Whether the path is an item's, below something that was created or seeded: nothing is there by example.
    fn lies_in_created(&self, state: &State, path: &str) -> bool {
        let is_own = path == self.path && !self.captures.is_empty();
        let place = self.own.map(|place| &place.role);
        is_own && matches!(place, Some(Role::Item(item)) if item.collection.is_some()) && self.below_a_resource(state)
    }

    /// The path that an item has of its own.
    pub(super) fn item_path(&self, item: &Item) -> String {
        match &item.refers_to {
            Some(elsewhere) => self.fill(elsewhere, self.captures.last().copied().unwrap_or_default()),
            None => self.path.to_owned(),
        }
    }

    /// Whether a collection that only refers to items refers to this one; `None` if nothing is known about that.
    pub(super) fn is_listed(&self, item: &Item, state: &State, path: &str) -> Option<bool> {
        item.refers_to.as_ref()?;
        let (collection, _) = self.path.rsplit_once('/')?;
        state.collection(collection).map(|_| state.lists(collection, path))
    }

    /// The concrete path of an item's template: expressions above the last are those of this request.
    pub(super) fn fill(&self, template: &str, id: &str) -> String {
        let above = last_expression(template).map_or(template, |(above, _)| above);
        format!("{}/{}", self.filled(above), segment(&decoded(id)))
    }

    /// The concrete path of a template whose expressions this request's template has, too.
    pub(super) fn filled(&self, template: &str) -> String {
        filled(template, self.template(), self.captures)
    }

    /// The path of an item of a collection.
    pub(super) fn path_of(&self, collection: &Collection, id: &Value) -> String {
        let id = segment(&super::list::text(id)).into_owned();
        match &collection.items {
            Items::Below(_) | Items::Nowhere => format!("{}/{id}", self.path),
            Items::Elsewhere(template) => {
                format!("{}/{id}", self.filled(last_expression(template).map_or(template, |(above, _)| above)))
            }
        }
    }

    /// A JSON value as the answer.
    pub(super) fn representation(&self, value: Value) -> Answer {
        let body = Prepared::json(value);
        let etag = self.etag_of(&body);
        Answer { body: Some(body), etag, ..Answer::default() }
    }

    /// The entity tag, where the contract has any use for one.
    pub(super) fn etag_of(&self, representation: &Prepared) -> Option<String> {
        self.own?.etags.then(|| etag(representation))
    }
}

/// The template one segment up.
fn above(template: &str) -> Option<&str> {
    // `/orders/{id}:cancel` lies below `/orders/{id}`.
    if let Some((item, _)) = template.rsplit_once("}:").filter(|(_, verb)| !verb.contains(['/', '{'])) {
        return template.get(..=item.len());
    }
    template.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())
}

/// The concrete path of a template, with the texts that a request has for the expressions of its own template.
pub(super) fn filled(template: &str, own: &str, captures: &[&str]) -> String {
    let own: Vec<&str> = own.split('/').filter(|segment| segment.contains('{')).collect();
    let of = |segment: &str| own.iter().position(|known| *known == segment).and_then(|index| captures.get(index));
    let captures: Vec<&str> = template
        .split('/')
        .filter(|segment| segment.contains('{'))
        .map(|segment| of(segment).copied().unwrap_or_default())
        .collect();
    resource_path(template, &captures)
}

/// How entity tags are compared (RFC 9110 §8.8.3.2): a weak one is never the same, strongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Strong,
    Weak,
}

/// A strong entity tag (RFC 9110 §8.8.3).
pub(super) fn etag(representation: &Prepared) -> String {
    let hash = representation
        .bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
    format!("\"{hash:016x}\"")
}

/// Whether a precondition's header names an entity tag, or any (RFC 9110 §13.1).
pub(crate) fn names_etag(headers: &HeaderMap, name: &str, etag: &str, how: Comparison) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known == etag || how == Comparison::Weak && known.strip_prefix("W/") == Some(etag))
}
