//! Generated contracts, as large as is asked for.

use serde_json::{Map, Value, json};

/// The path of one of the operations of a [`contract`]: each is that of a GET and of a PUT.
pub(crate) fn path(operation: usize) -> String {
    let thing = operation / 2;
    format!("/v1/group-{}/things-{thing}", thing % 100)
}

/// What a PUT of it sends.
pub(crate) const SENT: &str = r#"{"id":1,"name":"another"}"#;

/// A contract of so many operations, an even number, with a schema and an example for every two of them. `properties` are
/// those of each schema; one is some 200 bytes of JSON.
pub(crate) fn contract(operations: usize, properties: usize) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for thing in 0..operations / 2 {
        let name = format!("Thing{thing}");
        let content = json!({ "application/json": {
            "schema": { "$ref": format!("#/components/schemas/{name}") },
            "example": { "id": thing, "name": "a thing" },
        }});
        let operation = |verb: &str, scope: &str| {
            json!({
                "operationId": format!("{verb}{name}"),
                "security": [{ "client": [scope] }],
                "responses": { "200": { "description": "The thing", "content": content } },
            })
        };
        let mut put = operation("replace", "update:things");
        put["requestBody"] = json!({ "required": true, "content": content });
        paths.insert(path(2 * thing), json!({ "get": operation("retrieve", "read:things"), "put": put }));
        schemas.insert(name, schema(properties));
    }
    let scopes = json!({ "read:things": "Read things", "update:things": "Update things" });
    let flows = json!({ "clientCredentials": { "tokenUrl": "https://example.com/oauth/token", "scopes": scopes } });
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Generated", "version": "1" },
        "paths": paths,
        "components": {
            "securitySchemes": { "client": { "type": "oauth2", "flows": flows } },
            "schemas": schemas,
        },
    })
}

fn schema(properties: usize) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!({ "type": "integer", "format": "int64" }));
    members.insert("name".to_owned(), json!({ "type": "string", "maxLength": 200 }));
    for property in 0..properties {
        let description =
            format!("Property {property} of the thing, as a document for people describes it at some length");
        let member = match property % 4 {
            0 => json!({ "type": "string", "format": "date-time", "description": description }),
            1 => json!({ "type": "integer", "minimum": 0, "description": description }),
            2 => json!({ "type": "string", "enum": ["ENABLED", "DISABLED"], "description": description }),
            _ => {
                json!({ "type": "array", "items": { "type": "object", "properties": { "href": { "type": "string" } } }, "description": description })
            }
        };
        members.insert(format!("property_{property}"), member);
    }
    json!({ "type": "object", "required": ["id", "name"], "properties": members })
}
