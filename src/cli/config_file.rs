//! `chatkitty-mock.toml` of the working directory: its keys are flags, and go after flags and environment.

use super::args::ByteCount;
use super::evidence::MinCoverage;
use chatkitty_mock::SourceFile;
use chatkitty_mock::diagnostic::did_you_mean;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use std::any::TypeId;
use std::error::Error as _;
use std::io::{ErrorKind, Read as _};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const FILE: &str = "chatkitty-mock.toml";
/// Bytes of `chatkitty-mock.toml`. Over it the file is refused.
const BYTES_MAX: u64 = 1024 * 1024;

/// Why the file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfigError {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// A mistake, and the byte of the file where it is.
type Mistake = (usize, ConfigError);

/// The command with the file's values as defaults, which the environment and flags override.
pub(super) fn defaults(command: Command) -> Result<Command, ConfigError> {
    let fail = |message: String| ConfigError { message, help: None };
    let unreadable = |error: std::io::Error| fail(format!("cannot read `{FILE}`: {error}"));
    let file = match std::fs::File::open(FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(command),
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = String::new();
    let size = file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if size as u64 > BYTES_MAX {
        return Err(fail(format!("`{FILE}` has more than the {BYTES_MAX} bytes allowed")));
    }
    apply(command, &text)
}

/// What a fuzzer does with the file's text: it is refused, or a command line can still be typed.
#[cfg(any(test, fuzzing))]
pub(crate) fn tried(text: &str) {
    use clap::CommandFactory as _;
    if let Ok(command) = apply(super::args::Cli::command(), text) {
        let _ = command.try_get_matches_from(["chatkitty-mock", "serve"]);
    }
}

fn apply(mut command: Command, text: &str) -> Result<Command, ConfigError> {
    let file = SourceFile::new(FILE, text);
    let at = |(offset, error): Mistake| {
        let (line, column) = file.line_column(offset);
        ConfigError { message: format!("{FILE}:{line}:{column}: {}", error.message), ..error }
    };
    let table = DeTable::parse(text)
        .map_err(|error| at(mistake(error.span().map_or(0, |span| span.start), error.message(), None)))?;
    let flags: Vec<Arg> = command.get_subcommands().flat_map(Command::get_arguments).cloned().collect();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let flag = known(name, key.span().start, &flags).map_err(at)?;
        let values = values(name, flag, value).map_err(at)?;
        command = command.mut_subcommands(|verb| {
            let id = verb.get_arguments().find(|argument| argument.get_long() == Some(name));
            match id.map(|argument| argument.get_id().clone()) {
                Some(id) => verb.mut_arg(id, |argument| argument.default_values(values.clone())),
                None => verb,
            }
        });
    }
    Ok(command)
}

fn mistake(offset: usize, message: impl Into<String>, help: Option<String>) -> Mistake {
    (offset, ConfigError { message: message.into(), help })
}

/// The flag that a key means.
fn known<'a>(name: &str, offset: usize, flags: &'a [Arg]) -> Result<&'a Arg, Mistake> {
    let found = flags.iter().find(|flag| flag.get_long() == Some(name));
    found.ok_or_else(|| {
        let close = did_you_mean(name, flags.iter().filter_map(Arg::get_long));
        let help = close.map(|close| format!("did you mean `{close}`?"));
        mistake(offset, format!("unknown key `{name}`"), help)
    })
}

/// What a flag's key may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Switch,
    Number,
    NumberOrText,
    Text,
    Texts,
    NumbersOrTexts,
}

impl Kind {
    fn of(flag: &Arg) -> Self {
        let parsed = flag.get_value_parser().type_id();
        let is = |types: &[TypeId]| types.iter().any(|known| parsed == *known);
        match flag.get_action() {
            ArgAction::SetTrue => Self::Switch,
            ArgAction::Append if is(&[TypeId::of::<MinCoverage>()]) => Self::NumbersOrTexts,
            ArgAction::Append => Self::Texts,
            _ if is(&[TypeId::of::<u16>(), TypeId::of::<u64>(), TypeId::of::<usize>()]) => Self::Number,
            _ if is(&[TypeId::of::<Duration>(), TypeId::of::<ByteCount>()]) => Self::NumberOrText,
            _ => Self::Text,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Number => "a number",
            Self::NumberOrText => "a number or a text",
            Self::Text => "a text",
            Self::Texts => "a text or a list of texts",
            Self::NumbersOrTexts => "a number, a text or a list of them",
        }
    }
}

/// The key's values, each as it would be typed.
fn values(name: &str, flag: &Arg, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Mistake> {
    let kind = Kind::of(flag);
    let items = match value.get_ref() {
        DeValue::Array(items) if matches!(kind, Kind::Texts | Kind::NumbersOrTexts) => items.iter().collect(),
        _ => vec![value],
    };
    items.into_iter().map(|item| one(name, flag, kind, item)).collect()
}

fn one(name: &str, flag: &Arg, kind: Kind, item: &Spanned<DeValue<'_>>) -> Result<String, Mistake> {
    let number = matches!(kind, Kind::Number | Kind::NumberOrText | Kind::NumbersOrTexts);
    let text = match item.get_ref() {
        DeValue::Boolean(on) if kind == Kind::Switch => Some(on.to_string()),
        DeValue::Integer(digits) if number => {
            i128::from_str_radix(digits.as_str(), digits.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(digits) if kind == Kind::NumbersOrTexts => Some(digits.as_str().to_owned()),
        DeValue::String(text) if !matches!(kind, Kind::Switch | Kind::Number) => Some(text.to_string()),
        _ => None,
    };
    let offset = item.span().start;
    let wrong_type = || mistake(offset, format!("`{name}` must be {}", kind.expected()), None);
    let text = text.ok_or_else(wrong_type)?;
    if kind != Kind::Switch {
        parse(name, flag, &text).map_err(|error| (offset, error))?;
    }
    Ok(text)
}

/// Lets the flag's own parser judge a value, away from the environment and all other flags.
fn parse(name: &str, flag: &Arg, text: &str) -> Result<(), ConfigError> {
    let alone = flag.clone().env(Resettable::Reset).required(false);
    let typed = Command::new("").no_binary_name(true).arg(alone).try_get_matches_from([format!("--{name}={text}")]);
    let Err(error) = typed else { return Ok(()) };
    let reason = error.source().map(|reason| format!(": {reason}")).unwrap_or_default();
    let help = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) if !valid.is_empty() => Some(format!("use one of: {}", valid.join(", "))),
        _ => None,
    };
    Err(ConfigError { message: format!("`{text}` is no value for `{name}`{reason}"), help })
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::cli::args::{Cli, Command as Verb, Drift, ServeArgs};
    use clap::{CommandFactory as _, FromArgMatches as _};

    fn serve(text: &str, typed: &[&str]) -> Box<ServeArgs> {
        let command = apply(Cli::command(), text).unwrap();
        let matches = command.try_get_matches_from(["x", "serve"].iter().chain(typed)).unwrap();
        match Cli::from_arg_matches(&matches).unwrap().command {
            Verb::Serve(arguments) => arguments,
            _ => panic!("not serve"),
        }
    }

    #[test]
    fn the_file_goes_before_defaults_and_after_flags() {
        let text = "port = 0x10\non-drift = \"report\"\nquiet = true\nmax-body = 5\ntoken-ttl = \"2m\"\nfixtures = [\"a\", \"b\"]";
        let from_file = serve(text, &[]);
        assert_eq!((from_file.port, from_file.on_drift, from_file.quiet), (Some(16), Drift::Report, true));
        assert_eq!((from_file.max_body.0, from_file.token_ttl.map(|ttl| ttl.as_secs())), (5, Some(120)));
        assert_eq!(from_file.contract.fixtures, [std::path::Path::new("a"), std::path::Path::new("b")]);
        assert_eq!(serve("fixtures = \"a\"", &[]).contract.fixtures.len(), 1);
        let typed = serve(text, &["--port", "7", "--fixtures", "c"]);
        assert_eq!((typed.port, typed.on_drift, typed.contract.fixtures.len()), (Some(7), Drift::Report, 1));
        assert_eq!(serve("strict = true", &[]).port, None);
    }

    #[test]
    fn seeds_of_the_fuzzer_are_read_or_refused() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/config");
        let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!seeds.is_empty());
        seeds.iter().for_each(|seed| super::tried(&String::from_utf8_lossy(&std::fs::read(seed).unwrap())));
    }

    #[test]
    fn mistakes_have_a_place_and_a_cure() {
        let cases = [
            ("# x\n prot = 1", "2:2: unknown key `prot`", "did you mean `port`?"),
            ("[serve]\nport = 1", "1:2: unknown key `serve`", ""),
            ("port = true", "1:8: `port` must be a number", ""),
            ("port = \"1\"", "1:8: `port` must be a number", ""),
            ("port = 70000", "1:8: `70000` is no value for `port`: 70000 is not in 0..=65535", ""),
            ("port = [1]", "1:8: `port` must be a number", ""),
            ("openapi = true", "1:11: `openapi` must be a text", ""),
            ("host = [\"::1\"]", "1:8: `host` must be a text", ""),
            ("quiet = 1", "1:9: `quiet` must be true or false", ""),
            ("max-body = 1.5", "1:12: `max-body` must be a number or a text", ""),
            ("fixtures = [\"a\", 1]", "1:18: `fixtures` must be a text or a list of texts", ""),
            ("on-drift = \"fial\"", "1:12: `fial` is no value for `on-drift`", "use one of: fail, report"),
            (
                "edition = \"camle\"",
                "1:11: `camle` is no value for `edition`",
                "use one of: page, camel, snake, unversioned",
            ),
        ];
        for (text, message, help) in cases {
            let error = apply(Cli::command(), text).unwrap_err();
            assert_eq!(error.message, format!("chatkitty-mock.toml:{message}"));
            assert_eq!(error.help.unwrap_or_default(), help, "{text}");
        }
        assert!(apply(Cli::command(), "port = ").unwrap_err().message.starts_with("chatkitty-mock.toml:1:"));
    }
}
