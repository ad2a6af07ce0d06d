//! POST on a collection: a new item, or a reference to one that exists.

use super::entity::{Entity, members};
use super::infer::{last_expression, noun};
use super::list::text;
use super::names::{plain, singular};
use super::{Call, Collection, Decision, Item, Items, Place, Role, Told};
use crate::contract::{Operation, Prepared, Structure, decoded, segment, trimmed};
use crate::diagnostic::{Diagnostic, Part, code};
use crate::store::{Change, Listed, State};
use serde_json::{Map, Value, json};

impl Call<'_> {
    pub(super) fn create(&self, collection: &Collection, state: &State) -> Decision {
        let nothing = Value::Object(Map::new());
        let body = self.decoded.body.as_ref().unwrap_or(&nothing);
        let entity = self.kind(collection).ok_or(Told::Nothing)?;
        let (sent, within) = entity.sent(self.contract, self.sent_as(), body);
        let Value::Object(sent) = sent else { return Err(Told::Nothing) };
        let making = Making { entity, collection, sent, within };
        if let Items::Elsewhere(template) = &collection.items
            && let Some(decision) = self.refer(&making, template, state)
        {
            return decision;
        }
        self.add(&making, state)
    }

    /// Lists an item that has a path elsewhere, where the request names one rather than describing one.
    fn refer(&self, making: &Making<'_>, template: &str, state: &State) -> Option<Decision> {
        let Making { entity, collection, sent, .. } = *making;
        let id = collection.id.as_ref().and_then(|id| sent.get(id)).filter(|id| id.is_string() || id.is_number());
        if id.is_none() && (!self.is_created_at_home(template) || self.describes(template)) {
            return None;
        }
        let home = self.home_of(collection)?;
        let noun = singular(noun(&home));
        let is_named =
            |path: &&str| state.resource(path).is_some_and(|known| has_all(entity.open(&known.value), sent, &noun));
        let path = match id {
            Some(id) => Some(self.path_of(collection, id)),
            None => state.items(&home).find(is_named).map(str::to_owned),
        };
        let known = path.and_then(|path| Some((state.resource(&path)?.clone(), path)));
        let mut changes = Vec::new();
        let (item, path) = match known {
            Some(known) => known,
            None if state.collection(&home).is_some() || self.absent_by_default => return Some(Err(Told::NotFound)),
            // Nothing was ever said about these items, so the one that is named exists.
            None => {
                let described = self.described(making, state, &home)?;
                let path = self.path_of(collection, &described.id);
                let whole = entity.close(Value::Object(described.members), None);
                let item = Prepared::json(self.contract.completed(entity.whole, &whole, 0)?);
                changes.push(Change::Put(path.clone(), item.clone()));
                changes.push(Change::Link { collection: home, item: path.clone() });
                (item, path)
            }
        };
        changes.push(Change::Link { collection: self.path.to_owned(), item: path });
        Some(Ok((changes, self.respond(state, Some((&item, entity))))))
    }

    /// Whether the request describes an item as the request does that creates one where items have their own paths.
    fn describes(&self, items: &str) -> bool {
        let names = |operation: &Operation| -> Option<Vec<&String>> {
            let content = operation.body.as_ref()?.content.iter().find(|content| content.media.is_json())?;
            Some(self.contract.declared_members(content).iter().map(|(name, _)| name).collect())
        };
        let Some((home, _)) = last_expression(items) else { return false };
        let at_home = self.contract.operation_at(&http::Method::POST, home).and_then(names);
        at_home.is_some() && at_home == names(self.operation)
    }

    fn add(&self, making: &Making<'_>, state: &State) -> Decision {
        let Making { entity, collection, sent, within } = *making;
        let home = self.home_of(collection).unwrap_or_else(|| self.path.to_owned());
        let home = if matches!(collection.items, Items::Elsewhere(_)) { home } else { self.path.to_owned() };
        let described = self.described(making, state, &home).ok_or(Told::Nothing)?;
        let path = self.path_of(collection, &described.id);
        if state.resource(&path).is_some() {
            let id = text(&described.id);
            let at = collection.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
            let at = within.map(|within| format!("/{within}{at}")).unwrap_or(at);
            let diagnostic = Diagnostic::new(code::RESOURCE_EXISTS, format!("there is a resource `{id}` already"))
                .at(Part::Body, at);
            return Err(Told::Refused(vec![diagnostic]));
        }
        let is_read = collection.items != Items::Nowhere;
        let given = if is_read { self.linked(entity.structure(), described.members, &path) } else { described.members };
        let whole = entity.close(Value::Object(given), None);
        let value = self.contract.completed(entity.whole, &whole, 0).ok_or(Told::Nothing)?;
        let item = Prepared::json(self.with_extras(entity, value, sent, within));
        let mut changes = vec![Change::Put(path.clone(), item.clone())];
        if let Some(last) = described.number {
            changes.push(Change::Number { collection: home.clone(), last });
        }
        changes.push(Change::Link { collection: self.path.to_owned(), item: path.clone() });
        if home != self.path {
            // Also where that is no collection of the contract: it says which items there are.
            changes.push(Change::Link { collection: home, item: path.clone() });
        }
        let mut decided = self.respond(state, Some((&item, entity)));
        decided.created = is_read.then_some(path);
        Ok((changes, decided))
    }

    /// The representation with what was sent and neither of the two schemas names, where that is allowed.
    fn with_extras(&self, entity: &Entity, value: Value, sent: &Map<String, Value>, within: Option<&str>) -> Value {
        let requested = self.sent_as().and_then(|content| self.contract.described(content, within));
        let carried = requested.map(|requested| self.contract.carried_members(requested));
        let declared = self.contract.members_of(entity.structure());
        let is_extra = |name: &String| {
            !carried.is_some_and(|carried| carried.names.contains(name))
                && !declared.iter().any(|(known, _)| known == name)
        };
        let mut thing = members(entity.open(&value));
        thing.extend(sent.iter().filter(|(name, _)| is_extra(name)).map(|(name, value)| (name.clone(), value.clone())));
        let extended = entity.close(Value::Object(thing), Some(&value));
        if self.contract.takes(entity.whole, &extended) { extended } else { value }
    }

    /// The members that the request and the server give a new item.
    fn described(&self, making: &Making<'_>, state: &State, home: &str) -> Option<Described> {
        let Making { entity, collection, sent, within } = *making;
        let structure = entity.structure();
        let declared = self.contract.members_of(structure);
        let requested = self.sent_as().and_then(|content| self.contract.described(content, within));
        let carried = requested.map(|requested| self.contract.carried_members(requested));
        let is_read_only = |name: &String| {
            let declares = requested.is_some_and(|requested| self.contract.member_of(requested, name).is_some());
            declares && carried.is_some_and(|carried| !carried.names.contains(name))
        };
        let mut members: Map<String, Value> = sent
            .iter()
            .filter(|(name, _)| !is_read_only(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut number = None;
        let member = collection.id.as_ref().and_then(|id| declared.iter().find(|(name, _)| name == id));
        let chosen =
            collection.id.as_ref().and_then(|id| members.get(id)).filter(|id| id.is_string() || id.is_number());
        let id = match (chosen.cloned(), member) {
            (Some(chosen), _) => chosen,
            (None, Some((name, shape))) => {
                let (id, last) = self.new_id(*shape, state, home)?;
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
        self.fill_in(declared, making, state, home, &mut members, &mut number);
        self.stamp_members(entity, &mut members, true);
        Some(Described { id, members, number })
    }

    /// Members that follow from the path, from other items, and from what the schemas say is meant where nothing is sent.
    fn fill_in(
        &self,
        declared: &[(String, Structure)],
        making: &Making<'_>,
        state: &State,
        home: &str,
        members: &mut Map<String, Value>,
        number: &mut Option<u64>,
    ) {
        for (name, shape) in declared {
            if members.contains_key(name) {
                continue;
            }
            let named = self.named(name, making.sent, state).filter(|named| self.contract.takes(*shape, named));
            // Two items differ in more than what their paths say.
            let identity = || {
                let (id, last) = (plain(name) == "id").then(|| self.new_id(*shape, state, home)).flatten()?;
                *number = number.or(last);
                Some(id)
            };
            if let Some(value) = self.owner(name, *shape).or(named).or_else(identity) {
                members.insert(name.clone(), value);
            }
        }
        let requested = self.sent_as().and_then(|content| self.contract.described(content, making.within));
        let requested = requested.map(|requested| self.contract.defaults_of(requested)).unwrap_or_default();
        let answered = self.contract.defaults_of(making.entity.structure());
        for (name, default) in requested.iter().chain(answered) {
            let is_answered = declared.iter().any(|(known, _)| known == name);
            if is_answered && !members.contains_key(name) {
                members.insert(name.clone(), default.clone());
            }
        }
    }

    /// The item that the request names by its id, for a member that shows it: `user` where `userId` is sent.
    fn named(&self, member: &str, sent: &Map<String, Value>, state: &State) -> Option<Value> {
        let wanted = format!("{}id", plain(member));
        let (_, id) = sent.iter().find(|(name, _)| plain(name) == wanted)?;
        let is_home = |template: &&String| !template.contains('{') && plain(&singular(noun(template))) == plain(member);
        let home =
            self.model.places.keys().filter(|template| self.model.collection(template).is_some()).find(is_home)?;
        let found = state.resource(&format!("{home}/{}", segment(&text(id))))?;
        let kind = self.model.collection(home)?.kind.as_ref()?;
        Some(kind.open(&found.value).clone())
    }

    /// A new id of the member's type: the next number, a UUID, or a text that the schema makes up.
    fn new_id(&self, shape: Structure, state: &State, home: &str) -> Option<(Value, Option<u64>)> {
        const TRIES_MAX: u64 = 64;
        let last = state.number(home);
        let taken = |id: &Value| state.resource(&format!("{home}/{}", segment(&text(id)))).is_some();
        let largest = state.collection(home).map(Listed::largest);
        let next = last.max(largest.unwrap_or_default()).checked_add(1);
        if let Some(number) = next.map(|next| json!(next)).filter(|number| self.contract.takes(shape, number)) {
            return Some((number, next));
        }
        let named = self.number();
        (1..=TRIES_MAX).find_map(|turn| {
            let turn = last.wrapping_add(turn);
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
    fn owner(&self, member: &str, shape: Structure) -> Option<Value> {
        let wanted = plain(member);
        let segments: Vec<&str> = self.template().split('/').collect();
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
    fn linked(&self, structure: Structure, mut members: Map<String, Value>, path: &str) -> Map<String, Value> {
        let href = format!("{}{path}", self.base());
        let links = json!({ "self": { "href": href } });
        let list = json!([{ "name": "self", "href": href }]);
        if let Some(shape) = self.contract.member_of(structure, "_links").filter(|_| !members.contains_key("_links"))
            && let Some(links) = [links, list].into_iter().find(|links| self.contract.takes(shape, links))
        {
            members.insert("_links".to_owned(), links);
        }
        members
    }

    /// The base path that the request came under.
    pub(crate) fn base(&self) -> &str {
        let sent = self.request.uri().path();
        let sent = trimmed(sent);
        let segments = self.path.matches('/').count();
        let cut = sent.rmatch_indices('/').nth(segments.saturating_sub(1)).map_or(0, |(at, _)| at);
        sent.get(..cut).unwrap_or_default()
    }

    /// Sets the members that tell when.
    pub(super) fn stamp(&self, entity: &Entity, thing: &mut Value, created: bool) {
        if let Value::Object(members) = thing {
            self.stamp_members(entity, members, created);
        }
    }

    fn stamp_members(&self, entity: &Entity, members: &mut Map<String, Value>, created: bool) {
        let made = entity.created.iter().filter(|_| created);
        let changed: Vec<_> = entity.updated.iter().filter(|(name, _)| created || members.contains_key(name)).collect();
        for (name, shape) in made.chain(changed) {
            let text = self.now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
            let day = text.get(..10).unwrap_or_default();
            let times = [json!(text), json!(day), json!(self.now.as_second()), json!(self.now.as_millisecond())];
            if let Some(time) = times.into_iter().find(|time| self.contract.takes(*shape, time)) {
                members.insert(name.clone(), time);
            }
        }
    }

    /// Sets the member that says which item of its collection this is, to what its path says.
    pub(super) fn identify(&self, place: &Place, entity: &Entity, thing: &mut Value, path: &str) {
        let Role::Item(Item { id: Some(id), .. }) = &place.role else { return };
        let (Value::Object(members), Some((_, named))) = (thing, path.rsplit_once('/')) else { return };
        let Some(shape) = self.contract.member_of(entity.structure(), id) else { return };
        let named = decoded(named);
        if members.get(id).is_some_and(|known| text(known) == named) {
            return;
        }
        let number = serde_json::from_str::<Value>(&named).ok().filter(Value::is_number);
        let candidates = [number, Some(json!(named))];
        if let Some(named) = candidates.into_iter().flatten().find(|named| self.contract.takes(shape, named)) {
            members.insert(id.clone(), named);
        }
    }
}

/// A new item in the making.
#[derive(Clone, Copy)]
struct Making<'a> {
    /// What it is.
    entity: &'a Entity,
    collection: &'a Collection,
    /// What the request says of it, and the member of the body that it stands in.
    sent: &'a Map<String, Value>,
    within: Option<&'a str>,
}

/// A new item before the schema has its say.
struct Described {
    id: Value,
    members: Map<String, Value>,
    /// The number that was given.
    number: Option<u64>,
}

/// Whether a thing has all that is wanted of it. `username` is the `name` of a user.
fn has_all(thing: &Value, wanted: &Map<String, Value>, noun: &str) -> bool {
    let has = |(name, wanted): (&String, &Value)| {
        let bare = plain(name).strip_prefix(plain(noun).as_str()).map(ToOwned::to_owned);
        let found = thing.get(name).or_else(|| {
            let members = thing.as_object()?;
            members.iter().find(|(known, _)| bare.as_deref() == Some(plain(known).as_str())).map(|(_, value)| value)
        });
        found == Some(wanted)
    };
    !wanted.is_empty() && wanted.iter().all(has)
}

fn scrambled(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
