//! What forms and queries carry, and addresses with queries.

use super::Visit;
use std::collections::BTreeMap;

/// The fields of a form or a query; of a repeated one the last value, as a hidden field before a checkbox needs it.
#[derive(Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A field; empty where it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A field that was filled in.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

impl Visit<'_> {
    /// The fields of the form that was sent.
    pub(super) fn form(&self) -> Fields {
        Fields::parse(self.request.body())
    }

    /// The fields of the query.
    pub(super) fn query(&self) -> Fields {
        Fields::parse(self.request.uri().query().unwrap_or_default().as_bytes())
    }
}

/// A path with a query.
pub(super) fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
