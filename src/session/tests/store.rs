//! A cluster reduced to what an inverse needs: `inverse(apply(x)) = x` on it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::check::inverse::{inverse, significant};
use crate::check::{Call, CallVerb, Evidence, Inverse, StepEvidence, Touched};
use crate::plan::{Action, Step};

/// Objects by name.
type Store = BTreeMap<String, Value>;

/// A change that somebody may ask for.
#[derive(Clone, Debug)]
enum Change {
    Create(String, Value),
    Merge(String, Value),
    Delete(String),
}

impl Change {
    /// Does it, where it can be done; gives the call with the object before and after.
    fn apply(&self, store: &mut Store) -> Option<Touched> {
        let (verb, name, body) = match self {
            Change::Create(name, body) => (CallVerb::Create, name, Some(body)),
            Change::Merge(name, body) => (CallVerb::PatchMerge, name, Some(body)),
            Change::Delete(name) => (CallVerb::Delete, name, None),
        };
        let before = store.get(name).cloned();
        if before.is_some() == (verb == CallVerb::Create) {
            return None;
        }
        let mut after = before.clone().unwrap_or_else(|| object(name, &json!({})));
        json_patch::merge(&mut after, body.unwrap_or(&Value::Null));
        let after = (verb != CallVerb::Delete).then_some(after);
        match &after {
            Some(after) => store.insert(name.clone(), after.clone()),
            None => store.remove(name),
        };
        Some(Touched {
            call: call(verb, name, body.cloned()),
            access: None,
            uid: None,
            resource_version: None,
            before,
            after,
            pods: 0,
        })
    }
}

fn object(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": spec})
}

fn call(verb: CallVerb, name: &str, body: Option<Value>) -> Call {
    Call {
        verb,
        group: String::new(),
        version: "v1".into(),
        resource: "configmaps".into(),
        subresource: None,
        namespace: Some("shop".into()),
        name: name.into(),
        kind: "configmap".into(),
        body,
        dry_run: true,
    }
}

/// Walks one step of the way back.
fn walk(step: &Step, store: &mut Store) {
    match &step.action {
        Action::Delete(delete) => {
            for target in &delete.targets.0 {
                assert!(store.remove(&target.0.name).is_some(), "{step}");
            }
        }
        Action::Patch(patch) => {
            json_patch::merge(store.get_mut(&patch.target.0.name).unwrap(), &patch.patch.0);
        }
        Action::Apply(apply) => {
            let name = apply.manifest.0["metadata"]["name"].as_str().unwrap().to_owned();
            store.insert(name, apply.manifest.0.clone());
        }
        other => panic!("{other:?}"),
    }
}

/// Keys in one order, without what the server owns.
fn settled(store: &Store) -> Vec<String> {
    let each = store.values().map(|object| {
        let mut object = significant(object);
        object.sort_all_objects();
        object.to_string()
    });
    each.collect()
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<u8>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        Just(json!([1, 2]))
    ];
    let map = prop::collection::btree_map("[a-c]", leaf, 0..4);
    map.prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// A merge patch: values, and nulls that take keys away.
fn merge() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<u8>().prop_map(Value::from),
        Just(json!({"x": {"y": 1}}))
    ];
    let map = prop::collection::btree_map("[a-c]", leaf, 0..4);
    map.prop_map(|map| json!({"data": Value::Object(map.into_iter().collect())}))
}

fn change() -> impl Strategy<Value = Change> {
    let name = || "[p-r]";
    prop_oneof![
        (name(), data()).prop_map(|(name, data)| Change::Create(name.clone(), json!({"data": data}))),
        (name(), merge()).prop_map(|(name, patch)| Change::Merge(name, patch)),
        name().prop_map(Change::Delete),
    ]
}

proptest! {
    #[test]
    fn every_way_back_leads_back(begin in prop::collection::btree_map("[p-r]", data(), 0..3), changes in prop::collection::vec(change(), 1..6)) {
        let begin: Store = begin.into_iter().map(|(name, data)| (name.clone(), object(&name, &data))).collect();
        let mut store = begin.clone();
        let made: Vec<Touched> = changes.iter().filter_map(|change| change.apply(&mut store)).collect();
        for touched in made.iter().rev() {
            match inverse(touched, touched.after.as_ref()) {
                Inverse::Step(step) => walk(&step, &mut store),
                Inverse::None(reason) => prop_assert_eq!(reason, "nothing was changed"),
            }
        }
        prop_assert_eq!(settled(&store), settled(&begin));
    }

    #[test]
    fn a_whole_action_is_taken_back_object_by_object(begin in prop::collection::btree_map("[p-r]", data(), 0..3), changes in prop::collection::vec(change(), 1..6)) {
        let begin: Store = begin.into_iter().map(|(name, data)| (name.clone(), object(&name, &data))).collect();
        let mut store = begin.clone();
        let made: Vec<Touched> = changes.iter().filter_map(|change| change.apply(&mut store)).collect();
        let steps: Vec<_> = made.iter().map(|touched| StepEvidence { touched: vec![touched.clone()], ..StepEvidence::default() }).collect();
        let results: Vec<Value> = made.iter().map(|touched| json!({"result": {"receipts": [{"object": touched.after}]}})).collect();
        let intent = json!({"evidence": Evidence { steps, ..Evidence::default() }});
        match crate::session::way_back(&intent, &json!({"steps": results})) {
            Ok(back) => back.steps.iter().for_each(|step| walk(step, &mut store)),
            Err(reason) => prop_assert_eq!(reason, "that action changed nothing"),
        }
        prop_assert_eq!(settled(&store), settled(&begin));
    }
}
