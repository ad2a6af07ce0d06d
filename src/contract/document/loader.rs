//! Reading a document's files as references name them.

use super::apart::parsed_apart;
use super::resolve::resolve;
use super::{FILES_MAX, File, MOUNT, Reach, Retrieved, Retriever, Unresolved, read_text, syntax_finding};
use crate::diagnostic::{Diagnostic, Location, Severity, code};
use crate::source::{Focus, SourceFile, pointer};
use fluent_uri::Uri;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) struct Reference {
    /// The pointer of the object that holds it.
    pub(super) holder: String,
    pub(super) base: Uri<String>,
    pub(super) text: String,
    /// Whether the reference is a `$dynamicRef`.
    pub(super) dynamic: bool,
}

/// Reads files as references name them. What cannot be read is kept as the reason, and becomes a
/// finding only if something that matters refers to it.
pub(super) struct Loader<'r> {
    retriever: Option<&'r dyn Retriever>,
    reach: Reach,
    folder: Option<PathBuf>,
    pub(super) files: Vec<File>,
    pub(super) tree: Value,
    pub(super) mounted: Vec<Value>,
    pub(super) findings: Vec<Diagnostic>,
    pub(super) references: Vec<Reference>,
    pub(super) mappings: Vec<Reference>,
    /// URI without fragment → pointer of the resource, or why it cannot be read.
    pub(super) resources: HashMap<String, Result<String, Unresolved>>,
    pub(super) anchors: HashMap<(String, String), String>,
    pub(super) identified: Vec<(String, String)>,
    /// Folders of `$self` URIs, and where the documents that name them were read from.
    folders: Vec<(String, String)>,
    /// Whether `$id` and anchors have a meaning (3.1 and later).
    pub(super) identify: bool,
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
    pub(super) fn new(reach: Reach, folder: Option<PathBuf>, retriever: Option<&'r dyn Retriever>) -> Self {
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

    pub(super) fn read(&mut self, file: Arc<SourceFile>, mount: String) -> Result<Value, Diagnostic> {
        let (parsed, piece) =
            parsed_apart(&file).map_err(|error| syntax_finding(code::CONTRACT_SYNTAX, &file, &error))?;
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
        self.files.push(File { source: file, mount, piece });
        Ok(parsed.value)
    }

    /// The base URI of a document: since 3.2 it may name one itself. Where the document was read from then stands
    /// for the folder of that URI, so that the files beside it are found under either name.
    pub(super) fn self_uri(&mut self, uri: &Uri<String>, value: &Value) -> Uri<String> {
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

    pub(super) fn mount(&mut self, uri: &Uri<String>, base: &Uri<String>, value: Value) {
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
    pub(super) fn read_referenced(&mut self) {
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
        // A pipe or a device may never end.
        if !absolute.is_file() {
            return Err(missing(format!("`{path}` is no file")));
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
}

/// Whether a URI leads over the network.
fn is_remote(uri: &str) -> bool {
    let scheme = uri.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
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
