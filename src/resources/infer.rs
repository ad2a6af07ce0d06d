//! Finding the resources of a contract in its paths, methods and schemas.

use super::entity::Entity;
use super::envelope::Envelope;
use super::homes::Homes;
use super::names::{IDS, is_one_of, plain, singular};
use super::overrides::{Override, Overrides};
use super::query::Queries;
use super::{Collection, Item, Items, Model, Place, Role};
use crate::contract::{Contract, Operation, Structure, trimmed};
use crate::diagnostic::Part;
use crate::store::Stamp;
use http::Method;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

impl Model {
    /// Finds the resources of a contract. What was said in so many words goes before what was inferred.
    pub(crate) fn infer(contract: &Contract, overrides: &Overrides) -> Self {
        let paths = paths(contract, overrides);
        let items = paths.iter().filter(|(_, path)| path.is_item);
        let homes = Homes::new(contract, items.filter_map(|(template, path)| Some((*template, path.structure?))));
        Inference { contract, overrides, paths, homes }.model()
    }
}

/// The operations of each path template, and what its GET answers.
struct Path<'c> {
    operations: Vec<&'c Operation>,
    structure: Option<Structure>,
    /// How it lists items, if it does.
    envelope: Option<Envelope>,
    is_item: bool,
}

impl Path<'_> {
    fn has(&self, method: &Method) -> bool {
        self.operations.iter().any(|operation| operation.method == *method)
    }

    fn operation(&self, method: &Method) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.method == *method).copied()
    }
}

struct Inference<'c> {
    contract: &'c Contract,
    overrides: &'c Overrides,
    paths: BTreeMap<&'c str, Path<'c>>,
    homes: Homes<'c>,
}

fn paths<'c>(contract: &'c Contract, overrides: &Overrides) -> BTreeMap<&'c str, Path<'c>> {
    let mut paths: BTreeMap<&str, Path<'_>> = BTreeMap::new();
    for operation in contract.operations() {
        let path = paths.entry(trimmed(&operation.template)).or_insert_with(|| Path {
            operations: Vec::new(),
            structure: None,
            envelope: None,
            is_item: false,
        });
        if operation.method == Method::GET {
            path.structure = operation.json_answer().and_then(|content| contract.structure(content));
        }
        path.operations.push(operation);
    }
    for (template, path) in &mut paths {
        path.envelope = path.structure.and_then(|whole| envelope(contract, overrides.of(template), whole));
        let methods = [Method::GET, Method::PUT, Method::PATCH, Method::DELETE];
        let acts = methods.iter().any(|method| path.has(method));
        path.is_item = acts && path.envelope.is_none() && last_expression(template).is_some();
    }
    paths
}

/// How a representation lists items, if it does.
fn envelope(contract: &Contract, said: Option<&Override>, whole: Structure) -> Option<Envelope> {
    if let Some(at) = said.and_then(|said| said.list.as_deref()) {
        return Envelope::at(contract, whole, at);
    }
    let names_itself = contract.members_of(whole).iter().any(|(name, _)| is_one_of(name, &["id", "uuid"]));
    if names_itself && !contract.is_of_type(whole, "array") {
        return None;
    }
    let envelope = Envelope::find(contract, whole)?;
    let primitive = |kind: &&str| contract.is_of_type(envelope.item, kind);
    let lists_objects = !["string", "integer", "number", "boolean"].iter().any(primitive);
    lists_objects.then_some(envelope)
}

/// The template above, and the expression's name, of a template whose last segment is one expression.
pub(super) fn last_expression(template: &str) -> Option<(&str, &str)> {
    let (above, last) = template.rsplit_once('/')?;
    let name = last.strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some((above, name))
}

/// The last segment that is no expression.
pub(super) fn noun(template: &str) -> &str {
    template.rsplit('/').find(|segment| !segment.contains('{')).unwrap_or_default()
}

/// Whether an operation takes preconditions, or answers with an entity tag.
fn uses_etags(operation: &Operation) -> bool {
    let names = |name: &str, known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
    operation
        .parameters
        .iter()
        .any(|parameter| parameter.part == Part::Header && names(&parameter.name, &["if-match", "if-none-match"]))
        || operation
            .responses
            .iter()
            .flat_map(|response| &response.headers)
            .any(|header| names(&header.name, &["etag"]))
}

impl Inference<'_> {
    fn model(&self) -> Model {
        let places: BTreeMap<String, Place> =
            self.paths.iter().map(|(template, path)| ((*template).to_owned(), self.place(template, path))).collect();
        let mut singletons: HashMap<Option<u64>, Vec<String>> = HashMap::new();
        for (template, place) in &places {
            if let (Role::Singleton, Some(entity), false) = (&place.role, &place.entity, template.contains('{')) {
                singletons.entry(self.contract.wording(entity.whole)).or_default().push(template.clone());
            }
        }
        Model { places, singletons, overrides: self.overrides.clone(), stamp: Stamp::default() }
    }

    fn place(&self, template: &str, path: &Path<'_>) -> Place {
        let said = self.overrides.of(template);
        let role = match said.and_then(|said| said.role.as_deref()) {
            Some("collection") => self.collection(template, path, said),
            Some("item") => Some(self.item(template, path, said)),
            Some("singleton") => Some((Role::Singleton, "said so".to_owned())),
            Some(_) => Some((Role::Action, "said so".to_owned())),
            None => None,
        };
        let (role, because) = role
            .or_else(|| self.collection(template, path, said))
            .or_else(|| path.is_item.then(|| self.item(template, path, said)))
            .unwrap_or_else(|| match path.structure {
                Some(_) => (Role::Singleton, "GET answers with one JSON value".to_owned()),
                None => (Role::Action, "no GET answers with JSON".to_owned()),
            });
        let entity = path.structure.as_ref().map(|whole| match role {
            Role::Item(_) | Role::Singleton => Entity::find(self.contract, *whole),
            _ => Entity::bare(self.contract, *whole),
        });
        let etags = path.operations.iter().any(|operation| uses_etags(operation));
        Place { template: template.to_owned(), role, entity, etags, because }
    }

    /// The template one segment below that is an item.
    fn below(&self, template: &str) -> Option<&str> {
        let start = format!("{template}/{{");
        self.paths
            .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
            .take_while(|(known, _)| known.starts_with(&start))
            .find(|(known, path)| last_expression(known).is_some_and(|(above, _)| above == template) && path.is_item)
            .map(|(known, _)| *known)
    }

    fn collection(&self, template: &str, path: &Path<'_>, said: Option<&Override>) -> Option<(Role, String)> {
        let envelope = path.envelope.clone();
        let below = self.below(template);
        let creates = path.has(&Method::POST) && path.structure.is_none() && below.is_some();
        if envelope.is_none() && !creates {
            return None;
        }
        let items = match said.and_then(|said| said.items.clone()) {
            Some(elsewhere) if Some(elsewhere.as_str()) != below => Items::Elsewhere(elsewhere),
            _ => self.items(template, path, envelope.as_ref(), below),
        };
        let item = envelope.as_ref().map(|envelope| envelope.item);
        let read = items.template().and_then(|template| self.paths.get(template)?.structure.as_ref());
        let created = || {
            path.operation(&Method::POST)
                .and_then(Operation::json_answer)
                .and_then(|content| self.contract.structure(content))
        };
        let kind = read
            .map(|whole| Entity::find(self.contract, *whole))
            .or_else(|| item.map(|item| Entity::bare(self.contract, item)))
            .or_else(|| created().map(|whole| Entity::find(self.contract, whole)));
        let id = said
            .and_then(|said| said.id.clone())
            .or_else(|| kind.as_ref().and_then(|kind| self.id(template, kind.structure(), items.template())));
        let queries = match (path.operation(&Method::GET), item) {
            (Some(get), Some(item)) => Queries::of(self.contract, get, item),
            _ => Queries::default(),
        };
        let because = match &envelope {
            Some(envelope) if envelope.at.is_empty() => "GET answers with an array".to_owned(),
            Some(envelope) => format!("GET answers with an array at `{}`", envelope.at),
            None => "POST creates what a path below reads".to_owned(),
        };
        Some((Role::Collection(Box::new(Collection { envelope, items, kind, id, queries })), because))
    }

    /// Where the items of a collection are: a segment below, or where the same kind of thing is read.
    fn items(&self, template: &str, path: &Path<'_>, envelope: Option<&Envelope>, below: Option<&str>) -> Items {
        let reads = |template: &str| self.paths.get(template).is_some_and(|path| path.structure.is_some());
        if let Some(below) = below.filter(|below| reads(below)) {
            return match self.same_elsewhere(template, below) {
                Some(elsewhere) => Items::Elsewhere(elsewhere.to_owned()),
                None => Items::Below(below.to_owned()),
            };
        }
        let created = path
            .operation(&Method::POST)
            .and_then(Operation::json_answer)
            .and_then(|content| self.contract.structure(content));
        let kind = envelope.map(|envelope| envelope.item).or(created);
        let by_kind = kind.and_then(|kind| self.homes.of_kind(self.contract, kind, template));
        let by_noun = || self.homes.of_noun(template).filter(|_| template.contains('{'));
        match (by_kind.or_else(by_noun), below) {
            (Some(elsewhere), _) => Items::Elsewhere(elsewhere.to_owned()),
            (None, Some(below)) => Items::Below(below.to_owned()),
            (None, None) => Items::Nowhere,
        }
    }

    /// The item's path in a collection of its own, where a nested one reads the very same schema.
    fn same_elsewhere(&self, template: &str, below: &str) -> Option<&str> {
        let whole = self.paths.get(below)?.structure?;
        self.homes.of_whole(whole, template, |known| {
            let home = last_expression(known).and_then(|(home, _)| self.paths.get(home));
            let lists = home.is_some_and(|home| home.structure.is_some());
            known != below && known.matches('{').count() < below.matches('{').count() && lists
        })
    }

    fn item(&self, template: &str, path: &Path<'_>, said: Option<&Override>) -> (Role, String) {
        let (above, _) = last_expression(template).unwrap_or((template, ""));
        let collection = self.paths.get(above).and_then(|path| self.collection(above, path, self.overrides.of(above)));
        let (listed, refers_to, listed_id) = match &collection {
            Some((Role::Collection(collection), _)) => {
                let elsewhere = match &collection.items {
                    Items::Elsewhere(elsewhere) if elsewhere != template => Some(elsewhere.clone()),
                    _ => None,
                };
                (Some(above.to_owned()), elsewhere, collection.id.clone())
            }
            _ => (None, None, None),
        };
        let entity = path.structure.as_ref().map(|whole| Entity::find(self.contract, *whole));
        let own = entity.and_then(|entity| self.id(above, entity.structure(), Some(template)));
        let id = said.and_then(|said| said.id.clone()).or(own).or(listed_id);
        let because = match &listed {
            Some(collection) => format!("one segment below the collection `{collection}`"),
            None => "the path ends in an expression".to_owned(),
        };
        (Role::Item(Item { collection: listed, id, refers_to }), because)
    }

    /// Whether a path's parameter is a text of no format.
    fn takes_text(&self, template: &str, name: &str) -> bool {
        let operations = self.paths.get(template).map(|path| path.operations.as_slice()).unwrap_or_default();
        let parameters = operations.iter().flat_map(|operation| &operation.parameters);
        let parameter = parameters.into_iter().find(|parameter| parameter.part == Part::Path && parameter.name == name);
        parameter.is_some_and(|parameter| {
            let keyword = |keyword: &str| self.contract.parameter_keyword(parameter, keyword);
            keyword("type").is_some_and(|kind| kind == "string")
        })
    }

    /// The member that holds what the path's last expression is filled with.
    fn id(&self, collection: &str, structure: Structure, item: Option<&str>) -> Option<String> {
        let members = self.contract.members_of(structure);
        let name = item.and_then(last_expression).map(|(_, name)| name);
        // A text in the path is no number in the representation, if there is anything else.
        let is_text = item.zip(name).is_some_and(|(item, name)| self.takes_text(item, name));
        let numeric = |structure: Structure| self.contract.is_of_type(structure, "integer");
        let others = || members.iter().any(|(name, structure)| is_one_of(name, &IDS) && !numeric(*structure));
        let avoids_numbers = is_text && others();
        let find = |wanted: &str| {
            let fits = |structure: Structure| !(avoids_numbers && numeric(structure));
            members.iter().find(|(name, member)| plain(name) == wanted && fits(*member)).map(|(name, _)| name.clone())
        };
        let noun = plain(&singular(noun(collection)));
        let expression = name.map(plain);
        expression
            .as_deref()
            .and_then(find)
            .or_else(|| {
                expression
                    .as_deref()
                    .and_then(|name| name.strip_prefix(noun.as_str()))
                    .filter(|rest| !rest.is_empty())
                    .and_then(find)
            })
            .or_else(|| find("id"))
            .or_else(|| find(&format!("{noun}id")))
            .or_else(|| IDS.iter().find_map(|known| find(known)))
    }
}
