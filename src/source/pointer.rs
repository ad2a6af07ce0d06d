//! JSON Pointer (RFC 6901): escaping, taking apart, putting together, and finding what one leads to.

use serde_json::Value;
use std::borrow::Cow;

/// `token` with `~` and `/` escaped.
pub(crate) fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) {
        Cow::Owned(token.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(token)
    }
}

/// `token` with `~1` and `~0` read; other uses of `~` are left as they stand.
pub(crate) fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { Cow::Owned(token.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(token) }
}

/// Appends `/` and the escaped `token`.
pub(crate) fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&escape(token));
}

/// `base` with `/` and the escaped `token` appended.
pub(crate) fn join(base: &str, token: &str) -> String {
    let mut pointer = String::with_capacity(base.len() + token.len() + 1);
    pointer.push_str(base);
    push(&mut pointer, token);
    pointer
}

/// The tokens from the root down, unescaped; a missing first `/` is forgiven.
pub(crate) fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let rest = (!pointer.is_empty()).then(|| pointer.strip_prefix('/').unwrap_or(pointer));
    rest.into_iter().flat_map(|rest| rest.split('/')).map(unescape)
}

/// The value that a pointer leads to. Unlike `Value::pointer` it copies no token that has nothing escaped.
pub(crate) fn find<'v>(root: &'v Value, pointer: &str) -> Option<&'v Value> {
    if pointer.is_empty() {
        return Some(root);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(root, |value, token| match value {
        Value::Object(members) => members.get(unescape(token).as_ref()),
        Value::Array(items) => index(token).and_then(|index| items.get(index)),
        _ => None,
    })
}

/// An index is written without a sign and without a zero before it.
fn index(token: &str) -> Option<usize> {
    let is_plain = !token.starts_with('+') && (token == "0" || !token.starts_with('0'));
    token.parse().ok().filter(|_| is_plain)
}

/// The pointer one level up and the last token, still escaped; `None` at the root.
pub(crate) fn parent(pointer: &str) -> Option<(&str, &str)> {
    pointer.rsplit_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_the_way_into_a_pointer_and_back() {
        for token in ["", "a", "a/b", "~", "~1", "/~0/", "é"] {
            assert_eq!(unescape(&escape(token)), token);
            let pointer = join("/x", token);
            assert_eq!(tokens(&pointer).collect::<Vec<_>>(), ["x", token]);
            assert_eq!(parent(&pointer), Some(("/x", escape(token).as_ref())));
        }
        assert_eq!(join("", "/v1/{id}"), "/~1v1~1{id}");
        assert_eq!(tokens("").count(), 0);
        assert_eq!(tokens("/").collect::<Vec<_>>(), [""]);
        assert_eq!(parent(""), None);
    }

    #[test]
    fn a_pointer_leads_where_serde_json_says_it_does() {
        let root = serde_json::json!({ "a/b": [{ "~": 1 }, [2]], "": { "": 3 }, "0": 4, "~1": 5, "é": [6] });
        let pointers = [
            "",
            "/",
            "//",
            "/a~1b/0/~0",
            "/a~1b/1/0",
            "/a~1b/00",
            "/a~1b/+0",
            "/a~1b/-",
            "/a~1b/2",
            "/0",
            "/~01",
            "/é/0",
            "a",
            "/a/b",
            "/0/0",
            "/a~1b/0/",
        ];
        for pointer in pointers {
            assert_eq!(find(&root, pointer), root.pointer(pointer), "{pointer}");
        }
    }
}
