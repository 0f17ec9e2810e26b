//! Endpoints and endpoint slices of services, and the status of custom resource definitions.

use serde_json::{Value, json};

use super::is_ready;
use crate::sandbox::cluster::{Cluster, own};
use crate::sandbox::json::{at, entries, is_terminating, items, name, namespace, present, set, text};
use crate::sandbox::selector::Labels;

pub(super) fn reconcile(cluster: &mut Cluster) {
    for service in cluster.due("services") {
        if entries(&service, "/spec/selector").is_some_and(|selector| !selector.is_empty()) {
            publish(cluster, &service);
        }
    }
    for endpoints in cluster.due("endpoints") {
        if cluster
            .get("services", namespace(&endpoints), name(&endpoints))
            .is_none()
        {
            cluster
                .store
                .remove("endpoints", namespace(&endpoints), name(&endpoints));
        }
    }
    for definition in cluster.due("customresourcedefinitions.apiextensions.k8s.io") {
        establish(cluster, &definition);
    }
}

fn target_port(service_port: &Value, pod: &Value) -> Value {
    let target = at(service_port, "/targetPort");
    let Some(wanted) = target.as_str() else {
        return target;
    };
    let mut ports = items(pod, "/spec/containers")
        .iter()
        .flat_map(|container| items(container, "/ports"));
    ports
        .find(|port| text(port, "/name") == wanted)
        .map_or(Value::Null, |port| at(port, "/containerPort"))
}

fn publish(cluster: &mut Cluster, service: &Value) {
    let selector = Labels::from_map(entries(service, "/spec/selector"));
    let mut pods = cluster.store.list("pods", Some(namespace(service)));
    pods.retain(|pod| selector.matches(pod) && !is_terminating(pod) && present(pod, "/status/podIP"));
    let address = |pod: &Value| {
        json!({"ip": text(pod, "/status/podIP"), "nodeName": text(pod, "/spec/nodeName"),
            "targetRef": {"kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": at(pod, "/metadata/uid")}})
    };
    let (ready, waiting): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| is_ready(pod));
    let ports: Vec<Value> = items(service, "/spec/ports")
        .iter()
        .map(|port| {
            let number = pods
                .first()
                .map_or_else(|| at(port, "/targetPort"), |pod| target_port(port, pod));
            let mut made = json!({"port": number, "protocol": text(port, "/protocol")});
            if present(port, "/name") {
                made["name"] = at(port, "/name");
            }
            made
        })
        .collect();
    let mut subset = json!({});
    for (field, list) in [("addresses", &ready), ("notReadyAddresses", &waiting)] {
        if !list.is_empty() {
            subset[field] = list.iter().map(|pod| address(pod)).collect();
        }
    }
    let subsets = if pods.is_empty() {
        json!([])
    } else {
        subset["ports"] = json!(ports);
        json!([subset])
    };
    let labels = at(service, "/metadata/labels");
    let mut endpoints = json!({"apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": name(service), "namespace": namespace(service)}, "subsets": subsets});
    if labels.is_object() {
        set(&mut endpoints, "/metadata/labels", labels.clone());
    }
    upsert(cluster, "endpoints", endpoints);
    let slice = slice(service, &pods, &ports);
    upsert(cluster, "endpointslices.discovery.k8s.io", slice);
}

fn slice(service: &Value, pods: &[std::sync::Arc<Value>], ports: &[Value]) -> Value {
    let endpoint = |pod: &Value| {
        let ready = is_ready(pod);
        json!({"addresses": [text(pod, "/status/podIP")],
            "conditions": {"ready": ready, "serving": ready, "terminating": false},
            "nodeName": text(pod, "/spec/nodeName"),
            "targetRef": {"kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": at(pod, "/metadata/uid")}})
    };
    let endpoints: Vec<Value> = pods.iter().map(|pod| endpoint(pod)).collect();
    let suffix = crate::sandbox::cluster::letters(&format!("slice {}", text(service, "/metadata/uid")), 5);
    let mut slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": format!("{}-{suffix}", name(service)), "namespace": namespace(service),
            "labels": {"kubernetes.io/service-name": name(service),
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
    own(&mut slice, service, "v1", "Service");
    slice
}

/// Creates the object, or replaces all but its metadata.
fn upsert(cluster: &mut Cluster, table: &str, object: Value) {
    match cluster.get(table, namespace(&object), name(&object)) {
        None => {
            cluster.create(table, object);
        }
        Some(stored) => {
            let mut object = object;
            set(&mut object, "/metadata", at(&stored, "/metadata"));
            cluster.update(table, object);
        }
    }
}

fn establish(cluster: &mut Cluster, definition: &Value) {
    if present(definition, "/status/conditions") {
        return;
    }
    let now = cluster.timestamp();
    let mut object = definition.clone();
    for (class, reason, message) in [
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        (
            "Established",
            "InitialNamesAccepted",
            "the initial names have been accepted",
        ),
    ] {
        super::set_condition(&mut object, class, "True", reason, message, &now);
    }
    set(
        &mut object,
        "/status/acceptedNames",
        at(definition, "/spec/names"),
    );
    let stored: Vec<Value> = items(definition, "/spec/versions")
        .iter()
        .map(|one| at(one, "/name"))
        .collect();
    set(&mut object, "/status/storedVersions", stored);
    cluster.update("customresourcedefinitions.apiextensions.k8s.io", object);
}
