//! SARIF of what is wrong, each thing once, with a fingerprint that stays from run to run.

use super::Report;
use super::findings::findings;
use crate::diagnostic::SarifLog;
use serde_json::Value;

pub(super) fn sarif(report: &Report) -> Value {
    let mut log = SarifLog::default();
    for finding in findings(report) {
        log.add(&finding.pinned(), finding.context().as_deref());
        log.repeated(&finding.fingerprint, finding.count);
    }
    log.into_json()
}
