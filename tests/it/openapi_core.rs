//! openapi-core, an independent validator of requests, judges every case of `tests/conformance`. Its verdict is
//! ours, or the case stands in `tests/openapi-core.yaml` under the reason why not. `tests/run` installs it.

use crate::conformance::{cases, request, topics};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkitty_mock::SourceFile;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A case that openapi-core judges, and how.
struct Judged {
    topic: String,
    name: String,
    /// `accepted`, or the kind of refusal.
    ours: &'static str,
    /// `accepted`, `refused`, `refused otherwise`, or `none`; empty where it is ours.
    theirs: &'static str,
    messages: String,
}

/// Judges requests, and not answers: what is refused for its `Accept` or its size, or asks for an answer of its
/// own with `Prefer`, is not asked about.
fn is_about_the_request(case: &Value) -> bool {
    let prefers = |pair: &Value| pair[0].as_str().is_some_and(|name| name.eq_ignore_ascii_case("prefer"));
    let headers = case["request"]["headers"].as_array();
    !matches!(case["expect"]["status"].as_u64(), Some(406 | 413)) && !headers.into_iter().flatten().any(prefers)
}

fn ours(case: &Value) -> &'static str {
    match case["expect"]["status"].as_u64().unwrap() {
        404 | 405 => "route",
        401 | 403 => "security",
        415 => "media type",
        400 | 422 => "value",
        _ => "accepted",
    }
}

fn told(case: &Value) -> Value {
    let request = request(case);
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    let headers = request.headers().iter().map(|(name, value)| json!([name.as_str(), text(value.as_bytes())]));
    json!({
        "name": case["name"], "document": case["document"],
        "request": {
            "method": request.method().as_str(), "target": case["request"]["target"],
            "headers": headers.collect::<Vec<_>>(), "body": STANDARD.encode(request.body()),
        },
    })
}

fn verdicts(input: &Value) -> Vec<Value> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let interpreter = python.join(".venv/bin/python");
    assert!(interpreter.exists(), "openapi-core is not installed; run: bash tests/run");
    let mut child = Command::new(interpreter)
        .arg(python.join("openapi_core_verdicts.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openapi-core could not be asked");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn judged() -> Vec<Judged> {
    let topics = topics();
    let asked = |data: &Value| cases(data).filter(|case| is_about_the_request(case)).cloned().collect::<Vec<_>>();
    let topics: Vec<(String, Value, Vec<Value>)> =
        topics.into_iter().map(|(topic, data)| (topic, data["documents"].clone(), asked(&data))).collect();
    let input = topics.iter().map(
        |(_, documents, cases)| json!({ "documents": documents, "cases": cases.iter().map(told).collect::<Vec<_>>() }),
    );
    let answers = verdicts(&input.collect());
    let cases = topics.iter().flat_map(|(topic, _, cases)| cases.iter().map(move |case| (topic, case)));
    let judge = |((topic, case), answer): ((&String, &Value), Value)| {
        let ours = ours(case);
        assert_eq!(case["name"], answer["name"]);
        let same = answer["kinds"].as_array().unwrap().iter().any(|kind| kind == ours);
        let theirs = match (answer["verdict"].as_str().unwrap(), ours) {
            ("accepted", "accepted") => "",
            ("refused", _) if same => "",
            ("refused", "accepted") => "refused",
            ("refused", _) => "refused otherwise",
            ("accepted", _) => "accepted",
            _ => "none",
        };
        let name = case["name"].as_str().unwrap().to_owned();
        Judged { topic: topic.clone(), name, ours, theirs, messages: answer["messages"].to_string() }
    };
    cases.zip(answers).map(judge).collect()
}

/// Whether a name fits a pattern, in which `*` is any text.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[test]
fn openapi_core_agrees_or_the_specification_says_why_not() {
    let text = include_str!("../openapi-core.yaml");
    let groups = SourceFile::new("openapi-core.yaml", text).parse().unwrap().value;
    let judged = judged();
    let mut failures = String::new();
    let mut claims = vec![0; judged.len()];
    let mut right: BTreeMap<&str, usize> = BTreeMap::new();
    for group in groups.as_array().unwrap() {
        let field = |name: &str| group[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {group}"));
        let (reason, theirs) = (field("reason"), field("theirs"));
        assert!(field("spec").len() > 5 && ["here", "open"].contains(&field("right")), "{group}");
        let mut found = 0;
        for (topic, patterns) in group["cases"].as_object().unwrap() {
            for pattern in patterns.as_array().unwrap().iter().map(|pattern| pattern.as_str().unwrap()) {
                let mut any = false;
                for (judged, claims) in judged.iter().zip(&mut claims) {
                    if judged.topic == *topic && judged.theirs == theirs && fits(pattern, &judged.name) {
                        (any, found) = (true, found + 1);
                        *claims += 1;
                    }
                }
                if !any {
                    let _ = writeln!(failures, "{topic}: `{pattern}` names no disagreement: {reason}");
                }
            }
        }
        *right.entry(field("right")).or_default() += found;
        if group["count"] != found {
            let _ = writeln!(failures, "{found} cases, not {}: {reason}", group["count"]);
        }
    }
    let mut differ = 0;
    for (judged, claims) in judged.iter().zip(claims) {
        let Judged { topic, name, ours, theirs, messages } = judged;
        differ += usize::from(!theirs.is_empty());
        if claims != usize::from(!theirs.is_empty()) {
            let shown: String = messages.chars().take(300).collect();
            let _ = writeln!(failures, "{topic}: {name}\n    {ours} here, {theirs} there, in {claims} groups: {shown}");
        }
    }
    println!("openapi-core: {} of {} verdicts are ours", judged.len() - differ, judged.len());
    println!("the others, by who is right: {right:?}");
    assert!(failures.is_empty(), "{failures}");
}
