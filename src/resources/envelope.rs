//! How a contract's GET lists items: a bare array, or an object with an array in it and members about it.

use super::names::{plain, singular};
use crate::contract::{Contract, Structure};
use crate::source::pointer;
use serde_json::{Map, Value, json};

/// How a list is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// JSON Pointer of the array; empty for a bare one.
    pub(super) at: String,
    /// What the whole is.
    pub(super) whole: Structure,
    /// What one item is.
    pub(super) item: Structure,
}

/// What can be said of a page.
pub(super) struct Page<'a> {
    pub(super) items: Vec<Value>,
    pub(super) total: usize,
    /// Items before the first one.
    pub(super) offset: usize,
    /// Items that a page has at most; `None` if all are on one.
    pub(super) size: Option<usize>,
    /// The number of the first page.
    pub(super) first: usize,
    /// What leads to the next page and to this one, where there are cursors.
    pub(super) next: Option<String>,
    pub(super) start: Option<String>,
    /// The address of a page that begins at an offset.
    pub(super) link: &'a dyn Fn(usize) -> String,
    /// Scheme and host of the request, for addresses that have to be absolute.
    pub(super) origin: String,
}

/// Members that hold the array, the likeliest first.
const LISTS: [&str; 12] = [
    "items",
    "data",
    "results",
    "content",
    "records",
    "entries",
    "values",
    "list",
    "elements",
    "rows",
    "value",
    "resources",
];
/// Members that hold what is said about the page.
const ABOUT: [&str; 8] = ["page", "pagination", "paging", "meta", "metadata", "pageinfo", "pageable", "cursor"];

impl Envelope {
    /// How a response lists items; `None` if it is no list.
    pub(super) fn find(contract: &Contract, whole: Structure) -> Option<Self> {
        if contract.is_of_type(whole, "array") {
            let item = contract.items_of(whole)?;
            return Some(Self { at: String::new(), whole, item });
        }
        let members = contract.members_of(whole);
        if let Some((name, embedded)) = members.iter().find(|(name, _)| name == "_embedded") {
            let lists = arrays(contract, contract.members_of(*embedded));
            let (list, item) = lists.into_iter().next()?;
            return Some(Self { at: pointer::join(&pointer::join("", name), &list), whole, item });
        }
        let lists = arrays(contract, members);
        let known = LISTS.iter().find_map(|known| lists.iter().find(|(name, _)| plain(name) == *known));
        let is_about = |name: &str| page_word(name) || name.starts_with('_');
        // Any name will do for the only array among members that speak of the page.
        let only = lists.first().filter(|_| {
            lists.len() == 1
                && members.iter().all(|(name, _)| is_about(name) || lists.iter().any(|(list, _)| list == name))
        });
        let (name, item) = known.or(only)?;
        Some(Self { at: pointer::join("", name), whole, item: *item })
    }

    /// An envelope whose array is at a pointer that was named.
    pub(super) fn at(contract: &Contract, whole: Structure, at: &str) -> Option<Self> {
        let mut list = whole;
        for token in pointer::tokens(at) {
            list = contract.member_of(list, &token)?;
        }
        let item = contract.items_of(list)?;
        Some(Self { at: at.to_owned(), whole, item })
    }

    /// The array in a representation of the list.
    pub(super) fn items_in<'v>(&self, list: &'v Value) -> Option<&'v Vec<Value>> {
        list.pointer(&self.at)?.as_array()
    }

    /// The representation of a page.
    pub(super) fn wrap(&self, contract: &Contract, page: &Page<'_>, seed: u64) -> Option<Value> {
        let items = Value::Array(page.items.clone());
        if self.at.is_empty() {
            return contract.takes(self.whole, &items).then_some(items);
        }
        let mut given = Value::Object(Map::new());
        self.about(contract, self.whole, page, &mut given);
        if let Some(links) = contract.member_of(self.whole, "_links") {
            let made = links_of(page);
            if contract.takes(links, &made) {
                given["_links"] = made;
            }
        }
        let mut place = &mut given;
        for token in pointer::tokens(&self.at) {
            let Value::Object(members) = place else { return None };
            place = members.entry(token.into_owned()).or_insert_with(|| Value::Object(Map::new()));
        }
        *place = items;
        contract
            .completed(self.whole, &given, seed)
            .filter(|whole| self.items_in(whole).is_some_and(|found| found.len() == page.items.len()))
    }

    /// The representation of everything on one page.
    pub(super) fn listing(&self, contract: &Contract, items: Vec<Value>, path: &str) -> Option<Value> {
        let link = |_: usize| path.to_owned();
        let total = items.len();
        self.wrap(
            contract,
            &Page {
                items,
                total,
                offset: 0,
                size: None,
                first: 0,
                next: None,
                start: None,
                link: &link,
                origin: String::new(),
            },
            0,
        )
    }

    /// Fills in what the schema says about pages, a level down, too.
    fn about(&self, contract: &Contract, structure: Structure, page: &Page<'_>, given: &mut Value) {
        let members = contract.members_of(structure);
        let counts_all = members.iter().any(|(name, _)| plain(name).starts_with("total"));
        for (name, member) in members {
            if contract.is_of_type(*member, "object") && ABOUT.contains(&plain(name).as_str()) {
                let mut inner = Value::Object(Map::new());
                self.about(contract, *member, page, &mut inner);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    given[name.as_str()] = inner;
                }
                continue;
            }
            let list = pointer::tokens(&self.at).last().map(|list| plain(&list)).unwrap_or_default();
            let counts = |noun: &str| {
                let name = plain(name);
                !noun.is_empty() && (name == format!("{noun}count") || name == format!("total{noun}"))
            };
            let said = if counts(&list) || counts(&singular(&list)) {
                vec![json!(page.total)]
            } else {
                page.said(&plain(name), counts_all)
            };
            if let Some(value) = said.into_iter().find(|value| contract.takes(*member, value)) {
                given[name.as_str()] = value;
            }
        }
    }
}

/// Members that are arrays of objects, or of anything that is not said.
fn arrays(contract: &Contract, members: &[(String, Structure)]) -> Vec<(String, Structure)> {
    members
        .iter()
        .filter(|(_, member)| contract.is_of_type(*member, "array"))
        .filter_map(|(name, member)| Some((name.clone(), contract.items_of(*member)?)))
        .filter(|(_, item)| {
            !["string", "integer", "number", "boolean"].iter().any(|kind| contract.is_of_type(*item, kind))
        })
        .collect()
}

/// Whether a member speaks of pages rather than of what is listed.
fn page_word(name: &str) -> bool {
    let name = plain(name);
    let words = [
        "total", "page", "count", "next", "prev", "cursor", "limit", "offset", "more", "size", "meta", "link", "self",
        "first", "last", "object", "url",
    ];
    words.iter().any(|word| name.contains(word))
}

impl Page<'_> {
    /// The address of a page: relative, or absolute where that is what is declared.
    fn addresses(&self, offset: usize) -> Vec<Value> {
        let relative = (self.link)(offset);
        vec![json!(relative), json!(format!("{}{relative}", self.origin))]
    }

    /// The links to other pages, as a `Link` header has them.
    pub(super) fn links(&self) -> String {
        let Some(size) = self.size.filter(|size| *size > 0) else { return String::new() };
        let mut pages = vec![("first", 0)];
        if self.offset > 0 {
            pages.push(("prev", self.offset.saturating_sub(size)));
        }
        if self.has_more() {
            pages.push(("next", self.offset + size));
        }
        pages.push(("last", self.total.saturating_sub(1) / size * size));
        let links =
            pages.iter().map(|(rel, offset)| format!("<{}{}>; rel=\"{rel}\"", self.origin, (self.link)(*offset)));
        links.collect::<Vec<_>>().join(", ")
    }

    fn has_more(&self) -> bool {
        self.offset + self.items.len() < self.total
    }

    /// What a member of this plain name says, in the order of preference.
    fn said(&self, name: &str, counts_all: bool) -> Vec<Value> {
        let size = self.size.unwrap_or(self.total);
        let number = self.offset.checked_div(size).unwrap_or(0) + self.first;
        let pages = self.total.div_ceil(size.max(1));
        let text = |text: &Option<String>| {
            text.as_ref().map_or(vec![Value::Null], |text| {
                vec![json!(text), text.parse::<u64>().map_or(Value::Null, |number| json!(number))]
            })
        };
        match name {
            "total" | "totalcount" | "totalelements" | "totalitems" | "totalresults" | "totalrecords" | "totalhits" => {
                vec![json!(self.total)]
            }
            "count" if !counts_all => vec![json!(self.total)],
            "count" | "numberofelements" | "returned" | "itemcount" | "currentitemcount" => {
                vec![json!(self.items.len())]
            }
            "totalpages" | "pagecount" | "pages" | "lastpage" | "numpages" => vec![json!(pages)],
            "page" | "number" | "pagenumber" | "currentpage" | "pageindex" => vec![json!(number)],
            "size" | "pagesize" | "perpage" | "limit" | "itemsperpage" | "maxresults" => vec![json!(size)],
            "offset" | "skip" | "startindex" => vec![json!(self.offset)],
            "start" => match &self.start {
                Some(start) => vec![json!(start)],
                None => vec![json!(self.offset)],
            },
            "hasmore" | "hasnext" | "hasnextpage" | "more" => vec![json!(self.has_more())],
            "hasprevious" | "hasprev" | "haspreviouspage" => vec![json!(self.offset > 0)],
            "first" => vec![json!(self.offset == 0)],
            "last" => vec![json!(!self.has_more())],
            "empty" => vec![json!(self.items.is_empty())],
            "nextcursor" | "nextpagetoken" | "endcursor" | "continuationtoken" | "cursor" | "nexttoken" => {
                text(&self.next)
            }
            "next" if self.next.is_some() => text(&self.next),
            "next" | "nextlink" | "nexturl" | "nextpageurl" if self.has_more() => self.addresses(self.offset + size),
            "previous" | "prev" | "previousurl" | "prevpageurl" if self.offset > 0 => {
                self.addresses(self.offset.saturating_sub(size))
            }
            "next" | "nextlink" | "nexturl" | "nextpageurl" | "previous" | "prev" | "previousurl" | "prevpageurl" => {
                vec![Value::Null]
            }
            _ => Vec::new(),
        }
    }
}

/// The links of a HAL page.
fn links_of(page: &Page<'_>) -> Value {
    let mut links = Map::new();
    let mut put = |name: &str, offset: usize| links.insert(name.to_owned(), json!({ "href": (page.link)(offset) }));
    put("self", page.offset);
    if let Some(size) = page.size.filter(|size| *size > 0) {
        put("first", 0);
        if page.offset > 0 {
            put("prev", page.offset.saturating_sub(size));
        }
        if page.has_more() {
            put("next", page.offset + size);
        }
        put("last", page.total.saturating_sub(1) / size * size);
    }
    Value::Object(links)
}
