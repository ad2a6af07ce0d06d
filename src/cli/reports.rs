//! Where reports go: files that are made sure of at start and replaced whole at the end, GitHub's job summary, or the
//! terminal.

use super::evidence::ReportArgs;
use super::terminal;
use bytes::Bytes;
use chatkitty_mock::{Format, Report};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of a job summary; GitHub drops a longer one as a whole.
const SUMMARY_BYTES_MAX: u64 = 1024 * 1024;

/// Reports to be written.
pub(super) struct Reports {
    list: Vec<(Format, Target)>,
}

enum Target {
    Terminal,
    /// GitHub's job summary, which is appended to.
    Summary(PathBuf),
    File(PathBuf),
}

/// What reports are written from.
pub(super) trait Renderer {
    fn render(&self, format: Format) -> Bytes;
    /// Markdown of less than so many bytes.
    fn summary(&self, bytes_max: usize) -> Bytes;
    fn for_people(&self) -> String;
}

impl Renderer for Report {
    fn render(&self, format: Format) -> Bytes {
        self.render_as(format).1
    }

    fn summary(&self, bytes_max: usize) -> Bytes {
        Bytes::from(self.render_markdown(bytes_max))
    }

    fn for_people(&self) -> String {
        Report::render(self, terminal::color())
    }
}

impl Reports {
    /// Makes sure that every report can be written; an error says which one cannot, and why.
    pub(super) fn open(arguments: &ReportArgs) -> Result<Self, String> {
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        let mut list: Vec<(Format, Target)> = Vec::new();
        for report in &arguments.list {
            let target = match (&report.file, &summary) {
                (Some(file), _) => Target::File(file.clone()),
                (None, Some(summary)) if report.format == Format::Markdown => Target::Summary(summary.into()),
                (None, _) => Target::Terminal,
            };
            let same = |known: &&(Format, Target)| matches!((&known.1, &target), (Target::File(one), Target::File(other)) if one == other);
            if let (Some((other, _)), Target::File(file)) = (list.iter().find(same), &target) {
                let file = file.display();
                return Err(format!("the reports {other} and {} both go to `{file}`", report.format));
            }
            target.make_sure().map_err(|(path, error)| {
                format!("cannot write the report {} to `{}`: {error}", report.format, path.display())
            })?;
            list.push((report.format, target));
        }
        Ok(Self { list })
    }

    /// The formats that are asked for.
    pub(super) fn formats(&self) -> impl Iterator<Item = Format> + '_ {
        self.list.iter().map(|(format, _)| *format)
    }

    /// Whether the terminal gets the text for people.
    pub(super) fn tell_people(&self) -> bool {
        self.list.iter().any(|(format, target)| *format == Format::Text && matches!(target, Target::Terminal))
    }

    /// Whether the terminal gets any of them.
    pub(super) fn use_terminal(&self) -> bool {
        self.list.iter().any(|(_, target)| matches!(target, Target::Terminal))
    }

    /// Writes them all; `show` writes to the terminal. An error names those that could not be written.
    pub(super) fn write(&self, renderer: &impl Renderer, show: impl Fn(&str)) -> Result<(), String> {
        let mut failures = Vec::new();
        for (format, target) in &self.list {
            let written = match target {
                Target::Terminal if *format == Format::Text => {
                    show(&renderer.for_people());
                    Ok(())
                }
                Target::Terminal => {
                    show(&String::from_utf8_lossy(&renderer.render(*format)));
                    Ok(())
                }
                Target::Summary(path) => append(path, renderer),
                Target::File(path) => replace(path, &renderer.render(*format)),
            };
            if let (Err(error), Target::Summary(path) | Target::File(path)) = (written, target) {
                failures.push(format!("cannot write the report {format} to `{}`: {error}", path.display()));
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }
}

impl Target {
    /// Finds out whether it can be written, and changes nothing that is there.
    fn make_sure(&self) -> Result<(), (&Path, io::Error)> {
        let sure = match self {
            Self::Terminal => return Ok(()),
            Self::Summary(path) => {
                OpenOptions::new().append(true).create(true).open(path).map(drop).map_err(|error| (path, error))
            }
            Self::File(path) => can_be_replaced(path).map_err(|error| (path, error)),
        };
        sure.map_err(|(path, error)| (path.as_path(), error))
    }
}

fn can_be_replaced(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // Opening a pipe would wait for its reader.
    if is_special(path) {
        return Ok(());
    }
    if path.exists() {
        OpenOptions::new().append(true).open(path)?;
    }
    let aside = aside(path)?;
    File::create(&aside)?;
    std::fs::remove_file(&aside)
}

/// A device or a pipe, which is written to and not replaced.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// The name of a file beside another one, of this process alone.
fn aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(name))
}

/// Writes beside the file, then renames: a reader sees the whole of it or nothing.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_special(path) {
        return OpenOptions::new().append(true).open(path)?.write_all(bytes);
    }
    let aside = aside(path)?;
    let written = std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, path));
    if written.is_err() {
        // What was not renamed is of no use; that it cannot be removed is not the failure to tell.
        let _ = std::fs::remove_file(&aside);
    }
    written
}

/// Appends to a job summary what there is room for.
fn append(path: &Path, renderer: &impl Renderer) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let room = SUMMARY_BYTES_MAX.saturating_sub(file.metadata()?.len());
    file.write_all(&renderer.summary(usize::try_from(room).unwrap_or(usize::MAX)))
}
