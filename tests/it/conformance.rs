//! Runs the data files of `tests/conformance`: a document, a request, and what the specification says comes back.
//! Under `decisions` stand cases that the specification leaves open, each with the reason for what was decided.
//!
//! A case that is known to fail stands in `known-gaps.yaml` with its reason; one that passes although it
//! stands there fails the run, too.

use base64::Engine as _;
use chatkitty_mock::{Builder, Discriminator, MockServer, SourceFile, UnknownQuery};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    SourceFile::new(path.display().to_string(), text)
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .value
}

fn known_gaps() -> BTreeMap<String, String> {
    let gaps = read(&folder().join("known-gaps.yaml"));
    let mut known = BTreeMap::new();
    for (topic, cases) in gaps.as_object().into_iter().flatten() {
        for (name, reason) in cases.as_object().into_iter().flatten() {
            known.insert(format!("{topic}: {name}"), reason.as_str().unwrap().to_owned());
        }
    }
    known
}

fn configured(builder: Builder, options: &Value) -> Builder {
    let words: Vec<&str> = options.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect();
    let mut builder = builder;
    for pair in words.chunks(2) {
        builder = match pair {
            ["--discriminator", "select"] => builder.discriminator(Discriminator::Select),
            ["--unknown-query", "refuse"] => builder.unknown_query(UnknownQuery::Refuse),
            ["--max-body", bytes] => builder.max_body(bytes.parse().unwrap()),
            other => panic!("unknown options {other:?}"),
        };
    }
    builder
}

/// The topics, each with the values of its file.
pub(crate) fn topics() -> Vec<(String, Value)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let stem = |file: &Path| file.file_stem().unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .map(|file| (stem(file), file))
        .filter(|(topic, _)| topic != "known-gaps")
        .map(|(topic, file)| (topic, read(file)))
        .collect()
}

/// The cases of a topic, those of the specification and then those that were decided.
pub(crate) fn cases(topic: &Value) -> impl Iterator<Item = &Value> {
    let cases = topic["cases"].as_array().unwrap().iter();
    cases.chain(topic["decisions"].as_array().into_iter().flatten())
}

pub(crate) fn request(case: &Value) -> http::Request<Vec<u8>> {
    let request = &case["request"];
    let mut builder = http::Request::builder()
        .method(request["method"].as_str().unwrap_or("GET"))
        .uri(request["target"].as_str().expect("a target"));
    let mut typed = false;
    for pair in request["headers"].as_array().into_iter().flatten() {
        let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        typed |= name.eq_ignore_ascii_case("content-type");
        builder = builder.header(name, http::HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    let body = if let Some(json) = request.get("json") {
        if !typed {
            builder = builder.header("content-type", "application/json");
        }
        json.to_string().into_bytes()
    } else if let Some(text) = request.get("text") {
        text.as_str().unwrap().as_bytes().to_vec()
    } else if let Some(base64) = request.get("base64") {
        base64::engine::general_purpose::STANDARD.decode(base64.as_str().unwrap()).unwrap()
    } else {
        Vec::new()
    };
    builder.body(body).unwrap_or_else(|error| panic!("{}: {error}", case["name"]))
}

/// What of the reply is not as expected.
fn differences(expect: &Value, reply: &http::Response<bytes::Bytes>, mock: &MockServer) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = u64::from(reply.status().as_u16());
    if expect["status"].as_u64() != Some(status) {
        wrong.push(format!("status {status}, expected {}", expect["status"]));
    }
    let exchange = mock.exchanges().pop().expect("an exchange");
    let found: Vec<Value> =
        exchange.diagnostics().iter().map(chatkitty_mock::diagnostic::Diagnostic::to_json).collect();
    for violation in expect["violations"].as_array().into_iter().flatten() {
        let fits =
            |found: &Value| violation.as_object().unwrap().iter().all(|(key, value)| found.get(key) == Some(value));
        if !found.iter().any(fits) {
            wrong.push(format!("no violation {violation}"));
        }
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let actual = reply.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let fits = match value {
            Value::Null => actual.is_none(),
            Value::Array(values) => values.iter().any(|value| value.as_str() == actual.as_deref()),
            value => value.as_str() == actual.as_deref(),
        };
        if !fits {
            wrong.push(format!("header {name} is {actual:?}, expected {value}"));
        }
    }
    if let Some(json) = expect.get("json") {
        let actual: Option<Value> = serde_json::from_slice(reply.body()).ok();
        if actual.as_ref() != Some(json) {
            wrong.push(format!("body {}, expected {json}", String::from_utf8_lossy(reply.body())));
        }
    }
    if let Some(text) = expect.get("text") {
        let actual = String::from_utf8_lossy(reply.body());
        if text.as_str() != Some(&actual) {
            wrong.push(format!("body {actual:?}, expected {text}"));
        }
    }
    if let Some(text) = expect.get("inflated") {
        let mut actual = String::new();
        let read = flate2::read::GzDecoder::new(reply.body().as_ref()).read_to_string(&mut actual);
        if read.is_err() || text.as_str() != Some(&actual) {
            wrong.push(format!("body {actual:?} under gzip, expected {text}"));
        }
    }
    if expect["body_absent"] == true && !reply.body().is_empty() {
        wrong.push(format!("a body of {} bytes, expected none", reply.body().len()));
    }
    if !wrong.is_empty() {
        wrong.extend(found.iter().map(|found| format!("  found {found}")));
    }
    wrong
}

#[test]
fn every_case_of_the_specification_holds() {
    let gaps = known_gaps();
    let mut used = Vec::new();
    let mut failures = String::new();
    let (mut total, mut passed) = (0, 0);
    for (topic, data) in topics() {
        if std::env::var("TOPIC").is_ok_and(|wanted| wanted != topic) {
            continue;
        }
        let mut servers: BTreeMap<String, MockServer> = BTreeMap::new();
        let (mut count, mut good) = (0, 0);
        for case in cases(&data) {
            let name = format!("{topic}: {}", case["name"].as_str().unwrap());
            let key = format!("{} {}", case["document"], case["options"]);
            let mock = servers.entry(key).or_insert_with(|| {
                let document = case["document"].as_str().unwrap();
                let text = data["documents"][document].to_string();
                let builder = MockServer::builder().openapi_text(format!("{topic}/{document}.json"), text);
                let mock =
                    configured(builder, &case["options"]).start().unwrap_or_else(|error| panic!("{name}: {error}"));
                mock.allow_violations();
                mock
            });
            mock.applications().iter().for_each(chatkitty_mock::Application::reset);
            let reply = mock.handle(request(case));
            let wrong = differences(&case["expect"], &reply, mock);
            count += 1;
            match (wrong.is_empty(), gaps.get(&name)) {
                (true, None) => good += 1,
                (false, Some(_)) => used.push(name),
                (true, Some(reason)) => {
                    let _ = writeln!(failures, "{name}\n    passes, so it is no gap any more: {reason}");
                }
                (false, None) => {
                    let spec = case["spec"].as_str().unwrap_or_default();
                    let _ = writeln!(failures, "{name} [{spec}]\n    {}", wrong.join("\n    "));
                }
            }
        }
        println!("{topic}: {good} of {count}");
        total += count;
        passed += good;
    }
    println!("conformance: {passed} of {total} cases, {} known gaps", used.len());
    if std::env::var("TOPIC").is_err() {
        assert_eq!(used.len(), gaps.len(), "known gaps that name no case");
    }
    assert!(failures.is_empty(), "{failures}");
}
