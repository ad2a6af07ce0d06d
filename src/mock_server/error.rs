use crate::diagnostic::{Diagnostic, code, render};
use crate::engine::NotChanged;
use crate::evidence::Report;
use std::fmt;

/// Why a server could not start.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Findings(Vec<Diagnostic>),
    Bind { address: String, source: std::io::Error },
    Runtime(std::io::Error),
    Other(String),
}

impl Error {
    pub(super) fn findings(findings: Vec<Diagnostic>) -> Self {
        Self { kind: Kind::Findings(findings) }
    }

    pub(super) fn bind(address: String, source: std::io::Error) -> Self {
        Self { kind: Kind::Bind { address, source } }
    }

    pub(super) fn runtime(source: std::io::Error) -> Self {
        Self { kind: Kind::Runtime(source) }
    }

    pub(super) fn other(message: impl Into<String>) -> Self {
        Self { kind: Kind::Other(message.into()) }
    }

    /// What is wrong with the contract or the fixtures; empty for other failures.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match &self.kind {
            Kind::Findings(findings) => findings,
            _ => &[],
        }
    }

    /// Whether the address was taken already.
    pub fn is_address_in_use(&self) -> bool {
        matches!(&self.kind, Kind::Bind { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Findings(findings) => {
                write!(f, "the contract or the fixtures cannot be used\n{}", render(findings, false))
            }
            Kind::Bind { address, .. } => write!(f, "cannot listen on {address}"),
            Kind::Runtime(_) => f.write_str("cannot start the background runtime"),
            Kind::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Bind { source, .. } | Kind::Runtime(source) => Some(source),
            _ => None,
        }
    }
}

/// The contract was broken while a server ran.
#[derive(Debug, Clone)]
pub struct Violated {
    report: Box<Report>,
}

impl Violated {
    pub(super) fn new(report: Report) -> Self {
        Self { report: Box::new(report) }
    }

    /// The exchanges that broke it.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl fmt::Display for Violated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report.render(false))
    }
}

impl std::error::Error for Violated {}

/// Why a resource was not set or removed.
#[derive(Debug, Clone)]
pub struct ResourceError {
    diagnostics: Vec<Diagnostic>,
}

impl ResourceError {
    pub(super) fn new(reason: NotChanged) -> Self {
        let of = |(path, violations): (String, Vec<Diagnostic>)| {
            violations.into_iter().map(move |mut violation| {
                violation.message = format!("`{path}`: {}", violation.message);
                violation
            })
        };
        let diagnostics = match reason {
            NotChanged::Breaks(broken) => broken.into_iter().flat_map(of).collect(),
            NotChanged::Full => {
                vec![Diagnostic::new(code::STATE_FULL, "the application would hold more than the limit allows")]
            }
            // Only the control plane means one version.
            NotChanged::Stale => Vec::new(),
        };
        Self { diagnostics }
    }

    /// What is wrong with it.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the resource was not changed\n{}", render(&self.diagnostics, false))
    }
}

impl std::error::Error for ResourceError {}
