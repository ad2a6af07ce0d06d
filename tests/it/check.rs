//! What `check` says of a document, each time the whole of it: code, place, message.

use super::command_line::{Folder, run, stdout};

/// A document and the findings, one a line: `CODE line:column message`, and `help: …` where there is one.
const CASES: &[(&str, &str)] = &[
    // OAS 3.0.4 §4.7.8: templated paths with the same hierarchy are one path.
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a/{x}: {parameters: [{name: x, in: path, required: true, schema: {type: string}}], get: {responses: {"204": {description: x}}}}
  /a/{y}: {parameters: [{name: y, in: path, required: true, schema: {type: string}}], post: {responses: {"204": {description: x}}}}
"#,
        "CK0708 5:3 `/a/{y}` differs from `/a/{x}` in nothing but its parameters' names, so they are one path",
    ),
    // The place of an unknown field is the field's.
    ("openapi: 3.0.3\ninfo: {title: t, version: \"1\"}\npaths: {}\nfoo: 1\n", "CK0703 4:1 unexpected property `foo`"),
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a:
    get:
      wibble: 1
      responses: {"204": {description: x}}
"#,
        "CK0703 6:7 unexpected property `wibble`",
    ),
    // OAS 3.1.1 §4.8.9: other fields may stand beside a path item's `$ref`.
    (
        r##"openapi: 3.1.1
info: {title: t, version: "1"}
paths:
  /b:
    $ref: "#/components/pathItems/P"
    post: {responses: {"204": {description: x}}}
components: {pathItems: {P: {get: {responses: {"204": {description: x}}}}}}
"##,
        "",
    ),
    // OAS 3.0.4 §4.7.24: `items` must be present where the type is array.
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
paths: {}
components: {schemas: {A: {type: array}}}
"#,
        "CK0703 4:27 in OpenAPI 3.0 an array has `items` help: add `items: {}`",
    ),
    // Discriminator Object, mapping.
    (
        r##"openapi: 3.0.3
info: {title: t, version: "1"}
paths: {}
components:
  schemas:
    A: {type: object, required: [t], properties: {t: {type: string}}}
    B: {oneOf: [{$ref: "#/components/schemas/A"}], discriminator: {propertyName: t, mapping: {y: A, z: "#/components/schemas/Nope"}}}
"##,
        "CK0704 7:104 no schema stands at `#/components/schemas/Nope`, which `z` is mapped to",
    ),
    // Link Object, operationId.
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a: {get: {operationId: somewhere, responses: {"204": {description: x, links: {l: {operationId: somewher}, m: {operationId: somewhere}}}}}}
"#,
        "CK0704 4:99 there is no operation `somewher` for the link to lead to help: did you mean `somewhere`?",
    ),
    // Server Object, variables; Server Variable Object, default.
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
servers:
  - url: /{v}
    variables: {v: {default: a, enum: [b]}}
  - url: /{w}
paths: {}
"#,
        "CK0703 5:30 the default of the server's variable `v` is none of its values
CK0703 6:10 the server's variable `w` is not declared",
    ),
    // Components Object: what keys are made of.
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
paths: {}
components: {schemas: {"a b": {type: string}, a.b-c_d: {type: string}}}
"#,
        "CK0703 4:24 the component's name `a b` has other characters than letters, digits, `.`, `_`, `-`",
    ),
    // Path templating.
    (
        r#"openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a?x=1: {get: {responses: {"204": {description: x}}}}
  "/a/{x": {get: {responses: {"204": {description: x}}}}
"#,
        "CK0707 4:3 the path `/a?x=1` has a `?`, which no path has, so nothing reaches it
CK0707 5:3 a brace of the path `/a/{x` has no partner, so it is taken literally",
    ),
];

#[test]
fn every_slip_is_found_at_its_place_and_once() {
    let folder = Folder::new("check-slips");
    for (number, (document, expected)) in CASES.iter().enumerate() {
        let file = folder.file(&format!("{number}.yaml"), document);
        let text = stdout(&run(&["check", "--format", "json", &file]));
        let findings: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let found: Vec<String> = findings.iter().map(shown).collect();
        assert_eq!(found.join("\n"), *expected, "{document}");
    }
}

#[test]
fn a_contract_among_fixtures_is_told_as_one() {
    let folder = Folder::new("check-folder");
    folder.file("api.yaml", "openapi: 3.1.0\ninfo: {title: t, version: \"1\"}\npaths: {}\n");
    let output = run(&["check", "--format", "json", &folder.path().display().to_string()]);
    let findings: Vec<serde_json::Value> = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        findings.iter().map(shown).collect::<Vec<_>>(),
        [
            "CK0802 1:1 unexpected properties `openapi`, `info`, `paths` help: this is an OpenAPI document: pass the file \
          itself to `check`, or to `--openapi`"
        ]
    );
}

/// A finding of `--format json` on one line, without the file's name.
fn shown(finding: &serde_json::Value) -> String {
    let text = |member: &str| finding[member].as_str().unwrap_or_default().to_owned();
    let place = text("file");
    let line_column: Vec<&str> = place.rsplitn(3, ':').collect();
    let help = finding["help"].as_str().map(|help| format!(" help: {help}")).unwrap_or_default();
    format!("{} {}:{} {}{help}", text("code"), line_column[1], line_column[0], text("message"))
}
