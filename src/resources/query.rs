//! Which of a list operation's query parameters page, sort, search and filter.

use super::names::{is_one_of, plain};
use crate::contract::{Contract, Operation, Structure};
use crate::diagnostic::Part;
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// The recognised parameters of one list operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Queries {
    pub(super) page: Option<String>,
    /// The number of the first page.
    pub(super) first_page: usize,
    pub(super) size: Option<String>,
    pub(super) size_default: Option<usize>,
    pub(super) offset: Option<String>,
    /// The parameter whose value is the id of the last item seen.
    pub(super) after: Option<String>,
    /// The parameter whose value is the id of the first item that is not wanted any more.
    pub(super) before: Option<String>,
    /// The parameters whose value is the id of the first item wanted.
    pub(super) from: Vec<String>,
    pub(super) sort: Option<String>,
    sort_default: Option<Value>,
    pub(super) direction: Option<String>,
    direction_default: Option<Value>,
    pub(super) search: Option<String>,
    /// Parameter and the member that must equal it.
    pub(super) filters: Vec<(String, String)>,
    /// Parameters that are objects of members and what they must equal.
    pub(super) filter_objects: Vec<String>,
}

const PAGES: [&str; 4] = ["page", "pagenumber", "pageno", "pageindex"];
const SIZES: [&str; 10] =
    ["size", "limit", "perpage", "pagesize", "pagelimit", "maxresults", "count", "first", "take", "top"];
const OFFSETS: [&str; 4] = ["offset", "skip", "startindex", "from"];
const AFTERS: [&str; 7] =
    ["cursor", "after", "startingafter", "pagetoken", "nexttoken", "continuationtoken", "nextcursor"];
const BEFORES: [&str; 3] = ["before", "endingbefore", "until"];
const FILTERS: [&str; 3] = ["filter", "filters", "where"];
const FROMS: [&str; 2] = ["next", "start"];
const SORTS: [&str; 5] = ["sort", "sortby", "orderby", "order", "ordering"];
const DIRECTIONS: [&str; 6] = ["order", "direction", "sortorder", "sortdirection", "sortdir", "dir"];
const SEARCHES: [&str; 4] = ["q", "query", "search", "keyword"];

impl Queries {
    /// Recognises the parameters of an operation that lists items of a structure.
    pub(super) fn of(contract: &Contract, operation: &Operation, item: Structure) -> Self {
        let members = contract.members_of(item);
        let parameters: Vec<_> =
            operation.parameters.iter().filter(|parameter| parameter.part == Part::Query).collect();
        let find = |known: &[&str]| {
            known.iter().find_map(|known| parameters.iter().find(|parameter| plain(&parameter.name) == *known).copied())
        };
        let name = |known: &[&str]| find(known).map(|parameter| parameter.name.clone());
        let number = |parameter: &crate::contract::Parameter, keyword: &str| {
            contract
                .parameter_keyword(parameter, keyword)
                .and_then(Value::as_u64)
                .and_then(|number| usize::try_from(number).ok())
        };
        let page = find(&PAGES);
        let size = find(&SIZES);
        // Where the contract does not say, pages that a HAL or Spring style `size` measures count from zero.
        let counts_from = page.map(|page| {
            number(page, "minimum")
                .or_else(|| number(page, "default"))
                .unwrap_or_else(|| usize::from(size.is_none_or(|size| size.name != "size")))
        });
        let sort = name(&SORTS);
        let mut queries = Self {
            page: page.map(|page| page.name.clone()),
            first_page: counts_from.unwrap_or_default().min(1),
            size: size.map(|size| size.name.clone()),
            size_default: size.and_then(|size| number(size, "default")),
            offset: name(&OFFSETS),
            after: name(&AFTERS),
            before: name(&BEFORES),
            from: parameters
                .iter()
                .filter(|parameter| is_one_of(&parameter.name, &FROMS))
                .map(|parameter| parameter.name.clone())
                .collect(),
            direction: name(&DIRECTIONS).filter(|direction| Some(direction) != sort.as_ref()),
            sort_default: find(&SORTS).and_then(|sort| contract.parameter_keyword(sort, "default")).cloned(),
            direction_default: find(&DIRECTIONS)
                .and_then(|found| contract.parameter_keyword(found, "default"))
                .cloned(),
            sort,
            search: name(&SEARCHES).filter(|search| !members.iter().any(|(member, _)| member == search)),
            filters: Vec::new(),
            filter_objects: Vec::new(),
        };
        for parameter in parameters {
            if queries.pages_by(&parameter.name) {
                continue;
            }
            let is_object = contract.parameter_keyword(parameter, "type").is_some_and(|kind| kind == "object");
            if is_object && is_one_of(&parameter.name, &FILTERS) {
                queries.filter_objects.push(parameter.name.clone());
                continue;
            }
            // `filter[state]` is how JSON:API writes it.
            let inner = parameter.name.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
            let wanted = plain(inner.unwrap_or(&parameter.name));
            let member = members.iter().find(|(member, _)| plain(member) == wanted);
            // What is compared is a value, or one of an array's.
            let is_comparable = |structure: Structure| {
                let item = contract.items_of(structure);
                ![Some(structure), item].into_iter().flatten().any(|known| contract.is_of_type(known, "object"))
            };
            if let Some((member, _)) = member.filter(|(_, structure)| is_comparable(*structure)) {
                queries.filters.push((parameter.name.clone(), member.clone()));
            }
        }
        queries
    }

    /// Whether a parameter has to do with pages or order.
    fn pages_by(&self, name: &str) -> bool {
        let named = [
            &self.page,
            &self.size,
            &self.offset,
            &self.after,
            &self.before,
            &self.sort,
            &self.direction,
            &self.search,
        ];
        named.into_iter().flatten().chain(&self.from).any(|known| known == name)
    }

    /// Whether an item is asked for.
    pub(super) fn takes(&self, query: &Map<String, Value>, item: &Value) -> bool {
        let filtered = self.filters.iter().all(|(parameter, member)| match query.get(parameter) {
            Some(wanted) => item.get(member).is_some_and(|value| matches(value, wanted)),
            None => true,
        });
        let by_object = self.filter_objects.iter().filter_map(|name| query.get(name)?.as_object()).flatten();
        let filtered = filtered
            && by_object
                .into_iter()
                .all(|(member, wanted)| item.get(member).is_some_and(|value| matches(value, wanted)));
        let searched = self.search.as_ref().and_then(|search| query.get(search)).and_then(Value::as_str);
        filtered && searched.is_none_or(|text| mentions(item, &text.to_lowercase(), 0))
    }

    /// Puts items in the order that is asked for; equal ones stay as they are.
    pub(super) fn order(&self, query: &Map<String, Value>, items: &mut [(&str, &Value)]) {
        let sort = self.sort.as_ref().and_then(|sort| query.get(sort)).or(self.sort_default.as_ref());
        let Some(sort) = sort else { return };
        let direction = self.direction.as_ref().and_then(|direction| query.get(direction));
        let direction = direction.or(self.direction_default.as_ref()).and_then(Value::as_str);
        let keys = sort_keys(
            sort,
            direction.is_some_and(|direction| {
                direction.eq_ignore_ascii_case("desc") || direction.eq_ignore_ascii_case("descending")
            }),
        );
        items.sort_by(|(_, one), (_, other)| {
            let by_key = keys.iter().map(|(member, descending)| {
                let order = compare(inner(one, member), inner(other, member));
                if *descending { order.reverse() } else { order }
            });
            by_key.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
        });
    }
}

/// `a`, `-a`, `a,desc`, `a:desc` and lists of them, as members and whether they descend.
fn sort_keys(sort: &Value, descending: bool) -> Vec<(String, bool)> {
    let texts: Vec<&str> = match sort {
        Value::String(text) => text.split(',').collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).flat_map(|text| text.split(',')).collect(),
        _ => Vec::new(),
    };
    let mut keys: Vec<(String, bool)> = Vec::new();
    for text in texts.into_iter().map(str::trim).filter(|text| !text.is_empty()) {
        let (name, word) = text.split_once(':').or_else(|| text.split_once(' ')).unwrap_or((text, ""));
        let word = if word.is_empty() { name } else { word };
        let says = if word.eq_ignore_ascii_case("desc") {
            Some(true)
        } else if word.eq_ignore_ascii_case("asc") {
            Some(false)
        } else {
            None
        };
        match (says, keys.last_mut()) {
            // A direction that stands alone belongs to the key before it.
            (Some(descending), Some(last)) if word == name => last.1 = descending,
            (Some(descending), _) if word != name => keys.push((name.to_owned(), descending)),
            _ => match name.strip_prefix('-') {
                Some(name) => keys.push((name.to_owned(), true)),
                None => keys.push((name.strip_prefix('+').unwrap_or(name).to_owned(), descending)),
            },
        }
    }
    keys
}

/// A member, by a path with dots.
fn inner<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    // JSON:API keeps what is sorted by one level down.
    let below = || value.get("attributes")?.get(path);
    value.get(path).or_else(|| path.split('.').try_fold(value, |value, name| value.get(name))).or_else(below)
}

/// What is absent or null comes last.
fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    let present = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.as_f64().unwrap_or_default().total_cmp(&other.as_f64().unwrap_or_default()),
        },
        (Some(Value::String(one)), Some(Value::String(other))) => one.cmp(other),
        (Some(Value::Bool(one)), Some(Value::Bool(other))) => one.cmp(other),
        (one, other) => present(other).cmp(&present(one)),
    }
}

/// Whether a member equals what is wanted, or one of several wanted, or has it among its items.
fn matches(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (value, Value::Array(wanted)) if !value.is_array() => wanted.iter().any(|wanted| matches(value, wanted)),
        (Value::Array(values), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| values.iter().any(|value| matches(value, wanted)))
        }
        (Value::Array(values), wanted) => values.iter().any(|value| matches(value, wanted)),
        // A parameter of no type is text, whatever the member is.
        (Value::String(value), Value::String(wanted)) => value == wanted,
        (value, Value::String(wanted)) => super::list::text(value) == *wanted,
        (value, wanted) => value == wanted,
    }
}

fn mentions(value: &Value, text: &str, depth: usize) -> bool {
    const DEPTH_MAX: usize = 4;
    match value {
        Value::String(value) => value.to_lowercase().contains(text),
        Value::Array(items) if depth < DEPTH_MAX => items.iter().any(|item| mentions(item, text, depth + 1)),
        Value::Object(members) if depth < DEPTH_MAX => members.values().any(|member| mentions(member, text, depth + 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sort_is_read_in_every_usual_spelling() {
        for (sort, keys) in [
            (json!("name"), vec![("name", false)]),
            (json!("-name"), vec![("name", true)]),
            (json!("name,desc"), vec![("name", true)]),
            (json!(["name,desc", "age"]), vec![("name", true), ("age", false)]),
            (json!(["name", "desc"]), vec![("name", true)]),
            (json!("name:desc,age:asc"), vec![("name", true), ("age", false)]),
            (json!("name desc"), vec![("name", true)]),
            (json!(7), vec![]),
        ] {
            let expected: Vec<(String, bool)> =
                keys.into_iter().map(|(name, descending)| (name.to_owned(), descending)).collect();
            assert_eq!(sort_keys(&sort, false), expected, "{sort}");
        }
    }

    #[test]
    fn members_match_by_value() {
        for (value, wanted, holds) in [
            (json!("a"), json!("a"), true),
            (json!("a"), json!(["b", "a"]), true),
            (json!(["a", "b"]), json!("a"), true),
            (json!(["a", "b"]), json!(["a", "c"]), false),
            (json!(1), json!("1"), true),
            (json!(true), json!(true), true),
            (json!("A"), json!("a"), false),
        ] {
            assert_eq!(matches(&value, &wanted), holds, "{value} {wanted}");
        }
    }
}
