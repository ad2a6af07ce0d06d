//! What `check` prints for other programs: SARIF by its published schema, and GitHub's annotations.

use crate::command_line::{Folder, run, stdout};
use boon::{Compiler, Schemas};
use serde_json::Value;
use std::path::Path;

/// A contract with one error, one warning and fixtures that have eleven errors.
fn broken(folder: &Folder) -> [String; 2] {
    let contract = folder.file(
        "contract.yaml",
        "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  /x:\n    get:\n      responses:\n        '200':\n          description: ok\n          content:\n            application/json:\n              schema: {type: integer}\n              example: nope\n",
    );
    let mut fixture =
        "credentials: { client_id: a, client_secret: b }\nresources:\n  /x: \"100 %, no: number\"\n".to_owned();
    (0..10).for_each(|index| fixture.push_str(&format!("  /y{index}: 1\n")));
    [contract, folder.file("ünd fixture.yaml", &fixture)]
}

/// Validates by the schema that SARIF's makers publish.
fn assert_sarif(log: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/node/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; `bash tests/run` installs it", file.display()));
    let mut compiler = Compiler::new();
    let mut schemas = Schemas::new();
    compiler.add_resource("http://schema.test/sarif", serde_json::from_str(&text).unwrap()).unwrap();
    let schema = compiler.compile("http://schema.test/sarif", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(log, schema) {
        panic!("{error}\n{log:#}");
    }
}

#[test]
fn check_writes_sarif_that_its_schema_accepts() {
    let folder = Folder::new("check-sarif");
    let [contract, fixture] = broken(&folder);
    let output = run(&["check", "--format", "sarif", &contract, &fixture]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let count = |level: &str| results.iter().filter(|result| result["level"] == level).count();
    assert_eq!((count("error"), count("warning")), (11, 1), "{log:#}");
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64() > Some(0), "{result:#}");
    }
    let uri = results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("file:///") && uri.ends_with("/%C3%BCnd%20fixture.yaml"), "{uri}");

    let clean: Value = serde_json::from_slice(&run(&["check", "--format", "sarif"]).stdout).unwrap();
    assert_sarif(&clean);
    assert_eq!(clean["runs"][0]["results"], serde_json::json!([]));
    // The schema is one that refuses.
    assert!(std::panic::catch_unwind(|| assert_sarif(&serde_json::json!({ "version": "2.1.0" }))).is_err());
}

#[test]
fn check_annotates_nine_of_a_kind_at_most_and_errors_first() {
    let folder = Folder::new("check-github");
    let [contract, fixture] = broken(&folder);
    let output = run(&["check", "--format", "github", &contract, &fixture]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 11, "{text}");
    let first = format!("::error file={fixture},line=3,col=7,endColumn=26,title=CK0804");
    assert!(lines[0].starts_with(&first), "{text}");
    assert!(lines[0].contains("100 %25, no: number"), "{text}");
    assert_eq!(lines[9], "::error title=2 more::2 more errors");
    assert!(lines[10].starts_with(&format!("::warning file={contract},line=12,col=24,")), "{text}");
    assert_eq!(stdout(&run(&["check", "--format", "github"])), "");
}
