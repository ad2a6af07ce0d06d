//! The JSON Schema Test Suite as request bodies through the whole engine: its required and format cases, of 2020-12 in
//! documents of OpenAPI 3.1, and of draft 4 in those of 3.0 as far as 3.0 has the keywords.
//!
//! Each schema becomes the body schema of an operation; a reference to `#` means the schema there. What is expected
//! to fail stands in `tests/json-schema-suite-gaps.yaml` or `tests/json-schema-suite-gaps-draft4.yaml` with its reason.

use chatkitty_mock::{MockServer, SourceFile};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const SCHEMA_AT: &str = "#/paths/~1x/post/requestBody/content/application~1json/schema";

/// What draft 4 has and the Schema Object of OpenAPI 3.0 has not (OAS 3.0.4 §4.7.24), and why its tests say nothing
/// here. A group that uses one is left out.
const NOT_IN_30: [(&str, &str); 6] = [
    ("additionalItems", "an array has one schema for all items"),
    ("dependencies", "no such keyword"),
    ("id", "a Schema Object is identified by its place alone"),
    ("items", "an array of schemas for the items by position is no value of it"),
    ("patternProperties", "no such keyword"),
    ("type", "an array of types, or `null` among them, is no value of it"),
];

fn files(draft: &str) -> Vec<PathBuf> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/.venv/json-schema-suite").join(draft);
    assert!(suite.exists(), "the JSON Schema Test Suite is not installed; run: bash tests/run");
    let mut files = Vec::new();
    for folder in [suite.clone(), suite.join("optional"), suite.join("optional/format")] {
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

fn document(version: &str, schema: &Value, components: Value) -> String {
    json!({
        "openapi": version, "info": { "title": "suite", "version": "1" },
        "paths": { "/x": { "post": {
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": { "204": { "description": "accepted" } },
        } } },
        "components": { "schemas": components },
    })
    .to_string()
}

fn document31(schema: &Value) -> String {
    document("3.1.1", &rebased(schema, false), json!({}))
}

/// The definitions of a schema of draft 4 are the components of a document of 3.0.
fn document30(schema: &Value) -> String {
    let mut schema = rebased(schema, false);
    let definitions = schema.as_object_mut().and_then(|schema| schema.remove("definitions"));
    let at = |text: String| text.replace(&format!("{SCHEMA_AT}/definitions/"), "#/components/schemas/");
    let moved = |value: &Value| serde_json::from_str::<Value>(&at(value.to_string())).unwrap();
    document("3.0.4", &moved(&schema), definitions.map_or_else(|| json!({}), |definitions| moved(&definitions)))
}

/// What a schema of draft 4 uses that 3.0 does not have.
fn not_in_30(schema: &Value, found: &mut Vec<&'static str>) {
    let Some(object) = schema.as_object() else { return };
    for (keyword, _) in NOT_IN_30 {
        let there = object.get(keyword).is_some_and(|value| match keyword {
            "items" => value.is_array(),
            "type" => value.is_array() || value == "null",
            _ => true,
        });
        if there {
            found.push(keyword);
        }
    }
    let maps = ["properties", "definitions"].into_iter().filter_map(|keyword| object.get(keyword)?.as_object());
    maps.flat_map(Map::values).for_each(|schema| not_in_30(schema, found));
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|keyword| object.get(keyword)?.as_array());
    lists.flatten().for_each(|schema| not_in_30(schema, found));
    let single = ["not", "items", "additionalProperties"].into_iter().filter_map(|keyword| object.get(keyword));
    single.for_each(|schema| not_in_30(schema, found));
}

/// The groups that are expected to fail, each with whether it did.
fn known(text: &str) -> BTreeMap<String, bool> {
    let gaps = SourceFile::new("gaps.yaml", text).parse().unwrap().value;
    let mut known = BTreeMap::new();
    for (name, reason) in gaps.as_object().into_iter().flatten() {
        assert!(reason.as_str().is_some_and(|reason| reason.len() > 10), "{name} has no reason");
        known.insert(name.clone(), false);
    }
    known
}

/// Runs the groups of a draft for which `write` gives a document.
fn run(draft: &str, gaps: &str, mut write: impl FnMut(&Value) -> Option<String>) {
    let mut known = known(gaps);
    let (mut total, mut passed, mut groups_run) = (0, 0, 0);
    let mut failures = String::new();
    for file in files(draft) {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let groups: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for group in groups.as_array().unwrap() {
            let Some(document) = write(&group["schema"]) else { continue };
            groups_run += 1;
            let mock = MockServer::builder().openapi_text("suite.json", document).start().ok();
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
    println!(
        "JSON Schema Test Suite, {draft}: {passed} of {total} in {groups_run} groups, {} groups are gaps",
        known.len()
    );
    let closed: Vec<&String> = known.iter().filter(|(_, failed)| !**failed).map(|(name, _)| name).collect();
    assert!(closed.is_empty(), "these hold, so they are no gaps any more: {closed:?}");
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn the_json_schema_test_suite_holds() {
    run("draft2020-12", include_str!("../json-schema-suite-gaps.yaml"), |schema| Some(document31(schema)));
}

#[test]
fn draft_4_of_the_json_schema_test_suite_holds_in_openapi_30() {
    let mut groups_left_out = 0;
    let mut left_out: BTreeMap<&str, usize> = NOT_IN_30.iter().map(|(keyword, _)| (*keyword, 0)).collect();
    run("draft4", include_str!("../json-schema-suite-gaps-draft4.yaml"), |schema| {
        let mut found = Vec::new();
        not_in_30(schema, &mut found);
        found.sort_unstable();
        found.dedup();
        for keyword in &found {
            *left_out.entry(keyword).or_default() += 1;
        }
        groups_left_out += usize::from(!found.is_empty());
        found.is_empty().then(|| document30(schema))
    });
    println!("{groups_left_out} groups left out, by what 3.0 does not have: {left_out:?}");
    assert!(left_out.values().all(|groups| *groups > 0), "nothing is left out for some of {left_out:?}");
}
