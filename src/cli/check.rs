//! `check`: everything wrong with contracts and fixtures; nothing is started.

use super::args::{CheckArgs, CheckFormat};
use super::{VIOLATED, terminal};
use chatkitty_mock::SourceFile;
use chatkitty_mock::diagnostic::{Diagnostic, Severity, github, render, sarif};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn run(arguments: &CheckArgs) -> ExitCode {
    let flags = &arguments.contract;
    let unreadable = flags.openapi.iter().chain(&flags.fixtures).find_map(|path| readable(path).err());
    let (contracts, fixtures) = match unreadable.map_or_else(|| sorted(&arguments.files), Err) {
        Ok(sorted) => sorted,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut add = |found: Vec<Diagnostic>| {
        for diagnostic in found {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
    };
    // Fixtures are checked against the contract of the flags, or else the first one given.
    let mut rest = contracts.iter();
    let mut builder = flags.builder();
    if flags.openapi.is_none()
        && flags.edition.is_none()
        && let Some(first) = rest.next()
    {
        builder = builder.openapi(first);
    }
    for fixture in &fixtures {
        builder = builder.fixtures(fixture);
    }
    add(builder.check().diagnostics);
    for contract in rest {
        add(flags.builder().openapi(contract).check().diagnostics);
    }
    report(arguments, &diagnostics)
}

fn report(arguments: &CheckArgs, diagnostics: &[Diagnostic]) -> ExitCode {
    let count = |severity: Severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match arguments.format {
        CheckFormat::Json => {
            let list: Vec<Value> = diagnostics.iter().map(Diagnostic::to_json).collect();
            terminal::out(&format!("{}\n", Value::Array(list)));
        }
        CheckFormat::Sarif => terminal::out(&format!("{:#}\n", sarif(diagnostics))),
        CheckFormat::Github => terminal::out(&github(diagnostics)),
        CheckFormat::Text => {
            if !diagnostics.is_empty() {
                terminal::out(&format!("{}\n", render(diagnostics, terminal::color_out())));
            }
            let (errors, warnings) = (terminal::counted(errors, "error"), terminal::counted(warnings, "warning"));
            terminal::out(&format!("{errors}, {warnings}\n"));
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
