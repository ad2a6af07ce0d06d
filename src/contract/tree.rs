//! What decoding and generation see of the schemas.

use crate::source::pointer;

/// The lowered schemas of a contract: 2020-12, every static `$ref` is a URI whose fragment is a
/// percent-encoded JSON Pointer from the root of one tree (`lower::reference_pointer` reads it).
pub(crate) trait SchemaTree {
    /// What stands at a pointer.
    fn at(&self, at: &str) -> Option<&serde_json::Value> {
        pointer::find(self.root(), at)
    }

    /// The tree.
    fn root(&self) -> &serde_json::Value;
    /// Whether `value` is an instance of the schema at `pointer`.
    fn is_valid(&self, pointer: &str, value: &serde_json::Value) -> bool;
    /// Whether a pattern of `patternProperties` matches a name.
    fn matches(&self, pattern: &str, name: &serde_json::Value) -> bool;
}

impl<T: SchemaTree> SchemaTree for std::sync::Arc<T> {
    fn root(&self) -> &serde_json::Value {
        T::root(self)
    }

    fn is_valid(&self, pointer: &str, value: &serde_json::Value) -> bool {
        T::is_valid(self, pointer, value)
    }

    fn matches(&self, pattern: &str, name: &serde_json::Value) -> bool {
        T::matches(self, pattern, name)
    }
}
