//! JSON Pointer (RFC 6901) as text: escaping, taking apart, putting together. It never looks into a document.

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
}
