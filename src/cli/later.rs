//! What the documentation names and this version does not have: refused by name, never ignored.

use std::ffi::OsString;

const VERBS: [&str; 1] = ["proxy"];
const FLAGS: [&str; 3] = ["tls-cert", "tls-key", "tls-self-signed"];

/// What must work whatever the environment configures a server with.
fn is_unconfigured(verb: &str) -> bool {
    ["audit", "ready", "stop"].contains(&verb) || super::UNCONFIGURED.contains(&verb)
}

/// Whether a flag, or a key of the configuration file, comes later.
pub(super) fn is_later_flag(name: &str) -> bool {
    FLAGS.contains(&name)
}

/// What of the arguments or the environment is not available yet, as a message.
pub(super) fn refusal(arguments: &[OsString], is_set: impl Fn(&str) -> bool) -> Option<String> {
    let mut words = arguments.iter().skip(1).map(|argument| argument.to_string_lossy());
    let verb = words.next()?;
    if VERBS.contains(&verb.as_ref()) {
        return Some(format!("the command `{verb}` is not available in this version"));
    }
    let typed = words.take_while(|word| word != "--").find_map(|word| {
        let name = word.strip_prefix("--")?.split('=').next()?.to_owned();
        is_later_flag(&name).then(|| format!("`--{name}` is not available in this version"))
    });
    if typed.is_some() || is_unconfigured(&verb) {
        return typed;
    }
    let mut variables = FLAGS.iter().map(|flag| format!("CHATKITTY_MOCK_{}", flag.to_uppercase().replace('-', "_")));
    let set = variables.find(|name| is_set(name))?;
    Some(format!("the environment sets `{set}`, which is not available in this version"))
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn what_comes_later_is_refused_by_name() {
        let cases = [
            ("x proxy --upstream u", "", Some("the command `proxy` is not available in this version")),
            ("x serve --tls-cert=x", "", Some("`--tls-cert` is not available in this version")),
            ("x exec -- cmd --tls-cert", "", None),
            ("x serve --port 0", "", None),
            (
                "x serve",
                "CHATKITTY_MOCK_TLS_CERT",
                Some("the environment sets `CHATKITTY_MOCK_TLS_CERT`, which is not available in this version"),
            ),
            ("x ready", "CHATKITTY_MOCK_TLS_CERT", None),
            ("x audit --report json -", "CHATKITTY_MOCK_TLS_CERT", None),
            ("x", "", None),
        ];
        for (typed, set, expected) in cases {
            let arguments: Vec<_> = typed.split(' ').map(Into::into).collect();
            assert_eq!(refusal(&arguments, |name| name == set).as_deref(), expected, "{typed}");
        }
    }
}
