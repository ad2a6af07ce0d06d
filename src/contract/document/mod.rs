//! The files of an OpenAPI document as one tree of JSON, with every reference resolved to a pointer into it.
//!
//! The root file is the tree; each further file hangs at `/x-mock-files/N`. Everything after this module
//! deals with one tree and JSON Pointers, and [`Document::location`] leads back to file, line and column.
//! A compiled contract lets go of the tree, which is most of a large document's memory, but for a few values; what asks for
//! more reads the files' texts anew.

mod apart;
mod loader;
mod resolve;

use crate::diagnostic::{Diagnostic, Location, code};
use crate::source::{Focus, SourceFile, SyntaxError, pointer};
use apart::Piece;
use fluent_uri::Uri;
use loader::Loader;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
pub(crate) use resolve::shown;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Files that one document consists of. Over it the document is refused.
const FILES_MAX: usize = 20_000;
/// Bytes of one file of a document. Over it the document is refused.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// References (`$ref`) followed in a row. Over it the reference counts as circular.
const REFERENCE_HOPS_MAX: usize = 64;
/// Where further files hang.
const MOUNT: &str = "x-mock-files";

const PATH_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The version of the specification that the document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V30,
    V31,
    V32,
}

/// Where a document comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file; relative references are read from its folder.
    File(PathBuf),
    /// Text that is at hand, and the name to show for it. A name ending in `.json` is read as JSON.
    Text {
        /// The name in diagnostics.
        name: String,
        /// The document.
        text: String,
    },
}

/// What reads documents that stand elsewhere. This room has no sockets.
pub(crate) trait Retriever {
    /// Reads a document; the reason if it cannot be had.
    fn retrieve(&self, uri: &str) -> Result<Retrieved, String>;
}

/// A document that stands elsewhere.
#[derive(Debug)]
pub(crate) struct Retrieved {
    /// The URI that it was found at in the end, which its references are relative to.
    pub uri: String,
    pub text: String,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unresolved {
    reason: String,
    /// Whether it is not followed, rather than that there is nothing.
    refused: bool,
    help: Option<&'static str>,
}

impl Unresolved {
    pub(super) fn missing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), refused: false, help: None }
    }

    fn refused(reason: String, help: Option<&'static str>) -> Self {
        Self { reason, refused: true, help }
    }

    /// The finding that it is.
    pub(super) fn finding(self) -> Diagnostic {
        let code = if self.refused { code::CONTRACT_REMOTE_REFERENCE } else { code::CONTRACT_REFERENCE };
        let finding = Diagnostic::new(code, self.reason);
        match self.help {
            Some(help) => finding.help(help),
            None => finding,
        }
    }
}

/// What a document may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reach {
    /// Files in the folder of the document and below.
    #[default]
    Folder,
    /// Any file that a relative or `file:` reference names.
    AnyFile,
}

struct File {
    source: Arc<SourceFile>,
    /// The pointer of its root in the tree.
    mount: String,
    /// To be freed after the tree.
    piece: Option<Piece>,
}

/// One document of any number of files.
pub(crate) struct Document {
    /// Empty once it was let go.
    tree: Value,
    /// What is kept then, by pointer.
    kept: Option<HashMap<String, Value>>,
    /// The tree, read again.
    whole: OnceLock<Value>,
    pub(crate) version: Version,
    files: Vec<File>,
    /// Pointer of the holder → pointer of the target, or why there is none.
    targets: HashMap<String, Result<String, Unresolved>>,
    dynamic_targets: HashMap<String, Result<String, Unresolved>>,
    /// Pointers of schemas with an `$id` of their own, and that URI.
    pub(crate) identified: Vec<(String, String)>,
    mapping_targets: HashMap<(String, String), String>,
}

impl Document {
    /// Reads the document and every file it refers to.
    pub(crate) fn load(
        source: &Source,
        reach: Reach,
        retriever: Option<&dyn Retriever>,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (file, uri, folder) = open_root(source).map_err(|error| vec![error])?;
        let mut loader = Loader::new(reach, folder, retriever);
        let root = loader.read(file, String::new()).map_err(|error| vec![error])?;
        let version = version_of(&root, &loader.files[0].source)?;
        loader.identify = version > Version::V30;
        let base = loader.self_uri(&uri, &root);
        loader.mount(&uri, &base, root);
        loader.read_referenced();
        Ok(loader.finish(version))
    }

    /// The files that it was read from, the root first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.iter().map(|file| &file.source)
    }

    /// A JSON Schema as a document of its own, with references into itself only.
    pub(crate) fn schema(file: &Arc<SourceFile>) -> Result<Self, String> {
        let uri = file_uri(Path::new(file.name())).ok_or_else(|| "the name is no path".to_owned())?;
        let mut loader = Loader::new(Reach::Folder, None, None);
        let root = loader.read(Arc::clone(file), String::new()).map_err(|error| error.message)?;
        loader.mount(&uri, &uri, root);
        Ok(loader.finish(Version::V31).0)
    }

    /// The dialect that `jsonSchemaDialect` names, without a `#` at the end.
    pub(crate) fn named_dialect(&self) -> Option<&str> {
        let uri = self.at("/jsonSchemaDialect").and_then(Value::as_str).filter(|_| self.version > Version::V30)?;
        Some(uri.trim_end_matches('#'))
    }

    /// Whether the document follows 3.0.0 to 3.0.3, whose table of styles writes labels with dots.
    pub(crate) fn has_dotted_labels(&self) -> bool {
        let version = self.at("/openapi").and_then(Value::as_str);
        version.is_some_and(|version| ["3.0.0", "3.0.1", "3.0.2", "3.0.3"].contains(&version))
    }

    /// Whether schemas are in a dialect before 2020-12.
    pub(crate) fn has_older_dialect(&self) -> bool {
        self.named_dialect().is_some_and(|uri| uri.contains("/draft-0") || uri.contains("/2019-09/"))
    }

    /// The value at a pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        let kept = self.kept.as_ref().and_then(|kept| kept.get(pointer));
        kept.or_else(|| pointer::find(self.whole(), pointer))
    }

    /// All of it, which is read again where it was let go.
    pub(crate) fn whole(&self) -> &Value {
        if self.kept.is_none() {
            return &self.tree;
        }
        self.whole.get_or_init(|| {
            // They were read once, and are kept as they were.
            let read =
                |file: &File| apart::parsed_apart(&file.source).map(|(parsed, _)| parsed.value).unwrap_or_default();
            resolve::mounted(self.files.first().map(read).unwrap_or_default(), self.files.iter().skip(1).map(read))
        })
    }

    /// Lets the tree go but for the values at these pointers.
    pub(crate) fn keep_only<'p>(&mut self, pointers: impl Iterator<Item = &'p str>) {
        let tree = std::mem::take(&mut self.tree);
        let kept = pointers.filter_map(|at| Some((at.to_owned(), pointer::find(&tree, at)?.clone())));
        self.kept = Some(kept.collect());
        apart::drop_apart(tree, self.files.iter_mut().filter_map(|file| file.piece.take()).collect());
    }

    /// The names of the members of the object at a pointer; none if there is no object.
    pub(crate) fn keys(&self, pointer: &str) -> Vec<String> {
        let object = self.at(pointer).and_then(Value::as_object);
        object.map(|object| object.keys().cloned().collect()).unwrap_or_default()
    }

    /// The pointer of the object that stands at `pointer` after following `$ref`s; an error if one leads nowhere.
    pub(crate) fn follow(&self, pointer: &str) -> Result<String, Unresolved> {
        let mut current = pointer.to_owned();
        for _ in 0..REFERENCE_HOPS_MAX {
            match self.targets.get(&current) {
                Some(Ok(target)) => current.clone_from(target),
                Some(Err(reason)) => return Err(reason.clone()),
                None => return Ok(current),
            }
        }
        Err(Unresolved::missing("the reference goes round in a circle"))
    }

    /// The places that a Path Item Object is read from, the nearest first: fields may stand beside its `$ref`.
    pub(crate) fn places(&self, pointer: &str) -> Vec<String> {
        let mut places = vec![pointer.to_owned()];
        while let Some(Ok(target)) = places.last().and_then(|place| self.targets.get(place)) {
            if places.len() > REFERENCE_HOPS_MAX || places.contains(target) {
                break;
            }
            places.push(target.clone());
        }
        places
    }

    /// The target of the `$ref` that the object at `pointer` holds.
    pub(crate) fn target(&self, pointer: &str) -> Option<&Result<String, Unresolved>> {
        self.targets.get(pointer)
    }

    /// The target of the `$dynamicRef` that the object at `pointer` holds.
    pub(crate) fn dynamic_target(&self, pointer: &str) -> Option<&Result<String, Unresolved>> {
        self.dynamic_targets.get(pointer)
    }

    /// The schema that a discriminator's mapping value names, seen from the Schema Object at `pointer`.
    pub(crate) fn mapping_target(&self, pointer: &str, value: &str) -> Option<&str> {
        self.mapping_targets.get(&(pointer.to_owned(), value.to_owned())).map(String::as_str)
    }

    /// Where a pointer into the tree stands in its file.
    pub(crate) fn location(&self, pointer: &str, focus: Focus) -> Location {
        let (file, local) = self.file_of(pointer);
        Location::new(Arc::clone(&file.source), local, focus)
    }

    fn file_of<'a>(&'a self, pointer: &'a str) -> (&'a File, &'a str) {
        if let Some(rest) = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(MOUNT)) {
            let (number, local) = rest
                .trim_start_matches('/')
                .split_once('/')
                .map_or((rest.trim_start_matches('/'), None), |(n, l)| (n, Some(l)));
            if let Some(file) = number.parse::<usize>().ok().and_then(|number| self.files.get(number)) {
                let start = local.map_or(pointer.len(), |local| pointer.len() - local.len() - 1);
                return (file, &pointer[start..]);
            }
        }
        (&self.files[0], pointer)
    }
}

/// The root file, its URI, and the folder that its references are read from.
type Root = (Arc<SourceFile>, Uri<String>, Option<PathBuf>);

fn open_root(source: &Source) -> Result<Root, Diagnostic> {
    match source {
        Source::Text { name, text } => {
            let uri = file_uri(Path::new(name)).ok_or_else(|| unreadable(name, "the name is no path"))?;
            Ok((SourceFile::new(name.clone(), text.clone()), uri, None))
        }
        Source::File(path) => {
            let name = path.display().to_string();
            let text = read_text(path).map_err(|reason| unreadable(&name, &reason))?;
            let absolute = path.canonicalize().map_err(|error| unreadable(&name, &error.to_string()))?;
            let uri = file_uri(&absolute).ok_or_else(|| unreadable(&name, "the name is no path"))?;
            let folder = absolute.parent().map(Path::to_path_buf);
            Ok((SourceFile::new(name, text), uri, folder))
        }
    }
}

fn unreadable(name: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(code::CONTRACT_SYNTAX, format!("cannot read the contract `{name}`: {reason}"))
}

fn read_text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("the file has {size} bytes, more than the {FILE_BYTES_MAX} allowed"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes)
        .map_err(|error| format!("the file is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

fn file_uri(path: &Path) -> Option<Uri<String>> {
    let text = path.to_str()?;
    let encoded = utf8_percent_encode(text.trim_start_matches('/'), PATH_SET);
    Uri::parse(format!("file:///{encoded}")).ok()
}

/// A finding for text that does not parse.
pub(crate) fn syntax_finding(code: code::Code, file: &Arc<SourceFile>, error: &SyntaxError) -> Diagnostic {
    let (line, column) = file.line_column(error.offset);
    Diagnostic::new(code, format!("{}:{line}:{column}: {}", file.name(), error.message))
}

fn version_of(root: &Value, file: &Arc<SourceFile>) -> Result<Version, Vec<Diagnostic>> {
    let wrong = |message: String, pointer: &str, help: &str| {
        vec![
            Diagnostic::new(code::CONTRACT_NOT_OPENAPI, message)
                .in_file(Location::new(Arc::clone(file), pointer, Focus::Value))
                .help(help),
        ]
    };
    let help = "give a document that begins with `openapi: 3.0.x` or `openapi: 3.1.x`";
    if !root.is_object() {
        return Err(wrong("the document is no object".to_owned(), "", help));
    }
    if let Some(swagger) = root.get("swagger") {
        return Err(wrong(
            format!("this is a Swagger {} document", text_of(swagger)),
            "/swagger",
            "convert it to OpenAPI 3",
        ));
    }
    match root.get("openapi") {
        Some(Value::String(version)) if version == "3.0" || version.starts_with("3.0.") => Ok(Version::V30),
        Some(Value::String(version)) if version == "3.1" || version.starts_with("3.1.") => Ok(Version::V31),
        Some(Value::String(version)) if version == "3.2" || version.starts_with("3.2.") => Ok(Version::V32),
        Some(version) => {
            Err(wrong(format!("OpenAPI version `{}` is not supported", text_of(version)), "/openapi", help))
        }
        None => Err(wrong("the document has no `openapi` member".to_owned(), "", help)),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_is_read_again_when_it_is_asked_for() {
        let text = "openapi: 3.1.0\ninfo: { title: t }\ncomponents:\n  schemas:\n    A: { type: string }\n";
        let source = Source::Text { name: "a.yaml".to_owned(), text: text.to_owned() };
        let Ok((mut document, _)) = Document::load(&source, Reach::Folder, None) else { panic!("it is well-formed") };
        let all = document.whole().clone();
        document.keep_only(["/info", "/absent"].into_iter());
        assert!(document.tree.is_null());
        for (pointer, reads) in [("/info", false), ("/components/schemas/A/type", true), ("/absent", true)] {
            assert_eq!(document.at(pointer), all.pointer(pointer), "{pointer}");
            assert_eq!(document.whole.get().is_some(), reads, "{pointer}");
        }
        assert_eq!(*document.whole(), all);
    }
}
