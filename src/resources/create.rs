//! POST on a collection: a new item, or a reference to one that exists.

use super::infer::{json_answer, last_expression, noun};
use super::list::text;
use super::names::{CREATED, UPDATED, is_one_of, plain, singular};
use super::{Call, Collection, Decision, Item, Items, Place, Role, Told};
use crate::contract::{Content, Prepared, Structure, decoded, segment};
use crate::diagnostic::{Diagnostic, Part, code};
use crate::store::{Change, State};
use serde_json::{Map, Value, json};

impl Call<'_> {
    pub(super) fn create(&self, collection: &Collection, state: &State) -> Decision {
        let body = match &self.decoded.body {
            Some(body) => body.clone(),
            None => Value::Object(Map::new()),
        };
        let Value::Object(sent) = &body else { return Err(Told::Nothing) };
        if let Items::Elsewhere(template) = &collection.items
            && let Some(decision) = self.refer(collection, template, sent, state)
        {
            return decision;
        }
        self.add(collection, sent, state)
    }

    /// Lists an item that has a path elsewhere, where the request names one rather than describing one.
    fn refer(
        &self,
        collection: &Collection,
        template: &str,
        sent: &Map<String, Value>,
        state: &State,
    ) -> Option<Decision> {
        let id = collection.id.as_ref().and_then(|id| sent.get(id)).filter(|id| id.is_string() || id.is_number());
        let (home, _) = last_expression(template)?;
        let created_there = self.model.collection(home).is_some()
            && self
                .contract
                .operations()
                .iter()
                .any(|operation| operation.method == http::Method::POST && operation.template == home);
        if id.is_none() && !created_there {
            return None;
        }
        let home = self.filled(home);
        let kept = state.collection(&home).unwrap_or_default();
        let path = match id {
            Some(id) => Some(self.path_of(collection, id)),
            None => {
                kept.iter().find(|path| state.resource(path).is_some_and(|known| has_all(&known.value, sent))).cloned()
            }
        };
        let is_known = path.as_ref().is_some_and(|path| state.resource(path).is_some());
        let mut changes = Vec::new();
        let (path, item) = match path.filter(|_| is_known) {
            Some(path) => {
                let item = state.resource(&path).cloned();
                (path, item)
            }
            None if state.collection(&home).is_some() || self.absent_by_default => return Some(Err(Told::NotFound)),
            // Nothing was ever said about these items, so the one that is named exists.
            None => {
                let structure = self.model.place(template)?.structure.clone()?;
                let given = self.described(&structure, collection, sent, state, &home)?;
                let item = Prepared::json(self.contract.completed(&structure, &Value::Object(given.members), 0)?);
                let path = self.path_of(collection, &given.id);
                changes.push(Change::Put(path.clone(), item.clone()));
                changes.push(Change::Link { collection: home, item: path.clone() });
                (path, Some(item))
            }
        };
        changes.push(Change::Link { collection: self.path.to_owned(), item: path });
        Some(Ok((changes, self.respond(state, item.as_ref()))))
    }

    fn add(&self, collection: &Collection, sent: &Map<String, Value>, state: &State) -> Decision {
        let Some(structure) = self.kind(collection) else { return Err(Told::Nothing) };
        let home = match &collection.items {
            Items::Elsewhere(template) => {
                last_expression(template).map(|(home, _)| self.filled(home)).unwrap_or_default()
            }
            _ => self.path.to_owned(),
        };
        let Some(described) = self.described(&structure, collection, sent, state, &home) else {
            return Err(Told::Nothing);
        };
        let path = self.path_of(collection, &described.id);
        if state.resource(&path).is_some() {
            let id = text(&described.id);
            let at = collection.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
            let diagnostic = Diagnostic::new(code::RESOURCE_EXISTS, format!("there is a resource `{id}` already"))
                .at(Part::Body, at);
            return Err(Told::Refused(vec![diagnostic]));
        }
        let given = self.linked(&structure, described.members, &path);
        let Some(value) = self.contract.completed(&structure, &Value::Object(given), 0) else {
            return Err(Told::Nothing);
        };
        let item = Prepared::json(value);
        let mut changes = vec![Change::Put(path.clone(), item.clone())];
        if let Some(last) = described.number {
            changes.push(Change::Number { collection: home.clone(), last });
        }
        changes.push(Change::Link { collection: self.path.to_owned(), item: path.clone() });
        let has_home = collection
            .items
            .template()
            .and_then(last_expression)
            .is_some_and(|(home, _)| self.model.collection(home).is_some());
        if home != self.path && has_home {
            changes.push(Change::Link { collection: home, item: path.clone() });
        }
        let mut decided = self.respond(state, Some(&item));
        decided.created = Some(path);
        Ok((changes, decided))
    }

    /// What an item of the collection is: as its own path reads it, as the list has it, or as POST answers.
    fn kind(&self, collection: &Collection) -> Option<Structure> {
        let read = collection
            .items
            .template()
            .and_then(|template| self.model.place(template))
            .and_then(|place| place.structure.clone());
        let listed = || collection.envelope.as_ref().map(|envelope| envelope.item.clone());
        read.or_else(listed)
            .or_else(|| json_answer(self.operation).and_then(|content| self.contract.structure(content)))
    }

    /// The members that the request and the server give a new item.
    fn described(
        &self,
        structure: &Structure,
        collection: &Collection,
        sent: &Map<String, Value>,
        state: &State,
        home: &str,
    ) -> Option<Described> {
        let declared = self.contract.members_of(structure);
        let writable =
            |name: &String| self.sent_as().is_none_or(|content| !self.contract.marks_read_only(content, name));
        let mut members: Map<String, Value> =
            sent.iter().filter(|(name, _)| writable(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
        let member = collection.id.as_ref().and_then(|id| declared.iter().find(|(name, _)| name == id));
        let chosen = collection
            .id
            .as_ref()
            .and_then(|id| members.get(id))
            .filter(|id| id.is_string() || id.is_number())
            .cloned();
        let mut number = None;
        let id = match (chosen, member) {
            (Some(chosen), _) => chosen,
            (None, Some((name, shape))) => {
                let (id, last) = self.new_id(shape, state, home)?;
                number = last;
                members.insert(name.clone(), id.clone());
                id
            }
            (None, None) => {
                let last = state.number(home) + 1;
                number = Some(last);
                json!(last)
            }
        };
        for (name, shape) in &declared {
            if let Some(owner) = self.owner(name, shape).filter(|_| !members.contains_key(name)) {
                members.insert(name.clone(), owner);
            }
        }
        for (name, shape) in &declared {
            if let Some(named) = self
                .named(name, sent, state)
                .filter(|named| !members.contains_key(name) && self.contract.takes(shape, named))
            {
                members.insert(name.clone(), named);
            }
        }
        self.stamp_members(structure, &mut members, true);
        Some(Described { id, members, number })
    }

    /// The item that the request names by its id, for a member that shows it: `user` where `userId` is sent.
    fn named(&self, member: &str, sent: &Map<String, Value>, state: &State) -> Option<Value> {
        let wanted = format!("{}id", plain(member));
        let (_, id) = sent.iter().find(|(name, _)| plain(name) == wanted)?;
        let is_home = |template: &&String| !template.contains('{') && plain(&singular(noun(template))) == plain(member);
        let home =
            self.model.places.keys().filter(|template| self.model.collection(template).is_some()).find(is_home)?;
        let found = state.resource(&format!("{home}/{}", segment(&text(id))))?;
        Some(Value::clone(&found.value))
    }

    /// A new id of the member's type: the next number, a UUID, or a text that the schema makes up.
    fn new_id(&self, shape: &Structure, state: &State, home: &str) -> Option<(Value, Option<u64>)> {
        const TRIES_MAX: u64 = 64;
        let last = state.number(home);
        let taken = |id: &Value| state.resource(&format!("{home}/{}", segment(&text(id)))).is_some();
        let largest = state
            .collection(home)
            .unwrap_or_default()
            .iter()
            .filter_map(|path| path.rsplit('/').next()?.parse::<u64>().ok())
            .max();
        let next = last.max(largest.unwrap_or_default()) + 1;
        if let Some(number) = [json!(next)].into_iter().find(|number| self.contract.takes(shape, number)) {
            return Some((number, Some(next)));
        }
        let named = self.number();
        (1..=TRIES_MAX).find_map(|turn| {
            let turn = last + turn;
            let seed = named ^ turn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let uuid = uuid::Builder::from_random_bytes(
                (u128::from(named.rotate_left(32) ^ turn) << 64 | u128::from(scrambled(seed))).to_be_bytes(),
            );
            let candidates = [
                Some(json!(uuid.into_uuid().to_string())),
                Some(json!(turn.to_string())),
                self.contract.completed(shape, &Value::Null, seed),
            ];
            let found = candidates
                .into_iter()
                .flatten()
                .find(|id| self.contract.takes(shape, id) && !taken(id) && (id.is_string() || id.is_number()));
            found.map(|id| (id, Some(turn)))
        })
    }

    /// What a member says about an item that the path lies below: `channelId` below `/channels/{id}`.
    fn owner(&self, member: &str, shape: &Structure) -> Option<Value> {
        let wanted = plain(member);
        let segments: Vec<&str> = self.operation.template.split('/').collect();
        let expressions =
            segments.iter().enumerate().filter(|(_, segment)| segment.starts_with('{') && segment.ends_with('}'));
        for (index, (at, expression)) in expressions.enumerate() {
            let name = expression.trim_matches(['{', '}']);
            let owner =
                at.checked_sub(1).and_then(|above| segments.get(above)).map(|noun| singular(noun)).unwrap_or_default();
            let says = plain(name) == wanted && wanted != "id"
                || !owner.is_empty() && wanted == format!("{}id", plain(&owner));
            if says {
                let text = self.captures.get(index).map(|text| json!(decoded(text)));
                let mut candidates = self.decoded.path.get(name).cloned().into_iter().chain(text);
                return candidates.find(|owner| self.contract.takes(shape, owner));
            }
        }
        None
    }

    /// HAL links, where the schema has them: to the item itself.
    fn linked(&self, structure: &Structure, mut members: Map<String, Value>, path: &str) -> Map<String, Value> {
        let href = format!("{}{path}", self.base());
        let links = json!({ "self": { "href": href } });
        let list = json!([{ "name": "self", "href": href }]);
        if let Some(shape) = self.contract.member_of(structure, "_links").filter(|_| !members.contains_key("_links"))
            && let Some(links) = [links, list].into_iter().find(|links| self.contract.takes(&shape, links))
        {
            members.insert("_links".to_owned(), links);
        }
        members
    }

    /// The base path that the request came under.
    pub(crate) fn base(&self) -> &str {
        let sent = self.request.uri().path();
        let segments = self.path.matches('/').count();
        let cut = sent.rmatch_indices('/').nth(segments.saturating_sub(1)).map_or(0, |(at, _)| at);
        sent.get(..cut).unwrap_or_default()
    }

    /// Sets the members that tell when.
    pub(super) fn stamp(&self, reading: &Content, value: &mut Value, created: bool) {
        if let (Some(structure), Value::Object(members)) = (self.contract.structure(reading), value) {
            self.stamp_members(&structure, members, created);
        }
    }

    fn stamp_members(&self, structure: &Structure, members: &mut Map<String, Value>, created: bool) {
        let text = self.now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let day = text.get(..10).unwrap_or_default();
        let times = [json!(text), json!(day), json!(self.now.as_second()), json!(self.now.as_millisecond())];
        for (name, shape) in self.contract.members_of(structure) {
            let tells = created && is_one_of(&name, &CREATED)
                || is_one_of(&name, &UPDATED) && (created || members.contains_key(&name));
            let fits = times.iter().find(|time| self.contract.takes(&shape, time));
            if let Some(time) = fits.filter(|_| tells) {
                members.insert(name, time.clone());
            }
        }
    }

    /// Sets the member that says which item of its collection this is, to what the path says.
    pub(super) fn identify(&self, place: &Place, value: &mut Value, reading: &Content) {
        let Role::Item(Item { id: Some(id), .. }) = &place.role else { return };
        let Some((_, expression)) = last_expression(&self.operation.template) else { return };
        let (Value::Object(members), Some(named)) = (value, self.decoded.path.get(expression)) else { return };
        let shape = self.contract.structure(reading).and_then(|structure| self.contract.member_of(&structure, id));
        let candidates = [named.clone(), json!(text(named))];
        if let Some(named) =
            candidates.into_iter().find(|named| shape.as_ref().is_some_and(|shape| self.contract.takes(shape, named)))
        {
            members.insert(id.clone(), named);
        }
    }
}

/// A new item before the schema has its say.
struct Described {
    id: Value,
    members: Map<String, Value>,
    /// The number that was given.
    number: Option<u64>,
}

fn has_all(value: &Value, wanted: &Map<String, Value>) -> bool {
    !wanted.is_empty() && wanted.iter().all(|(name, wanted)| value.get(name) == Some(wanted))
}

fn scrambled(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
