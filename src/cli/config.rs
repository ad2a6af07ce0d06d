//! `chatkitty-mock.toml` of the working directory: its keys are flags, and go after flags and environment.

use super::args::LATER_FLAGS;
use chatkitty_mock::SourceFile;
use chatkitty_mock::diagnostic::did_you_mean;
use clap::Command;
use std::path::Path;
use toml::de::{DeTable, DeValue};

const FILE: &str = "chatkitty-mock.toml";
/// Bytes of the file. Over it the file is refused.
const BYTES_MAX: u64 = 1024 * 1024;

/// Why the file cannot be used.
#[derive(Debug)]
pub(super) struct ConfigError {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// The command with the file's values as defaults, which the environment and flags override.
pub(super) fn defaults(command: Command) -> Result<Command, ConfigError> {
    if !Path::new(FILE).exists() {
        return Ok(command);
    }
    let fail = |message: String| ConfigError { message, help: None };
    let size = std::fs::metadata(FILE).map_err(|error| fail(format!("cannot read `{FILE}`: {error}")))?.len();
    if size > BYTES_MAX {
        return Err(fail(format!("`{FILE}` has {size} bytes, more than the {BYTES_MAX} allowed")));
    }
    let text = std::fs::read_to_string(FILE).map_err(|error| fail(format!("cannot read `{FILE}`: {error}")))?;
    apply(command, &text)
}

fn apply(command: Command, text: &str) -> Result<Command, ConfigError> {
    let file = SourceFile::new(FILE, text);
    let at = |offset: usize, message: &str, help: Option<String>| {
        let (line, column) = file.line_column(offset);
        ConfigError { message: format!("{FILE}:{line}:{column}: {message}"), help }
    };
    let table =
        DeTable::parse(text).map_err(|error| at(error.span().map_or(0, |span| span.start), error.message(), None))?;
    let serve = command.find_subcommand("exec").cloned().unwrap_or_default();
    let known: Vec<String> =
        serve.get_arguments().filter_map(|argument| argument.get_long().map(ToOwned::to_owned)).collect();
    let mut command = command;
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        if LATER_FLAGS.contains(&name) {
            return Err(at(key.span().start, &format!("`{name}` is not available in this version"), None));
        }
        if !known.iter().any(|known| known == name) {
            let help =
                did_you_mean(name, known.iter().map(String::as_str)).map(|close| format!("did you mean `{close}`?"));
            return Err(at(key.span().start, &format!("unknown key `{name}`"), help));
        }
        let values = texts(value.get_ref()).ok_or_else(|| {
            at(value.span().start, &format!("`{name}` is a text, a number, true or false, or a list of texts"), None)
        })?;
        // One value at a time through the flag's own parser, so that a mistake has a place.
        let takes_value = serve
            .get_arguments()
            .any(|argument| argument.get_long() == Some(name) && argument.get_action().takes_values());
        for text in &values {
            let typed: Vec<String> = if takes_value { vec![format!("--{name}={text}")] } else { Vec::new() };
            let trial = serve
                .clone()
                .no_binary_name(true)
                .try_get_matches_from(typed.into_iter().chain(["--".to_owned(), "x".to_owned()]));
            let wrong_flag = !takes_value && text != "true" && text != "false";
            if wrong_flag || trial.is_err() {
                let reason = trial.err().map(|error| error.to_string()).unwrap_or_default();
                let possible = reason.lines().find_map(|line| {
                    line.trim().strip_prefix("[possible values: ").map(|rest| rest.trim_end_matches(']').to_owned())
                });
                let help = possible.map(|possible| format!("use one of: {possible}"));
                return Err(at(value.span().start, &format!("`{text}` is no value for `{name}`"), help));
            }
        }
        command = command.mut_subcommands(|verb| {
            let has = verb.get_arguments().any(|argument| argument.get_long() == Some(name));
            if !has {
                return verb;
            }
            let id = verb
                .get_arguments()
                .find(|argument| argument.get_long() == Some(name))
                .map(|argument| argument.get_id().clone());
            match id {
                Some(id) => verb.mut_arg(id, |argument| argument.default_values(values.clone())),
                None => verb,
            }
        });
    }
    Ok(command)
}

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Integer(number) => Some(vec![number.to_string()]),
        DeValue::Boolean(flag) => Some(vec![flag.to_string()]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}
