//! Everything in JSON: the verdict's members, and what they come from.

use super::{Exchange, Report, curl};
use crate::evidence::{Coverage, Unused};
use serde_json::{Value, json};

pub(super) fn json(report: &Report) -> Value {
    let mut value = report.to_json();
    let (title, version) = &report.contract;
    value["contract"] = json!({ "title": title, "version": version });
    value["broken"] = report.reported.iter().map(|exchange| broken(report, exchange)).collect();
    value["left_out"] = json!(report.left_out());
    let unused = |unused: &Unused| json!({ "application": unused.application, "path": unused.path });
    let examples = report.unused_examples.iter().map(|example| {
        json!({
            "operation": example.operation,
            "status": example.status,
            "media_type": example.media_type,
            "name": example.name,
            "contract": example.place.to_string(),
        })
    });
    value["unused"] = json!({
        "fixtures": report.unused.iter().map(unused).collect::<Vec<_>>(),
        "examples": examples.collect::<Vec<_>>(),
    });
    value["coverage"] = report.coverage.as_ref().map_or(Value::Null, Coverage::to_json);
    value
}

/// An exchange that broke the contract, with the line that sends its request again.
fn broken(report: &Report, exchange: &Exchange) -> Value {
    let mut value = exchange.to_json();
    value["curl"] = curl::line(exchange, report.address).map_or(Value::Null, |line| Value::String(line.command));
    value
}
