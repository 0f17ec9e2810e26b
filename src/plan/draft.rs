//! Manifests that a model drafted: read, held against what was asked for and against the kind's schema, and made into steps.
//!
//! What is read here is a proposal like any other plan: it is tried, reviewed and approved as such.

use serde_json::{Map, Value};

use super::command::{Action, Apply};
use super::kind::Kind;
use super::target::is_name;
use super::text::{Plan, Scope, Step};
use super::value::Json;

/// Problems of one manifest that are told at a time.
const TOLD: usize = 6;
/// A kind that is to be written, as the cluster knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// As the plan language spells it.
    pub kind: Kind,
    /// As manifests do, as in `apps/v1`.
    pub api_version: String,
    /// As manifests do, as in `Deployment`.
    pub type_name: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// A JSON schema of its manifests in that namespace, without references, of a bounded depth.
    pub schema: Value,
    /// Its fields in words, the shortest list first; each one is a level deeper.
    pub outlines: Vec<String>,
}

/// What a model wrote, with what it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// Whether it was cut off.
    pub truncated: bool,
    /// What it was to be; nothing where nobody knows which kind is meant.
    pub wanted: Vec<Wanted>,
}

impl Wanted {
    /// The key of the kind where several are written at once.
    pub fn key(&self) -> String {
        self.type_name.to_lowercase()
    }
}

/// The schema of an answer: the manifest itself, or one manifest under each key.
pub fn answer_schema(wanted: &[Wanted]) -> Value {
    if let [only] = wanted {
        return only.schema.clone();
    }
    let properties: Map<String, Value> = wanted.iter().map(|one| (one.key(), one.schema.clone())).collect();
    let keys: Vec<String> = wanted.iter().map(Wanted::key).collect();
    serde_json::json!({"type": "object", "properties": properties, "required": keys, "additionalProperties": false})
}

impl Draft {
    /// The plan that the draft comes to: one step a manifest, in the order of what was asked for.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for whoever wrote it: it cannot be read, is of another kind or in another namespace than asked
    /// for, or has fields that the kind has not.
    pub fn plan(&self, namespace: &str) -> Result<Plan, String> {
        if self.truncated {
            return Err("it was cut off before its end; write a shorter one".to_owned());
        }
        let mut manifests = manifests(&self.text)?;
        let mut steps = Vec::new();
        for wanted in &self.wanted {
            let is_it = |manifest: &Value| {
                manifest["apiVersion"] == wanted.api_version.as_str()
                    && manifest["kind"] == wanted.type_name.as_str()
            };
            let index = manifests.iter().position(is_it);
            let index = index.ok_or_else(|| Draft::instead_of(wanted, &manifests))?;
            steps.push(wanted.step(manifests.remove(index), namespace)?);
        }
        match manifests.first() {
            Some(more) => Err(format!("{} was not asked for", named(more))),
            None => Plan::new(steps).map_err(|error| error.to_string()),
        }
    }

    fn instead_of(wanted: &Wanted, manifests: &[Value]) -> String {
        let there = manifests.iter().map(named).collect::<Vec<_>>().join(", ");
        let there = if there.is_empty() {
            "nothing".to_owned()
        } else {
            there
        };
        format!(
            "a `{}` of `{}` was asked for, and there is {there}",
            wanted.type_name, wanted.api_version
        )
    }
}

impl Wanted {
    fn step(&self, mut manifest: Value, namespace: &str) -> Result<Step, String> {
        without_nulls(&mut manifest);
        drop_server_fields(&mut manifest);
        let place = manifest["metadata"].get("namespace").and_then(Value::as_str);
        let elsewhere = |place: &str| {
            let there = if self.namespaced {
                format!("in namespace `{namespace}`")
            } else {
                "without a namespace".to_owned()
            };
            format!("it is in namespace `{place}`, and was asked for {there}")
        };
        if let Some(place) = place.filter(|place| !self.namespaced || *place != namespace) {
            return Err(elsewhere(place));
        }
        let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
        if !is_name(name) {
            return Err("`metadata.name` must be a name: lower-case letters, digits and `-`".to_owned());
        }
        let mut problems = Vec::new();
        check(&self.schema, &manifest, "", &mut problems);
        if !problems.is_empty() {
            return Err(problems.join("; "));
        }
        // The step says where it goes.
        if let Some(metadata) = manifest["metadata"].as_object_mut() {
            metadata.shift_remove("namespace");
        }
        Ok(Step {
            action: Action::Apply(Apply {
                manifest: Json(manifest),
            }),
            scope: if self.namespaced {
                Scope::Named(namespace.to_owned())
            } else {
                Scope::Default
            },
        })
    }
}

/// The manifests of an answer: one, a list of them, one under each key, or several YAML documents.
fn manifests(text: &str) -> Result<Vec<Value>, String> {
    let text = without_fence(text.trim());
    let values: Vec<Value> = match serde_json::from_str(text) {
        Ok(value) => vec![value],
        Err(_) if text.starts_with(['{', '[']) => {
            let error = serde_json::from_str::<Value>(text).err();
            return Err(format!(
                "it is no JSON: {}",
                error.map_or_else(String::new, |error| error.to_string())
            ));
        }
        Err(_) => serde_saphyr::from_multiple(text).map_err(|error| {
            let first = error.to_string();
            format!(
                "it is neither JSON nor YAML: {}",
                first.lines().next().unwrap_or_default()
            )
        })?,
    };
    let mut found = Vec::new();
    for value in values {
        collect(value, 0, &mut found);
    }
    if found.is_empty() {
        return Err(
            "there is no manifest in it: one needs `apiVersion`, `kind` and `metadata.name`".to_owned(),
        );
    }
    Ok(found)
}

fn collect(value: Value, depth: usize, found: &mut Vec<Value>) {
    let is_manifest = value["kind"].is_string() && value["apiVersion"].is_string();
    match value {
        Value::Object(mut map) if is_manifest && map["kind"] == "List" && map.contains_key("items") => {
            collect(map.shift_remove("items").unwrap_or_default(), depth + 1, found);
        }
        value @ Value::Object(_) if is_manifest => found.push(value),
        Value::Object(map) if depth < 2 => map
            .into_iter()
            .for_each(|(_, inner)| collect(inner, depth + 1, found)),
        Value::Array(list) if depth < 2 => list
            .into_iter()
            .for_each(|inner| collect(inner, depth + 1, found)),
        _ => {}
    }
}

/// What stands in the first code fence, where there is one.
fn without_fence(text: &str) -> &str {
    let Some((_, rest)) = text.split_once("```") else {
        return text;
    };
    let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
    rest.split_once("```").map_or(rest, |(inner, _)| inner).trim()
}

/// What a manifest calls itself, short enough for a message.
fn named(manifest: &Value) -> String {
    let short = |field: &str| -> String {
        let text = manifest[field].as_str().unwrap_or_default();
        text.chars().filter(|c| !c.is_control()).take(60).collect()
    };
    format!("a `{}` of `{}`", short("kind"), short("apiVersion"))
}

/// A field without a value is one that is not there.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Takes out of an object what a server writes: its status and the metadata that is the server's own.
pub fn drop_server_fields(object: &mut Value) {
    const SERVER_OWNED: [&str; 8] = [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVER_OWNED {
            metadata.shift_remove(field);
        }
    }
}

/// Holds a value against a schema of the few words that [`Wanted::schema`] has; tells the first problems with their places.
fn check(schema: &Value, value: &Value, path: &str, problems: &mut Vec<String>) {
    if problems.len() >= TOLD {
        return;
    }
    if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = |option: &Value| {
            let mut wrong = Vec::new();
            check(option, value, path, &mut wrong);
            wrong.is_empty()
        };
        if !options.iter().any(fits) {
            problems.push(format!("`{}` has a value of the wrong type", place(path)));
        }
        return;
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array)
        && !options.contains(value)
    {
        let options: Vec<String> = options.iter().take(8).map(ToString::to_string).collect();
        problems.push(format!("`{}` must be one of {}", place(path), options.join(", ")));
        return;
    }
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    if !is_of_type(value, wanted) {
        problems.push(format!("`{}` must be of type {wanted}", place(path)));
        return;
    }
    match value {
        Value::Object(fields) => check_fields(schema, fields, path, problems),
        Value::Array(items) => {
            let inner = schema.get("items").unwrap_or(&Value::Null);
            for (index, item) in items.iter().enumerate() {
                check(inner, item, &format!("{path}[{index}]"), problems);
            }
        }
        _ => {}
    }
}

fn check_fields(schema: &Value, fields: &Map<String, Value>, path: &str, problems: &mut Vec<String>) {
    let missing = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for name in missing
        .filter_map(Value::as_str)
        .filter(|name| !fields.contains_key(*name))
    {
        problems.push(format!("`{}` is missing", below(path, name)));
    }
    let more = schema.get("additionalProperties");
    for (name, value) in fields {
        let known = schema.get("properties").and_then(|known| known.get(name));
        match known.or(more) {
            Some(Value::Bool(false)) => problems.push(format!("there is no field `{}`", below(path, name))),
            Some(inner) => check(inner, value, &below(path, name), problems),
            None => {}
        }
    }
}

fn below(path: &str, name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

fn place(path: &str) -> &str {
    if path.is_empty() { "the manifest" } else { path }
}

fn is_of_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted() -> Wanted {
        let schema = json!({"type": "object", "required": ["apiVersion", "kind", "metadata", "spec"], "additionalProperties": false,
            "properties": {
                "apiVersion": {"type": "string", "enum": ["example.com/v1"]},
                "kind": {"type": "string", "enum": ["CronTab"]},
                "metadata": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
                    "name": {"type": "string"}, "namespace": {"type": "string"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}}}},
                "spec": {"type": "object", "required": ["cron"], "additionalProperties": false, "properties": {
                    "cron": {"type": "string"},
                    "replicas": {"type": "integer"},
                    "port": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "mounts": {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"}}, "additionalProperties": false}},
                    "free": {"type": "object"}}}}});
        Wanted {
            kind: Kind::read("crontabs.example.com").unwrap(),
            api_version: "example.com/v1".to_owned(),
            type_name: "CronTab".to_owned(),
            namespaced: true,
            schema,
            outlines: Vec::new(),
        }
    }

    fn plan(text: &str) -> Result<String, String> {
        let draft = Draft {
            text: text.to_owned(),
            truncated: false,
            wanted: vec![wanted()],
        };
        draft.plan("shop").map(|plan| plan.to_string())
    }

    fn tab(spec: &str) -> String {
        format!(
            r#"{{"apiVersion":"example.com/v1","kind":"CronTab","metadata":{{"name":"a"}},"spec":{spec}}}"#
        )
    }

    #[test]
    fn a_manifest_becomes_a_step_that_can_be_read_back() {
        let step = r#"apply -f - <<< '{"apiVersion":"example.com/v1","kind":"CronTab","metadata":{"name":"a"},"spec":{"cron":"* * *"}}' -n shop"#;
        assert_eq!(plan(&tab(r#"{"cron":"* * *","replicas":null}"#)).unwrap(), step);
        let yaml = "```yaml\napiVersion: example.com/v1\nkind: CronTab\nmetadata:\n  name: a\n  namespace: shop\n  uid: x\nspec:\n  cron: '* * *'\nstatus: {}\n```\nThat is it.";
        assert_eq!(plan(yaml).unwrap(), step);
        assert_eq!(
            plan(&format!(r#"{{"crontab":{}}}"#, tab(r#"{"cron":"* * *"}"#))).unwrap(),
            step
        );
        assert_eq!(step.parse::<Step>().unwrap().to_string(), step);
    }

    #[test]
    fn what_was_not_asked_for_is_no_plan() {
        let wrong = |text: &str| plan(text).unwrap_err();
        assert!(wrong("I cannot do that.").contains("no manifest"));
        assert!(wrong("{\"kind\": ").contains("no JSON"));
        assert!(wrong("a: b: c").contains("neither JSON nor YAML"));
        let other = wrong(r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#);
        assert_eq!(
            other,
            "a `CronTab` of `example.com/v1` was asked for, and there is a `ConfigMap` of `v1`"
        );
        let more = format!(
            "[{}, {}]",
            tab(r#"{"cron":"x"}"#),
            r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}"#
        );
        assert_eq!(wrong(&more), "a `Namespace` of `v1` was not asked for");
        let elsewhere =
            tab(r#"{"cron":"x"}"#).replace(r#""name":"a""#, r#""name":"a","namespace":"kube-system""#);
        assert!(wrong(&elsewhere).contains("namespace `kube-system`, and was asked for in namespace `shop`"));
        assert!(wrong(&tab(r#"{"cron":"x"}"#).replace(r#""a""#, r#""A b""#)).contains("`metadata.name`"));
    }

    #[test]
    fn fields_are_held_against_the_schema() {
        let wrong = |spec: &str| plan(&tab(spec)).unwrap_err();
        assert_eq!(
            wrong(r#"{"replicas":"2"}"#),
            "`spec.cron` is missing; `spec.replicas` must be of type integer"
        );
        assert_eq!(
            wrong(r#"{"cron":"x","cronn":1}"#),
            "there is no field `spec.cronn`"
        );
        assert_eq!(
            wrong(r#"{"cron":"x","port":true}"#),
            "`spec.port` has a value of the wrong type"
        );
        assert_eq!(
            wrong(r#"{"cron":"x","mounts":[{"path":"a"},{"x":1}]}"#),
            "there is no field `spec.mounts[1].x`"
        );
        assert!(plan(&tab(r#"{"cron":"x","port":"http","free":{"any":[1]}}"#)).is_ok());
    }

    #[test]
    fn what_was_cut_off_is_no_plan() {
        let draft = Draft {
            text: tab(r#"{"cron":"x"}"#),
            truncated: true,
            wanted: vec![wanted()],
        };
        assert!(draft.plan("shop").unwrap_err().contains("cut off"));
    }
}
