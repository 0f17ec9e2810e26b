//! What a model has to know to write an object of a kind: a JSON schema that servers take as a constraint, and the fields in
//! words, both made from the cluster's own OpenAPI document.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::discovery::Served;
use super::read::explain::{Schemas, reference};
use super::read::json::{entries, items, text};
use super::{Cluster, ClusterError};
use crate::plan::{Kind, Wanted};

/// How deep a schema goes at the most: `spec.jobTemplate.spec.template.spec.containers[].livenessProbe.httpGet.port`.
const DEEPEST: usize = 12;
/// Bytes of a schema: the deepest one that is not longer is taken. What is below may be anything, and is the server's to judge.
const SCHEMA_LIMIT: usize = 96 * 1024;
/// How deep the longest list of fields goes.
const OUTLINES: usize = 6;
/// Bytes of a list of fields; longer ones are no use to anybody.
const OUTLINE_LIMIT: usize = 24 * 1024;
/// Characters of a description.
const DESCRIPTION: usize = 90;
/// What a manifest says about itself; everything else of the metadata is the server's, or of no use in a new object.
const METADATA: &[&str] = &["name", "namespace", "labels", "annotations"];
/// Fields that nobody writes into a new object, and that would take much of the room.
const UNWRITTEN: &[&str] = &["ephemeralContainers", "managedFields"];

impl Cluster {
    /// Everything that there is to know about a kind before an object of it is written in a namespace.
    ///
    /// # Errors
    ///
    /// The cluster does not serve the kind, or publishes no documentation of it.
    pub async fn wanted(&self, kind: &Kind, namespace: &str) -> Result<Wanted, ClusterError> {
        let served = self.find(kind).await?;
        let places = self.schema_places().await?;
        let place = places
            .iter()
            .find(|place| place.version == served.api.api_version);
        let place = place.ok_or_else(|| {
            ClusterError::Impossible(format!(
                "the cluster publishes no documentation of `{}`",
                served.api.kind
            ))
        })?;
        let document = self.schema_document(place).await?;
        let schemas = Schemas { document: &document };
        let root = schemas.of_kind(&served)?;
        Ok(Wanted {
            kind: kind.clone(),
            schema: fitting(&schemas, root, &served, namespace),
            outlines: outlines(&schemas, root),
            api_version: served.api.api_version,
            type_name: served.api.kind,
            namespaced: served.namespaced,
        })
    }
}

/// The deepest schema that is short enough.
fn fitting(schemas: &Schemas<'_>, root: &Value, served: &Served, namespace: &str) -> Value {
    let mut best = manifest(schemas, root, served, namespace, 2);
    for depth in 3..=DEEPEST {
        let deeper = manifest(schemas, root, served, namespace, depth);
        if deeper == best || deeper.to_string().len() > SCHEMA_LIMIT {
            break;
        }
        best = deeper;
    }
    best
}

/// The schema of a manifest: what it is and where stands fixed in it.
fn manifest(schemas: &Schemas<'_>, root: &Value, served: &Served, namespace: &str, depth: usize) -> Value {
    let mut schema = shape(schemas, root, depth);
    let known = schema["properties"].as_object().cloned().unwrap_or_default();
    let mut properties = Map::new();
    let fixed = |value: &str| json!({"type": "string", "enum": [value]});
    properties.insert("apiVersion".to_owned(), fixed(&served.api.api_version));
    properties.insert("kind".to_owned(), fixed(&served.api.kind));
    properties.insert("metadata".to_owned(), metadata(served, namespace));
    let mut required = vec!["apiVersion", "kind", "metadata"];
    if known.contains_key("spec") {
        required.push("spec");
    }
    let own = items(root, "/required").iter().filter_map(Value::as_str);
    required
        .extend(own.filter(|name| !matches!(*name, "apiVersion" | "kind" | "metadata" | "spec" | "status")));
    for (name, inner) in known {
        if !properties.contains_key(&name) && name != "status" {
            properties.insert(name, inner);
        }
    }
    schema["type"] = json!("object");
    schema["properties"] = Value::Object(properties);
    schema["required"] = json!(required);
    schema
}

fn metadata(served: &Served, namespace: &str) -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let mut properties = Map::new();
    for name in METADATA {
        let field = match *name {
            "namespace" if !served.namespaced => continue,
            "namespace" => json!({"type": "string", "enum": [namespace]}),
            "name" => json!({"type": "string"}),
            _ => texts.clone(),
        };
        properties.insert((*name).to_owned(), field);
    }
    json!({"type": "object", "properties": properties, "required": ["name"], "additionalProperties": false})
}

/// A schema in the few words that every server takes: `type`, `properties`, `required`, `additionalProperties`, `items`,
/// `enum`, `anyOf`. References are followed; below the depth anything goes.
fn shape(schemas: &Schemas<'_>, schema: &Value, depth: usize) -> Value {
    let schema = followed(schemas, schema);
    if let Some(either) = either(schema) {
        return either;
    }
    match text(schema, "/type") {
        "object" => object(schemas, schema, depth),
        "" if schema.get("properties").is_some() => object(schemas, schema, depth),
        "array" if depth == 0 => json!({"type": "array"}),
        "array" => {
            let inner = schema
                .get("items")
                .map_or_else(|| json!({}), |inner| shape(schemas, inner, depth));
            json!({"type": "array", "items": inner})
        }
        "string" => {
            let options: Vec<&Value> = items(schema, "/enum")
                .iter()
                .filter(|option| option.is_string())
                .collect();
            if options.is_empty() {
                json!({"type": "string"})
            } else {
                json!({"type": "string", "enum": options})
            }
        }
        plain @ ("integer" | "number" | "boolean") => json!({"type": plain}),
        _ => json!({}),
    }
}

fn object(schemas: &Schemas<'_>, schema: &Value, depth: usize) -> Value {
    let mut shaped = json!({"type": "object"});
    if depth == 0 {
        return shaped;
    }
    let fields = schema.get("properties").and_then(Value::as_object);
    if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
        let inner = fields
            .iter()
            .filter(|(name, _)| !UNWRITTEN.contains(&name.as_str()))
            .map(|(name, field)| (name.clone(), shape(schemas, field, depth - 1)));
        shaped["properties"] = Value::Object(inner.collect());
        let required = items(schema, "/required")
            .iter()
            .filter(|name| name.as_str().is_some_and(|name| fields.contains_key(name)));
        let required: Vec<&Value> = required.collect();
        if !required.is_empty() {
            shaped["required"] = json!(required);
        }
        let open = schema["x-kubernetes-preserve-unknown-fields"] == true
            || schema.get("additionalProperties").is_some();
        if !open {
            shaped["additionalProperties"] = json!(false);
        }
        return shaped;
    }
    if let Some(inner) = schema
        .get("additionalProperties")
        .filter(|inner| inner.is_object())
    {
        shaped["additionalProperties"] = shape(schemas, inner, depth - 1);
    }
    shaped
}

/// The schema behind references. The limit is against documents that run in circles.
fn followed<'a>(schemas: &Schemas<'a>, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..DEEPEST {
        match reference(schema).and_then(|name| schemas.named(name)) {
            Some(found) => schema = found,
            None => break,
        }
    }
    schema
}

/// Values of one of several plain types: a port by number or name, an amount with or without a unit.
fn either(schema: &Value) -> Option<Value> {
    let marked = schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string";
    if marked {
        return Some(json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}));
    }
    let listed = ["oneOf", "anyOf"]
        .iter()
        .find_map(|word| schema.get(*word)?.as_array());
    let plain = listed?.iter().map(|option| match text(option, "/type") {
        plain @ ("integer" | "number" | "string" | "boolean") => Some(json!({"type": plain})),
        _ => None,
    });
    let options: Vec<Value> = plain.collect::<Option<_>>()?;
    (options.len() > 1).then(|| json!({"anyOf": options}))
}

/// Lists of the fields, each a level deeper than the one before, as long as there is more to tell.
fn outlines(schemas: &Schemas<'_>, root: &Value) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for depth in 1..=OUTLINES {
        let mut outline = String::new();
        write_fields(schemas, followed(schemas, root), depth, 0, &mut outline);
        if outline.len() > OUTLINE_LIMIT || all.last() == Some(&outline) {
            break;
        }
        all.push(outline);
    }
    all
}

fn write_fields(schemas: &Schemas<'_>, schema: &Value, depth: usize, level: usize, out: &mut String) {
    if out.len() > OUTLINE_LIMIT {
        return;
    }
    let required = items(schema, "/required");
    for (name, field) in entries(schema, "/properties") {
        let own = ["apiVersion", "kind", "metadata", "status"].contains(&name);
        if (level == 0 && own) || UNWRITTEN.contains(&name) {
            continue;
        }
        let inner = followed(schemas, field);
        let mark = if required.iter().any(|wanted| wanted == name) {
            ", required"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "{}{name}: {}{mark}{}",
            "  ".repeat(level),
            type_name(schemas, inner),
            described(field, inner)
        );
        if level < depth {
            let below = followed(schemas, inner.get("items").unwrap_or(inner));
            write_fields(schemas, below, depth, level + 1, out);
        }
    }
}

fn type_name(schemas: &Schemas<'_>, schema: &Value) -> String {
    if either(schema).is_some() {
        return "number or string".to_owned();
    }
    let options: Vec<&str> = items(schema, "/enum").iter().filter_map(Value::as_str).collect();
    if !options.is_empty() {
        return options.join("|");
    }
    match (
        text(schema, "/type"),
        schema.get("items"),
        schema.get("additionalProperties"),
    ) {
        ("array", Some(inner), _) => format!("list of {}", type_name(schemas, followed(schemas, inner))),
        (_, _, Some(inner)) if inner.is_object() => {
            format!("map to {}", type_name(schemas, followed(schemas, inner)))
        }
        ("", ..) => "object".to_owned(),
        (plain, ..) => plain.to_owned(),
    }
}

/// The first sentence of a description, on one line.
fn described(field: &Value, inner: &Value) -> String {
    let words = [text(field, "/description"), text(inner, "/description")];
    let words = words
        .into_iter()
        .find(|words| !words.is_empty())
        .unwrap_or_default();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = line.split_once(". ").map_or(line.as_str(), |(first, _)| first);
    let short: String = sentence.chars().take(DESCRIPTION).collect();
    if short.is_empty() {
        short
    } else {
        format!("  # {short}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ConnectOptions;
    use crate::sandbox::{self, Seed};

    async fn cluster(seed: Seed) -> (Cluster, sandbox::Running) {
        let options = sandbox::Options {
            seed,
            ..sandbox::Options::default()
        };
        let running = sandbox::start(options).await.unwrap();
        let connect = ConnectOptions {
            inline: Some(running.kubeconfig()),
            ..ConnectOptions::default()
        };
        (Cluster::connect(&connect).await.unwrap(), running)
    }

    /// Every word that is used in a schema where a word may stand.
    fn words(schema: &Value, found: &mut std::collections::BTreeSet<String>) {
        for (word, inner) in schema.as_object().into_iter().flatten() {
            found.insert(word.clone());
            match word.as_str() {
                "properties" => inner
                    .as_object()
                    .unwrap()
                    .values()
                    .for_each(|inner| words(inner, found)),
                "items" | "additionalProperties" => words(inner, found),
                "anyOf" => inner
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|inner| words(inner, found)),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn a_deployment_down_to_its_probes() {
        let (cluster, _running) = cluster(Seed::Shop).await;
        let wanted = cluster
            .wanted(&Kind::read("deployment").unwrap(), "shop")
            .await
            .unwrap();
        assert_eq!(
            (wanted.api_version.as_str(), wanted.type_name.as_str()),
            ("apps/v1", "Deployment")
        );
        let at = |pointer: &str| wanted.schema.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(at("/properties/kind/enum"), json!(["Deployment"]));
        assert_eq!(
            at("/properties/metadata/properties/namespace/enum"),
            json!(["shop"])
        );
        assert_eq!(at("/required"), json!(["apiVersion", "kind", "metadata", "spec"]));
        assert_eq!(at("/properties/status"), Value::Null);
        let container = "/properties/spec/properties/template/properties/spec/properties/containers/items";
        assert_eq!(at(&format!("{container}/required")), json!(["name"]));
        let port = at(&format!(
            "{container}/properties/readinessProbe/properties/httpGet/properties/port"
        ));
        assert_eq!(port, json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}));
        let mut used = std::collections::BTreeSet::new();
        words(&wanted.schema, &mut used);
        let known = [
            "additionalProperties",
            "anyOf",
            "enum",
            "items",
            "properties",
            "required",
            "type",
        ];
        assert!(used.iter().all(|word| known.contains(&word.as_str())), "{used:?}");
        assert!(wanted.schema.to_string().len() <= SCHEMA_LIMIT);
        assert!(
            wanted.outlines[1].contains("\n  replicas: integer"),
            "{}",
            wanted.outlines[1]
        );
    }

    #[tokio::test]
    async fn custom_resources_have_a_schema_too() {
        let (cluster, _running) = cluster(Seed::Ml).await;
        let wanted = cluster
            .wanted(&Kind::read("notebooks.kubeflow.org").unwrap(), "default")
            .await
            .unwrap();
        assert_eq!(wanted.type_name, "Notebook");
        insta::assert_snapshot!(serde_json::to_string_pretty(&wanted.schema).unwrap());
        insta::assert_snapshot!("outline", wanted.outlines.last().unwrap());
    }

    #[test]
    fn a_schema_that_holds_itself_comes_to_an_end() {
        let document = json!({"components": {"schemas": {"Tree": {"type": "object", "properties": {
            "left": {"$ref": "#/components/schemas/Tree"}, "all": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
            "same": {"$ref": "#/components/schemas/Loop"}}}, "Loop": {"$ref": "#/components/schemas/Loop"}}}});
        let schemas = Schemas { document: &document };
        let shaped = shape(&schemas, &json!({"$ref": "#/components/schemas/Tree"}), 3);
        assert_eq!(
            shaped.pointer("/properties/left/properties/left/properties/left"),
            Some(&json!({"type": "object"}))
        );
        assert!(outlines(&schemas, &document["components"]["schemas"]["Tree"]).len() <= OUTLINES);
    }
}
