//! Runs the stories of `tests/stories`: a document, a sequence of requests, and what a user expects of each.
//!
//! A story that is known to fail stands in `known-gaps.yaml` with its reason; one that passes although it
//! stands there fails the run, too.

use chatkitty_mock::{Builder, Discriminator, MockServer, SourceFile, Unseeded};
use http::{Request, Response};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    let parsed = SourceFile::new(path.display().to_string(), text).parse();
    parsed.unwrap_or_else(|error| panic!("{}: {error}", path.display())).value
}

/// The server that a story is about. Fixtures are files in a folder of the story's own.
fn server(name: &str, story: &Value) -> MockServer {
    let mut builder: Builder = MockServer::builder();
    if let Some(text) = story["document"].as_str().filter(|text| *text != "bundled") {
        builder = builder.openapi_text("story.yaml", text);
    }
    builder = match story["unseeded"].as_str() {
        None | Some("example") => builder,
        Some("generate") => builder.unseeded(Unseeded::Generate),
        Some("not-found") => builder.unseeded(Unseeded::NotFound),
        Some(other) => panic!("{name}: unknown `unseeded: {other}`"),
    };
    builder = match story["discriminator"].as_str() {
        None | Some("hint") => builder,
        Some("select") => builder.discriminator(Discriminator::Select),
        Some(other) => panic!("{name}: unknown `discriminator: {other}`"),
    };
    let folder = std::env::temp_dir().join(format!("chatkitty-mock-story-{}-{:p}", std::process::id(), story));
    if let Some(fixtures) = story["fixtures"].as_object() {
        std::fs::create_dir_all(&folder).unwrap();
        for (stem, fixture) in fixtures {
            std::fs::write(folder.join(format!("{stem}.json")), fixture.to_string()).unwrap();
        }
        builder = builder.fixtures(&folder);
    }
    let mock = builder.start().unwrap_or_else(|error| panic!("{name}: {error}: {:?}", error.diagnostics()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    mock.allow_violations();
    mock
}

/// The text with every `{{name}}` replaced by what was saved under the name.
fn filled(text: &str, saved: &BTreeMap<String, Value>) -> String {
    let mut text = text.to_owned();
    for (name, value) in saved {
        let plain = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        text = text.replace(&format!("{{{{{name}}}}}"), &plain);
    }
    text
}

/// A value filled in; a string that is nothing but `{{name}}` becomes the saved value itself.
fn filled_value(value: &Value, saved: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => {
            let whole =
                text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).and_then(|name| saved.get(name));
            whole.cloned().unwrap_or_else(|| Value::String(filled(text, saved)))
        }
        Value::Array(items) => items.iter().map(|item| filled_value(item, saved)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (filled(name, saved), filled_value(value, saved)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn request(step: &Value, saved: &BTreeMap<String, Value>) -> Request<String> {
    let line = filled(step["send"].as_str().expect("`send`"), saved);
    let (method, target) = line.split_once(' ').expect("method and target");
    let mut request = Request::builder().method(method).uri(target.trim());
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        request = request.header(name, filled(value.as_str().expect("a header"), saved));
    }
    let body = step.get("body").map(|body| filled_value(body, saved));
    if body.is_some() {
        request = request.header("content-type", step["type"].as_str().unwrap_or("application/json"));
    }
    request.body(body.map(|body| body.to_string()).unwrap_or_default()).unwrap()
}

/// Whether a value has all that is wanted: members of objects, and items of arrays one by one.
fn has(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| value.get(name).is_some_and(|value| has(value, wanted)))
        }
        (Value::Array(value), Value::Array(wanted)) => {
            value.len() == wanted.len() && value.iter().zip(wanted).all(|(value, wanted)| has(value, wanted))
        }
        (value, wanted) => value == wanted,
    }
}

/// What of a reply is not as the step expects it.
fn wrong(step: &Value, reply: &Response<bytes::Bytes>, saved: &BTreeMap<String, Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    let text = String::from_utf8_lossy(reply.body()).into_owned();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let expected = |name: &str| step.get(name).map(|value| filled_value(value, saved));
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    // Where nothing is said about the status, the steps after it tell whether it was right.
    check(
        step["status"].is_null() || step["status"] == reply.status().as_u16(),
        format!("status {}, expected {}", reply.status().as_u16(), step["status"]),
    );
    if let Some(wanted) = expected("has") {
        check(has(&body, &wanted), format!("lacks {wanted}"));
    }
    if let Some(wanted) = expected("is") {
        check(body == wanted, format!("is not {wanted}"));
    }
    for name in expected("lacks").as_ref().and_then(Value::as_array).into_iter().flatten() {
        check(body.get(name.as_str().unwrap()).is_none(), format!("has {name}"));
    }
    for (pointer, wanted) in expected("at").as_ref().and_then(Value::as_object).into_iter().flatten() {
        check(body.pointer(pointer) == Some(wanted), format!("{pointer} is not {wanted}"));
    }
    for (pointer, wanted) in expected("count").as_ref().and_then(Value::as_object).into_iter().flatten() {
        let length = body.pointer(pointer).and_then(Value::as_array).map(Vec::len);
        check(
            length.map(Value::from).as_ref() == Some(wanted),
            format!("{pointer} has {length:?} items, expected {wanted}"),
        );
    }
    for (name, wanted) in expected("reply").as_ref().and_then(Value::as_object).into_iter().flatten() {
        let found = reply.headers().get(name).map(|value| value.to_str().unwrap());
        let holds = match wanted.as_str() {
            Some("present") => found.is_some(),
            Some("absent") => found.is_none(),
            Some(wanted) => found == Some(wanted),
            None => found == Some(wanted.to_string().as_str()),
        };
        check(holds, format!("header {name} is {found:?}, expected {wanted}"));
    }
    if !wrong.is_empty() {
        wrong.push(format!("body {}", text.chars().take(500).collect::<String>()));
    }
    wrong
}

fn save(step: &Value, reply: &Response<bytes::Bytes>, saved: &mut BTreeMap<String, Value>) {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
    for (name, place) in step["save"].as_object().into_iter().flatten() {
        let place = place.as_str().expect("a place");
        let value = match place.strip_prefix("header ") {
            Some(header) => reply.headers().get(header).map(|value| Value::from(value.to_str().unwrap())),
            None => body.pointer(place).cloned(),
        };
        saved.insert(name.clone(), value.unwrap_or(Value::Null));
    }
}

/// Plays a story; gives the first step that went wrong.
fn play(name: &str, story: &Value) -> Result<(), String> {
    let mock = server(name, story);
    let mut saved = BTreeMap::new();
    for (index, step) in story["steps"].as_array().expect("`steps`").iter().enumerate() {
        let reply = mock.handle(request(step, &saved));
        let wrong = wrong(step, &reply, &saved);
        if !wrong.is_empty() {
            return Err(format!("step {}, {}\n    {}", index + 1, step["send"], wrong.join("\n    ")));
        }
        save(step, &reply, &mut saved);
    }
    Ok(())
}

#[test]
fn every_story_goes_as_a_user_expects() {
    let gaps = read(&folder().join("known-gaps.yaml"));
    let gaps = gaps.as_object().cloned().unwrap_or_default();
    let mut failures = String::new();
    let (mut count, mut known) = (0, 0);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.file_stem().is_some_and(|stem| stem != "known-gaps")) {
        for story in read(file)["stories"].as_array().expect("`stories`") {
            let name =
                format!("{}: {}", file.file_stem().unwrap().to_string_lossy(), story["name"].as_str().expect("`name`"));
            count += 1;
            match (play(&name, story), gaps.get(&name)) {
                (Ok(()), None) => {}
                (Err(_), Some(_)) => known += 1,
                (Ok(()), Some(reason)) => {
                    let _ = writeln!(failures, "{name}\n    holds, so it is no gap any more: {reason}");
                }
                (Err(wrong), None) => {
                    let _ = writeln!(failures, "{name} [{}]\n  {wrong}", story["why"].as_str().unwrap_or_default());
                }
            }
        }
    }
    println!("stories: {} of {count} hold, {known} known gaps", count - known);
    assert_eq!(known, gaps.len(), "known gaps that name no story");
    assert!(count > 0 && failures.is_empty(), "{failures}");
}
