//! One document: the paths of a group and version, and every schema they reach.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::schemas::{self, PREFIX, kind_of};
use crate::sandbox::resource::Resource;

/// The document of these resources, which share group and version.
pub(super) fn of(resources: &[&Arc<Resource>]) -> Value {
    let mut paths = Map::new();
    let mut components = Map::new();
    for resource in resources {
        add_paths(resource, &mut paths);
        add_schema(resource, &mut components);
    }
    json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.0"},
        "paths": paths, "components": {"schemas": components}})
}

fn add_schema(resource: &Resource, components: &mut Map<String, Value>) {
    let name = schemas::name(resource);
    if schemas::all().contains_key(&name) {
        collect(&name, components);
        return;
    }
    let mut schema = resource
        .schema
        .clone()
        .unwrap_or_else(|| json!({"type": "object"}));
    crate::sandbox::json::set(
        &mut schema,
        "/x-kubernetes-group-version-kind",
        json!([kind_of(resource)]),
    );
    for field in ["apiVersion", "kind"] {
        crate::sandbox::json::ensure(
            &mut schema,
            &format!("/properties/{field}"),
            json!({"type": "string"}),
        );
    }
    let metadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    let reference = json!({"allOf": [{"$ref": format!("{PREFIX}{metadata}")}], "description": "Standard object metadata."});
    crate::sandbox::json::set(&mut schema, "/properties/metadata", reference);
    components.insert(name, schema);
    collect(metadata, components);
}

/// Takes the schema and all that it refers to.
fn collect(name: &str, components: &mut Map<String, Value>) {
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        if components.contains_key(&name) {
            continue;
        }
        if let Some(schema) = schemas::all().get(&name) {
            references(schema, &mut waiting);
            components.insert(name, schema.clone());
        }
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|text| text.strip_prefix(PREFIX))
            {
                found.push(name.to_owned());
            }
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

fn add_paths(resource: &Resource, paths: &mut Map<String, Value>) {
    let root = if resource.group.is_empty() {
        "/api"
    } else {
        "/apis"
    };
    let place = if resource.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    let base = format!("{root}/{}{place}/{}", resource.group_version(), resource.plural);
    let has = |verb: &str| resource.verbs.contains(&verb);
    let mut collection = Map::new();
    for (method, verb, action) in [
        ("get", "list", "list"),
        ("post", "create", "post"),
        ("delete", "deletecollection", "deletecollection"),
    ] {
        if has(verb) {
            collection.insert(method.into(), operation(resource, action));
        }
    }
    paths.insert(base.clone(), Value::Object(collection));
    let mut item = Map::new();
    for (method, verb, action) in [
        ("get", "get", "get"),
        ("put", "update", "put"),
        ("patch", "patch", "patch"),
        ("delete", "delete", "delete"),
    ] {
        if has(verb) {
            item.insert(method.into(), operation(resource, action));
        }
    }
    if !item.is_empty() {
        paths.insert(format!("{base}/{{name}}"), Value::Object(item));
    }
}

fn operation(resource: &Resource, action: &str) -> Value {
    let reference = json!({"schema": {"$ref": format!("{PREFIX}{}", schemas::name(resource))}});
    let mut made = json!({"x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind_of(resource),
        "parameters": parameters(action),
        "responses": {"200": {"description": "OK", "content": {"application/json": reference}}}});
    if matches!(action, "post" | "put") {
        made["requestBody"] = json!({"required": true, "content": {"application/json": reference}});
    }
    if action == "patch" {
        let mut forms = vec![
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "application/merge-patch+json",
        ];
        if !resource.is_custom() {
            forms.push("application/strategic-merge-patch+json");
        }
        let content: Map<String, Value> = forms
            .into_iter()
            .map(|form| (form.to_owned(), json!({"schema": {"type": "object"}})))
            .collect();
        made["requestBody"] = json!({"required": true, "content": content});
    }
    made
}

fn parameters(action: &str) -> Value {
    let names: &[&str] = match action {
        "list" => &[
            "continue",
            "fieldSelector",
            "labelSelector",
            "limit",
            "resourceVersion",
            "timeoutSeconds",
            "watch",
        ],
        "post" | "put" => &["dryRun", "fieldManager", "fieldValidation"],
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        "delete" | "deletecollection" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        _ => &[],
    };
    let class = |name: &str| match name {
        "limit" | "timeoutSeconds" | "gracePeriodSeconds" => "integer",
        "watch" | "force" => "boolean",
        _ => "string",
    };
    names
        .iter()
        .map(
            |name| json!({"name": name, "in": "query", "schema": {"type": class(name), "uniqueItems": true}}),
        )
        .collect()
}
