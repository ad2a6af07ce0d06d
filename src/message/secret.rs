//! Which values are secret, by what they are called.

use crate::source::pointer;
use std::collections::BTreeSet;

/// What stands where a secret was.
pub(crate) const MASK: &str = "***";

/// Names of secrets, whatever their case and the signs between their words.
const NAMES: [&str; 11] = [
    "accesstoken",
    "authtoken",
    "authorization",
    "bearertoken",
    "clientassertion",
    "idtoken",
    "jwt",
    "passwd",
    "refreshtoken",
    "sessiontoken",
    "token",
];

/// How names of secrets end: `newPassword`, `x-signing-secret`.
const ENDINGS: [&str; 5] = ["password", "passphrase", "secret", "apikey", "privatekey"];

/// The names of secrets: those that everybody has, and a contract's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Secrets {
    own: BTreeSet<String>,
}

impl Secrets {
    pub(crate) fn new<'n>(own: impl IntoIterator<Item = &'n str>) -> Self {
        Self { own: own.into_iter().map(plain).collect() }
    }

    /// Whether the value of a member, a parameter or a header field of this name is secret.
    pub(crate) fn are_named(&self, name: &str) -> bool {
        let name = plain(name);
        NAMES.contains(&name.as_str())
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || self.own.contains(&name)
    }

    /// Whether what stands at a JSON Pointer is secret, or is within what is.
    pub(crate) fn are_at(&self, at: &str) -> bool {
        pointer::tokens(at).any(|name| self.are_named(&name))
    }
}

/// A name without what is spelled in different ways: case, hyphens, underscores.
pub(crate) fn plain(name: &str) -> String {
    if name.is_ascii() {
        let mut plain = Vec::with_capacity(name.len());
        plain.extend(name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()));
        return String::from_utf8(plain).unwrap_or_default();
    }
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    #[test]
    fn names_of_secrets_are_known_however_they_are_spelled() {
        let secrets = Secrets::new(["X-Key", "pin"]);
        for name in
            ["token", "accessToken", "access_token", "PASSWORD", "new-password", "client.secret", "x-key", "PIN"]
        {
            assert!(secrets.are_named(name), "{name}");
            assert!(secrets.are_at(&format!("/a/{name}/0")), "{name}");
        }
        for name in ["", "key", "nextPageToken", "passwordHint", "secretary", "x", "tokens"] {
            assert!(!secrets.are_named(name), "{name}");
        }
    }
}
