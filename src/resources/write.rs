//! PUT, PATCH and DELETE: what they make of the state, decided as a list of changes.

use super::entity::Entity;
use super::patch::{self, Patched};
use super::read::{Comparison, names_etag};
use super::{Call, Collection, Decided, Decision, Item, Items, Place, Role, Told};
use crate::contract::{Content, Prepared, decoded};
use crate::diagnostic::{Diagnostic, Fault, Part, code};
use crate::message::media_type::MediaType;
use crate::store::{Change, State};
use http::Method;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use serde_json::{Map, Value};

impl Call<'_> {
    /// What a request that is not a mere reading does.
    pub(super) fn decide(&self, place: &Place, state: &State) -> Decision {
        if self.lacks_ancestor(state) {
            return Err(Told::NotFound);
        }
        match (self.request.method(), &place.role) {
            (&Method::POST, Role::Collection(collection)) => self.create(collection, state),
            (&Method::DELETE, Role::Collection(_)) => Ok(self.clear(state)),
            (&Method::PUT | &Method::PATCH, Role::Collection(collection)) => self.write_collection(collection, state),
            (&Method::PUT, Role::Item(item)) if self.decoded.body.is_none() => self.join(item, state),
            (&Method::PUT, Role::Item(_) | Role::Singleton) => self.replace(place, self.target(place), state),
            (&Method::PATCH, Role::Item(_) | Role::Singleton) => self.patch(place, self.target(place), state),
            (&Method::POST, Role::Item(_)) if self.answers_itself(place) => {
                self.patch(place, self.target(place), state)
            }
            (&Method::DELETE, Role::Item(item)) => self.delete(place, Some(item), state),
            (&Method::DELETE, Role::Singleton) => self.delete(place, None, state),
            _ => match self.respond(state, None) {
                Decided { body: None, .. } => Err(Told::Nothing),
                decided => Ok((Vec::new(), decided)),
            },
        }
    }

    /// Whether the answer is what GET answers at the same path, and the request has a body to change it by.
    fn answers_itself(&self, place: &Place) -> bool {
        let wanted = self.content.and_then(|content| self.contract.structure(content));
        let own = place.entity.as_ref().map(|entity| entity.whole);
        let same = wanted.zip(own).is_some_and(|(wanted, own)| self.contract.is_same(wanted, own));
        same && self.decoded.body.as_ref().is_some_and(Value::is_object)
    }

    /// PUT and PATCH on a collection: of one item that the body names by its id, or of the whole list.
    fn write_collection(&self, collection: &Collection, state: &State) -> Decision {
        let Some(body) = &self.decoded.body else { return Err(Told::Nothing) };
        let entity = self.kind(collection).ok_or(Told::Nothing)?;
        let (sent, _) = entity.sent(self.contract, self.sent_as(), body);
        let id = collection.id.as_ref().and_then(|id| sent.get(id)).filter(|id| id.is_string() || id.is_number());
        match (id, collection.items.template().and_then(|template| self.model.place(template))) {
            (Some(id), Some(place)) => {
                let path = self.path_of(collection, id);
                if *self.request.method() == Method::PUT {
                    self.replace(place, path, state)
                } else {
                    self.patch(place, path, state)
                }
            }
            _ => self.replace_list(collection, body, state),
        }
    }

    fn replace_list(&self, collection: &Collection, body: &Value, state: &State) -> Decision {
        let whole = self.contract.reading(self.template()).filter(|reading| self.contract.is_valid(reading, body));
        let lists = collection.envelope.as_ref().is_some_and(|envelope| envelope.items_in(body).is_some());
        if whole.is_none() || !lists || *self.request.method() != Method::PUT {
            return Err(Told::Nothing);
        }
        let changes = self.model.set(self.template(), self.captures, body, state);
        let list = Prepared::json(body.clone());
        let kind = self.own.and_then(|place| place.entity.as_ref());
        Ok((changes, self.respond(state, kind.map(|kind| (&list, kind)))))
    }

    /// The path that a write is about.
    fn target(&self, place: &Place) -> String {
        match &place.role {
            Role::Item(item) => self.item_path(item),
            _ => self.path.to_owned(),
        }
    }

    /// Preconditions that the request states (RFC 9110 §13).
    fn preconditions(&self, current: Option<&Prepared>) -> Result<(), Told> {
        let headers = self.request.headers();
        if !headers.contains_key(IF_MATCH) && !headers.contains_key(IF_NONE_MATCH) {
            return Ok(());
        }
        let tag = current.map(super::read::etag);
        let names = |name: &str, how| tag.as_ref().is_some_and(|tag| names_etag(headers, name, tag, how));
        let failed = if headers.contains_key(IF_MATCH) && !names(IF_MATCH.as_str(), Comparison::Strong) {
            "`If-Match` names another version than the present one"
        } else if headers.contains_key(IF_NONE_MATCH) && names(IF_NONE_MATCH.as_str(), Comparison::Weak) {
            "`If-None-Match` names the present version"
        } else {
            return Ok(());
        };
        let expected = tag.unwrap_or_else(|| "no representation".to_owned());
        let diagnostic = Diagnostic::new(code::PRECONDITION_FAILED, failed)
            .at(Part::Header, "/if-match")
            .values(Some(expected), None);
        Err(Told::Refused(vec![diagnostic]))
    }

    fn replace(&self, place: &Place, path: String, state: &State) -> Decision {
        let (Some(body), Some(entity), Some(reading)) = (&self.decoded.body, &place.entity, self.reading(place)) else {
            return Err(Told::Nothing);
        };
        let current = state.resource(&path);
        let is_new = current.is_none() && self.is_absent(state, &path);
        if is_new && self.creates_elsewhere(place) && !self.operation.declares(201) {
            return Err(Told::NotFound);
        }
        self.preconditions(current)?;
        // Where nothing was ever said, what GET shows is what is replaced.
        let shown = if current.is_none() && !is_new { self.shown(place, reading, &path) } else { None };
        let before = current.or(shown.as_ref()).map(|found| found.value.as_ref());
        let (sent, within) = entity.sent(self.contract, self.sent_as(), body);
        let mut thing = self.replaced(entity, before.map(|before| entity.open(before)), sent, within);
        self.stamp(entity, &mut thing, is_new);
        self.identify(place, entity, &mut thing, &path);
        let mut value = entity.close(thing, before);
        if current.is_none() && !self.contract.is_valid(reading, &value) {
            // What a request leaves out, the service would fill in.
            value = self.contract.completed(entity.whole, &value, 0).unwrap_or(value);
        }
        let representation = Prepared::json(self.contract.without_write_only(entity.whole, value));
        if !self.contract.is_valid_as(reading, &representation) {
            let violations = self.contract.check_value(reading, &representation.value);
            // Where nothing was seeded, the two schemas may just describe different things.
            return Err(if current.is_some() { Told::Refused(self.blamed(violations, body)) } else { Told::Nothing });
        }
        let mut changes = vec![Change::Put(path.clone(), representation.clone())];
        self.link(place, &path, &mut changes);
        let mut decided = self.respond(state, Some((&representation, entity)));
        decided.created = is_new.then_some(path);
        Ok((changes, decided))
    }

    /// Whether new items come to be by POST on the collection, so that PUT is for those that are there.
    fn creates_elsewhere(&self, place: &Place) -> bool {
        let Role::Item(Item { collection: Some(collection), .. }) = &place.role else { return false };
        self.contract.operation_at(&Method::POST, collection).is_some()
    }

    /// The new thing: what the request carries is taken from it, what it cannot carry stays.
    fn replaced(&self, entity: &Entity, current: Option<&Value>, sent: &Value, within: Option<&str>) -> Value {
        let (Value::Object(sent), Some(content)) = (sent, self.sent_as()) else { return sent.clone() };
        let Some(requested) = self.contract.described(content, within) else { return Value::Object(sent.clone()) };
        let carried = self.contract.carried_members(requested);
        let declared = self.contract.members_of(entity.structure());
        let declares = |name: &String| declared.iter().any(|(known, _)| known == name);
        let carries = |name: &String| carried.names.contains(name);
        let answers = |name: &String| declared.is_empty() || declares(name);
        let takes = |name: &String| {
            if carries(name) { answers(name) } else { !declares(name) || carried.names.is_empty() }
        };
        // What neither of the two schemas names, a request can carry as well.
        let stays = |name: &String| if carries(name) { member(sent, name).is_some() } else { declares(name) };
        let mut thing = Map::with_capacity(sent.len() + declared.len());
        for (name, value) in current.and_then(Value::as_object).into_iter().flatten() {
            if stays(name) {
                let value = member(sent, name).filter(|_| takes(name)).unwrap_or(value);
                thing.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in sent {
            if member(&thing, name).is_none() && (takes(name) || carried.open) {
                thing.insert(name.clone(), value.clone());
            }
        }
        for (name, default) in self.contract.defaults_of(requested) {
            if answers(name) && member(&thing, name).is_none() {
                thing.insert(name.clone(), default.clone());
            }
        }
        Value::Object(thing)
    }

    /// PUT without a body: the collection lists from now on what the path names.
    fn join(&self, item: &Item, state: &State) -> Decision {
        let collection = item.collection.as_ref().and_then(|collection| self.model.collection(collection));
        let (Some(collection), Some((home, id))) = (collection, self.path.rsplit_once('/')) else {
            return Err(Told::Nothing);
        };
        let entity = self.kind(collection).ok_or(Told::Nothing)?;
        let path = self.item_path(item);
        let mut changes = Vec::new();
        if state.resource(&path).is_none() {
            let mut given = Map::new();
            if let Some(name) = &collection.id {
                let shape = self.contract.member_of(entity.structure(), name);
                let text = decoded(id);
                let candidates = [text.parse::<u64>().ok().map(Value::from), Some(Value::from(text.as_ref()))];
                let fits = |id: &Value| shape.is_none_or(|shape| self.contract.takes(shape, id));
                given.extend(candidates.into_iter().flatten().find(fits).map(|id| (name.clone(), id)));
            }
            let whole = entity.close(Value::Object(given), None);
            let value = self.contract.completed(entity.whole, &whole, 0).ok_or(Told::Nothing)?;
            changes.push(Change::Put(path.clone(), Prepared::json(value)));
        }
        changes.push(Change::Link { collection: home.to_owned(), item: path });
        Ok((changes, self.respond(state, None)))
    }

    /// The declared content that the request's body is of.
    pub(super) fn sent_as(&self) -> Option<&Content> {
        self.operation.body.as_ref()?.content.get(self.decoded.content?)
    }

    fn media(&self) -> Option<MediaType> {
        self.request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(MediaType::parse)
    }

    fn patch(&self, place: &Place, path: String, state: &State) -> Decision {
        let (Some(body), Some(entity), Some(reading)) = (&self.decoded.body, &place.entity, self.reading(place)) else {
            return Err(Told::Nothing);
        };
        let current = match state.resource(&path) {
            Some(current) => Some(current.clone()),
            None if self.is_absent(state, &path) => return Err(Told::NotFound),
            // The first write to what was only shown takes it over as it was shown.
            None => self.shown(place, reading, &path),
        };
        let Some(current) = current else { return Err(Told::Nothing) };
        self.preconditions(Some(&current))?;
        let patched = if self.media().is_some_and(|media| media.essence() == "application/json-patch+json") {
            patch::apply(&current.value, body)
        } else {
            let (sent, _) = entity.sent(self.contract, self.sent_as(), body);
            let thing = patch::merged(entity.open(&current.value), sent);
            Patched::Done(entity.close(thing, Some(&current.value)))
        };
        let value = match patched {
            Patched::Done(value) => value,
            Patched::Conflict { at, reason } => {
                let diagnostic = Diagnostic::new(code::PATCH_CONFLICT, reason).at(Part::Body, at);
                return Err(Told::Refused(vec![diagnostic]));
            }
        };
        let mut thing = entity.open(&value).clone();
        self.stamp(entity, &mut thing, false);
        self.identify(place, entity, &mut thing, &path);
        let mut value = self.contract.without_write_only(entity.whole, entity.close(thing, Some(&value)));
        let mut violations = self.contract.check_value(reading, &value);
        if !violations.is_empty()
            && let Some(kept) = self.declared_only(reading, &current.value, &value)
        {
            value = kept;
            violations = self.contract.check_value(reading, &value);
        }
        if !violations.is_empty() {
            return Err(Told::Refused(self.blamed(violations, body)));
        }
        let representation = Prepared::json(value);
        let mut changes = vec![Change::Put(path.clone(), representation.clone())];
        self.link(place, &path, &mut changes);
        Ok((changes, self.respond(state, Some((&representation, entity)))))
    }

    /// What a reading would have shown where there is no state: with the id that the path names.
    fn shown(&self, place: &Place, reading: &Content, path: &str) -> Option<Prepared> {
        let entity = place.entity.as_ref()?;
        let example = self.contract.example(reading, None).cloned();
        let shown = example.or_else(|| self.contract.generated(reading, self.seed))?;
        let mut thing = entity.open(&shown.value).clone();
        self.identify(place, entity, &mut thing, path);
        let value = entity.close(thing, Some(&shown.value));
        self.contract.is_valid(reading, &value).then(|| Prepared::json(value))
    }

    /// The value without new members that the resource's schema does not declare.
    fn declared_only(&self, reading: &Content, before: &Value, after: &Value) -> Option<Value> {
        let declared = self.contract.declared_members(reading);
        let (before, mut members) = (before.as_object()?, after.as_object()?.clone());
        members.retain(|name, _| before.contains_key(name) || declared.iter().any(|(known, _)| known == name));
        Some(Value::Object(members))
    }

    fn delete(&self, place: &Place, item: Option<&Item>, state: &State) -> Decision {
        let path = item.map_or_else(|| self.path.to_owned(), |item| self.item_path(item));
        let current = state.resource(&path);
        let told = current.zip(place.entity.as_ref());
        if let Some(item) = item.filter(|item| item.refers_to.is_some()) {
            return self.unlink(item, state, path);
        }
        if current.is_none() && self.is_absent(state, &path) {
            return Err(Told::NotFound);
        }
        self.preconditions(current)?;
        let mut changes = Vec::new();
        if let Some((collection, _)) =
            path.rsplit_once('/').filter(|_| item.is_some_and(|item| item.collection.is_some()))
        {
            changes.push(Change::Keep(collection.to_owned()));
        }
        changes.extend(self.created_below(state, &path));
        changes.push(Change::Remove(path));
        let mut decided = self.respond(state, told);
        decided.etag = None;
        Ok((changes, decided))
    }

    /// Removals of what was created in collections below a path, and has its own path elsewhere.
    fn created_below(&self, state: &State, path: &str) -> Vec<Change> {
        let creating = state.collections_below(path).filter(|(known, _)| {
            let template = self.contract.resource(known).map(|(_, template, _)| template);
            let collection = template.and_then(|template| self.model.collection(template));
            collection.is_some_and(|collection| match &collection.items {
                Items::Elsewhere(items) => !self.is_created_at_home(items),
                _ => false,
            })
        });
        creating.flat_map(|(_, items)| items.iter().map(|item| Change::Remove(item.to_owned()))).collect()
    }

    /// Takes an item out of a collection that only refers to it.
    fn unlink(&self, item: &Item, state: &State, path: String) -> Decision {
        let Some((collection, _)) = self.path.rsplit_once('/') else { return Err(Told::Nothing) };
        if self.is_listed(item, state, &path) == Some(false) {
            return Err(Told::NotFound);
        }
        let kind = item.collection.as_ref().and_then(|collection| self.model.collection(collection)?.kind.as_ref());
        let mut decided = self.respond(state, state.resource(&path).zip(kind));
        decided.etag = None;
        Ok((vec![Change::Unlink { collection: collection.to_owned(), item: path }], decided))
    }

    /// Empties a collection.
    fn clear(&self, state: &State) -> (Vec<Change>, Decided) {
        (self.model.remove(self.template(), self.captures, state), self.respond(state, None))
    }

    /// What GET answers with at the place's path.
    fn reading(&self, place: &Place) -> Option<&Content> {
        let template = match &place.role {
            Role::Item(Item { refers_to: Some(elsewhere), .. }) => elsewhere,
            _ => &place.template,
        };
        self.contract.reading(template)
    }

    /// The collection that an item lies below lists it.
    fn link(&self, place: &Place, path: &str, changes: &mut Vec<Change>) {
        let Role::Item(Item { collection: Some(_), .. }) = &place.role else { return };
        let own = if self.is_of(place) { self.path } else { path };
        if let Some((collection, _)) = own.rsplit_once('/') {
            changes.push(Change::Link { collection: collection.to_owned(), item: path.to_owned() });
        }
    }

    /// Violations of what a write would lead to, as the fault of whoever asked for it. Places that the body does
    /// not have are told as the body's own.
    pub(super) fn blamed(&self, violations: Vec<Diagnostic>, body: &Value) -> Vec<Diagnostic> {
        violations
            .into_iter()
            .map(|mut violation| {
                violation.fault = Fault::Client;
                violation.message =
                    format!("the resource that this leads to breaks the contract: {}", violation.message);
                let known = match &violation.place {
                    Some(crate::diagnostic::Place::Message { pointer, .. }) => body.pointer(pointer).is_some(),
                    _ => false,
                };
                if known { violation } else { violation.at(Part::Body, "") }
            })
            .collect()
    }
}

/// A member of an object; found without a hash, which takes longer, where there are few.
fn member<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    const FEW: usize = 16;
    if members.len() > FEW {
        return members.get(name);
    }
    members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}
