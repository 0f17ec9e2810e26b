//! What counts of a cluster's state: two clusters with one view are in the same state, whatever their clocks and
//! random names say.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

/// Stands for what is made up afresh every time.
const ANY: &str = "*";

/// Of an object's metadata: different on every cluster and at every moment.
const VOLATILE: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "generateName",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
];

/// Labels whose values are hashes.
const HASHES: &[&str] = &[
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
];

/// The UIDs of all objects.
pub(super) fn uids(objects: &[Value]) -> HashSet<String> {
    objects.iter().map(|object| uid(object).to_owned()).collect()
}

/// The objects without what is volatile, in an order of their own.
///
/// Left out are status, events, revisions and their hashes, addresses and ports that the cluster chose, times, and
/// generated names. An object that is in `seed` (by its UID) keeps its name and says so: that is how a pod that was
/// deleted and made anew differs from one that was left alone.
pub(super) fn view(objects: &[Value], seed: &HashSet<String>) -> Vec<Value> {
    view_with(objects, seed, seed)
}

/// The [`view`] without the names and nodes of pods that a replica set keeps: how many of them are left of the seed
/// still counts, which of them does not.
pub(super) fn nameless(objects: &[Value], seed: &HashSet<String>) -> Vec<Value> {
    let replicas = objects.iter().filter(|object| {
        text(object, "/kind") == "Pod"
            && controller(object).is_some_and(|owner| text(owner, "/kind") == "ReplicaSet")
    });
    let replicas: HashSet<&str> = replicas.map(uid).collect();
    let named = seed.iter().filter(|uid| !replicas.contains(uid.as_str()));
    view_with(objects, seed, &named.cloned().collect())
}

/// Objects in `seed` are said to be kept; those in `named` keep names and places.
fn view_with(objects: &[Value], seed: &HashSet<String>, named: &HashSet<String>) -> Vec<Value> {
    let known: HashMap<&str, &Value> = objects.iter().map(|object| (uid(object), object)).collect();
    let names: HashMap<&str, String> = known
        .iter()
        .map(|(uid, object)| (*uid, lasting_name(object, &known, named)))
        .collect();
    let counting = objects.iter().filter(|object| !is_history(object));
    let mut all: Vec<Value> = counting
        .map(|object| lasting(object, &names, seed, named))
        .collect();
    all.sort_by_cached_key(Value::to_string);
    all
}

/// What only tells of the past: events, and the templates to roll back to.
fn is_history(object: &Value) -> bool {
    match text(object, "/kind") {
        "Event" | "ControllerRevision" => true,
        "ReplicaSet" => controller(object).is_some() && object.pointer("/spec/replicas") == Some(&json!(0)),
        _ => false,
    }
}

/// The object's name, with a star for the part that was made up.
fn lasting_name(object: &Value, known: &HashMap<&str, &Value>, seed: &HashSet<String>) -> String {
    let name = text(object, "/metadata/name");
    let made_up = match (
        text(object, "/kind"),
        controller(object).map(|owner| text(owner, "/kind")),
    ) {
        (_, Some("StatefulSet")) => false,
        ("ReplicaSet", owner) => owner.is_some(),
        _ => object.pointer("/metadata/generateName").is_some(),
    };
    if seed.contains(uid(object)) || !made_up {
        return name.to_owned();
    }
    let owner = controller(object).and_then(|owner| known.get(text(owner, "/uid")));
    match owner {
        // Only a replica set stands between a pod and what people made, so this goes no deeper than that.
        Some(owner) if text(owner, "/kind") == "ReplicaSet" && text(object, "/kind") == "Pod" => {
            format!("{}-{ANY}", lasting_name(owner, known, seed))
        }
        Some(owner) => format!("{}-{ANY}", text(owner, "/metadata/name")),
        None => format!("{}{ANY}", text(object, "/metadata/generateName")),
    }
}

fn lasting(
    object: &Value,
    names: &HashMap<&str, String>,
    seed: &HashSet<String>,
    named: &HashSet<String>,
) -> Value {
    let mut one = object.clone();
    let kept = seed.contains(uid(object));
    let leaving = object.pointer("/metadata/deletionTimestamp").is_some();
    if let Some(fields) = one.as_object_mut() {
        fields.shift_remove("status");
        fields.insert("kept".to_owned(), json!(kept));
        fields.insert("leaving".to_owned(), json!(leaving));
    }
    if let Some(metadata) = one.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in VOLATILE {
            metadata.shift_remove(*field);
        }
        metadata.insert("name".to_owned(), json!(names.get(uid(object))));
    }
    forget_choices(&mut one, named.contains(uid(object)));
    forget_identities(&mut one, names);
    one.sort_all_objects();
    one
}

/// Takes out what the cluster chose by itself.
fn forget_choices(object: &mut Value, named: bool) {
    match text(object, "/kind") {
        "Service" => forget_addresses(object),
        "Endpoints" => drop(
            object
                .as_object_mut()
                .and_then(|fields| fields.shift_remove("subsets")),
        ),
        "EndpointSlice" => drop(
            object
                .as_object_mut()
                .and_then(|fields| fields.shift_remove("endpoints")),
        ),
        "Pod" if !named => {
            drop(
                object
                    .pointer_mut("/spec")
                    .and_then(Value::as_object_mut)
                    .and_then(|spec| spec.shift_remove("nodeName")),
            );
        }
        _ => {}
    }
}

fn forget_addresses(service: &mut Value) {
    let Some(spec) = service.pointer_mut("/spec").and_then(Value::as_object_mut) else {
        return;
    };
    // A service without an address is another kind of service.
    if spec.get("clusterIP") != Some(&json!("None")) {
        spec.shift_remove("clusterIP");
        spec.shift_remove("clusterIPs");
    }
    spec.shift_remove("healthCheckNodePort");
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        drop(
            port.as_object_mut()
                .and_then(|port| port.shift_remove("nodePort")),
        );
    }
}

/// Puts lasting names for UIDs and for the names beside them, and forgets hashes, revisions and times of restarts.
fn forget_identities(value: &mut Value, names: &HashMap<&str, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| forget_identities(item, names)),
        Value::Object(fields) => forget_in(fields, names),
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                text.clone_from(name);
            }
        }
        _ => {}
    }
}

fn forget_in(fields: &mut Map<String, Value>, names: &HashMap<&str, String>) {
    let pointed_at = fields
        .get("uid")
        .and_then(Value::as_str)
        .and_then(|uid| names.get(uid));
    if let Some(name) = pointed_at.filter(|_| fields.contains_key("name")) {
        fields.insert("name".to_owned(), json!(name));
    }
    fields.retain(|key, _| {
        !key.starts_with("deployment.kubernetes.io/") && key != "deprecated.daemonset.template.generation"
    });
    for (key, value) in fields.iter_mut() {
        if value.is_string() && (HASHES.contains(&key.as_str()) || key.ends_with("/restartedAt")) {
            *value = json!(ANY);
        } else {
            forget_identities(value, names);
        }
    }
}

fn controller(object: &Value) -> Option<&Value> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something of everything that may differ between twins: a deployment, its replica set, a pod, a service.
    fn cluster(salt: &str) -> Vec<Value> {
        let metadata = |name: &str, uid: &str| {
            json!({"name": name, "namespace": "shop", "uid": format!("{uid}-{salt}"), "resourceVersion": salt,
                "creationTimestamp": format!("2026-01-01T00:00:0{salt}Z"), "generation": salt, "managedFields": [salt]})
        };
        let owned = |name: &str, uid: &str, kind: &str, owner: &str| {
            let mut metadata = metadata(&format!("{name}{salt}"), uid);
            let owner = json!({"kind": kind, "name": format!("{owner}{salt}"), "uid": format!("{owner}-{salt}"), "controller": true});
            metadata["ownerReferences"] = json!([owner]);
            metadata["generateName"] = json!(name);
            metadata["labels"] = json!({"app": "web", "pod-template-hash": salt});
            metadata
        };
        let mut deployment = json!({"kind": "Deployment", "metadata": metadata("web", "deployment"), "status": {"replicas": salt},
            "spec": {"replicas": 3, "template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": salt}}}}});
        deployment["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": salt});
        vec![
            deployment,
            json!({"kind": "ReplicaSet", "metadata": owned("web-", "set", "Deployment", "deployment"), "spec": {"replicas": 3}}),
            json!({"kind": "Pod", "metadata": owned("web-x-", "pod", "ReplicaSet", "set"), "spec": {"nodeName": salt, "containers": []}}),
            json!({"kind": "Service", "metadata": metadata("web", "service"), "spec": {"clusterIP": salt, "clusterIPs": [salt],
                "ports": [{"port": 80, "nodePort": salt}]}}),
            json!({"kind": "Event", "metadata": metadata(salt, "event"), "message": salt}),
            json!({"kind": "ControllerRevision", "metadata": metadata(salt, "revision")}),
        ]
    }

    fn fresh(objects: &[Value]) -> Vec<Value> {
        view(objects, &HashSet::new())
    }

    #[test]
    fn twins_look_the_same_whatever_their_clocks_and_names() {
        let (one, mut other) = (cluster("1"), cluster("2"));
        other.reverse();
        assert_eq!(fresh(&one), fresh(&other));
        assert_eq!(fresh(&one).len(), 4);
    }

    #[test]
    fn an_old_replica_set_does_not_count() {
        let mut with_history = cluster("1");
        let mut old = with_history[1].clone();
        old["spec"]["replicas"] = json!(0);
        old["metadata"]["uid"] = json!("old");
        with_history.push(old);
        assert_eq!(fresh(&with_history), fresh(&cluster("1")));
    }

    #[test]
    fn everything_else_counts() {
        let changes: &[(usize, &str, Value)] = &[
            (0, "/spec/replicas", json!(4)),
            (0, "/metadata/name", json!("cart")),
            (0, "/metadata/namespace", json!("blog")),
            (0, "/spec/template/metadata/annotations", json!({})),
            (0, "/metadata/annotations", json!({"owner": "me"})),
            (1, "/spec/replicas", json!(2)),
            (2, "/metadata/labels/app", json!("other")),
            (2, "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z")),
            (2, "/spec/containers", json!([{"image": "nginx:1.28"}])),
            (3, "/spec/clusterIP", json!("None")),
            (3, "/spec/ports/0/port", json!(81)),
        ];
        for (index, pointer, value) in changes {
            let mut changed = cluster("1");
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            match changed[*index].pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.insert(field.to_owned(), value.clone())),
                other => panic!("{other}"),
            }
            assert_ne!(fresh(&changed), fresh(&cluster("1")), "{pointer}");
        }
        assert_ne!(fresh(&cluster("1")[1..]), fresh(&cluster("1")));
        let mut more_pods = cluster("1");
        let mut pod = more_pods[2].clone();
        pod["metadata"]["uid"] = json!("another");
        more_pods.push(pod);
        assert_ne!(fresh(&more_pods), fresh(&cluster("1")));
    }

    #[test]
    fn which_pod_went_first_can_be_left_out() {
        let two = |salt: &str| {
            let mut objects = cluster(salt);
            let mut second = objects[2].clone();
            second["metadata"]["name"] = json!("web-x-second");
            second["metadata"]["uid"] = json!("second");
            second["spec"]["nodeName"] = json!("elsewhere");
            objects.push(second);
            objects
        };
        let both = two("1");
        let seed = uids(&both);
        let (mut without_first, mut without_second) = (both.clone(), both.clone());
        without_first.remove(2);
        without_second.remove(5 + 1);
        assert_ne!(view(&without_first, &seed), view(&without_second, &seed));
        assert_eq!(nameless(&without_first, &seed), nameless(&without_second, &seed));
        assert_ne!(nameless(&without_first, &seed), nameless(&both, &seed));
        let mut anew = both.clone();
        anew[2]["metadata"]["uid"] = json!("made-anew");
        assert_ne!(nameless(&anew, &seed), nameless(&both, &seed));
    }

    #[test]
    fn an_object_that_was_made_anew_is_not_the_one_that_was_there() {
        let before = cluster("1");
        let seed = uids(&before);
        let mut after = before.clone();
        after[2]["metadata"]["uid"] = json!("made-anew");
        assert_ne!(view(&before, &seed), view(&after, &seed));
        after[2]["metadata"]["uid"] = before[2]["metadata"]["uid"].clone();
        assert_eq!(view(&before, &seed), view(&after, &seed));
    }
}
