//! Annotations of GitHub Actions for what is wrong, each thing once, on the lines of the contract.

use super::Report;
use super::findings::findings;
use crate::diagnostic::Annotations;

pub(super) fn github(report: &Report) -> String {
    let mut annotations = Annotations::default();
    for finding in findings(report) {
        annotations.add(&finding.pinned(), finding.context().as_deref());
    }
    annotations.into_text()
}
