//! `audit`: recorded traffic judged by the contract; nothing is started.

use super::args::AuditArgs;
use super::progress::Progress;
use super::reports::Reports;
use super::{USAGE, VIOLATED, terminal};
use chatkitty_mock::{Audit, Tally};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) fn run(arguments: &AuditArgs) -> ExitCode {
    let inputs: Result<Vec<Input>, String> = arguments.files.iter().map(Input::find).collect();
    let (inputs, reports) = match inputs.and_then(|inputs| Ok((inputs, Reports::open(&arguments.reports)?))) {
        Ok(opened) => opened,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let mut audit = match arguments.contract.builder().audit() {
        Ok(audit) => audit.base_path(&arguments.base_path),
        Err(error) => return terminal::start_error(&error),
    };
    audit = arguments.only_host.iter().fold(audit, |audit, host| audit.host(host));
    if arguments.without_credentials {
        audit = audit.without_credentials();
    }
    let bytes = inputs.iter().map(|input| input.bytes).sum::<Option<u64>>();
    let progress = Progress::start(bytes);
    let mut failures: Vec<String> =
        inputs.into_iter().filter_map(|input| input.judge(&mut audit, &progress).err()).collect();
    let rate = progress.finish(audit.tally().judged);
    let report = audit.report();
    if !reports.use_terminal() {
        terminal::out(&report.render(terminal::color_out()));
    }
    failures.extend(reports.write(&report, terminal::out).err());
    for line in notes(audit.tally()).into_iter().chain(rate) {
        terminal::err(&format!("{line}\n"));
    }
    for failure in &failures {
        terminal::err(&format!("error: {failure}\n"));
    }
    // A mistyped filter must not look like a pass.
    if failures.is_empty() && audit.tally().judged == 0 && filtered(audit.tally()) > 0 {
        return terminal::usage_error("`--only-host` and `--base-path` leave no exchange to judge", None);
    }
    match (failures.is_empty(), report.is_clean()) {
        (false, _) => ExitCode::from(USAGE),
        (true, false) => ExitCode::from(VIOLATED),
        (true, true) => ExitCode::SUCCESS,
    }
}

/// Something to read.
struct Input {
    /// `None` is standard input.
    path: Option<PathBuf>,
    /// What cannot be opened twice, such as a pipe.
    opened: Option<File>,
    /// How long it is, where that is known.
    bytes: Option<u64>,
}

impl Input {
    /// Looks whether it can be read before anything is.
    fn find(path: &PathBuf) -> Result<Self, String> {
        if path == Path::new("-") {
            return Ok(Self { path: None, opened: None, bytes: None });
        }
        let unreadable = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(format!("`{}` is a folder; name the files in it", path.display()));
        }
        let bytes = metadata.is_file().then_some(metadata.len());
        // Of files there may be more than can be open at once.
        Ok(Self { path: Some(path.clone()), opened: bytes.is_none().then_some(file), bytes })
    }

    fn judge(self, audit: &mut Audit, progress: &Progress) -> Result<(), String> {
        let Some(path) = &self.path else {
            let read = audit.read_lines(progress.watch(std::io::stdin().lock()));
            return read.map_err(|error| {
                format!("standard input: {error}\nhelp: `-` takes one exchange a line; a HAR goes by its file's name")
            });
        };
        let fail = |error: String| format!("`{}`: {error}", path.display());
        let file = match self.opened {
            Some(file) => file,
            None => File::open(path).map_err(|error| fail(error.to_string()))?,
        };
        let lines = path
            .extension()
            .is_some_and(|name| ["ndjson", "jsonl"].iter().any(|known| name.eq_ignore_ascii_case(known)));
        let reader: &mut dyn Read = &mut progress.watch(file);
        let read = if lines { audit.read_lines(reader) } else { audit.read_har(reader) };
        read.map_err(|error| fail(error.to_string()))
    }
}

/// How many exchanges the filters passed over.
fn filtered(tally: Tally) -> u64 {
    tally.other_hosts + tally.outside_base_path
}

/// What was not judged, or not whole.
fn notes(tally: Tally) -> Vec<String> {
    let passed_over: Vec<String> = [
        (tally.without_response, "without a response"),
        (tally.not_http, "that are no HTTP"),
        (tally.other_hosts, "of other hosts"),
        (tally.outside_base_path, "outside of the base path"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let mut notes = Vec::new();
    if !passed_over.is_empty() {
        notes.push(format!("note: passed over {}", passed_over.join(", ")));
    }
    if tally.in_part > 0 {
        notes.push(format!("note: of {} judged, {} recorded in part", tally.judged, tally.in_part));
    }
    notes
}
