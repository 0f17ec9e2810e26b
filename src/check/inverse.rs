//! The way back from a call, from what was there before it.

use serde_json::{Map, Value};

use super::evidence::{CallVerb, Touched};
use crate::plan::command::{Action, Apply, Delete, Patch};
use crate::plan::field::Many;
use crate::plan::target::Any;
use crate::plan::value::{Json, PatchType};
use crate::plan::{Scope, Step, drop_server_fields};

/// The way back, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Inverse {
    /// A step that takes the call back.
    Step(Box<Step>),
    /// There is no way back; one lower-case clause.
    None(String),
}

impl Inverse {
    /// The step, if there is one.
    pub fn step(&self) -> Option<&Step> {
        match self {
            Inverse::Step(step) => Some(step),
            Inverse::None(_) => None,
        }
    }
}

/// The inverse of a call that brought `touched.before` to `after` (the dry run's answer before the call, the real
/// answer behind it).
///
/// A created object is deleted, a deleted one applied again from the copy, a changed one patched back in exactly the
/// fields that changed. What lives only in the object's absence (data of a volume, a pod's memory) does not come back.
pub fn inverse(touched: &Touched, after: Option<&Value>) -> Inverse {
    let none = |reason: &str| Inverse::None(reason.to_owned());
    let Some(target) = touched.target() else {
        return none("its kind cannot be named");
    };
    let scope = touched
        .call
        .namespace
        .clone()
        .map_or(Scope::Default, Scope::Named);
    let step = |action| {
        Inverse::Step(Box::new(Step {
            action,
            scope: scope.clone(),
        }))
    };
    match (
        touched.call.verb,
        touched.call.subresource.as_deref(),
        &touched.before,
        after,
    ) {
        (CallVerb::Evict, ..) => none("an evicted pod does not come back; its controller starts another"),
        (_, Some("token"), ..) => none("a token that was issued is good until it expires"),
        (CallVerb::Delete, _, Some(before), _) => deleted(touched, before, step),
        (_, _, None, _) => step(Action::Delete(Delete {
            targets: Many(vec![Any(target)]),
            grace_period: None,
            force: false,
        })),
        (_, _, Some(before), Some(after)) => match merge_back(&significant(after), &significant(before)) {
            Some(patch) => step(Action::Patch(Patch {
                target: Any(target),
                kind: Some(PatchType::Merge),
                patch: Json(patch),
            })),
            None => none("nothing was changed"),
        },
        (_, _, Some(_), None) => none("what it leads to could not be tried beforehand"),
    }
}

fn deleted(touched: &Touched, before: &Value, step: impl Fn(Action) -> Inverse) -> Inverse {
    match touched.call.kind.as_str() {
        "namespace" => Inverse::None("everything inside a namespace goes with it".to_owned()),
        "persistentvolumeclaim" | "persistentvolume" => {
            Inverse::None("the data of a volume may go with it".to_owned())
        }
        "pod" => Inverse::None("what a pod holds in memory and scratch space is lost".to_owned()),
        "secret" => Inverse::None("values of a secret are not kept in the record".to_owned()),
        _ => step(Action::Apply(Apply {
            manifest: Json(recreatable(before)),
        })),
    }
}

/// The object fit to be applied again: without what a server fills in.
pub fn recreatable(object: &Value) -> Value {
    let mut object = significant(object);
    if object.get("kind").and_then(Value::as_str) == Some("Service")
        && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    object
}

/// What a person decides of an object: all but status and the server's own metadata.
pub fn significant(object: &Value) -> Value {
    let mut object = object.clone();
    drop_server_fields(&mut object);
    object
}

/// The merge patch (RFC 7386) that turns `from` into `to`, or nothing where they are equal.
pub fn merge_back(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let (Some(from), Some(to)) = (from.as_object(), to.as_object()) else {
        return Some(to.clone());
    };
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to {
        let change = from
            .get(key)
            .map_or_else(|| Some(value.clone()), |old| merge_back(old, value));
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON without null, as stored objects are: a merge patch cannot write one.
    fn json(depth: u32) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(depth, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn patching_back_gives_what_was(
            from in prop::collection::btree_map("[a-c]", json(3), 0..4),
            to in prop::collection::btree_map("[a-c]", json(3), 0..4),
        ) {
            let from = Value::Object(from.into_iter().collect());
            let to = Value::Object(to.into_iter().collect());
            let mut back = from.clone();
            if let Some(patch) = merge_back(&from, &to) {
                json_patch::merge(&mut back, &patch);
            }
            // Compared as values: the order of keys in a map is no part of it.
            let sorted = |value: &Value| serde_json::from_str::<std::collections::BTreeMap<String, Value>>(&value.to_string()).unwrap();
            prop_assert_eq!(sorted(&back), sorted(&to));
        }
    }
}
