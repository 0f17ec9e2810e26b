//! What a condition can ask about: one set of facts for each object that a step touches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cel::Context;
use cel::objects::{Key, Map};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Policy;
use crate::check::diff::presentable;
use crate::check::evidence::{CallVerb, Evidence, StepEvidence, Touched};
use crate::plan::{Action, Step, Target};

/// The variables of conditions.
///
/// | variable | fields |
/// |---|---|
/// | `step` | `command`, `verb` (as in `set image`), `words`, `options` (`--replicas=5` is `{"replicas": "5"}`, a switch is `"true"`), `namespace` |
/// | `target` | `verb` (create, patch, update, delete, evict), `kind`, `name`, `namespace` (of a namespace: itself), `group`, `subresource`, `labels`, `annotations`, `exists` |
/// | `before`, `after` | the whole object; `{}` where there is none or it could not be tried. Values of Secrets are hidden |
/// | `pod`, `containers` | the pod spec in `after`, and its containers |
/// | `images` | images that `after` has and `before` has not |
/// | `diff` | paths that change, as in `spec.replicas` |
/// | `count`, `pods` | objects and running pods that the step touches |
/// | `plan` | `steps`, `objects`, `pods` of the whole plan |
/// | `context` | `name`, `protected`, `cluster` |
/// | `user` | who is asking |
/// | `now` | `date`, `hour`, `minute`, `weekday` (`mon` to `sun`), `weekend`, in the policy's time zone |
/// | `item` | the item at hand of a rule with `each` |
pub(super) const VARIABLES: &[&str] = &[
    "step",
    "target",
    "before",
    "after",
    "pod",
    "containers",
    "images",
    "diff",
    "count",
    "pods",
    "plan",
    "context",
    "user",
    "now",
    "item",
];

/// Where a pod spec may stand.
const POD_SPECS: &[&str] = &[
    "/spec/template/spec",
    "/spec/jobTemplate/spec/template/spec",
    "/spec",
];

/// What is known of one object.
pub(super) struct Facts {
    pub context: Context<'static, 'static>,
    /// The object's name, for whoever has to type it.
    pub name: String,
    words: BTreeMap<&'static str, String>,
}

impl Facts {
    /// The facts of a step: one entry for each object that it touches, or names where nothing was found out.
    pub fn of(step: &Step, found: &StepEvidence, evidence: &Evidence, policy: &Policy) -> Vec<Facts> {
        let shared = shared(step, found, evidence, policy);
        if !found.touched.is_empty() {
            let each = found.touched.iter();
            return each
                .map(|touched| Facts::new(&shared, Object::of(touched, step)))
                .collect();
        }
        let targets = step.action.targets();
        if targets.is_empty() {
            return vec![Facts::new(&shared, Object::named(None, step))];
        }
        let each = targets.into_iter();
        each.map(|target| Facts::new(&shared, Object::named(Some(target), step)))
            .collect()
    }

    fn new(shared: &BTreeMap<&'static str, Value>, object: Object) -> Facts {
        let mut context = Context::default();
        for (name, value) in shared {
            context.add_variable_from_value(*name, cel_value(value));
        }
        let words = BTreeMap::from([
            ("target", object.words.clone()),
            ("kind", object.kind.clone()),
            ("name", object.name.clone()),
            ("namespace", object.namespace.clone()),
            ("context", text(&shared["context"]["name"])),
            ("count", shared["count"].to_string()),
            ("pods", shared["pods"].to_string()),
            ("user", text(&shared["user"])),
        ]);
        let name = object.name.clone();
        for (variable, value) in object.variables() {
            context.add_variable_from_value(variable, cel_value(&value));
        }
        Facts { context, name, words }
    }

    /// A message with its placeholders filled.
    pub fn fill(&self, message: &str, item: &str) -> String {
        let mut out = String::with_capacity(message.len());
        let mut rest = message;
        while let Some((before, tail)) = rest.split_once('{') {
            let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
            out.push_str(before);
            out.push_str(if name == "item" {
                item
            } else {
                self.words.get(name).map_or("", String::as_str)
            });
            rest = after;
        }
        out + rest
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What is the same for all objects of a step.
fn shared(
    step: &Step,
    found: &StepEvidence,
    evidence: &Evidence,
    policy: &Policy,
) -> BTreeMap<&'static str, Value> {
    let pods = |step: &StepEvidence| {
        step.touched
            .iter()
            .map(|touched| u64::from(touched.pods))
            .sum::<u64>()
    };
    let objects: usize = evidence.steps.iter().map(|step| step.touched.len()).sum();
    let command = step.to_string();
    let words = shlex::split(&command).unwrap_or_default();
    let zone = policy
        .layers
        .iter()
        .rev()
        .find_map(|layer| layer.time_zone.as_deref());
    BTreeMap::from([
        (
            "step",
            json!({"command": command, "verb": step.action.shape().words, "options": options(&words), "words": words,
                "namespace": step.namespace().unwrap_or_default()}),
        ),
        (
            "count",
            json!(found.touched.len().max(step.action.targets().len())),
        ),
        ("pods", json!(pods(found))),
        (
            "plan",
            json!({"steps": evidence.steps.len(), "objects": objects, "pods": evidence.steps.iter().map(pods).sum::<u64>()}),
        ),
        (
            "context",
            json!({"name": evidence.context, "cluster": evidence.cluster.as_deref().unwrap_or_default(),
                "protected": policy.protected_contexts.contains(&evidence.context)}),
        ),
        ("user", json!(policy.user)),
        ("now", now(evidence.at, zone)),
    ])
}

/// `--replicas=5 --force` as `{"replicas": "5", "force": "true"}`.
fn options(words: &[String]) -> BTreeMap<&str, &str> {
    let flags = words
        .iter()
        .take_while(|word| *word != "--")
        .filter_map(|word| word.strip_prefix("--"));
    flags
        .map(|flag| flag.split_once('=').unwrap_or((flag, "true")))
        .collect()
}

fn now(at: Option<jiff::Timestamp>, zone: Option<&str>) -> Value {
    let zone = zone
        .and_then(|zone| TimeZone::get(zone).ok())
        .unwrap_or(TimeZone::UTC);
    let Some(at) = at.map(|at| at.to_zoned(zone)) else {
        return json!({});
    };
    let weekday = at.weekday();
    let weekend = matches!(
        weekday,
        jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
    );
    json!({"date": at.date().to_string(), "hour": at.hour(), "minute": at.minute(), "weekend": weekend,
        "weekday": format!("{weekday:?}").to_lowercase().chars().take(3).collect::<String>()})
}

/// One object, as conditions see it.
struct Object {
    words: String,
    verb: &'static str,
    kind: String,
    name: String,
    namespace: String,
    group: String,
    subresource: String,
    exists: bool,
    /// Whether `after` is the whole object.
    tried: bool,
    before: Value,
    after: Value,
}

impl Object {
    fn of(touched: &Touched, step: &Step) -> Object {
        let call = &touched.call;
        // What could not be tried is at least known as far as it will be sent.
        let sent = call
            .body
            .as_ref()
            .filter(|_| call.verb != CallVerb::Delete && call.verb != CallVerb::Evict);
        let after = touched.after.as_ref().or(sent).filter(|after| after.is_object());
        let own = (call.kind == "namespace").then_some(&call.name);
        let place = own
            .or(call.namespace.as_ref())
            .map(String::as_str)
            .or(step.namespace());
        let shown = |object: Option<&Value>| object.map_or_else(|| json!({}), presentable);
        Object {
            words: touched
                .target()
                .map_or_else(|| call.name.clone(), |target| target.to_string()),
            verb: verb(touched),
            kind: call.kind.clone(),
            name: call.name.clone(),
            namespace: place.unwrap_or_default().to_owned(),
            group: call.group.clone(),
            subresource: call.subresource.clone().unwrap_or_default(),
            exists: touched.before.is_some(),
            tried: touched.after.is_some(),
            before: shown(touched.before.as_ref()),
            after: shown(after),
        }
    }

    /// An object of which nothing but its name is known.
    fn named(target: Option<&Target>, step: &Step) -> Object {
        let kind = target.map_or_else(String::new, |target| target.kind.as_str().to_owned());
        let name = target.map_or_else(String::new, |target| target.name.clone());
        let own = (kind == "namespace").then_some(name.as_str());
        Object {
            words: target.map_or_else(String::new, ToString::to_string),
            verb: verb_of(&step.action),
            namespace: own.or(step.namespace()).unwrap_or_default().to_owned(),
            kind,
            name,
            group: String::new(),
            subresource: String::new(),
            exists: false,
            tried: false,
            before: json!({}),
            after: json!({}),
        }
    }

    fn variables(self) -> [(&'static str, Value); 7] {
        let pod = POD_SPECS.iter().find_map(|place| {
            self.after
                .pointer(place)
                .filter(|spec| spec["containers"].is_array())
        });
        let pod = pod.cloned().unwrap_or_else(|| json!({}));
        let known = if self.exists { &self.before } else { &self.after };
        let map = |field: &str| {
            known
                .pointer(field)
                .filter(|map| map.is_object())
                .cloned()
                .unwrap_or_else(|| json!({}))
        };
        let target = json!({"verb": self.verb, "kind": self.kind, "name": self.name, "namespace": self.namespace,
            "group": self.group, "subresource": self.subresource, "exists": self.exists,
            "labels": map("/metadata/labels"), "annotations": map("/metadata/annotations")});
        let old = images(&self.before);
        let new: Vec<String> = images(&self.after)
            .into_iter()
            .filter(|image| !old.contains(image))
            .collect();
        let mut changes = BTreeSet::new();
        if self.tried {
            changed(&self.before, &self.after, "", &mut changes);
        }
        [
            ("target", target),
            ("containers", containers(&pod)),
            ("pod", pod),
            ("images", json!(new)),
            ("diff", json!(changes)),
            ("before", self.before),
            ("after", self.after),
        ]
    }
}

fn verb(touched: &Touched) -> &'static str {
    match touched.call.verb {
        CallVerb::Create => "create",
        CallVerb::Evict => "evict",
        CallVerb::Delete => "delete",
        CallVerb::Apply if touched.before.is_none() => "create",
        CallVerb::Replace => "update",
        _ => "patch",
    }
}

/// What a step is likely to do, where no call of it is known.
fn verb_of(action: &Action) -> &'static str {
    match action.shape().words.split(' ').next() {
        Some("delete") => "delete",
        Some("create" | "run" | "expose" | "autoscale") => "create",
        _ => "patch",
    }
}

fn containers(pod: &Value) -> Value {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let all = lists.iter().filter_map(|list| pod[*list].as_array()).flatten();
    all.cloned().collect()
}

fn images(object: &Value) -> BTreeSet<String> {
    let specs = POD_SPECS.iter().filter_map(|place| object.pointer(place));
    let all: Vec<Value> = specs.map(containers).collect();
    let all = all.iter().filter_map(Value::as_array).flatten();
    all.filter_map(|container| container["image"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Collects the paths whose values differ; lists are compared as a whole.
fn changed(before: &Value, after: &Value, path: &str, found: &mut BTreeSet<String>) {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        if before != after {
            found.insert(path.to_owned());
        }
        return;
    };
    for key in old.keys().chain(new.keys()) {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => changed(old, new, &path, found),
            _ => {
                found.insert(path);
            }
        }
    }
}

/// JSON as CEL sees it. Whole numbers are `int`, so that `3` in a condition compares with them.
fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => cel::Value::Int(whole),
            (None, Some(float)) => cel::Value::Float(float),
            (None, None) => cel::Value::Null,
        },
        Value::String(text) => cel::Value::from(text.as_str()),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(cel_value).collect())),
        Value::Object(fields) => {
            let map: HashMap<Key, cel::Value> = fields
                .iter()
                .map(|(key, value)| (Key::from(key.as_str()), cel_value(value)))
                .collect();
            cel::Value::Map(Map { map: Arc::new(map) })
        }
    }
}
