//! From a builder's files to what a server serves: contract, resources and seeds, and what is wrong with them.

use super::sources::Sources;
use super::{Builder, Edition};
use crate::contract::{Contract, Source};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::World;
use crate::fixtures;
use crate::message::RemoteLimits;
use crate::remote::Remote;
use crate::resources::{Model, Overrides, StateExplanation};
use crate::source::SourceFile;
use crate::store::Seed;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is wrong with a contract and its fixtures.
#[derive(Debug)]
pub struct CheckOutcome {
    /// Everything found, in a fixed order.
    pub diagnostics: Vec<Diagnostic>,
    /// What was inferred about state: which paths are collections, items or resources of their own.
    pub state: StateExplanation,
}

/// What a server starts from.
pub(super) struct Loaded {
    pub(super) world: World,
    pub(super) seeds: Vec<Seed>,
    /// What is wrong with the contract although it can be served.
    pub(super) findings: Vec<Diagnostic>,
    /// The files that it was read from.
    pub(super) sources: Sources,
}

/// A contract and its resources with what was found in it, compiled once per process and shared.
#[derive(Clone)]
struct Compiled {
    contract: Arc<Contract>,
    model: Arc<Model>,
    overrides: Overrides,
    findings: Arc<[Diagnostic]>,
}

impl Builder {
    /// Loads contract and fixtures, and starts nothing.
    #[expect(clippy::mutable_key_type, reason = "a place is known by the names and pointers in it, which stay")]
    pub fn check(self) -> CheckOutcome {
        let compiled = match self.compiled() {
            Ok(compiled) => compiled,
            Err(diagnostics) => return CheckOutcome { diagnostics, state: StateExplanation::default() },
        };
        // Notes on the bundled document are for nobody: it is as ChatKitty has it.
        let bundled = self.contract.is_none();
        let findings = compiled.findings.iter();
        let mut diagnostics: Vec<Diagnostic> =
            findings.filter(|finding| !bundled || finding.severity != Severity::Note).cloned().collect();
        // The bundled document is ours, and linted by the project's own tests.
        if self.contract.is_some() {
            // What loading has found already is more specific than what the meta-schema says of the same place.
            let mut known: HashSet<_> =
                compiled.findings.iter().map(|finding| (finding.code, finding.place.as_ref())).collect();
            let lint = compiled.contract.lint().iter();
            diagnostics.extend(lint.filter(|finding| known.insert((finding.code, finding.place.as_ref()))).cloned());
        }
        let state = match self.fixture_files() {
            Ok(files) => {
                let (model, _, found) = self.seeded(&compiled, &files);
                diagnostics.extend(found);
                model.describe()
            }
            Err(unreadable) => {
                diagnostics.extend(unreadable);
                compiled.model.describe()
            }
        };
        diagnostics.dedup();
        CheckOutcome { diagnostics, state }
    }

    /// What a server starts from, or everything that stands in its way.
    pub(super) fn load(&self) -> Result<Loaded, Vec<Diagnostic>> {
        let compiled = self.compiled()?;
        let files = self.fixture_files()?;
        let (model, mut seeds, mut problems) = self.seeded(&compiled, &files);
        problems.retain(|problem| problem.severity == Severity::Error);
        if !problems.is_empty() {
            return Err(problems);
        }
        if files.is_empty() {
            seeds.push(Seed { name: "default".to_owned(), ..Seed::default() });
        }
        let own_fixtures = files.into_iter().filter(|_| !self.fixtures.is_empty());
        let read = self.contract_files(&compiled.contract).into_iter().chain(own_fixtures);
        let sources = Sources::new(read, &self.fixtures);
        let world = World::new(compiled.contract, model);
        Ok(Loaded { world, seeds, findings: compiled.findings.to_vec(), sources })
    }

    /// What requests and responses are checked against, without what answers them.
    pub(super) fn contract_and_model(&self) -> Result<(Arc<Contract>, Arc<Model>), Vec<Diagnostic>> {
        self.compiled().map(|compiled| (compiled.contract, compiled.model))
    }

    fn fixture_files(&self) -> Result<Vec<Arc<SourceFile>>, Vec<Diagnostic>> {
        if self.fixtures.is_empty() {
            return Ok(if self.contract.is_none() { fixtures::bundled(self.edition.rendering()) } else { Vec::new() });
        }
        let mut files = Vec::new();
        let mut unreadable = Vec::new();
        for path in &self.fixtures {
            match fixtures::read(path) {
                Ok(found) => files.extend(found),
                Err(diagnostic) => unreadable.push(diagnostic),
            }
        }
        if unreadable.is_empty() { Ok(files) } else { Err(unreadable) }
    }

    /// The files that the contract was read from; none where it was given as text.
    fn contract_files(&self, contract: &Contract) -> Vec<Arc<SourceFile>> {
        match &self.contract {
            Some(Source::File(_)) => contract.files().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The contract, compiled at most once per process while all its files say the same.
    fn compiled(&self) -> Result<Compiled, Vec<Diagnostic>> {
        static COMPILED: OnceLock<Mutex<HashMap<String, (Compiled, Sources)>>> = OnceLock::new();
        let (name, text) = self.edition.document();
        let bundled = Source::Text { name: name.to_owned(), text: text.to_owned() };
        let source = self.contract.as_ref().unwrap_or(&bundled);
        let key = format!("{:?} {} {}", self.options, self.remote_refs, identity(source));
        let cache = COMPILED.get_or_init(Mutex::default);
        let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut compiled = lock();
        if let Some((known, sources)) = compiled.get_mut(&key)
            && !sources.have_changed()
        {
            return Ok(known.clone());
        }
        let (contract, mut findings) = if self.remote_refs {
            // Nobody waits for somebody else's network.
            drop(compiled);
            let remote = Remote::new(RemoteLimits::default());
            let loaded = Contract::load_with(source, self.options, Some(&remote))?;
            compiled = lock();
            loaded
        } else {
            Contract::load(source, self.options)?
        };
        let (overrides, found) = Overrides::of_contract(&contract);
        findings.extend(found);
        let model = Arc::new(Model::infer(&contract, &overrides));
        let loaded = Compiled { contract: Arc::new(contract.lean()), model, overrides, findings: findings.into() };
        // What many contracts would fill up is started anew; servers hold what they use.
        const KEPT_MAX: usize = 64;
        if compiled.len() >= KEPT_MAX {
            compiled.clear();
        }
        let sources = Sources::new(self.contract_files(&loaded.contract), &[]);
        compiled.insert(key, (loaded.clone(), sources));
        Ok(loaded)
    }

    /// The resources and the seeds of fixture files; those of the bundled ones are made once per process and edition.
    fn seeded(&self, compiled: &Compiled, files: &[Arc<SourceFile>]) -> (Arc<Model>, Vec<Seed>, Vec<Diagnostic>) {
        static BUNDLED: [OnceLock<Vec<Seed>>; Edition::ALL.len()] = [const { OnceLock::new() }; Edition::ALL.len()];
        let bundled = self.contract.is_none() && self.fixtures.is_empty();
        let kept = BUNDLED.get(self.edition as usize).filter(|_| bundled);
        if let Some(seeds) = kept.and_then(OnceLock::get) {
            return (Arc::clone(&compiled.model), seeds.clone(), Vec::new());
        }
        let mut overrides = compiled.overrides.clone();
        let mut problems = fixtures::overrides(&compiled.contract, files, &mut overrides);
        let model = if overrides == compiled.overrides {
            Arc::clone(&compiled.model)
        } else {
            Arc::new(Model::infer(&compiled.contract, &overrides))
        };
        let (seeds, found) = fixtures::load(&compiled.contract, &model, files);
        problems.extend(found);
        if let Some(kept) = kept.filter(|_| problems.is_empty()) {
            return (model, kept.get_or_init(|| seeds).clone(), problems);
        }
        (model, seeds, problems)
    }
}

/// What tells two contracts apart that were not changed.
fn identity(source: &Source) -> String {
    match source {
        Source::Text { name, text } => format!("{name} {text}"),
        Source::File(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
    }
}
