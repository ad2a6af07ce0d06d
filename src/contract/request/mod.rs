//! Decoding and checking a request against its operation: everything that is wrong with it, at once.

mod body;
mod parameter;
mod query;

use super::Contract;
use super::operation::Operation;
use super::schema::Checker;
use crate::diagnostic::{Diagnostic, Severity};
use crate::message::Request;
use serde_json::{Map, Value};

/// Errors of one request, and as many warnings. Over it the rest is left out.
const VIOLATIONS_MAX: usize = 100;

/// A request as the contract reads it.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) path: Map<String, Value>,
    pub(crate) query: Map<String, Value>,
    pub(crate) header: Map<String, Value>,
    pub(crate) cookie: Map<String, Value>,
    /// The place of the declaration that the body's media type is of, among those of the operation.
    pub(crate) content: Option<usize>,
    pub(crate) body: Option<Value>,
    /// Everything found, in the order of the contract: parameters, then the body.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Checks a request. `captures` are the raw texts of the path template's expressions under `names`.
pub(crate) fn check(
    contract: &Contract,
    operation: &Operation,
    request: &Request,
    names: &[String],
    captures: &[&str],
    body_bytes_max: usize,
) -> Decoded {
    let mut checking = Checking {
        contract,
        checker: Checker { document: &contract.document, schemas: &contract.request },
        operation,
        request,
        decoded: Decoded::default(),
    };
    checking.parameters(names, captures);
    if let Some(body) = &operation.body {
        checking.body(body, body_bytes_max);
    }
    let mut decoded = checking.decoded;
    bounded(&mut decoded.diagnostics);
    decoded
}

/// Leaves out what would make a reply, and the journal, longer than anybody reads.
fn bounded(diagnostics: &mut Vec<Diagnostic>) {
    let (mut errors, mut others) = (0, 0);
    diagnostics.retain(|diagnostic| {
        let count = if diagnostic.severity == Severity::Error { &mut errors } else { &mut others };
        *count += 1;
        *count <= VIOLATIONS_MAX
    });
}

struct Checking<'a> {
    contract: &'a Contract,
    checker: Checker<'a>,
    operation: &'a Operation,
    request: &'a Request,
    decoded: Decoded,
}
