//! PUT, PATCH and DELETE: what they make of the state, decided as a list of changes.

use super::patch::{self, Patched};
use super::read::names_etag;
use super::{Call, Decided, Decision, Item, Place, Role, Told};
use crate::contract::{Content, Prepared};
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
            (&Method::DELETE, Role::Collection(collection)) => Ok(self.clear(collection, state)),
            (&Method::PUT, Role::Item(_) | Role::Singleton) => self.replace(place, state),
            (&Method::PATCH, Role::Item(_) | Role::Singleton) => self.patch(place, state),
            (&Method::DELETE, Role::Item(item)) => self.delete(Some(item), state),
            (&Method::DELETE, Role::Singleton) => self.delete(None, state),
            _ => match self.respond(state, None) {
                Decided { body: None, .. } => Err(Told::Nothing),
                decided => Ok((Vec::new(), decided)),
            },
        }
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
        let tag = current.map(super::read::etag);
        let names = |name: &str| tag.as_ref().is_some_and(|tag| names_etag(headers, name, tag));
        let failed = if headers.contains_key(IF_MATCH) && !names(IF_MATCH.as_str()) {
            "`If-Match` names another version than the present one"
        } else if headers.contains_key(IF_NONE_MATCH) && names(IF_NONE_MATCH.as_str()) {
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

    fn replace(&self, place: &Place, state: &State) -> Decision {
        let (Some(body), Some(reading)) = (&self.decoded.body, self.reading(place)) else { return Err(Told::Nothing) };
        let path = self.target(place);
        let current = state.resource(&path);
        self.preconditions(current)?;
        let shown = match current {
            Some(current) => Some(current.value.as_ref()),
            // Nothing was ever said: what GET shows is what is replaced.
            None if !self.is_absent(state, &path) => {
                self.contract.example(reading, None).map(|example| example.value.as_ref())
            }
            None => None,
        };
        let mut value = self.replaced(shown, body);
        self.stamp(reading, &mut value, current.is_none() && shown.is_none());
        self.identify(place, &mut value, reading);
        if !self.contract.is_valid(reading, &value) && current.is_none() {
            // What a request leaves out, the service would fill in.
            let structure = self.contract.structure(reading);
            value = structure.and_then(|structure| self.contract.completed(&structure, &value, 0)).unwrap_or(value);
        }
        let violations = self.contract.check_value(reading, &value);
        if !violations.is_empty() {
            // Where nothing was seeded, the two schemas may just describe different things.
            return Err(if current.is_some() { Told::Refused(self.blamed(violations, body)) } else { Told::Nothing });
        }
        let representation = Prepared::json(value);
        let mut changes = vec![Change::Put(path.clone(), representation.clone())];
        self.link(place, &path, &mut changes);
        let mut decided = self.respond(state, Some(&representation));
        decided.created = (current.is_none() && shown.is_none()).then_some(path);
        Ok((changes, decided))
    }

    /// The new representation: what the request carries is taken from it, what it cannot carry stays.
    fn replaced(&self, current: Option<&Value>, body: &Value) -> Value {
        let (Value::Object(sent), Some(Value::Object(current))) = (body, current) else { return body.clone() };
        let Some(content) = self.sent_as() else { return body.clone() };
        let carried = self.contract.carried_members(content);
        if carried.names.is_empty() {
            return body.clone();
        }
        let carries = |name: &String| carried.names.contains(name);
        let mut members = current.clone();
        members.retain(|name, _| !carries(name) || sent.contains_key(name));
        for (name, value) in sent {
            if carries(name) || carried.open && !members.contains_key(name) {
                members.insert(name.clone(), value.clone());
            }
        }
        Value::Object(members)
    }

    /// The declared content that the request's body is of.
    pub(super) fn sent_as(&self) -> Option<&Content> {
        let content = &self.operation.body.as_ref()?.content;
        let media = self.media();
        let covers = |content: &&Content| media.as_ref().is_some_and(|media| content.media.covers(media));
        content.iter().filter(covers).max_by_key(|content| content.media.specificity())
    }

    fn media(&self) -> Option<MediaType> {
        self.request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(MediaType::parse)
    }

    fn patch(&self, place: &Place, state: &State) -> Decision {
        let (Some(body), Some(reading)) = (&self.decoded.body, self.reading(place)) else { return Err(Told::Nothing) };
        let path = self.target(place);
        let current = match state.resource(&path) {
            Some(current) => Some(current.clone()),
            None if self.is_absent(state, &path) => return Err(Told::NotFound),
            // The first write to what was only shown takes it over as it was shown.
            None => self.shown(place, reading),
        };
        let Some(current) = current else { return Err(Told::Nothing) };
        self.preconditions(Some(&current))?;
        let is_json_patch = self.media().is_some_and(|media| media.essence() == "application/json-patch+json");
        let mut value = match patch::apply(&current.value, body, is_json_patch) {
            Patched::Done(value) => value,
            Patched::Conflict { at, reason } => {
                let diagnostic = Diagnostic::new(code::PATCH_CONFLICT, reason).at(Part::Body, at);
                return Err(Told::Refused(vec![diagnostic]));
            }
        };
        self.stamp(reading, &mut value, false);
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
        Ok((changes, self.respond(state, Some(&representation))))
    }

    /// What a reading would have shown where there is no state: with the id that the path names.
    fn shown(&self, place: &Place, reading: &Content) -> Option<Prepared> {
        let structure = self.contract.structure(reading)?;
        let example = self.contract.example(reading, None).map(|example| Value::clone(&example.value));
        let mut value = example.or_else(|| self.contract.completed(&structure, &Value::Object(Map::new()), 0))?;
        self.identify(place, &mut value, reading);
        self.contract.is_valid(reading, &value).then(|| Prepared::json(value))
    }

    /// The value without new members that the resource's schema does not declare.
    fn declared_only(&self, reading: &Content, before: &Value, after: &Value) -> Option<Value> {
        let declared = self.contract.declared_members(reading);
        let (before, mut members) = (before.as_object()?, after.as_object()?.clone());
        members.retain(|name, _| before.contains_key(name) || declared.contains(name));
        Some(Value::Object(members))
    }

    fn delete(&self, item: Option<&Item>, state: &State) -> Decision {
        let path = item.map_or_else(|| self.path.to_owned(), |item| self.item_path(item));
        let current = state.resource(&path);
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
        changes.push(Change::Remove(path));
        let mut decided = self.respond(state, current);
        decided.etag = None;
        Ok((changes, decided))
    }

    /// Takes an item out of a collection that only refers to it.
    fn unlink(&self, item: &Item, state: &State, path: String) -> Decision {
        let Some((collection, _)) = self.path.rsplit_once('/') else { return Err(Told::Nothing) };
        if self.is_listed(item, state, &path) == Some(false) {
            return Err(Told::NotFound);
        }
        let mut decided = self.respond(state, state.resource(&path));
        decided.etag = None;
        Ok((vec![Change::Unlink { collection: collection.to_owned(), item: path }], decided))
    }

    /// Empties a collection.
    fn clear(&self, collection: &super::Collection, state: &State) -> (Vec<Change>, Decided) {
        let items = state.collection(self.path).unwrap_or_default();
        let mut changes = vec![Change::Keep(self.path.to_owned())];
        if !matches!(collection.items, super::Items::Elsewhere(_)) {
            changes.extend(items.iter().cloned().map(Change::Remove));
        }
        changes.push(Change::Empty(self.path.to_owned()));
        (changes, self.respond(state, None))
    }

    /// What GET answers with at the place's path.
    fn reading(&self, place: &Place) -> Option<&Content> {
        let template = match &place.role {
            Role::Item(Item { refers_to: Some(elsewhere), .. }) => elsewhere,
            _ => &self.operation.template,
        };
        self.contract.reading(template)
    }

    /// The collection that an item lies below lists it.
    fn link(&self, place: &Place, path: &str, changes: &mut Vec<Change>) {
        if let Role::Item(Item { collection: Some(_), .. }) = &place.role
            && let Some((collection, _)) = self.path.rsplit_once('/')
        {
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
