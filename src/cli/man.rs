//! `man`: the manual pages, made from what can be typed.

use super::terminal;
use chatkitty_mock::diagnostic::did_you_mean;
use clap::Command;
use clap_mangen::Man;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn run(mut command: Command, verb: Option<&str>, folder: Option<&Path>) -> ExitCode {
    // Until then its commands do not know what they are called.
    command.build();
    let written = match (folder, verb) {
        (Some(folder), _) => write_all(&command, folder)
            .map_err(|error| (format!("cannot write to `{}`: {error}", folder.display()), None)),
        (None, None) => print(&command),
        (None, Some(verb)) => command.find_subcommand(verb).map_or_else(|| Err(unknown(&command, verb)), print),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err((message, help)) => terminal::usage_error(&message, help.as_deref()),
    }
}

/// A mistake and what to do about it.
type Mistake = (String, Option<String>);

fn unknown(command: &Command, verb: &str) -> Mistake {
    let close = did_you_mean(verb, command.get_subcommands().map(Command::get_name));
    (format!("there is no command `{verb}`"), close.map(|close| format!("did you mean `{close}`?")))
}

fn print(command: &Command) -> Result<(), Mistake> {
    let page = page(command).map_err(|error| (format!("cannot make the page: {error}"), None))?;
    terminal::out(&String::from_utf8_lossy(&page));
    Ok(())
}

fn write_all(command: &Command, folder: &Path) -> std::io::Result<()> {
    for command in std::iter::once(command).chain(command.get_subcommands()) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        std::fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    }
    Ok(())
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let source = concat!("chatkitty-mock ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).render(&mut text)?;
    Ok(text)
}
