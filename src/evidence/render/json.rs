//! Everything in JSON: the verdict's members, and what they come from.

use super::{Exchange, Report, curl};
use crate::evidence::Coverage;
use serde_json::{Value, json};

pub(super) fn json(report: &Report) -> Value {
    let mut value = report.to_json();
    let (title, version) = &report.contract;
    value["contract"] = json!({ "title": title, "version": version });
    value["broken"] = report.reported.iter().map(|exchange| broken(report, exchange)).collect();
    value["left_out"] = json!(report.left_out());
    value["coverage"] = report.coverage.as_ref().map_or(Value::Null, Coverage::to_json);
    value
}

/// An exchange that broke the contract, with the line that sends its request again.
fn broken(report: &Report, exchange: &Exchange) -> Value {
    let mut value = exchange.to_json();
    value["curl"] = curl::line(exchange, report.address).map_or(Value::Null, |line| Value::String(line.command));
    value
}
