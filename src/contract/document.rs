//! The files of an OpenAPI document as one tree of JSON, with every reference resolved to a pointer into it.
//!
//! The root file is the tree; each further file hangs at `/x-mock-files/N`. Everything after this module
//! deals with one tree and JSON Pointers, and [`Document::location`] leads back to file, line and column.

use crate::diagnostic::{Diagnostic, Location, Severity, code, did_you_mean};
use crate::source::{Focus, SourceFile, SyntaxError, pointer};
use fluent_uri::{Uri, UriRef};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of one document. Over it the document is refused.
const FILES_MAX: usize = 20_000;
/// Bytes of one file. Over it the document is refused.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// References followed in a row. Over it the reference counts as circular.
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
}

struct Reference {
    /// The pointer of the object that holds it.
    holder: String,
    base: Uri<String>,
    text: String,
    /// Whether the reference is a `$dynamicRef`.
    dynamic: bool,
}

/// One document of any number of files.
pub(crate) struct Document {
    pub(crate) tree: Value,
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
        self.tree.pointer(pointer)
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

/// Reads files as references name them. What cannot be read is kept as the reason, and becomes a
/// finding only if something that matters refers to it.
struct Loader<'r> {
    retriever: Option<&'r dyn Retriever>,
    reach: Reach,
    folder: Option<PathBuf>,
    files: Vec<File>,
    tree: Value,
    mounted: Vec<Value>,
    findings: Vec<Diagnostic>,
    references: Vec<Reference>,
    mappings: Vec<Reference>,
    /// URI without fragment → pointer of the resource, or why it cannot be read.
    resources: HashMap<String, Result<String, Unresolved>>,
    anchors: HashMap<(String, String), String>,
    identified: Vec<(String, String)>,
    /// Folders of `$self` URIs, and where the documents that name them were read from.
    folders: Vec<(String, String)>,
    /// Whether `$id` and anchors have a meaning (3.1 and later).
    identify: bool,
}

/// What the members of an object are called by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// By the specification: `$ref`, `example` and so on have their meaning.
    Fields,
    /// By the author: a property may be called `$ref` or `default`.
    Names,
}

impl<'r> Loader<'r> {
    fn new(reach: Reach, folder: Option<PathBuf>, retriever: Option<&'r dyn Retriever>) -> Self {
        Self {
            retriever,
            reach,
            folder,
            files: Vec::new(),
            tree: Value::Null,
            mounted: Vec::new(),
            findings: Vec::new(),
            references: Vec::new(),
            mappings: Vec::new(),
            resources: HashMap::new(),
            anchors: HashMap::new(),
            identified: Vec::new(),
            folders: Vec::new(),
            identify: false,
        }
    }

    fn read(&mut self, file: Arc<SourceFile>, mount: String) -> Result<Value, Diagnostic> {
        let parsed = file.parse().map_err(|error| syntax_finding(code::CONTRACT_SYNTAX, &file, &error))?;
        for key in &parsed.duplicate_keys {
            let name = pointer::tokens(key).last().unwrap_or_default().into_owned();
            self.findings.push(
                Diagnostic::new(
                    code::CONTRACT_DUPLICATE_KEY,
                    format!("the key `{name}` stands twice in one mapping; the later one counts"),
                )
                .severity(Severity::Warning)
                .in_file(Location::new(Arc::clone(&file), key.clone(), Focus::Key)),
            );
        }
        self.files.push(File { source: file, mount });
        Ok(parsed.value)
    }

    /// The base URI of a document: since 3.2 it may name one itself. Where the document was read from then stands
    /// for the folder of that URI, so that the files beside it are found under either name.
    fn self_uri(&mut self, uri: &Uri<String>, value: &Value) -> Uri<String> {
        let is_32 = value.get("openapi").and_then(Value::as_str).is_some_and(|version| version.starts_with("3.2"));
        let named = value.get("$self").and_then(Value::as_str).filter(|_| is_32).and_then(|text| resolve(uri, text));
        let named = named.and_then(|named| Uri::parse(named.as_str().split('#').next()?.to_owned()).ok());
        let Some(named) = named.filter(|named| named != uri) else { return uri.clone() };
        let folder = |uri: &Uri<String>| uri.as_str().rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        if let (Some(known_as), Some(read_from)) = (folder(&named), folder(uri)) {
            self.folders.push((known_as, read_from));
        }
        named
    }

    fn mount(&mut self, uri: &Uri<String>, base: &Uri<String>, value: Value) {
        let mount = self.files.last().map(|file| file.mount.clone()).unwrap_or_default();
        self.resources.insert(uri.as_str().to_owned(), Ok(mount.clone()));
        self.resources.insert(base.as_str().to_owned(), Ok(mount.clone()));
        self.scan(&value, &mount, base, Keys::Fields, 0);
        if mount.is_empty() {
            self.tree = value;
        } else {
            self.mounted.push(value);
        }
    }

    /// Notes references, identifiers and anchors. It goes by key names, not by types: what stands in an
    /// example is left alone.
    fn scan(&mut self, value: &Value, at: &str, base: &Uri<String>, keys: Keys, depth: usize) {
        const DEPTH_MAX: usize = 512;
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.scan(item, &format!("{at}/{index}"), base, Keys::Fields, depth + 1);
                }
            }
            Value::Object(object) => {
                let own_base = if keys == Keys::Fields { self.note(object, at, base) } else { None };
                let base = own_base.as_ref().unwrap_or(base);
                for (key, member) in object {
                    let opaque = matches!(key.as_str(), "example" | "default" | "enum" | "const" | "value")
                        || key == "examples" && member.is_array();
                    if keys == Keys::Fields && opaque {
                        continue;
                    }
                    let members =
                        if keys == Keys::Fields && names_its_members(key) { Keys::Names } else { Keys::Fields };
                    self.scan(member, &pointer::join(at, key), base, members, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Notes what one object says of itself; gives its base URI if it has an `$id`.
    fn note(&mut self, object: &Map<String, Value>, at: &str, base: &Uri<String>) -> Option<Uri<String>> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let mut own_base = None;
        if self.identify {
            if let Some(id) = text("$id").and_then(|id| resolve(base, id)) {
                let absolute = id.as_str().split('#').next().unwrap_or_default().to_owned();
                self.resources.entry(absolute.clone()).or_insert_with(|| Ok(at.to_owned()));
                self.identified.push((at.to_owned(), absolute.clone()));
                own_base = Uri::parse(absolute).ok();
            }
            let here = own_base.as_ref().unwrap_or(base).as_str().to_owned();
            for name in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = text(name) {
                    self.anchors.entry((here.clone(), anchor.to_owned())).or_insert_with(|| at.to_owned());
                }
            }
        }
        let base = own_base.as_ref().unwrap_or(base);
        for (name, dynamic) in [("$ref", false), ("$dynamicRef", true)] {
            if let Some(text) = text(name).filter(|_| !dynamic || self.identify) {
                self.references.push(Reference {
                    holder: at.to_owned(),
                    base: base.clone(),
                    text: text.to_owned(),
                    dynamic,
                });
            }
        }
        if let Some(discriminator) = object.get("discriminator") {
            let mapping = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
            for text in
                mapping.map(|(_, text)| text).chain(discriminator.get("defaultMapping")).filter_map(Value::as_str)
            {
                self.mappings.push(Reference {
                    holder: at.to_owned(),
                    base: base.clone(),
                    text: text.to_owned(),
                    dynamic: false,
                });
            }
        }
        own_base
    }

    /// Reads the files that references name, and those that these name.
    fn read_referenced(&mut self) {
        let (mut reference, mut mapping) = (0, 0);
        loop {
            let (uri, base) = if let Some(found) = self.references.get(reference) {
                reference += 1;
                (resolve(&found.base, &found.text), &found.base)
            } else if let Some(found) = self.mappings.get(mapping) {
                mapping += 1;
                let named = |_: &Uri<String>| found.text.contains('/') || found.text.contains('.');
                (resolve(&found.base, &found.text).filter(named), &found.base)
            } else {
                return;
            };
            let from_elsewhere = is_remote(base.as_str());
            let Some(uri) = uri else { continue };
            let absolute = uri.as_str().split('#').next().unwrap_or_default().to_owned();
            if self.resources.contains_key(&absolute) {
                continue;
            }
            let read_from = self.folders.iter().find_map(|(known_as, read_from)| {
                absolute.strip_prefix(known_as.as_str()).map(|rest| format!("{read_from}{rest}"))
            });
            if let Some(read_from) = read_from {
                let known = self.resources.get(&read_from).cloned();
                let read = known.unwrap_or_else(|| {
                    self.read_resource(&read_from)?;
                    let unread = || Err(Unresolved::missing(format!("`{read_from}` was not read")));
                    self.resources.get(&read_from).cloned().unwrap_or_else(unread)
                });
                self.resources.insert(absolute, read);
            } else if from_elsewhere && !is_remote(&absolute) {
                let reason = format!("`{absolute}` is named by a document of the network, which leads to no file here");
                self.resources.insert(absolute, Err(Unresolved::refused(reason, None)));
            } else if let Err(reason) = self.read_resource(&absolute) {
                self.resources.insert(absolute, Err(reason));
            }
        }
    }

    fn read_resource(&mut self, uri: &str) -> Result<(), Unresolved> {
        match (uri.strip_prefix("file://"), self.retriever) {
            (Some(path), _) => self.read_file(uri, path),
            (None, Some(retriever)) if is_remote(uri) => {
                let retrieved = retriever.retrieve(uri).map_err(Unresolved::missing)?;
                self.read_retrieved(uri, retrieved).map_err(Unresolved::missing)
            }
            (None, None) if is_remote(uri) => {
                let reason = "is not among the document's files, and references over the network are not followed";
                let help = "`--allow-remote-refs` lets it be fetched";
                Err(Unresolved::refused(format!("`{uri}` {reason}"), Some(help)))
            }
            (None, _) => Err(Unresolved::missing(format!("`{uri}` is not among the document's files"))),
        }
    }

    /// Mounts a document that stands elsewhere, under the URI that named it and the one that it was found at.
    fn read_retrieved(&mut self, uri: &str, retrieved: Retrieved) -> Result<(), String> {
        if let Some(known) = self.resources.get(&retrieved.uri).cloned() {
            self.resources.insert(uri.to_owned(), known);
            return Ok(());
        }
        if self.files.len() >= FILES_MAX {
            return Err(format!("the document has more than {FILES_MAX} files"));
        }
        let found = Uri::parse(retrieved.uri).map_err(|_| format!("`{uri}` is no URI"))?;
        let file = SourceFile::new(found.as_str(), retrieved.text);
        let mount = format!("/{MOUNT}/{}", self.files.len());
        let value = self.read(Arc::clone(&file), mount.clone()).map_err(|error| error.message)?;
        let is_document = value.is_object() || value.is_array() || value.is_boolean();
        let base = self.self_uri(&found, &value);
        self.mount(&found, &base, value);
        self.resources.insert(uri.to_owned(), Ok(mount));
        if is_document { Ok(()) } else { Err(format!("`{uri}` is no JSON or YAML document")) }
    }

    fn read_file(&mut self, uri: &str, path: &str) -> Result<(), Unresolved> {
        let missing = Unresolved::missing;
        let path = percent_decode_str(path).decode_utf8().map_err(|_| missing(format!("`{uri}` is not UTF-8")))?;
        let Some(folder) = &self.folder else {
            return Err(missing(
                "the document was given as text, so it has no folder to read other files from".to_owned(),
            ));
        };
        let absolute = Path::new(path.as_ref())
            .canonicalize()
            .map_err(|error| missing(format!("cannot read `{path}`: {error}")))?;
        if self.reach == Reach::Folder && !absolute.starts_with(folder) {
            let reason = format!("`{path}` lies outside the folder of the document");
            return Err(Unresolved::refused(reason, Some("`--allow-outside-refs` lets it be read")));
        }
        if self.files.len() >= FILES_MAX {
            return Err(missing(format!("the document has more than {FILES_MAX} files")));
        }
        let text = read_text(&absolute).map_err(missing)?;
        let shown = absolute.strip_prefix(folder).map_or(absolute.as_path(), |relative| relative);
        let shown = self.display_folder().join(shown);
        let file = SourceFile::new(shown.display().to_string(), text);
        let mount = format!("/{MOUNT}/{}", self.files.len());
        let value = self.read(Arc::clone(&file), mount).map_err(|error| missing(error.message))?;
        let uri = Uri::parse(uri.to_owned()).map_err(|_| missing(format!("`{uri}` is no URI")))?;
        let base = self.self_uri(&uri, &value);
        self.mount(&uri, &base, value);
        Ok(())
    }

    /// The root file's folder as the user wrote it.
    fn display_folder(&self) -> PathBuf {
        let root = self.files.first().map_or("", |file| file.source.name());
        Path::new(root).parent().map(Path::to_path_buf).unwrap_or_default()
    }

    fn finish(mut self, version: Version) -> (Document, Vec<Diagnostic>) {
        if let Value::Object(root) = &mut self.tree
            && !self.mounted.is_empty()
        {
            let mut files = Map::new();
            for (index, value) in std::mem::take(&mut self.mounted).into_iter().enumerate() {
                files.insert((index + 1).to_string(), value);
            }
            root.insert(MOUNT.to_owned(), Value::Object(files));
        }
        let mut targets = HashMap::new();
        let mut dynamic_targets = HashMap::new();
        for reference in &self.references {
            let target = self.target(reference);
            let table = if reference.dynamic { &mut dynamic_targets } else { &mut targets };
            table.insert(reference.holder.clone(), target);
        }
        // A pointer may lead through an object that is itself a reference.
        let through: Vec<(String, String)> = targets
            .iter()
            .filter_map(|(holder, target)| {
                let target = target.as_ref().ok()?;
                self.tree.pointer(target).is_none().then(|| (holder.clone(), target.clone()))
            })
            .collect();
        for (holder, target) in through {
            let found = walk_through(&self.tree, &targets, &target).ok_or_else(|| self.nowhere(&target));
            targets.insert(holder, found);
        }
        let mut mapping_targets = HashMap::new();
        for mapping in &self.mappings {
            if let Some(target) = self.mapping(mapping) {
                mapping_targets.insert((mapping.holder.clone(), mapping.text.clone()), target);
            }
        }
        let document = Document {
            tree: self.tree,
            version,
            files: self.files,
            targets,
            dynamic_targets,
            identified: self.identified,
            mapping_targets,
        };
        (document, self.findings)
    }

    /// The pointer that a reference names; whether anything stands there is looked at later.
    fn target(&self, reference: &Reference) -> Result<String, Unresolved> {
        let missing = Unresolved::missing;
        let uri = resolve(&reference.base, &reference.text)
            .ok_or_else(|| missing(format!("`{}` is no URI reference", reference.text)))?;
        let (resource, fragment) = uri.as_str().split_once('#').unwrap_or((uri.as_str(), ""));
        let root = match self.resources.get(resource) {
            Some(Ok(root)) => root,
            Some(Err(reason)) => return Err(reason.clone()),
            None => return Err(missing(format!("`{resource}` was not read"))),
        };
        let fragment =
            percent_decode_str(fragment).decode_utf8().map_err(|_| missing("the fragment is not UTF-8".to_owned()))?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return Ok(format!("{root}{fragment}"));
        }
        self.anchors
            .get(&(resource.to_owned(), fragment.to_string()))
            .cloned()
            .ok_or_else(|| missing(format!("there is no anchor `{fragment}`")))
    }

    fn nowhere(&self, target: &str) -> Unresolved {
        let mut parent = target;
        while let Some((above, name)) = pointer::parent(parent) {
            if let Some(Value::Object(object)) = self.tree.pointer(above) {
                let name = pointer::unescape(name);
                let hint = did_you_mean(&name, object.keys().map(String::as_str));
                let hint = hint.map(|hint| format!("; did you mean `{hint}`?")).unwrap_or_default();
                return Unresolved::missing(format!("nothing stands at `{}`{hint}", shown(target)));
            }
            parent = above;
        }
        Unresolved::missing(format!("nothing stands at `{}`", shown(target)))
    }

    /// A mapping value is a reference, or the name of a schema under `components`.
    fn mapping(&self, mapping: &Reference) -> Option<String> {
        let named = pointer::join("/components/schemas", &mapping.text);
        if self.tree.pointer(&named).is_some() {
            return Some(named);
        }
        self.target(mapping).ok().filter(|target| self.tree.pointer(target).is_some())
    }
}

/// A pointer as its own file has it.
pub(super) fn shown(pointer: &str) -> &str {
    let mounted = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(MOUNT)?.strip_prefix('/'));
    mounted.map_or(pointer, |rest| rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default())
}

/// Whether a URI leads over the network.
fn is_remote(uri: &str) -> bool {
    let scheme = uri.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn resolve(base: &Uri<String>, reference: &str) -> Option<Uri<String>> {
    // Many documents write braces and spaces plainly in pointers.
    const REPAIRED: &AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'`')
        .add(b'{')
        .add(b'}')
        .add(b'^')
        .add(b'|')
        .add(b'\\')
        .add(b'[')
        .add(b']');
    match UriRef::parse(reference) {
        Ok(parsed) => parsed.resolve_against(base).ok(),
        Err(_) => {
            let repaired = utf8_percent_encode(reference, REPAIRED).to_string();
            UriRef::parse(repaired.as_str()).ok()?.resolve_against(base).ok()
        }
    }
}

/// Whether the members of this field are named by the author.
fn names_its_members(field: &str) -> bool {
    matches!(
        field,
        "properties"
            | "patternProperties"
            | "$defs"
            | "definitions"
            | "dependentSchemas"
            | "schemas"
            | "parameters"
            | "responses"
            | "headers"
            | "requestBodies"
            | "securitySchemes"
            | "links"
            | "callbacks"
            | "pathItems"
            | "paths"
            | "webhooks"
            | "content"
            | "mapping"
            | "variables"
            | "scopes"
            | "encoding"
            | "examples"
            | "mediaTypes"
    )
}

/// Walks a pointer, following references on the way.
fn walk_through(tree: &Value, targets: &HashMap<String, Result<String, Unresolved>>, target: &str) -> Option<String> {
    let mut at = String::new();
    let mut hops = 0;
    for token in pointer::tokens(target) {
        while tree.pointer(&pointer::join(&at, &token)).is_none() {
            hops += 1;
            at.clone_from(targets.get(&at)?.as_ref().ok()?);
            if hops > REFERENCE_HOPS_MAX {
                return None;
            }
        }
        pointer::push(&mut at, &token);
    }
    Some(at)
}
