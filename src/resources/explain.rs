//! What was inferred, for people and programs: `check --explain-state`.

use super::{Collection, Items, Model, Place, Role};
use crate::contract::Contract;
use serde_json::{Map, Value, json};
use std::fmt;

/// Which paths of a contract are collections, items or resources of their own, and why.
///
/// Its [`Display`](fmt::Display) is for people, a paragraph a path.
#[derive(Debug, Clone, Default)]
pub struct StateExplanation {
    places: Vec<Described>,
}

#[derive(Debug, Clone)]
struct Described {
    path: String,
    role: &'static str,
    because: String,
    items: Option<Items>,
    id: Option<String>,
    refers_to: Option<String>,
    /// What a query parameter is for, with its name.
    parameters: Vec<(&'static str, String)>,
    /// Query parameters that filter, each with the member that it filters by.
    filters: Vec<(String, String)>,
}

impl Model {
    /// What was inferred, in the order of the paths.
    pub(crate) fn describe(&self) -> StateExplanation {
        StateExplanation { places: self.places.iter().map(|(path, place)| place.describe(path)).collect() }
    }

    /// The role of a concrete path, if the contract reads it.
    pub(crate) fn role_at(&self, contract: &Contract, path: &str) -> Option<&'static str> {
        let (_, template, _) = contract.resource(path)?;
        self.place(template).map(|place| place.role.as_str())
    }
}

impl Role {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Singleton => "singleton",
            Self::Collection(_) => "collection",
            Self::Item(_) => "item",
            Self::Action => "none",
        }
    }
}

impl Place {
    fn describe(&self, path: &str) -> Described {
        let mut described = Described {
            path: path.to_owned(),
            role: self.role.as_str(),
            because: self.because.clone(),
            items: None,
            id: None,
            refers_to: None,
            parameters: Vec::new(),
            filters: Vec::new(),
        };
        match &self.role {
            Role::Collection(collection) => collection.describe(&mut described),
            Role::Item(item) => {
                described.id.clone_from(&item.id);
                described.refers_to.clone_from(&item.refers_to);
            }
            Role::Singleton | Role::Action => {}
        }
        described
    }
}

impl Collection {
    fn describe(&self, described: &mut Described) {
        let queries = &self.queries;
        let single = [
            ("page", &queries.page),
            ("size", &queries.size),
            ("offset", &queries.offset),
            ("cursor", &queries.after),
            ("sort", &queries.sort),
            ("search", &queries.search),
        ];
        let single = single.into_iter().filter_map(|(what, name)| Some((what, name.clone()?)));
        described.parameters = single.chain(queries.from.iter().map(|name| ("from", name.clone()))).collect();
        described.filters.extend(queries.filters.iter().map(|(name, member)| (name.clone(), member.clone())));
        described.items = Some(self.items.clone());
        described.id.clone_from(&self.id);
    }
}

impl StateExplanation {
    /// An array of the paths, each with its role and what comes with that; members that are not known are left out.
    pub fn to_json(&self) -> Value {
        self.places.iter().map(Described::to_json).collect()
    }
}

impl Described {
    fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("path", json!(self.path));
        put("role", json!(self.role));
        put("because", json!(self.because));
        match &self.items {
            Some(Items::Below(path)) => put("items", json!({ "are": "below", "path": path })),
            Some(Items::Elsewhere(path)) => put("items", json!({ "are": "elsewhere", "path": path })),
            Some(Items::Nowhere) => put("items", json!({ "are": "nowhere" })),
            None => None,
        };
        if let Some(id) = &self.id {
            put("id", json!(id));
        }
        if let Some(path) = &self.refers_to {
            put("refers_to", json!(path));
        }
        if !self.parameters.is_empty() {
            let parameters = self.parameters.iter().map(|(what, name)| (name.clone(), json!(what)));
            put("parameters", Value::Object(parameters.collect()));
        }
        if !self.filters.is_empty() {
            let filters = self.filters.iter().map(|(name, member)| (name.clone(), json!(member)));
            put("filters", Value::Object(filters.collect()));
        }
        Value::Object(members)
    }
}

impl fmt::Display for StateExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.places.iter().try_for_each(|described| described.fmt(f))
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            "singleton" => "a resource of its own",
            "collection" => "a collection",
            "item" if self.refers_to.is_some() => "a reference to an item",
            "item" => "an item",
            _ => "no state",
        };
        writeln!(f, "{}: {role} ({})", self.path, self.because)?;
        match &self.items {
            Some(Items::Below(path)) => writeln!(f, "  items at `{path}`")?,
            Some(Items::Elsewhere(path)) => writeln!(f, "  refers to items at `{path}`")?,
            Some(Items::Nowhere) => writeln!(f, "  items that no path reads")?,
            None => {}
        }
        if let Some(id) = &self.id {
            writeln!(f, "  told apart by the member `{id}`")?;
        }
        if let Some(path) = &self.refers_to {
            writeln!(f, "  is `{path}`")?;
        }
        let parameters = self.parameters.iter().map(|(what, name)| match *what {
            "from" => format!("from an item on by `{name}`"),
            what => format!("{what} by `{name}`"),
        });
        let filters = self.filters.iter().map(|(name, member)| format!("`{name}` filters by `{member}`"));
        let parts: Vec<String> = parameters.chain(filters).collect();
        if parts.is_empty() { Ok(()) } else { writeln!(f, "  {}", parts.join(", ")) }
    }
}
