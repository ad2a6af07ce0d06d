use super::tree::SchemaTree;
use serde_json::Value;
pub(crate) fn generate(_: &dyn SchemaTree, _: &str, _: u64) -> Option<Value> {
    None
}
