//! The JSON Schema Test Suite (2020-12, required and format cases) as request bodies through the whole engine.
//!
//! Each schema becomes the body schema of an operation of an OpenAPI 3.1 document; a reference to `#` means
//! the schema there. What is expected to fail stands in `tests/json-schema-suite-gaps.yaml` with its reason.

use chatkitty_mock::{MockServer, SourceFile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const SCHEMA_AT: &str = "#/paths/~1x/post/requestBody/content/application~1json/schema";

fn files() -> Vec<PathBuf> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/.venv/json-schema-suite/draft2020-12");
    assert!(suite.exists(), "the JSON Schema Test Suite is not installed; run: bash tests/run");
    let mut files = Vec::new();
    for folder in [suite.clone(), suite.join("optional/format")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// References into the schema itself lead to its place in the document, unless it has a base of its own.
fn rebased(schema: &Value, own_base: bool) -> Value {
    match schema {
        Value::Object(object) => {
            let own_base = own_base || object.get("$id").is_some_and(Value::is_string);
            let members = object.iter().map(|(key, value)| match value {
                Value::String(reference)
                    if !own_base
                        && (key == "$ref" || key == "$dynamicRef")
                        && (reference == "#" || reference.starts_with("#/")) =>
                {
                    (key.clone(), Value::String(format!("{SCHEMA_AT}{}", &reference[1..])))
                }
                _ if matches!(key.as_str(), "enum" | "const") => (key.clone(), value.clone()),
                _ => (key.clone(), rebased(value, own_base)),
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(|item| rebased(item, own_base)).collect(),
        other => other.clone(),
    }
}

fn document(schema: &Value) -> String {
    json!({
        "openapi": "3.1.1", "info": { "title": "suite", "version": "1" },
        "paths": { "/x": { "post": {
            "requestBody": { "required": true, "content": { "application/json": { "schema": rebased(schema, false) } } },
            "responses": { "204": { "description": "accepted" } },
        } } },
    })
    .to_string()
}

#[test]
fn the_json_schema_test_suite_holds() {
    let text = include_str!("../json-schema-suite-gaps.yaml");
    let gaps = SourceFile::new("json-schema-suite-gaps.yaml", text).parse().unwrap().value;
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for (name, reason) in gaps.as_object().into_iter().flatten() {
        assert!(reason.as_str().is_some_and(|reason| reason.len() > 10), "{name} has no reason");
        known.insert(name.clone(), false);
    }
    let (mut total, mut passed) = (0, 0);
    let mut failures = String::new();
    for file in files() {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let groups: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for group in groups.as_array().unwrap() {
            let mock = MockServer::builder().openapi_text("suite.json", document(&group["schema"])).start().ok();
            if let Some(mock) = &mock {
                mock.allow_violations();
            }
            let place = format!("{stem}: {}", group["description"].as_str().unwrap());
            for test in group["tests"].as_array().unwrap() {
                let request = http::Request::post("/x").header("content-type", "application/json");
                let request = request.body(test["data"].to_string()).unwrap();
                // A document that is refused at load answers nothing.
                let status = mock.as_ref().map_or(0, |mock| mock.handle(request).status().as_u16());
                let right = status == if test["valid"] == true { 204 } else { 400 };
                total += 1;
                passed += usize::from(right);
                match known.get_mut(&place) {
                    Some(failed) => *failed |= !right,
                    None if !right => {
                        let _ = writeln!(failures, "{place}: {} [{status}]", test["description"]);
                    }
                    None => {}
                }
            }
        }
    }
    println!("JSON Schema Test Suite: {passed} of {total}");
    let closed: Vec<&String> = known.iter().filter(|(_, failed)| !**failed).map(|(name, _)| name).collect();
    assert!(closed.is_empty(), "these hold, so they are no gaps any more: {closed:?}");
    assert!(failures.is_empty(), "{failures}");
}
