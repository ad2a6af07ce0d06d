//! Generated contracts, as large as is asked for.

use serde_json::{Map, Value, json};

/// The path of one of the operations of a [`contract`].
pub(crate) fn path(operation: usize) -> String {
    format!("/v1/group-{}/things-{operation}", operation % 100)
}

/// A contract of so many GET operations, each with a schema and an example of its own. `properties` are those of each
/// schema; one is some 200 bytes of JSON.
pub(crate) fn contract(operations: usize, properties: usize) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for operation in 0..operations {
        let name = format!("Thing{operation}");
        let answer = json!({
            "description": "The thing",
            "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{name}") },
                "example": { "id": operation, "name": "a thing" },
            }},
        });
        let get = json!({
            "operationId": format!("retrieve{name}"),
            "security": [{ "client": ["read:things"] }],
            "responses": { "200": answer },
        });
        paths.insert(path(operation), json!({ "get": get }));
        schemas.insert(name, schema(properties));
    }
    let scopes = json!({ "read:things": "Read things" });
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
