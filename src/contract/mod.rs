//! An OpenAPI document, compiled: immutable, checked, and shared by as many servers as like.
//!
//! The way of a document: [`document`] reads its files into one tree, [`lower`] translates its schemas,
//! [`schema`] checks values against them, [`compile`] makes operations and the [`router`], [`meta`] and [`lint`] look for
//! what is wrong with it. The way of a message: [`request`] decodes and checks what comes in, [`response`]
//! chooses and checks what goes out, [`received`] checks what others sent. No type of `openapiv3` or `jsonschema` leaves this room.

mod checked;
mod compile;
pub(crate) mod decode;
mod document;
mod effort;
mod exact_number;
mod format;
mod generate;
mod lint;
mod lower;
mod made;
mod members;
mod meta;
mod number_format;
mod operation;
mod pattern;
mod points;
mod received;
mod representation;
mod request;
mod response;
mod roots;
mod router;
mod schema;
mod secret;
pub(crate) mod security;
mod servers;
mod standalone;
mod structure;
mod templates;
mod tree;

use crate::diagnostic::{Diagnostic, Location, Part, Severity, code, did_you_mean};
use crate::message::{Request, Secrets};
use crate::source::{Focus, SourceFile};
use document::Document;
use http::Method;
use jsonschema::Draft;
use lower::Direction;
use made::Made;
use pattern::Patterns;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use router::Router;
use schema::{Checker, SchemaUse, Schemas};
use security::{KeyLocation, Scheme, SchemeKind};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use structure::Structures;
use templates::Templates;

pub(crate) use checked::Checked;
pub(crate) use document::{Reach, Retrieved, Retriever, Source};
pub use lower::Discriminator;
pub(crate) use operation::{Content, Operation, OperationNames, Parameter, Prepared, ResponseDeclaration};
pub(crate) use points::PointKind;
pub(crate) use points::Shown;
pub(crate) use received::Extent;
pub(crate) use request::Decoded;
pub(crate) use response::prepare;
pub(crate) use standalone::Standalone;
pub(crate) use structure::Structure;

/// What decides how a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Options {
    /// What a discriminator does.
    pub discriminator: Discriminator,
    /// Which files references may lead to.
    pub reach: Reach,
    /// Whether paths are also served without their server's base path.
    pub ignore_base_path: bool,
    /// Whether a query parameter that is not declared is an error rather than a warning.
    pub refuse_unknown_query: bool,
    /// Whether paths under `/_mock` are allowed: the control plane's own document has nothing else.
    pub(crate) reserved_paths: bool,
}

/// How many contracts this process has loaded.
static LOADED: AtomicU64 = AtomicU64::new(0);

/// A compiled contract.
pub(crate) struct Contract {
    /// What tells it from every other contract of the process.
    id: u64,
    document: Document,
    options: Options,
    request: Arc<Schemas>,
    /// The same, where no schema depends on the direction.
    response: Arc<Schemas>,
    /// Whether any schema depends on the direction.
    directional: bool,
    operations: Vec<Operation>,
    templates: Templates,
    router: Router,
    schemes: Vec<Scheme>,
    token_paths: Vec<String>,
    scopes: Vec<String>,
    /// Every base path that some operation is served under.
    bases: Vec<String>,
    made: Made,
    structures: Structures,
    /// What [`Contract::lint`] found.
    lint: OnceLock<Vec<Diagnostic>>,
    secrets: Arc<Secrets>,
    title: String,
    version: String,
}

/// What stands in a path segment as it is (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// A text as a path segment has it: one spelling for one text.
pub(crate) fn segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

/// The text that a path segment spells.
pub(crate) fn decoded(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

/// A path without a slash at its end: state knows a resource by one spelling, whichever the contract has.
pub(crate) fn trimmed(path: &str) -> &str {
    path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path)
}

/// The concrete path of a resource: its template with the texts of a request.
pub(crate) fn resource_path(template: &str, captures: &[&str]) -> String {
    let mut path = String::with_capacity(template.len());
    let mut captures = captures.iter();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else { break };
        path.push_str(before);
        path.push_str(&segment(&decoded(captures.next().copied().unwrap_or_default())));
        rest = after;
    }
    path.push_str(rest);
    path
}

/// Where a request's path leads.
pub(crate) enum Routed<'c, 'r> {
    Operation {
        operation: &'c Operation,
        names: &'c [String],
        captures: Vec<&'r str>,
    },
    /// The path is known, the method is not; the methods that are, for `Allow`.
    OtherMethod {
        allow: Vec<Method>,
        operation: &'c Operation,
    },
    Unknown(Box<Diagnostic>),
}

impl Contract {
    /// Reads and compiles a document.
    ///
    /// Gives the contract with what was found wrong with it, or, when it cannot be served, the findings alone.
    ///
    /// # Errors
    ///
    /// The document cannot be read, is no OpenAPI 3 document, has a reference that leads nowhere, or a path under `/_mock`.
    pub(crate) fn load(source: &Source, options: Options) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        Self::load_with(source, options, None)
    }

    /// Like [`Contract::load`]; references over the network are followed by the retriever, if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`Contract::load`].
    pub(crate) fn load_with(
        source: &Source,
        options: Options,
        retriever: Option<&dyn Retriever>,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let (document, mut findings) = Document::load(source, options.reach, retriever)?;
        let roots = roots::schema_roots(&document);
        let mut patterns = Patterns::default();
        let mut lower = |direction, findings: &mut Vec<Diagnostic>| {
            lower::lower(&document, &roots, direction, options.discriminator, &mut patterns, findings)
        };
        let lowered = lower(Direction::Request, &mut findings);
        let directional = lowered.directional;
        // The second pass finds the same slips once more.
        let other = directional.then(|| lower(Direction::Response, &mut Vec::new()));
        let draft = dialect(&document, &mut findings);
        let broken = |reason: String| {
            vec![Diagnostic::new(code::CONTRACT_SCHEMA, format!("the schemas cannot be registered: {reason}"))]
        };
        let request = Arc::new(Schemas::new(lowered, draft).map_err(broken)?);
        let response = match other {
            Some(other) => Arc::new(Schemas::new(other, draft).map_err(broken)?),
            None => Arc::clone(&request),
        };
        let compiled = compile::compile(&document, &request, options, &mut findings);
        let text = |at: &str| document.at(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let contract = Self {
            id: LOADED.fetch_add(1, Ordering::Relaxed),
            title: text("/info/title"),
            version: text("/info/version"),
            options,
            request,
            response,
            directional,
            templates: Templates::new(compiled.operations.iter().map(|operation| operation.template.as_str())),
            operations: compiled.operations,
            router: compiled.router,
            secrets: Arc::new(secret::secrets(&document, &compiled.schemes)),
            schemes: compiled.schemes,
            token_paths: compiled.token_paths,
            scopes: compiled.scopes,
            bases: compiled.bases,
            made: Made::default(),
            structures: Structures::default(),
            lint: OnceLock::new(),
            document,
        };
        // What is missing from the document cannot be served, nor checked; other slips leave the rest as it is.
        let incomplete = [code::CONTRACT_RESERVED_PATH, code::CONTRACT_REFERENCE, code::CONTRACT_REMOTE_REFERENCE];
        let fatal: Vec<Diagnostic> =
            findings.iter().filter(|finding| incomplete.contains(&finding.code)).cloned().collect();
        if fatal.is_empty() { Ok((contract, tidy(findings))) } else { Err(tidy(fatal)) }
    }

    /// What is wrong with the document beyond what [`Contract::load`] finds: checks that cost time and change nothing.
    pub(crate) fn lint(&self) -> &[Diagnostic] {
        self.lint.get_or_init(|| {
            let mut findings = meta::check(&self.document);
            findings.extend(lint::lint(self));
            tidy(findings)
        })
    }

    /// Lets go of what serving does not need: the document, but for its examples.
    pub(crate) fn lean(mut self) -> Self {
        let Self { operations, document, .. } = &mut self;
        document.keep_only(operations.iter().flat_map(Operation::example_pointers));
        self
    }

    /// `info.title`.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// `info.version`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The operations, in the order of the document.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The methods that some operation is called by, with those that always go along.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let mut methods: Vec<Method> = Vec::new();
        let declared = self.operations.iter().map(|operation| operation.method.clone());
        for method in declared.chain([Method::OPTIONS]) {
            let head = (method == Method::GET).then_some(Method::HEAD);
            for method in [method].into_iter().chain(head) {
                if !methods.contains(&method) {
                    methods.push(method);
                }
            }
        }
        methods
    }

    /// The security schemes that requirements index.
    pub(crate) fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// Paths of token endpoints: of every clientCredentials flow.
    pub(crate) fn token_paths(&self) -> &[String] {
        &self.token_paths
    }

    /// Every scope that a security scheme declares, in the order of the document.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Where the Operation Object stands.
    pub(crate) fn operation_location(&self, operation: &Operation) -> Location {
        self.document.location(&operation.pointer, Focus::Key)
    }

    /// Finds the operation of a request. HEAD leads to GET where it is not declared itself.
    pub(crate) fn route<'c, 'r>(&'c self, method: &Method, path: &'r str) -> Routed<'c, 'r> {
        self.routed(method, path).unwrap_or_else(|| Routed::Unknown(Box::new(self.unknown_path(path))))
    }

    /// The same, for those to whom an unknown path is no mistake: what may have been meant is not looked for.
    fn routed<'c, 'r>(&'c self, method: &Method, path: &'r str) -> Option<Routed<'c, 'r>> {
        let found = self.router.find(path)?;
        let methods = &found.route.methods;
        let wanted = |method: &Method| methods.iter().find(|(known, _, _)| known == method);
        let hit = wanted(method).or_else(|| if method == Method::HEAD { wanted(&Method::GET) } else { None });
        if let Some((operation, names)) =
            hit.and_then(|(_, index, names)| self.operations.get(*index).map(|operation| (operation, names)))
        {
            let mut captures = found.captures;
            if captures.len() > names.len() {
                captures.drain(..captures.len() - names.len());
            }
            return Some(Routed::Operation { operation, names, captures });
        }
        let mut allow: Vec<Method> = methods.iter().map(|(method, _, _)| method.clone()).collect();
        if allow.contains(&Method::GET) && !allow.contains(&Method::HEAD) {
            allow.push(Method::HEAD);
        }
        if !allow.contains(&Method::OPTIONS) {
            allow.push(Method::OPTIONS);
        }
        let (_, index, _) = methods.first()?;
        Some(Routed::OtherMethod { allow, operation: self.operations.get(*index)? })
    }

    fn unknown_path(&self, path: &str) -> Diagnostic {
        let diagnostic =
            Diagnostic::new(code::UNKNOWN_PATH, format!("no path of the contract matches `{path}`")).at(Part::Path, "");
        let Some(nearest) = self.nearest(path) else { return diagnostic };
        let help = format!("did you mean `{} {}`?", nearest.method, nearest.template);
        diagnostic.contract(Some(self.operation_location(nearest))).help(help)
    }

    /// Decodes and checks a request against its operation.
    pub(crate) fn check_request(
        &self,
        operation: &Operation,
        request: &Request,
        names: &[String],
        captures: &[&str],
        body_bytes_max: usize,
    ) -> Decoded {
        let mut decoded = request::check(self, operation, request, names, captures, body_bytes_max);
        decoded.diagnostics = self.conceal(decoded.diagnostics);
        decoded
    }

    /// Checks a fixture's or a stored value against the schema of a content; the places are in the value as a body.
    pub(crate) fn check_value(&self, content: &Content, value: &Value) -> Vec<Diagnostic> {
        content.check(Checker { document: &self.document, schemas: &self.response }, value, Part::Body, "")
    }

    /// Whether the value is an instance of the content's schema.
    pub(crate) fn is_valid(&self, content: &Content, value: &Value) -> bool {
        content.is_valid(&self.response, value)
    }

    /// The properties that the content's schema declares, or nothing if it is no object.
    pub(crate) fn declared_members(&self, content: &Content) -> &[(String, Structure)] {
        self.described(content, None).map(|structure| self.members_of(structure)).unwrap_or_default()
    }

    /// What a request with this content can carry: each member with its name, type and the values of its enum.
    pub(crate) fn carried_properties(&self, content: &Content) -> Vec<Value> {
        let properties =
            |schema: &SchemaUse| members::properties(&self.request, self.document.whole(), &schema.pointer);
        content.schema.as_ref().map(properties).unwrap_or_default()
    }

    /// Where an example's value stands.
    pub(crate) fn example_location(&self, example: &operation::Example) -> Location {
        self.document.location(&example.pointer, Focus::Value)
    }

    /// Where a Media Type Object stands.
    pub(crate) fn content_location(&self, content: &Content) -> Location {
        self.document.location(&content.pointer, Focus::Key)
    }

    /// The JSON answer of the GET operation that reads the resource at `path`, with its path template and the texts
    /// for the template's expressions.
    ///
    /// The path is the contract's own, or has a server's base path before it.
    pub(crate) fn resource(&self, path: &str) -> Option<(&Content, &str, Vec<String>)> {
        self.spellings(path).find_map(|spellings| {
            let read = |path| match self.routed(&Method::GET, path)? {
                Routed::Operation { operation, captures, .. } => {
                    Some((operation, captures.into_iter().map(ToOwned::to_owned).collect()))
                }
                _ => None,
            };
            let (operation, captures) = spellings.iter().find_map(|path| read(path))?;
            Some((operation.json_answer()?, trimmed(&operation.template), captures))
        })
    }

    /// The path template of a state's path, which has a server's base path before it or not, and no slash at its end.
    pub(crate) fn template_at(&self, path: &str) -> Option<&str> {
        self.spellings(path).flatten().find_map(|path| match self.routed(&Method::GET, &path)? {
            Routed::Operation { operation, .. } | Routed::OtherMethod { operation, .. } => {
                Some(trimmed(&operation.template))
            }
            Routed::Unknown(_) => None,
        })
    }

    /// How the contract may write a state's path: with each server's base path before it, and without, as state knows
    /// it and with the slash that the contract may have at its end.
    fn spellings(&self, path: &str) -> impl Iterator<Item = [String; 2]> {
        let bases = std::iter::once("").chain(self.bases.iter().map(String::as_str));
        bases.map(move |base| [format!("{base}{path}"), format!("{base}{path}/")])
    }

    /// The files that the document was read from, the root first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.document.files()
    }

    /// A value of a resource without what no response carries.
    pub(crate) fn answerable(&self, template: &str, value: &Value) -> Value {
        self.reading(template).map_or_else(|| value.clone(), |content| self.readable(content, value))
    }

    /// Whether the contract writes the path of a resource with a slash at its end.
    pub(crate) fn ends_in_slash(&self, path: &str) -> bool {
        let reads = |path: &str| matches!(self.routed(&Method::GET, path), Some(Routed::Operation { .. }));
        let spellings = |base: &String| !reads(&format!("{base}{path}")) && reads(&format!("{base}{path}/"));
        self.bases.iter().any(spellings)
    }

    /// The JSON that GET answers with at a path template.
    pub(crate) fn reading(&self, template: &str) -> Option<&Content> {
        self.operation_at(&Method::GET, template)?.json_answer()
    }

    /// The operation of a method at a path template; a slash at its end counts for nothing.
    pub(crate) fn operation_at(&self, method: &Method, template: &str) -> Option<&Operation> {
        let at = self.templates.at(template).iter();
        at.filter_map(|index| self.operations.get(*index)).find(|operation| operation.method == *method)
    }

    /// The document as one value.
    pub(crate) fn whole_document(&self) -> &Value {
        self.document.whole()
    }

    /// A value of the document, by its pointer.
    pub(crate) fn document_value(&self, at: &str) -> Option<&Value> {
        self.document.at(at)
    }

    /// A place in the document, by its pointer.
    pub(crate) fn document_place(&self, at: &str, focus: Focus) -> Location {
        self.document.location(at, focus)
    }

    /// The first operation at the template that `path` may be meant to be of.
    pub(crate) fn nearest(&self, path: &str) -> Option<&Operation> {
        let bases = self.bases.iter().filter_map(|base| path.strip_prefix(base.as_str()));
        let rest = bases.min_by_key(|rest| rest.len()).unwrap_or(path);
        let near: Vec<&Operation> = self.templates.near(rest).filter_map(|index| self.operations.get(index)).collect();
        let close = did_you_mean(path, near.iter().map(|operation| operation.template.as_str()))?;
        near.into_iter().find(|operation| operation.template == close)
    }

    fn is_query_key(&self, name: &str) -> bool {
        self.schemes.iter().any(|scheme| matches!(&scheme.kind, SchemeKind::ApiKey { location: KeyLocation::Query, name: key } if key == name))
    }
}

/// Findings in a fixed order, each once: by file and place, errors before warnings at one place.
fn tidy(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    use crate::diagnostic::Place;
    let key = |finding: &Diagnostic| match &finding.place {
        Some(Place::File(location)) => (location.file.name().to_owned(), location.line_column()),
        _ => (String::new(), (0, 0)),
    };
    findings
        .sort_by_cached_key(|finding| (key(finding), std::cmp::Reverse(finding.severity), finding.code.entry().number));
    findings.dedup();
    findings
}

/// The dialect of the document's schemas: 2020-12, which 3.0's are translated to, unless `jsonSchemaDialect` says otherwise.
fn dialect(document: &Document, findings: &mut Vec<Diagnostic>) -> Draft {
    let Some(uri) = document.named_dialect() else { return Draft::Draft202012 };
    match uri {
        "https://json-schema.org/draft/2020-12/schema" | "https://spec.openapis.org/oas/3.1/dialect/base" => {
            Draft::Draft202012
        }
        uri if uri.starts_with("https://spec.openapis.org/oas/3.") => Draft::Draft202012,
        "https://json-schema.org/draft/2019-09/schema" => Draft::Draft201909,
        "http://json-schema.org/draft-07/schema" => Draft::Draft7,
        "http://json-schema.org/draft-06/schema" => Draft::Draft6,
        "http://json-schema.org/draft-04/schema" => Draft::Draft4,
        _ => {
            let message = format!("the JSON Schema dialect `{uri}` is not known; schemas are read as 2020-12");
            findings.push(
                Diagnostic::new(code::CONTRACT_UNSUPPORTED, message)
                    .severity(Severity::Warning)
                    .in_file(document.location("/jsonSchemaDialect", Focus::Value)),
            );
            Draft::Draft202012
        }
    }
}
