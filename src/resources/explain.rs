//! What was inferred, for people: `check --explain-state`.

use super::{Collection, Items, Model, Role};
use std::fmt::Write as _;

impl Model {
    /// A paragraph a path, in the order of the paths.
    pub(crate) fn explain(&self) -> String {
        let mut text = String::new();
        for (template, place) in &self.places {
            let role = match &place.role {
                Role::Singleton => "a resource of its own",
                Role::Collection(_) => "a collection",
                Role::Item(item) if item.refers_to.is_some() => "a reference to an item",
                Role::Item(_) => "an item",
                Role::Action => "no state",
            };
            let _ = writeln!(text, "{template}: {role} ({})", place.because);
            match &place.role {
                Role::Collection(collection) => explain_collection(collection, &mut text),
                Role::Item(item) => {
                    if let Some(id) = &item.id {
                        let _ = writeln!(text, "  told apart by the member `{id}`");
                    }
                    if let Some(elsewhere) = &item.refers_to {
                        let _ = writeln!(text, "  is `{elsewhere}`");
                    }
                }
                Role::Singleton | Role::Action => {}
            }
        }
        text
    }
}

fn explain_collection(collection: &Collection, text: &mut String) {
    let _ = match &collection.items {
        Items::Below(template) => writeln!(text, "  items at `{template}`"),
        Items::Elsewhere(template) => writeln!(text, "  refers to items at `{template}`"),
        Items::Nowhere => writeln!(text, "  items that no path reads"),
    };
    if let Some(id) = &collection.id {
        let _ = writeln!(text, "  told apart by the member `{id}`");
    }
    let queries = &collection.queries;
    let paging = [
        ("page", &queries.page),
        ("size", &queries.size),
        ("offset", &queries.offset),
        ("cursor", &queries.after),
        ("sort", &queries.sort),
        ("search", &queries.search),
    ];
    let mut parts: Vec<String> =
        paging.iter().filter_map(|(what, name)| name.as_ref().map(|name| format!("{what} by `{name}`"))).collect();
    parts.extend(queries.from.iter().map(|name| format!("from an item on by `{name}`")));
    parts.extend(queries.filters.iter().map(|(parameter, member)| format!("`{parameter}` filters by `{member}`")));
    if !parts.is_empty() {
        let _ = writeln!(text, "  {}", parts.join(", "));
    }
}
