//! The path templates of a contract in their order, each with its operations: to find them by, and what is near.

use super::trimmed;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// Templates that an unknown path is compared with, as many before it as behind it in their order. Over it the others are
/// not suggested.
const NEAR_MAX: usize = 512;

/// Places of operations by template. A slash at its end counts for nothing.
#[derive(Default)]
pub(super) struct Templates {
    operations: BTreeMap<String, Vec<usize>>,
}

impl Templates {
    /// `templates`: that of each operation, in their order.
    pub(super) fn new<'t>(templates: impl Iterator<Item = &'t str>) -> Self {
        let mut operations: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, template) in templates.enumerate() {
            operations.entry(trimmed(template).to_owned()).or_default().push(index);
        }
        Self { operations }
    }

    /// Places of the operations at a template, in the order of the document.
    pub(super) fn at(&self, template: &str) -> &[usize] {
        self.operations.get(trimmed(template)).map_or(&[], Vec::as_slice)
    }

    /// The first operation at each of the templates that a path without its base is near to.
    pub(super) fn near(&self, path: &str) -> impl Iterator<Item = usize> {
        let before = self.operations.range::<str, _>((Unbounded, Excluded(path))).rev().take(NEAR_MAX / 2);
        let behind = self.operations.range::<str, _>((Included(path), Unbounded)).take(NEAR_MAX / 2);
        before.chain(behind).filter_map(|(_, operations)| operations.first().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_their_template_and_by_what_is_near() {
        let mut templates: Vec<String> = (0..2_000).map(|index| format!("/things/{index:04}")).collect();
        templates.extend(["/things/1000/".to_owned(), "/".to_owned()]);
        let known = Templates::new(templates.iter().map(String::as_str));
        assert_eq!((known.at("/things/1000"), known.at("/things/1000/")), (&[1_000, 2_000][..], &[1_000, 2_000][..]));
        assert_eq!((known.at("/"), known.at("/things"), known.at("")), (&[2_001][..], &[][..], &[][..]));
        let near: Vec<usize> = known.near("/things/1000x").collect();
        assert!(
            near.len() == NEAR_MAX && [745, 1_000, 1_001, 1_256].iter().all(|index| near.contains(index)),
            "{near:?}"
        );
        assert_eq!(known.near("").count(), NEAR_MAX / 2);
    }
}
