//! The cluster's OpenAPI documents as pages: each kind's fields in the cluster's own words, custom resources too.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::own::Unit;
use super::page::slug;
use super::schema::Entry;
use crate::session::{Origin, Passage};

/// How deep objects below a kind become passages of their own.
const DEPTH: usize = 4;
/// Passages of one kind at the most: schemas that someone made may be as large as they like.
const PASSAGES: usize = 120;
/// Bytes of a description that are kept.
const DESCRIPTION_LIMIT: usize = 1_500;
/// How much the description of a field gets in the list of its parent.
const LINE_LIMIT: usize = 200;
/// What only pods explain: every workload has it too, and would repeat it.
const TEMPLATES: &[&str] = &["PodTemplateSpec", "PodSpec", "ObjectMeta", "ManagedFieldsEntry"];

const SOURCE: &str = "cluster:";

/// Name of the source that holds a context's schemas.
pub fn source(context: &str) -> String {
    format!("{SOURCE}{context}")
}

/// Whether a source holds schemas.
pub fn is_source(source: &str) -> bool {
    source.starts_with(SOURCE)
}

/// One group and version of an API, with its document.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// As in `apps/v1`, or `v1`.
    pub version: String,
    /// The OpenAPI v3 document.
    pub document: Value,
}

/// The pages of a group and version. `context` names the cluster in what is cited.
pub fn unit(context: &str, api: &Api) -> Unit {
    let digest = hex::encode(&Sha256::digest(api.document.to_string())[..8]);
    let empty = Map::new();
    let schemas = api
        .document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut entries = Vec::new();
    for schema in schemas.values() {
        if let Some(kind) = kind_of(schema, &api.version) {
            let mut page = Page::new(context, api, &kind, schemas);
            page.object(&kind.to_lowercase(), schema, 0);
            entries.append(&mut page.entries);
        }
    }
    Unit {
        name: api.version.clone(),
        digest,
        entries,
    }
}

/// The kind that a schema is of, if it is one of this version that people make; lists and options are none.
fn kind_of(schema: &Value, version: &str) -> Option<String> {
    let kinds = schema.get("x-kubernetes-group-version-kind")?.as_array()?;
    let [kind] = kinds.as_slice() else { return None };
    let group = kind.get("group").and_then(Value::as_str).unwrap_or_default();
    let own = kind.get("version").and_then(Value::as_str).unwrap_or_default();
    let full = if group.is_empty() {
        own.to_owned()
    } else {
        format!("{group}/{own}")
    };
    let name = kind.get("kind").and_then(Value::as_str)?;
    let listed = name.ends_with("List") && schema.pointer("/properties/items").is_some();
    (full == version && !listed).then(|| name.to_owned())
}

struct Page<'a> {
    context: &'a str,
    api: &'a Api,
    kind: &'a str,
    schemas: &'a Map<String, Value>,
    entries: Vec<Entry>,
}

impl<'a> Page<'a> {
    fn new(context: &'a str, api: &'a Api, kind: &'a str, schemas: &'a Map<String, Value>) -> Page<'a> {
        Page {
            context,
            api,
            kind,
            schemas,
            entries: Vec::new(),
        }
    }

    /// A passage for an object, and for the objects below it.
    fn object(&mut self, path: &str, schema: &'a Value, depth: usize) {
        let (resolved, name) = self.resolved(schema);
        let Some(properties) = resolved.get("properties").and_then(Value::as_object) else {
            return;
        };
        let repeated = depth > 0 && TEMPLATES.contains(&name) && self.kind != "Pod";
        if repeated || name == "ObjectMeta" || depth > DEPTH || self.entries.len() >= PASSAGES {
            return;
        }
        self.entries.push(self.entry(path, schema, resolved, properties));
        for (field, inner) in properties {
            let inner = element(inner);
            self.object(&format!("{path}.{field}"), inner, depth + 1);
        }
    }

    fn entry(&self, path: &str, schema: &Value, resolved: &Value, properties: &Map<String, Value>) -> Entry {
        let mut text = String::new();
        let own = description(schema, DESCRIPTION_LIMIT);
        let of_type = description(resolved, DESCRIPTION_LIMIT);
        for part in [&own, &of_type] {
            if !part.is_empty() && !text.contains(part.as_str()) {
                let _ = writeln!(text, "{part}\n");
            }
        }
        for (field, inner) in properties {
            let inner_text = self.described(inner);
            let _ = writeln!(text, "- `{field}` ({}): {inner_text}", self.type_name(inner));
        }
        let (_, version) = self
            .api
            .version
            .rsplit_once('/')
            .unwrap_or(("", &self.api.version));
        Entry {
            passage: Passage {
                id: format!(
                    "explain/{}/{}#{}",
                    self.api.version,
                    self.kind.to_lowercase(),
                    slug(path)
                ),
                title: format!("{} ({})", self.kind, self.api.version),
                heading: path.to_owned(),
                text: text.trim_end().to_owned(),
                origin: Origin::Cluster,
                source: self.context.to_owned(),
                version: version.to_owned(),
            },
            kinds: vec![self.kind.to_owned()],
            fields: vec![path.to_owned()],
            symptoms: Vec::new(),
            asked: Vec::new(),
            leads: false,
            tags: Vec::new(),
        }
    }

    /// What a reference stands for, with the short name of its type.
    fn resolved(&self, schema: &'a Value) -> (&'a Value, &'a str) {
        let direct = schema.get("$ref").and_then(Value::as_str);
        let wrapped = schema.pointer("/allOf/0/$ref").and_then(Value::as_str);
        let Some(name) = direct
            .or(wrapped)
            .and_then(|reference| reference.rsplit('/').next())
        else {
            return (schema, "");
        };
        let short = name.rsplit('.').next().unwrap_or(name);
        (self.schemas.get(name).unwrap_or(schema), short)
    }

    fn described(&self, schema: &'a Value) -> String {
        let own = description(schema, LINE_LIMIT);
        if own.is_empty() {
            description(self.resolved(element(schema)).0, LINE_LIMIT)
        } else {
            own
        }
    }

    fn type_name(&self, schema: &'a Value) -> String {
        let name = match schema.get("type").and_then(Value::as_str) {
            Some("array") => return format!("[]{}", self.type_name(element(schema))),
            Some("object") | None => self.resolved(schema).1,
            Some(name) => name,
        };
        if name.is_empty() {
            "object".to_owned()
        } else {
            name.to_owned()
        }
    }
}

/// What an array or a map holds; everything else is itself.
fn element(schema: &Value) -> &Value {
    let inner = schema.get("items").or_else(|| {
        schema
            .get("additionalProperties")
            .filter(|inner| inner.is_object())
    });
    inner.unwrap_or(schema)
}

/// A description on one line, cut at the end of a sentence or word.
fn description(schema: &Value, limit: usize) -> String {
    let text = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(limit) else {
        return line;
    };
    let head = &line[..end];
    match head.rfind(". ") {
        Some(stop) => head[..=stop].to_owned(),
        None => format!("{}...", head.rsplit_once(' ').map_or(head, |(head, _)| head)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn api() -> Api {
        let schemas = json!({
            "com.example.v1.Widget": {
                "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
                "description": "A widget turns.",
                "properties": {
                    "metadata": {"allOf": [{"$ref": "#/components/schemas/io.k8s.ObjectMeta"}]},
                    "spec": {"type": "object", "description": "What it should do.", "properties": {
                        "speed": {"type": "integer", "description": "Turns each second. More is faster."},
                        "arms": {"type": "array", "items": {"type": "object", "properties": {"length": {"type": "string"}}}},
                    }},
                },
            },
            "com.example.v1.WidgetList": {
                "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "WidgetList"}],
                "properties": {"items": {"type": "array"}},
            },
            "io.k8s.ObjectMeta": {"properties": {"name": {"type": "string"}}},
        });
        Api {
            version: "example.com/v1".to_owned(),
            document: json!({"components": {"schemas": schemas}}),
        }
    }

    #[test]
    fn custom_resources_have_pages_down_to_their_fields() {
        let unit = unit("shop", &api());
        let ids: Vec<_> = unit
            .entries
            .iter()
            .map(|entry| entry.passage.id.as_str())
            .collect();
        assert_eq!(
            ids,
            [
                "explain/example.com/v1/widget#widget",
                "explain/example.com/v1/widget#widget-spec",
                "explain/example.com/v1/widget#widget-spec-arms"
            ]
        );
        let spec = &unit.entries[1].passage;
        assert_eq!(spec.heading, "widget.spec");
        assert!(
            spec.text.contains("- `speed` (integer): Turns each second."),
            "{}",
            spec.text
        );
        assert!(spec.text.contains("- `arms` ([]object)"), "{}", spec.text);
        assert!(!spec.trusted());
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let mut api = api();
        api.document["components"]["schemas"]["com.example.v1.Widget"]["properties"]["child"] =
            json!({"$ref": "#/components/schemas/com.example.v1.Widget"});
        assert!(unit("shop", &api).entries.len() <= PASSAGES + 1);
    }
}
