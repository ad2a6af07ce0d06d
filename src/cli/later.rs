//! What the documentation names and this version does not have: refused by name, never ignored.

use std::ffi::OsString;

const VERBS: [&str; 1] = ["proxy"];

/// What of the arguments is not available yet, as a message.
pub(super) fn refusal(arguments: &[OsString]) -> Option<String> {
    let verb = arguments.get(1)?.to_string_lossy();
    VERBS.contains(&verb.as_ref()).then(|| format!("the command `{verb}` is not available in this version"))
}
