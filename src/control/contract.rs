//! The contract that is served: its operations, its lines, what is wrong with it, and what of it can be set.

use super::dispatch::{failure, text};
use super::{Call, Failure, json_reply};
use crate::contract::Operation;
use crate::diagnostic::{Diagnostic, code};
use crate::fixtures;
use crate::message::Reply;
use crate::store::State;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Lines in one reply where the request names no limit.
const LINES_DEFAULT: u64 = 5_000;

impl Call<'_> {
    pub(super) fn contract(&self) -> Reply {
        let world = self.engine.world();
        let contract = &world.contract;
        let operations: Vec<Value> = contract.operations().iter().map(told).collect();
        let files: Vec<&str> = contract.files().map(|file| file.name()).collect();
        json_reply(
            StatusCode::OK,
            &json!({
                "title": contract.title(),
                "version": contract.version(),
                "edition": self.plane.edition,
                "token_path": world.token_path(),
                "files": files,
                "operations": operations,
            }),
        )
    }

    /// Only the contract's own files are shown, whatever name is asked for.
    pub(super) fn contract_source(&self) -> Result<Reply, Failure> {
        let world = self.engine.world();
        let query = &self.decoded.query;
        let wanted = self.in_query("file");
        let mut files = world.contract.files();
        let file = files.find(|file| wanted.is_none_or(|wanted| file.name() == wanted)).ok_or_else(|| {
            let message = format!("the contract has no file `{}`", wanted.unwrap_or_default());
            failure(StatusCode::NOT_FOUND, code::NO_SUCH_ENTRY, message)
        })?;
        let number = |name: &str, default: u64| query.get(name).and_then(Value::as_u64).unwrap_or(default);
        let from = number("from", 1).max(1);
        let skipped = usize::try_from(from - 1).unwrap_or(usize::MAX);
        let limit = usize::try_from(number("limit", LINES_DEFAULT)).unwrap_or(usize::MAX);
        let lines: Vec<&str> = file.text().lines().skip(skipped).take(limit).collect();
        let total = file.text().lines().count();
        let body = json!({ "file": file.name(), "from": from, "lines": lines, "total": total });
        Ok(json_reply(StatusCode::OK, &body))
    }

    pub(super) fn contract_findings(&self) -> Reply {
        let world = self.engine.world();
        let findings: Vec<Value> = world.contract.lint().iter().map(Diagnostic::to_json).collect();
        json_reply(StatusCode::OK, &json!({ "findings": findings }))
    }

    pub(super) fn replaceable_resources(&self) -> Reply {
        let world = self.engine.world();
        let mut resources = Vec::new();
        for operation in world.contract.operations().iter().filter(|operation| operation.method == Method::PUT) {
            let own = !operation.template.contains('{') && world.contract.reading(&operation.template).is_some();
            let body = operation.body.as_ref().filter(|_| own);
            let Some(content) = body.and_then(|body| body.content.iter().find(|content| content.media.is_json()))
            else {
                continue;
            };
            resources.push(json!({
                "path": operation.template,
                "operation": operation.names.name,
                "media_type": content.media.to_string(),
                "properties": world.contract.carried_properties(content),
            }));
        }
        json_reply(StatusCode::OK, &json!({ "resources": resources }))
    }

    /// Checks a resource as PATCH of an application would, and changes nothing.
    pub(super) fn check_resource(&self) -> Reply {
        let world = self.engine.world();
        let body = self.body();
        let path = text(&body, "path").unwrap_or_default();
        let value = body.get("value").unwrap_or(&Value::Null);
        let found = fixtures::resource(&world.contract, &world.model, path, value, &mut State::default());
        let violations: Vec<Value> = found.err().unwrap_or_default().iter().map(Diagnostic::to_json).collect();
        json_reply(StatusCode::OK, &json!({ "violations": violations }))
    }
}

fn told(operation: &Operation) -> Value {
    let responses = &operation.responses;
    let examples = responses.iter().flat_map(|response| &response.content).flat_map(|content| &content.examples);
    let mut names: Vec<&str> = examples.filter_map(|example| example.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    json!({
        "operation_id": operation.operation_id,
        "method": operation.method.as_str(),
        "path": operation.template,
        "statuses": responses.iter().map(|response| response.status.to_string()).collect::<Vec<_>>(),
        "examples": names,
    })
}
