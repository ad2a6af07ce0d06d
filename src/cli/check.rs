//! `check`: everything wrong with contracts and fixtures; nothing is started.

use super::args::{CheckArgs, CheckFormat};
use super::{VIOLATED, terminal};
use chatkitty_mock::diagnostic::{Diagnostic, Severity, github, render, sarif};
use chatkitty_mock::{CheckOutcome, SourceFile, StateExplanation};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn run(arguments: &CheckArgs) -> ExitCode {
    let flags = &arguments.contract;
    let unreadable = flags.openapi.iter().chain(&flags.fixtures).find_map(|path| readable(path).err());
    let (contracts, fixtures) = match unreadable.map_or_else(|| sorted(&arguments.files), Err) {
        Ok(sorted) => sorted,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let mut found = Found::default();
    // Fixtures are checked against the contract of the flags, or else the first one given.
    let mut rest = contracts.iter();
    let mut builder = flags.builder();
    let is_named = flags.openapi.is_some() || flags.edition.is_some();
    let first = if is_named { None } else { rest.next() };
    if let Some(first) = first {
        builder = builder.openapi(first);
    }
    for fixture in &fixtures {
        builder = builder.fixtures(fixture);
    }
    let named = |path: Option<&PathBuf>| path.map(|path| path.display().to_string());
    found.add(named(flags.openapi.as_ref().or(first)), builder.check());
    for contract in rest {
        found.add(named(Some(contract)), flags.builder().openapi(contract).check());
    }
    report(arguments, &found)
}

/// What checking one contract after the other has found.
#[derive(Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    /// Each contract's file, where it is not the bundled one, and what its paths stand for.
    states: Vec<(Option<String>, StateExplanation)>,
}

impl Found {
    fn add(&mut self, contract: Option<String>, outcome: CheckOutcome) {
        for diagnostic in outcome.diagnostics {
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
        self.states.push((contract, outcome.state));
    }

    /// What paths stand for, for people; contracts are named where there are several.
    fn states(&self) -> String {
        let mut text = String::new();
        for (contract, state) in &self.states {
            text.push('\n');
            if let Some(contract) = contract.as_ref().filter(|_| self.states.len() > 1) {
                text.push_str(&format!("{contract}\n\n"));
            }
            text.push_str(&state.to_string());
        }
        text
    }
}

fn report(arguments: &CheckArgs, found: &Found) -> ExitCode {
    let diagnostics = &found.diagnostics;
    let count = |severity: Severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match arguments.format {
        CheckFormat::Json => {
            let list: Value = diagnostics.iter().map(Diagnostic::to_json).collect();
            let state = || -> Value {
                let of = |(contract, state): &(Option<String>, StateExplanation)| json!({ "contract": contract, "paths": state.to_json() });
                found.states.iter().map(of).collect()
            };
            let shown = if arguments.explain_state { json!({ "diagnostics": list, "state": state() }) } else { list };
            terminal::out(&format!("{shown}\n"));
        }
        CheckFormat::Sarif => terminal::out(&format!("{:#}\n", sarif(diagnostics))),
        CheckFormat::Github => terminal::out(&github(diagnostics)),
        CheckFormat::Text => {
            if !diagnostics.is_empty() {
                terminal::out(&format!("{}\n", render(diagnostics, terminal::color_out())));
            }
            let (errors, warnings) = (terminal::counted(errors, "error"), terminal::counted(warnings, "warning"));
            terminal::out(&format!("{errors}, {warnings}\n"));
            if arguments.explain_state {
                terminal::out(&found.states());
            }
        }
    }
    if errors > 0 || arguments.strict && warnings > 0 { ExitCode::from(VIOLATED) } else { ExitCode::SUCCESS }
}

fn readable(path: &Path) -> Result<(), String> {
    std::fs::File::open(path).map(drop).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

/// Contracts apart from fixtures: a file with an `openapi` or `swagger` member is a contract.
fn sorted(files: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<PathBuf>), String> {
    let (mut contracts, mut fixtures) = (Vec::new(), Vec::new());
    for file in files {
        if file.is_dir() {
            fixtures.push(file.clone());
            continue;
        }
        let text = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
        let text = String::from_utf8_lossy(&text);
        let value = SourceFile::new(file.display().to_string(), text.as_ref()).parse().map(|parsed| parsed.value);
        // What does not parse is what its text looks like.
        let contract = match &value {
            Ok(value) => value.get("openapi").is_some() || value.get("swagger").is_some(),
            Err(_) => text.lines().take(50).any(|line| line.starts_with("openapi:") || line.contains("\"openapi\"")),
        };
        if contract { contracts.push(file.clone()) } else { fixtures.push(file.clone()) }
    }
    Ok((contracts, fixtures))
}
