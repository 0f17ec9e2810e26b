//! Sets of fields, as `managedFields` writes them: which fields a value has, and which differ between two.
//!
//! How lists and maps are taken apart follows the `x-kubernetes-list-type` and `-map-type` of the Kubernetes API types;
//! custom resources have plain lists outside their metadata.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json::text;
use super::patch::merge_key;

/// Which types the fields have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typing {
    BuiltIn,
    Custom,
}

/// A set of paths, as a tree of the steps that `fieldsV1` writes: `f:` and a field, `k:` and an item's keys, `v:` and an
/// item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    /// The path that leads here is itself in the set.
    own: bool,
    children: BTreeMap<String, FieldSet>,
}

/// Structures that are there whether anyone sets them or not, in `fieldsV1`.
const PARTS: [&str; 10] = [
    "f:metadata",
    "f:spec",
    "f:status",
    "f:template",
    "f:jobTemplate",
    "f:strategy",
    "f:updateStrategy",
    "f:containers",
    "f:resources",
    "f:scaleTargetRef",
];

impl FieldSet {
    fn leaf() -> Self {
        Self {
            own: true,
            ..Self::default()
        }
    }

    /// From the form of `fieldsV1`.
    pub(super) fn read(fields: &Value) -> Self {
        let map = fields.as_object();
        let own = map.is_none_or(|map| map.is_empty() || map.contains_key("."));
        let inner = map.into_iter().flatten().filter(|(key, _)| *key != ".");
        Self {
            own,
            children: inner
                .map(|(key, value)| (key.clone(), Self::read(value)))
                .collect(),
        }
    }

    /// In the form of `fieldsV1`.
    pub(super) fn write(&self) -> Value {
        let mut map = Map::new();
        if self.own && !self.children.is_empty() {
            map.insert(".".into(), json!({}));
        }
        let full = self.children.iter().filter(|(_, child)| !child.is_empty());
        map.extend(full.map(|(key, child)| (key.clone(), child.write())));
        Value::Object(map)
    }

    /// The set without what is part of every object of its kind, set or not, and so belongs to nobody.
    pub(super) fn shed(mut self, typing: Typing) -> Self {
        let is_part = |key: &str| match typing {
            Typing::BuiltIn => PARTS.contains(&key),
            Typing::Custom => key == "f:metadata",
        };
        self.children = std::mem::take(&mut self.children)
            .into_iter()
            .map(|(key, mut child)| {
                child.own &= !is_part(&key) || child.children.is_empty();
                (key, child.shed(typing))
            })
            .collect();
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.own && self.children.values().all(Self::is_empty)
    }

    /// Adds everything of `other`.
    pub(super) fn join(&mut self, other: &Self) {
        self.own |= other.own;
        for (key, child) in &other.children {
            self.children.entry(key.clone()).or_default().join(child);
        }
    }

    /// What is here and not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        self.combined(other, |own, theirs| own && !theirs, true)
    }

    /// What is here and in `other`.
    pub(super) fn within(&self, other: &Self) -> Self {
        self.combined(other, |own, theirs| own && theirs, false)
    }

    fn combined(&self, other: &Self, keeps: fn(bool, bool) -> bool, keeps_rest: bool) -> Self {
        let children = self.children.iter().filter_map(|(key, child)| {
            let kept = match other.children.get(key) {
                Some(theirs) => child.combined(theirs, keeps, keeps_rest),
                None if keeps_rest => child.clone(),
                None => Self::default(),
            };
            (!kept.is_empty()).then(|| (key.clone(), kept))
        });
        Self {
            own: keeps(self.own, other.own),
            children: children.collect(),
        }
    }

    /// Every path of the set, as conflicts name them: `.spec.containers[name="app"].image`.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.collect("", &mut all);
        all
    }

    fn collect(&self, path: &str, all: &mut Vec<String>) {
        if self.own && !path.is_empty() {
            all.push(path.to_owned());
        }
        for (key, child) in &self.children {
            child.collect(&format!("{path}{}", shown(key)), all);
        }
    }
}

/// One step as a conflict writes it.
fn shown(step: &str) -> String {
    if let Some(field) = step.strip_prefix("f:") {
        return format!(".{field}");
    }
    if let Some(value) = step.strip_prefix("v:") {
        return format!("[={value}]");
    }
    let keys: Map<String, Value> = step
        .strip_prefix("k:")
        .and_then(|keys| serde_json::from_str(keys).ok())
        .unwrap_or_default();
    let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("[{}]", pairs.join(","))
}

/// How the items of a list are told apart.
enum Items {
    /// By these fields.
    Keyed(&'static [&'static str]),
    /// By themselves.
    Set,
    /// Not at all: the list is one value.
    Atomic,
}

fn items_of(field: &str, list: &[Value], typing: Typing) -> Items {
    let is_shared = matches!(field, "finalizers" | "ownerReferences");
    if typing == Typing::Custom && !is_shared {
        return Items::Atomic;
    }
    if field == "finalizers" && list.iter().all(Value::is_string) {
        return Items::Set;
    }
    let key = list.first().and_then(|sample| merge_key(field, sample));
    let Some(key) = key.filter(|key| list.iter().all(|item| item.get(key).is_some())) else {
        return Items::Atomic;
    };
    match key {
        "name" => Items::Keyed(&["name"]),
        "mountPath" => Items::Keyed(&["mountPath"]),
        "devicePath" => Items::Keyed(&["devicePath"]),
        "containerPort" => Items::Keyed(&["containerPort", "protocol"]),
        "port" => Items::Keyed(&["port", "protocol"]),
        "type" => Items::Keyed(&["type"]),
        "uid" => Items::Keyed(&["uid"]),
        "topologyKey" => Items::Keyed(&["topologyKey", "whenUnsatisfiable"]),
        "ip" => Items::Keyed(&["ip"]),
        _ => Items::Atomic,
    }
}

/// The step that leads to an item of a keyed list.
fn step_of(item: &Value, keys: &[&str]) -> String {
    let pairs = keys.iter().filter_map(|key| {
        let default = || (*key == "protocol").then(|| json!("TCP"));
        let value = item.get(*key).cloned().or_else(default)?;
        Some(((*key).to_owned(), value))
    });
    format!("k:{}", Value::Object(pairs.collect()))
}

/// Maps that are one value.
fn is_atomic(field: &str) -> bool {
    matches!(
        field,
        "selector"
            | "labelSelector"
            | "podSelector"
            | "namespaceSelector"
            | "nodeSelector"
            | "configMapKeyRef"
            | "secretKeyRef"
            | "fieldRef"
            | "resourceFieldRef"
            | "scaleTargetRef"
            | "roleRef"
            | "involvedObject"
    )
}

/// The steps to the parts of a value that are told apart, with each part and the field that it stands in; `None` for a
/// value that is one.
fn parts<'a>(value: &'a Value, field: &str, typing: Typing) -> Option<Vec<(String, &'a Value, &'a str)>> {
    match value {
        Value::Object(map) if typing == Typing::Custom || !is_atomic(field) => Some(
            map.iter()
                .map(|(key, value)| (format!("f:{key}"), value, key.as_str()))
                .collect(),
        ),
        Value::Array(list) => match items_of(field, list, typing) {
            Items::Keyed(keys) => Some(list.iter().map(|item| (step_of(item, keys), item, "")).collect()),
            Items::Set => Some(list.iter().map(|item| (format!("v:{item}"), item, "")).collect()),
            Items::Atomic => None,
        },
        _ => None,
    }
}

/// The fields that a configuration states. Maps count only if they are empty, items of lists always.
pub(super) fn of(value: &Value, typing: Typing) -> FieldSet {
    let mut set = all(value, "", typing, false);
    set.own = false;
    set
}

fn all(value: &Value, field: &str, typing: Typing, counts_maps: bool) -> FieldSet {
    let Some(parts) = parts(value, field, typing).filter(|parts| !parts.is_empty()) else {
        return FieldSet::leaf();
    };
    let children = parts.into_iter().map(|(step, part, field)| {
        let mut inner = all(part, field, typing, counts_maps);
        inner.own |= !step.starts_with("f:");
        (step, inner)
    });
    FieldSet {
        own: counts_maps,
        children: children.collect(),
    }
}

/// What is new or different in `after`, and what of `before` is gone.
pub(super) fn compare(before: &Value, after: &Value, typing: Typing) -> (FieldSet, FieldSet) {
    differ(before, after, "", typing)
}

fn differ(before: &Value, after: &Value, field: &str, typing: Typing) -> (FieldSet, FieldSet) {
    let (mut changed, mut gone) = (FieldSet::default(), FieldSet::default());
    if before == after {
        return (changed, gone);
    }
    let (Some(old), Some(new)) = (parts(before, field, typing), parts(after, field, typing)) else {
        return (FieldSet::leaf(), gone);
    };
    let old: BTreeMap<String, (&Value, &str)> = old
        .into_iter()
        .map(|(step, part, field)| (step, (part, field)))
        .collect();
    let mut seen = Vec::new();
    for (step, part, field) in new {
        match old.get(&step) {
            Some((before, _)) => {
                let (inner, lost) = differ(before, part, field, typing);
                put(&mut changed, &step, inner);
                put(&mut gone, &step, lost);
            }
            None => put(&mut changed, &step, all(part, field, typing, true)),
        }
        seen.push(step);
    }
    for (step, (part, field)) in old.iter().filter(|(step, _)| !seen.contains(step)) {
        put(&mut gone, step, all(part, field, typing, true));
    }
    (changed, gone)
}

fn put(set: &mut FieldSet, step: &str, inner: FieldSet) {
    if !inner.is_empty() {
        set.children.insert(step.to_owned(), inner);
    }
}

/// Takes the fields of `unwanted` out of a value, but for items that `kept` has something in.
pub(super) fn prune(value: &mut Value, unwanted: &FieldSet, kept: &FieldSet) {
    for (step, inner) in &unwanted.children {
        let others = kept.children.get(step);
        let goes = inner.own && others.is_none_or(FieldSet::is_empty);
        let none = FieldSet::default();
        let others = others.unwrap_or(&none);
        if let Some(field) = step.strip_prefix("f:") {
            prune_field(value, field, inner, others, goes);
        } else if let Some(list) = value.as_array_mut() {
            let is_it = |item: &Value| matches_step(item, step);
            if goes {
                list.retain(|item| !is_it(item));
            } else {
                list.iter_mut()
                    .filter(|item| is_it(item))
                    .for_each(|item| prune(item, inner, others));
            }
        }
    }
}

fn prune_field(value: &mut Value, field: &str, inner: &FieldSet, others: &FieldSet, goes: bool) {
    let Some(map) = value.as_object_mut() else { return };
    if goes && inner.children.is_empty() {
        map.shift_remove(field);
        return;
    }
    let Some(child) = map.get_mut(field) else { return };
    prune(child, inner, others);
    let is_bare = child.as_object().is_some_and(Map::is_empty) || child.as_array().is_some_and(Vec::is_empty);
    if is_bare && others.is_empty() {
        map.shift_remove(field);
    }
}

fn matches_step(item: &Value, step: &str) -> bool {
    if let Some(value) = step.strip_prefix("v:") {
        return *item == value;
    }
    let keys: Map<String, Value> = step
        .strip_prefix("k:")
        .and_then(|keys| serde_json::from_str(keys).ok())
        .unwrap_or_default();
    keys.iter().all(|(key, wanted)| match item.get(key) {
        Some(found) => found == wanted,
        None => key == "protocol" && wanted == "TCP",
    })
}

/// An object without what nobody manages: its identity and what the system keeps.
pub(super) fn managed_part(object: &Value) -> Value {
    const UNMANAGED: [&str; 10] = [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind"));
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !UNMANAGED.contains(&key.as_str()));
            if metadata.is_empty() {
                map.shift_remove("metadata");
            }
        }
    }
    object
}

/// An entry's manager in the words of a conflict.
pub(super) fn named(entry: &Value) -> String {
    let mut named = format!("{:?}", text(entry, "/manager"));
    if !text(entry, "/subresource").is_empty() {
        named += &format!(" with subresource {:?}", text(entry, "/subresource"));
    }
    if text(entry, "/operation") == "Update" {
        named += &format!(" using {}", text(entry, "/apiVersion"));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: i64, images: &[(&str, &str)]) -> Value {
        let containers: Vec<Value> = images
            .iter()
            .map(|(name, image)| json!({"name": name, "image": image}))
            .collect();
        json!({"spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn differences_are_found_in_keyed_items() {
        let before = deployment(1, &[("app", "a:1"), ("log", "l:1")]);
        let after = deployment(2, &[("app", "a:2"), ("web", "w:1")]);
        let (changed, gone) = compare(&before, &after, Typing::BuiltIn);
        let containers = ".spec.template.spec.containers";
        assert_eq!(
            changed.paths(),
            [
                ".spec.replicas".to_owned(),
                format!("{containers}[name=\"app\"].image"),
                format!("{containers}[name=\"web\"]"),
                format!("{containers}[name=\"web\"].image"),
                format!("{containers}[name=\"web\"].name"),
            ]
        );
        assert!(gone.paths().contains(&format!("{containers}[name=\"log\"]")));
        let (changed, _) = compare(&before, &after, Typing::Custom);
        assert_eq!(changed.paths(), [".spec.replicas", containers]);
    }

    #[test]
    fn sets_survive_being_written() {
        let set = of(&deployment(1, &[("app", "a:1")]), Typing::BuiltIn);
        assert_eq!(FieldSet::read(&set.write()).paths(), set.paths());
        assert_eq!(
            set.write()["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"app\"}"],
            json!({".": {}, "f:name": {}, "f:image": {}})
        );
        assert!(set.without(&set).is_empty());
        assert_eq!(set.within(&set), set);
    }

    #[test]
    fn pruning_spares_what_others_have() {
        let mut value = deployment(1, &[("app", "a:1"), ("log", "l:1")]);
        let unwanted = of(&value, Typing::BuiltIn);
        let kept = of(&deployment(1, &[("log", "l:1")]), Typing::BuiltIn);
        prune(&mut value, &unwanted.without(&kept), &kept);
        assert_eq!(value, deployment(1, &[("log", "l:1")]));
    }
}
