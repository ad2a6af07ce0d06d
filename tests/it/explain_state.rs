//! `check --explain-state`: what is said of a contract's paths, whole texts.

use crate::command_line::BINARY;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const LIBRARY: &str = r##"
openapi: 3.1.0
info: { title: library, version: "1" }
paths:
  /books:
    get:
      parameters:
        - { name: page, in: query, schema: { type: integer } }
        - { name: limit, in: query, schema: { type: integer } }
        - { name: sort, in: query, schema: { type: string } }
        - { name: author, in: query, schema: { type: string } }
      responses: { "200": { description: all, content: { application/json: { schema: { $ref: "#/components/schemas/Books" } } } } }
    post:
      responses: { "201": { description: made, content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } } }
  /books/{isbn}:
    parameters: [{ name: isbn, in: path, required: true, schema: { type: string } }]
    get:
      responses: { "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } } }
  /shelves/{id}/books:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      responses: { "200": { description: all, content: { application/json: { schema: { $ref: "#/components/schemas/Books" } } } } }
  /shelves/{id}/books/{isbn}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: string } }
      - { name: isbn, in: path, required: true, schema: { type: string } }
    delete: { responses: { "204": { description: off the shelf } } }
  /hours:
    get:
      responses: { "200": { description: when, content: { application/json: { schema: { type: object } } } } }
  /renew:
    post: { responses: { "204": { description: done } } }
components:
  schemas:
    Book: { type: object, required: [isbn, author], properties: { isbn: { type: string }, author: { type: string } } }
    Books:
      type: object
      required: [items]
      properties: { items: { type: array, items: { $ref: "#/components/schemas/Book" } }, total: { type: integer } }
"##;

const EXPLAINED: &str = "\
/books: a collection (GET answers with an array at `/items`)
  items at `/books/{isbn}`
  told apart by the member `isbn`
  page by `page`, size by `limit`, sort by `sort`, `author` filters by `author`
/books/{isbn}: an item (one segment below the collection `/books`)
  told apart by the member `isbn`
/hours: a resource of its own (GET answers with one JSON value)
/renew: no state (no GET answers with JSON)
/shelves/{id}/books: a collection (GET answers with an array at `/items`)
  refers to items at `/books/{isbn}`
  told apart by the member `isbn`
/shelves/{id}/books/{isbn}: a reference to an item (one segment below the collection `/shelves/{id}/books`)
  told apart by the member `isbn`
  is `/books/{isbn}`
";

const BUNDLED: &str = "\
/v1/application: a resource of its own (GET answers with one JSON value)
/v1/application/settings: a resource of its own (GET answers with one JSON value)
";

fn check(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(BINARY).arg("check").args(arguments).env("NO_COLOR", "1").output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The contract in a file of its own, removed with the value.
struct Contract(PathBuf);

impl Contract {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.yaml", std::process::id()));
        std::fs::write(&path, LIBRARY).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn what_paths_stand_for_follows_the_findings() {
    assert_eq!(check(&["--explain-state"]), (Some(0), format!("0 errors, 0 warnings\n\n{BUNDLED}")));
    let contract = Contract::new("explained");
    let expected = format!("0 errors, 0 warnings\n\n{EXPLAINED}");
    assert_eq!(check(&["--explain-state", contract.path()]), (Some(0), expected));
}

#[test]
fn several_contracts_are_told_apart_by_name() {
    let (one, two) = (Contract::new("one"), Contract::new("two"));
    let (_, text) = check(&["--explain-state", one.path(), two.path()]);
    let expected = format!("0 errors, 0 warnings\n\n{}\n\n{EXPLAINED}\n{}\n\n{EXPLAINED}", one.path(), two.path());
    assert_eq!(text, expected);
}

#[test]
fn programs_get_an_object_beside_the_findings() {
    let contract = Contract::new("programs");
    let (_, text) = check(&["--explain-state", "--format", "json", contract.path()]);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["diagnostics"], &value["state"][0]["contract"]), (&json!([]), &json!(contract.path())));
    let paths = value["state"][0]["paths"].as_array().unwrap();
    assert_eq!(
        paths[0],
        json!({
            "path": "/books",
            "role": "collection",
            "because": "GET answers with an array at `/items`",
            "items": { "are": "below", "path": "/books/{isbn}" },
            "id": "isbn",
            "parameters": { "page": "page", "limit": "size", "sort": "sort" },
            "filters": { "author": "author" }
        })
    );
    assert_eq!(paths[4]["items"], json!({ "are": "elsewhere", "path": "/books/{isbn}" }));
    assert_eq!((&paths[5]["role"], &paths[5]["refers_to"]), (&json!("item"), &json!("/books/{isbn}")));
    // Without the flag, the output is what it was.
    assert_eq!(check(&["--format", "json", contract.path()]).1, "[]\n");
}
