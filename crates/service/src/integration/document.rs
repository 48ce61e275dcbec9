//! The `OpenAPI` 3.1 document of the integrator API, made of what its routes say about themselves.

use serde_json::{Map, Value, json};

use super::Described;
use crate::{
    Scope,
    http::api::{Operation, Verb},
};

/// The schemas that every service refers to.
const SHARED: &str = include_str!("schemas.json");

/// Writes the document.
pub fn document(described: &[Described]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in described.iter().flat_map(|(operations, _)| operations) {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.verb.as_str()] = describe(operation);
    }
    let mut schemas: Map<String, Value> = Map::new();
    for text in described.iter().map(|(_, schemas)| *schemas).chain([SHARED]) {
        let more: Map<String, Value> =
            serde_json::from_str(text).expect("the schemas in this program are JSON");
        schemas.extend(more);
    }
    let scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lanyard integrator API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "How an enterprise's own systems issue, verify and look after credentials. Errors are JSON with a stable code in error and a sentence in error_description.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" }
        },
        "servers": [{ "url": "/" }],
        "security": [{ "apiKey": [] }],
        "tags": [
            { "name": "offers" }, { "name": "credentials" }, { "name": "subjects" },
            { "name": "requests" }, { "name": "presentations" }, { "name": "messages" }
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": format!("An API key of the tenant; lanyard api-key create makes one. Scopes: {}.", scopes.join(", "))
                }
            },
            "parameters": {
                "IdempotencyKey": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": "1 to 255 visible characters of your own. The same key with the same body is answered the same for 24 hours, and done once.",
                    "schema": { "type": "string", "minLength": 1, "maxLength": 255 }
                }
            },
            "schemas": schemas
        }
    })
}

/// The part of the API that an operation belongs to: the segment behind the tenant.
fn tag(operation: &Operation) -> &'static str {
    operation.path.split('/').nth(3).unwrap_or("api")
}

fn describe(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    for segment in operation.path.split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": { "type": "string" }
            }));
        }
    }
    for (name, meaning) in &operation.query {
        parameters.push(json!({
            "name": name, "in": "query", "description": meaning, "schema": { "type": "string" }
        }));
    }
    if operation.once {
        parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    }
    let mut responses = json!({
        "400": failure("The request cannot be read."),
        "401": failure("There is no API key, or it is unknown."),
        "403": failure("The API key is not good for this."),
        "404": failure("There is nothing here, for this tenant."),
        "503": failure("The server cannot do this now, or has too much to do to begin it; Retry-After says when to try again."),
    });
    responses["503"]["headers"] = json!({ "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": { "type": "integer", "minimum": 1 }
    } });
    if operation.verb != Verb::Get {
        responses["409"] =
            failure("What it is about has moved on, or the same call is in progress.");
    }
    if operation.body.is_some() {
        responses["413"] = failure("The body is too large.");
        responses["415"] = failure("The body is not JSON.");
        responses["422"] = failure(
            "It cannot be done as asked, or the Idempotency-Key was used for another request.",
        );
    }
    let mut success = json!({ "description": operation.success.meaning });
    if let Some((media_type, schema)) = operation.success.body {
        let schema = schema.map_or_else(|| json!({ "type": "string" }), reference);
        success["content"] = json!({ media_type: { "schema": schema } });
    }
    responses[operation.success.status.to_string()] = success;
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Needs the scope `{}`.", operation.scope),
        "tags": [tag(operation)],
        "x-scope": operation.scope.as_str(),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some((schema, example)) = &operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": reference(schema), "example": example } }
        });
    }
    described
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn failure(meaning: &str) -> Value {
    json!({
        "description": meaning,
        "content": { "application/json": { "schema": reference("Error") } }
    })
}
