//! Where the Schema Objects of a document stand: a walk over its OpenAPI objects, following references.

use super::document::{Document, Version};
use crate::source::pointer;
use serde_json::Value;
use std::collections::HashSet;

/// The fixed fields of a Path Item Object that are operations (`query` since 3.2).
pub(super) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Every schema of the document that something refers to by position.
pub(crate) fn schema_roots(document: &Document) -> Vec<String> {
    let mut walk = RootWalk { document, roots: Vec::new(), seen: HashSet::new() };
    walk.visit_document();
    walk.roots
}

struct RootWalk<'a> {
    document: &'a Document,
    roots: Vec<String>,
    seen: HashSet<String>,
}

impl RootWalk<'_> {
    fn visit_document(&mut self) {
        for paths in ["/paths", "/webhooks"] {
            for item in self.document.keys(paths) {
                self.path_item(&pointer::join(paths, &item));
            }
        }
        for schema in self.document.keys("/components/schemas") {
            self.roots.push(pointer::join("/components/schemas", &schema));
        }
        for (section, visit) in [
            ("parameters", Self::parameter as fn(&mut Self, &str)),
            ("headers", Self::parameter),
            ("responses", Self::response),
            ("requestBodies", Self::content_holder),
            ("callbacks", Self::callback),
            ("pathItems", Self::path_item),
            ("mediaTypes", Self::media_type),
        ] {
            let section = format!("/components/{section}");
            for name in self.document.keys(&section) {
                visit(self, &pointer::join(&section, &name));
            }
        }
    }

    /// Follows references; `None` when the object was visited before or is not there.
    fn enter(&mut self, at: &str) -> Option<String> {
        let at = self.document.follow(at).ok()?;
        self.document.at(&at)?.as_object()?;
        self.seen.insert(at.clone()).then_some(at)
    }

    fn path_item(&mut self, at: &str) {
        for place in self.document.places(at) {
            if self.seen.insert(place.clone()) {
                self.path_item_fields(&place);
            }
        }
    }

    fn path_item_fields(&mut self, at: &str) {
        self.list(at, "parameters", Self::parameter);
        for method in self.document.keys(at) {
            if METHODS.contains(&method.as_str()) || method == "query" {
                self.operation(&pointer::join(at, &method));
            }
        }
        let additional = pointer::join(at, "additionalOperations");
        for method in self.document.keys(&additional) {
            self.operation(&pointer::join(&additional, &method));
        }
    }

    fn operation(&mut self, at: &str) {
        self.list(at, "parameters", Self::parameter);
        self.content_holder(&pointer::join(at, "requestBody"));
        self.map(at, "responses", Self::response);
        self.map(at, "callbacks", Self::callback);
    }

    fn callback(&mut self, at: &str) {
        let Some(at) = self.enter(at) else { return };
        for expression in self.document.keys(&at) {
            self.path_item(&pointer::join(&at, &expression));
        }
    }

    fn parameter(&mut self, at: &str) {
        let Some(at) = self.enter(at) else { return };
        self.schema(&at);
        self.map(&at, "content", Self::media_type);
    }

    fn response(&mut self, at: &str) {
        let Some(at) = self.enter(at) else { return };
        self.map(&at, "headers", Self::parameter);
        self.map(&at, "content", Self::media_type);
    }

    fn content_holder(&mut self, at: &str) {
        let Some(at) = self.enter(at) else { return };
        self.map(&at, "content", Self::media_type);
    }

    fn media_type(&mut self, at: &str) {
        let Some(at) = self.enter(at) else { return };
        self.schema(&at);
        let items = pointer::join(&at, "itemSchema");
        if self.document.version >= Version::V32 && self.document.at(&items).is_some() {
            self.roots.push(items);
        }
        for property in self.document.keys(&pointer::join(&at, "encoding")) {
            let encoding = pointer::join(&pointer::join(&at, "encoding"), &property);
            self.map(&encoding, "headers", Self::parameter);
        }
        self.list(&at, "prefixEncoding", Self::encoding);
        self.encoding(&pointer::join(&at, "itemEncoding"));
    }

    fn encoding(&mut self, at: &str) {
        self.map(at, "headers", Self::parameter);
    }

    fn schema(&mut self, at: &str) {
        let schema = pointer::join(at, "schema");
        if self.document.at(&schema).is_some() {
            self.roots.push(schema);
        }
    }

    fn list(&mut self, at: &str, field: &str, visit: fn(&mut Self, &str)) {
        let at = pointer::join(at, field);
        let count = self.document.at(&at).and_then(Value::as_array).map_or(0, Vec::len);
        for index in 0..count {
            visit(self, &format!("{at}/{index}"));
        }
    }

    fn map(&mut self, at: &str, field: &str, visit: fn(&mut Self, &str)) {
        let at = pointer::join(at, field);
        for key in self.document.keys(&at) {
            visit(self, &pointer::join(&at, &key));
        }
    }
}
