//! `coverage.json` on disk: read at start, and at the end merged with what other processes have written since.
//!
//! Whoever writes holds the lock of the file that the path names, and replaces it by renaming. So nothing is lost
//! when two processes finish together, and nobody ever reads half a file.

use crate::diagnostic::{Diagnostic, code};
use crate::evidence::Coverage;
use crate::source::{Focus, Location, SourceFile};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of a coverage file. Over it the file is refused.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A file that coverage goes to.
#[derive(Debug)]
pub(super) struct CoverageFile {
    path: PathBuf,
}

impl CoverageFile {
    /// Reads what is there, if something is, and makes sure that it can be replaced. `title` is the contract's.
    pub(super) fn open(path: &Path, title: &str) -> Result<(Self, Option<Coverage>), Diagnostic> {
        let unusable = |error: io::Error| {
            let message = format!("cannot use the coverage file `{}`: {error}", path.display());
            Diagnostic::new(code::COVERAGE_INVALID, message)
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), std::fs::create_dir_all).map_err(unusable)?;
        let aside = aside(path).map_err(unusable)?;
        File::create(&aside).and_then(|_| std::fs::remove_file(&aside)).map_err(unusable)?;
        let known = match File::open(path) {
            Ok(file) => parse(path, &text(&file).map_err(unusable)?, title)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(error)),
        };
        Ok((Self { path: path.to_owned() }, known))
    }

    /// Merges what a run touched with what the file has now; an error is a sentence.
    pub(super) fn add(&self, own: &Coverage) -> Result<(), String> {
        let failed = |error: io::Error| format!("cannot write the coverage file `{}`: {error}", self.path.display());
        let locked = self.locked().map_err(failed)?;
        let text = text(&locked).map_err(failed)?;
        let mut merged = own.clone();
        let known = parse(&self.path, &text, &own.title).map_err(|diagnostic| {
            format!("the coverage file `{}` is left as it is: {}", self.path.display(), diagnostic.message)
        })?;
        if let Some(known) = known {
            merged.merge(&known);
        }
        let aside = aside(&self.path).map_err(failed)?;
        let written = std::fs::write(&aside, format!("{:#}\n", merged.to_json()))
            .and_then(|()| std::fs::rename(&aside, &self.path));
        if written.is_err() {
            // What was not renamed is of no use; that it cannot be removed is not the failure to tell.
            let _ = std::fs::remove_file(&aside);
        }
        written.map_err(failed)
    }

    /// The file, locked. One that was replaced while the lock was waited for is nobody's any more.
    fn locked(&self) -> io::Result<File> {
        loop {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path)?;
            file.lock()?;
            if is_the_one(&file, &self.path) {
                return Ok(file);
            }
        }
    }
}

#[cfg(unix)]
fn is_the_one(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(own), Ok(named)) = (file.metadata(), std::fs::metadata(path)) else { return false };
    (own.dev(), own.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_the_one(_file: &File, _path: &Path) -> bool {
    // Where a file that is open cannot be replaced, it is the one.
    true
}

/// The name of a file beside another one that nobody else uses, not even in this process.
fn aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(format!(".{:016x}.tmp", getrandom::u64().map_err(io::Error::other)?));
    Ok(path.with_file_name(name))
}

fn text(mut file: &File) -> io::Result<String> {
    let mut text = String::new();
    let size = (&mut file).take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if size as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it has more than the {BYTES_MAX} bytes allowed")));
    }
    Ok(text)
}

/// What a file's text holds. An empty one was made by a process that is about to write.
fn parse(path: &Path, text: &str, title: &str) -> Result<Option<Coverage>, Diagnostic> {
    if text.is_empty() {
        return Ok(None);
    }
    // Whatever it is called, it is JSON.
    let file = SourceFile::json(path.display().to_string(), text);
    let wrong = |at: &str, message: String| {
        let place = Location::new(std::sync::Arc::clone(&file), at, Focus::Value);
        Diagnostic::new(code::COVERAGE_INVALID, message).in_file(place).help("name another file, or delete this one")
    };
    let parsed = file.parse().map_err(|error| wrong("", error.message))?;
    let coverage = Coverage::read(&parsed.value).map_err(|(at, message)| wrong(&at, message))?;
    if coverage.title != title {
        let message = format!("it is the coverage of `{}`, and this contract is `{title}`", coverage.title);
        return Err(wrong("/contract/title", message));
    }
    Ok(Some(coverage))
}

#[cfg(test)]
mod tests {
    use super::CoverageFile;
    use crate::evidence::{Coverage, CoverageScope};
    use serde_json::json;

    /// A contract of 64 operations with one of them called.
    fn touched(one: usize) -> Coverage {
        let operations: Vec<_> = (0..64)
            .map(|index| {
                let point = json!({ "kind": "operation", "name": "called", "touched": index == one });
                json!({ "operation": format!("GET /{index}"), "calls": u64::from(index == one), "points": [point] })
            })
            .collect();
        let value = json!({ "version": 1, "contract": { "title": "t", "version": "1" }, "operations": operations });
        Coverage::from_json(&value).unwrap()
    }

    #[test]
    fn whoever_finish_together_lose_nothing() {
        let folder = std::env::temp_dir().join(format!("coverage-{}", std::process::id()));
        let path = folder.join("new/coverage.json");
        std::thread::scope(|scope| {
            for index in 0..64 {
                let path = &path;
                scope.spawn(move || CoverageFile::open(path, "t").unwrap().0.add(&touched(index)).unwrap());
            }
        });
        let (_, known) = CoverageFile::open(&path, "t").unwrap();
        let known = known.unwrap();
        assert_eq!(known.counts(CoverageScope::Operations), (64, 64));
        assert!(known.operations.iter().all(|operation| operation.calls == 1));
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing is left beside it: {left:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_coverage_file_is_refused_with_its_place_and_left_alone() {
        let folder = std::env::temp_dir().join(format!("coverage-bad-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("coverage.txt");
        let point = |text: &str| format!("{{\"version\":1,\"contract\":{{\"title\":\"t\"}},\"operations\":[{text}]}}");
        for (text, place, message) in [
            ("{\"version\": 1,\n".to_owned(), "2:1", ""),
            ("[]".to_owned(), "1:1", "it is no coverage.json: `version` is missing"),
            ("{ \"version\": 9 }".to_owned(), "1:14", "it is version 9 of coverage.json; this is version 1"),
            ("{ \"version\": 1 }".to_owned(), "1:1", "`operations` is missing"),
            (point("{}"), "1:53", "the operation lacks a member, or has one that cannot be read"),
            (
                "{\"version\":1,\"contract\":{\"title\":\"x\"},\"operations\":[]}".to_owned(),
                "1:34",
                "it is the coverage of `x`, and this contract is `t`",
            ),
        ] {
            std::fs::write(&path, &text).unwrap();
            let found = CoverageFile::open(&path, "t").unwrap_err();
            let json = found.to_json();
            assert!(found.message.contains(message), "{text}: {}", found.message);
            assert!(json["file"].as_str().unwrap().ends_with(&format!("coverage.txt:{place}")), "{text}: {json}");
            let file = CoverageFile { path: path.clone() };
            assert!(file.add(&touched(0)).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert!(CoverageFile::open(&path.join("below/a/file"), "t").is_err());
        assert!(CoverageFile::open(&folder, "t").is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
