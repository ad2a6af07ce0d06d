//! Documents of several files, and what `check` says of them.

use super::command_line::{Folder, run, stdout};
use chatkitty_mock::MockServer;
use http::{Request, StatusCode};

const LEVELS: &str = "components:\n  schemas:\n    Level: { type: integer, minimum: 1 }\n";

fn status(mock: &MockServer, target: &str) -> StatusCode {
    mock.handle(Request::get(target).body(String::new()).unwrap()).status()
}

#[test]
fn a_document_that_names_itself_finds_the_files_beside_it_by_both_names() {
    let folder = Folder::new("self");
    folder.file("levels.yaml", LEVELS);
    folder.file("other.yaml", &format!("openapi: 3.2.0\n$self: https://example.com/api/known-as.yaml\n{LEVELS}"));
    let root = folder.file(
        "root.yaml",
        r##"openapi: 3.2.0
$self: https://example.com/api/openapi.yaml
info: { title: t, version: "1" }
paths:
  /relative: { get: { parameters: [{ in: query, name: n, schema: { $ref: "levels.yaml#/components/schemas/Level" } }], responses: { "200": {} } } }
  /absolute: { get: { parameters: [{ in: query, name: n, schema: { $ref: "https://example.com/api/levels.yaml#/components/schemas/Level" } }], responses: { "200": {} } } }
  /own: { get: { parameters: [{ in: query, name: n, schema: { $ref: "https://example.com/api/openapi.yaml#/components/schemas/Own" } }], responses: { "200": {} } } }
  /other: { get: { parameters: [{ in: query, name: n, schema: { $ref: "other.yaml#/components/schemas/Level" } }], responses: { "200": {} } } }
components: { schemas: { Own: { type: integer, minimum: 1 } } }
"##,
    );
    let mock = MockServer::builder().openapi(&root).start().unwrap();
    mock.allow_violations();
    for path in ["relative", "absolute", "own", "other"] {
        assert_eq!(status(&mock, &format!("/{path}?n=1")), StatusCode::OK, "{path}");
        assert_eq!(status(&mock, &format!("/{path}?n=0")), StatusCode::BAD_REQUEST, "{path}");
    }
}

#[test]
fn check_names_what_of_openapi_3_2_is_wrong_or_not_supported() {
    let folder = Folder::new("check-32");
    let file = folder.file(
        "api.yaml",
        r##"openapi: 3.2.0
info: { title: t, version: "1" }
tags: [{ name: a, parent: nobody }, { name: b, parent: c }, { name: c, parent: b }, { name: d, parent: e }, { name: e }]
paths:
  /a:
    get:
      parameters:
        - { in: querystring, name: all, content: { application/x-www-form-urlencoded: { schema: { type: object } } } }
        - { in: query, name: one, schema: { type: string } }
      responses:
        "200":
          content:
            application/json: { itemSchema: { type: object } }
            application/jsonl:
              itemSchema: { type: object, required: [n] }
              examples:
                bad: { dataValue: [{ n: 1 }, {}] }
                cut: { serializedValue: "{n" }
                two: { dataValue: [{ n: 1 }], serializedValue: "{\"n\":2}\n" }
    additionalOperations: { PUT: { responses: { "200": {} } } }
    post:
      requestBody:
        content:
          multipart/mixed:
            itemSchema: { type: object }
            itemEncoding: { contentType: multipart/mixed, prefixEncoding: [{}] }
      responses: { "200": {} }
"##,
    );
    let text = stdout(&run(&["check", &file]));
    for expected in [
        "there is no tag `nobody`",
        "the parents of the tag go round in a circle",
        "a parameter in `querystring` stands alone",
        "`itemSchema` has no effect but in a sequential media type",
        "the example contradicts its schema: the required property `n` is missing",
        "the example is not written in `application/jsonl`: item 0 is no well-formed JSON",
        "`serializedValue` is not the text of `dataValue`",
        "`PUT` has a field of its own, `put`",
        "`prefixEncoding` inside an encoding is not supported",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert_eq!(text.matches("there is no tag").count(), 1, "{text}");
    assert_eq!(text.matches("go round in a circle").count(), 2, "{text}");
}
