//! The files that something was read from, and whether they still say the same.

use crate::fixtures;
use crate::source::SourceFile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A file system's clock may stand still for as long: what was written later than this before a look is read again.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Files with what they said, and folders with what was in them.
#[derive(Debug)]
pub(super) struct Sources {
    files: Vec<Arc<SourceFile>>,
    /// Files and folders of fixtures, as they were given.
    fixtures: Vec<PathBuf>,
    /// The fixture files that were there.
    listed: BTreeSet<PathBuf>,
    seen: Glance,
    /// When they were looked at.
    at: SystemTime,
    /// Whether what they say now could not be used.
    are_broken: bool,
}

/// Time and length of each file, nothing for one that is not there.
type Glance = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Sources {
    pub(super) fn new(files: impl IntoIterator<Item = Arc<SourceFile>>, fixtures: &[PathBuf]) -> Self {
        // What was fetched is not watched.
        let files = files.into_iter().filter(|file| !file.name().contains("://")).collect();
        let mut sources = Self {
            files,
            fixtures: fixtures.to_vec(),
            listed: listed(fixtures),
            seen: Glance::new(),
            at: SystemTime::now(),
            are_broken: false,
        };
        sources.seen = sources.glance();
        sources
    }

    /// What a look at the files shows, without reading them.
    pub(super) fn glance(&self) -> Glance {
        let mut paths: BTreeSet<PathBuf> = self.files.iter().map(|file| PathBuf::from(file.name())).collect();
        paths.extend(listed(&self.fixtures));
        // A reference may have led to a file that is still to come.
        let folders: Vec<PathBuf> = paths.iter().filter_map(|path| path.parent().map(Path::to_path_buf)).collect();
        paths.extend(folders);
        let look = |path: PathBuf| {
            let metadata = std::fs::metadata(&path).ok();
            let seen = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
            (path, seen)
        };
        paths.into_iter().map(look).collect()
    }

    /// Whether they say something else than when they were read; after a failure, whether anything was touched since.
    pub(super) fn have_changed(&mut self) -> bool {
        let (now, at) = (self.glance(), SystemTime::now());
        if self.are_broken {
            return now != self.seen;
        }
        let is_recent = |(_, seen): &(PathBuf, Option<(SystemTime, u64)>)| {
            seen.is_some_and(|(modified, _)| modified + CLOCK_STEP > self.at)
        };
        if now == self.seen && !now.iter().any(is_recent) {
            return false;
        }
        if listed(&self.fixtures) != self.listed || self.files.iter().any(|file| !says_the_same(file)) {
            return true;
        }
        (self.seen, self.at) = (now, at);
        false
    }

    /// Remembers that what they said at a glance could not be used.
    pub(super) fn break_at(&mut self, glance: Glance) {
        self.seen = glance;
        self.are_broken = true;
    }
}

fn says_the_same(file: &SourceFile) -> bool {
    std::fs::read_to_string(file.name()).is_ok_and(|text| text.trim_start_matches('\u{feff}') == file.text())
}

fn listed(fixtures: &[PathBuf]) -> BTreeSet<PathBuf> {
    fixtures.iter().flat_map(|path| fixtures::files_at(path).unwrap_or_else(|_| vec![path.clone()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_changed_when_they_say_something_else() {
        let folder = std::env::temp_dir().join(format!("chatkitty-mock-sources-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("a.yaml", "one");
        let name = folder.join("a.yaml").display().to_string();
        let mut sources = Sources::new([SourceFile::new(name, "one")], std::slice::from_ref(&folder));
        assert!(!sources.have_changed());
        write("a.yaml", "one");
        assert!(!sources.have_changed(), "it was touched only");
        write("a.yaml", "two");
        assert!(sources.have_changed(), "as long, and maybe within one step of the clock");
        write("a.yaml", "one");
        write("b.yaml", "new");
        assert!(sources.have_changed(), "a fixture was added");
        let glance = sources.glance();
        sources.break_at(glance);
        assert!(!sources.have_changed(), "it is not tried again as it is");
        write("c.txt", "referenced");
        assert!(sources.have_changed(), "what was missing may be there");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
