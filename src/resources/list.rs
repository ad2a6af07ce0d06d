//! What a collection answers: what it holds, filtered, sorted and paged by the contract's own parameters.

use super::envelope::{Envelope, Page};
use super::{Call, Collection, Told};
use crate::contract::{Contract, decoded, segment};
use crate::message::scheme_of;
use crate::store::State;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// Items of a page where the request names no size and the contract no default.
const SIZE_DEFAULT: usize = 100;

impl Call<'_> {
    /// The representation of the page that the request asks for.
    pub(super) fn list<'s>(
        &self,
        collection: &Collection,
        envelope: &Envelope,
        state: &'s State,
        paths: impl Iterator<Item = &'s str>,
    ) -> Told {
        let query = &self.decoded.query;
        let queries = &collection.queries;
        let mut items: Vec<(&str, &Value)> = paths
            .filter_map(|path| Some((path, collection.thing(&state.resource(path)?.value))))
            .filter(|(_, item)| queries.takes(query, item))
            .collect();
        queries.order(query, &mut items);
        let total = items.len();
        let asked = count(query, queries.size.as_deref());
        let paged = [&queries.page, &queries.size, &queries.offset, &queries.after].into_iter().any(Option::is_some);
        let size = asked.or(queries.size_default).or_else(|| paged.then_some(SIZE_DEFAULT)).filter(|size| *size > 0);
        let (offset, until) = self.bounds(collection, &items, size);
        let offset = offset.min(total);
        let page: Vec<Value> = items
            .iter()
            .skip(offset)
            .take(size.unwrap_or(usize::MAX).min(until - offset.min(until)))
            .filter_map(|(_, item)| fitted(self.contract, envelope, item))
            .collect();
        let id_at =
            |index: usize| items.get(index).and_then(|(path, _)| path.rsplit('/').next()).map(ToOwned::to_owned);
        let end = offset + page.len();
        let more = end < total;
        let next = match (&queries.after, queries.from.is_empty()) {
            (Some(_), _) if more => end.checked_sub(1).and_then(id_at),
            (None, false) if more => id_at(end),
            _ => None,
        };
        let start = if queries.from.is_empty() { None } else { id_at(offset) };
        let link = |offset: usize| {
            let cursor = match (&queries.after, queries.from.as_slice()) {
                _ if queries.page.is_some() || queries.offset.is_some() => None,
                (Some(after), _) => Some((after, offset.checked_sub(1).and_then(id_at))),
                // The parameter that the page calls its next one by, if there is one.
                (None, from) => from
                    .iter()
                    .find(|name| *name == "next")
                    .or(from.first())
                    .map(|from| (from, id_at(offset).filter(|_| offset > 0))),
            };
            self.page_link(collection, offset, size, cursor)
        };
        let origin = self.request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
        let origin = origin.unwrap_or("localhost");
        let origin = format!("{}://{origin}", scheme_of(self.request));
        let page =
            Page { items: page, total, offset, size, first: queries.first_page, next, start, link: &link, origin };
        let links = page.links();
        match envelope.wrap(self.contract, &page, 0) {
            Some(whole) => {
                Told::Answer(super::Answer { total: Some(total), links: Some(links), ..self.representation(whole) })
            }
            None => Told::Nothing,
        }
    }

    /// Where the page begins, and where it ends at the latest.
    fn bounds(&self, collection: &Collection, items: &[(&str, &Value)], size: Option<usize>) -> (usize, usize) {
        let before = collection.queries.before.as_ref().and_then(|before| self.decoded.query.get(before));
        let ends = before.map(|before| position(items, before).unwrap_or(items.len()));
        match ends {
            Some(end) => (end.saturating_sub(size.unwrap_or(usize::MAX)), end),
            None => (self.offset(collection, items, size), items.len()),
        }
    }

    fn offset(&self, collection: &Collection, items: &[(&str, &Value)], size: Option<usize>) -> usize {
        let query = &self.decoded.query;
        let queries = &collection.queries;
        if let Some(offset) = count(query, queries.offset.as_deref()) {
            return offset;
        }
        if let Some(after) = queries.after.as_ref().and_then(|after| query.get(after)).filter(|after| !after.is_null())
        {
            return position(items, after).map_or(items.len(), |index| index + 1);
        }
        if let Some(from) = queries.from.iter().find_map(|from| query.get(from)) {
            return position(items, from).unwrap_or(items.len());
        }
        let page = count(query, queries.page.as_deref()).unwrap_or(queries.first_page);
        page.saturating_sub(queries.first_page).saturating_mul(size.unwrap_or(0))
    }

    /// The address of a page of the same list: by a cursor's parameter and value, or by numbers.
    fn page_link(
        &self,
        collection: &Collection,
        offset: usize,
        size: Option<usize>,
        cursor: Option<(&String, Option<String>)>,
    ) -> String {
        let queries = &collection.queries;
        let paging = [&queries.page, &queries.offset, &queries.size, &queries.after, &queries.before];
        let sent = self.request.uri().query().unwrap_or_default();
        let mut pairs: Vec<String> = sent
            .split('&')
            .filter(|pair| {
                !pair.is_empty()
                    && !queries.from.iter().any(|name| name == pair.split('=').next().unwrap_or_default())
                    && !paging.iter().any(|name| name.as_deref() == Some(pair.split('=').next().unwrap_or_default()))
            })
            .map(ToOwned::to_owned)
            .collect();
        let mut put = |name: &Option<String>, value: usize| {
            if let Some(name) = name {
                pairs.push(format!("{}={value}", utf8_percent_encode(name, QUERY)));
            }
        };
        match size {
            _ if cursor.is_some() => {}
            Some(size) if queries.page.is_some() => put(&queries.page, offset / size.max(1) + queries.first_page),
            _ => put(&queries.offset, offset),
        }
        if let Some(size) = size {
            put(&queries.size, size);
        }
        if let Some((name, Some(id))) = cursor {
            pairs.push(format!("{}={}", utf8_percent_encode(name, QUERY), utf8_percent_encode(&decoded(&id), QUERY)));
        }
        let path = self.request.uri().path();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// What may stand in a query name as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An item as the list's own schema has it: whole, or what that schema declares of it.
fn fitted(contract: &Contract, envelope: &Envelope, item: &Value) -> Option<Value> {
    if contract.takes(envelope.item, item) { Some(item.clone()) } else { contract.completed(envelope.item, item, 0) }
}

/// Where the item with an id stands.
fn position(items: &[(&str, &Value)], id: &Value) -> Option<usize> {
    let id = text(id);
    let id = segment(&id);
    items.iter().position(|(path, _)| path.rsplit('/').next() == Some(&*id))
}

fn count(query: &Map<String, Value>, name: Option<&str>) -> Option<usize> {
    query.get(name?).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
}

/// A value as a path segment has it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
