//! The contract as a resource: its lines, what is wrong with it, what of it can be set, and checks of single values.

use super::Control;
use chatkitty_mock::MockServer;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const DOCUMENT: &str = "\
openapi: 3.0.3
info: { title: t, version: '1' }
paths:
  /limits:
    get:
      responses:
        '200':
          description: d
          content:
            application/json:
              schema: { $ref: '#/components/schemas/Limits' }
              examples:
                low: { value: { mode: SLOW } }
        4XX: { description: d }
    put:
      requestBody:
        content:
          application/json:
            schema:
              allOf:
                - $ref: '#/components/schemas/Limits'
                - { type: object, properties: { note: { type: string, description: for people } } }
      responses: { default: { description: d } }
  /limits/{id}:
    put:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Limits' } } } }
      responses: { '204': { description: d } }
components:
  schemas:
    Mode: { type: string, enum: [SLOW, FAST] }
    Limits:
      type: object
      required: [mode]
      properties:
        mode: { $ref: '#/components/schemas/Mode' }
        id: { type: integer, readOnly: true }
";

#[test]
fn what_a_put_can_set_follows_from_the_schemas() {
    let control = Control::of(MockServer::builder().openapi_text("limits.yaml", DOCUMENT).start().unwrap());
    let found = control.get("/_mock/api/contract/resources");
    let wanted = json!([{
        "path": "/limits",
        "operation": "PUT /limits",
        "media_type": "application/json",
        "properties": [
            { "name": "mode", "required": true, "values": ["SLOW", "FAST"], "type": "string" },
            { "name": "note", "required": false, "values": [], "type": "string", "description": "for people" },
        ],
    }]);
    assert_eq!(found["resources"], wanted);
    let operations = &control.get("/_mock/api/contract")["operations"];
    assert_eq!((&operations[0]["statuses"], &operations[0]["examples"]), (&json!(["200", "4XX"]), &json!(["low"])));
    assert_eq!(operations[1]["statuses"], json!(["default"]));
}

#[test]
fn places_of_diagnostics_lead_to_lines_and_to_no_other_file() {
    let control = Control::of(MockServer::builder().openapi_text("limits.yaml", DOCUMENT).start().unwrap());
    let lines = control.get("/_mock/api/contract/source?file=limits.yaml&from=30&limit=2");
    let text = "    Mode: { type: string, enum: [SLOW, FAST] }";
    assert_eq!((&lines["from"], &lines["lines"][0], &lines["total"]), (&json!(30), &json!(text), &json!(36)));
    assert_eq!(control.get("/_mock/api/contract/source")["file"], "limits.yaml");
    assert_eq!(control.get("/_mock/api/contract/source?from=1000")["lines"], json!([]));
    for other in ["/etc/passwd", "../Cargo.toml", "Cargo.toml"] {
        let (status, ..) = control.send(Method::GET, &format!("/_mock/api/contract/source?file={other}"), None);
        assert_eq!(status, StatusCode::NOT_FOUND, "{other}");
    }
    assert_eq!(control.send(Method::GET, "/_mock/api/contract/source?from=0", None).0, StatusCode::BAD_REQUEST);
}

#[test]
fn findings_are_those_of_check() {
    let slip = DOCUMENT.replace("value: { mode: SLOW }", "value: { mode: IDLE }");
    let control = Control::of(MockServer::builder().openapi_text("limits.yaml", slip).start().unwrap());
    let found = control.get("/_mock/api/contract/findings");
    assert_eq!((&found["findings"][0]["code"], found["findings"].as_array().unwrap().len()), (&json!("CK0711"), 1));
    assert!(found["findings"][0]["file"].as_str().unwrap().starts_with("limits.yaml:13:"), "{found}");
    assert_eq!(Control::new().get("/_mock/api/contract/findings")["findings"], json!([]));
}

#[test]
fn a_representation_is_checked_without_being_kept() {
    let control = Control::new();
    let check = |value: Value| {
        let body = json!({ "path": "/v1/application/settings", "value": value });
        control.post("/_mock/api/contract/check", &body)["violations"].clone()
    };
    let good = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" });
    assert_eq!(check(good), json!([]));
    let found = check(json!({ "guestUsers": "disabled" }));
    let pointers: Vec<&str> =
        found.as_array().unwrap().iter().map(|found| found["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["", "/guestUsers"]);
    assert_eq!(control.mock.application("development").resource("/v1/application/settings")["guestUsers"], "ENABLED");
    let body = json!({ "path": "/nowhere", "value": {} });
    assert_eq!(control.post("/_mock/api/contract/check", &body)["violations"][0]["code"], "CK0803");
}
