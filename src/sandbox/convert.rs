//! Between the version that is stored and the version that is asked for.

use serde_json::{Value, json};

use super::json::{at, ensure, integer, items, present, remove, set, text};
use super::resource::Resource;

/// The stored object as `resource`'s version shows it.
pub(super) fn outward(resource: &Resource, object: &Value) -> Value {
    let version = resource.group_version();
    if text(object, "/apiVersion") == version {
        return object.clone();
    }
    let mut shown = object.clone();
    set(&mut shown, "/apiVersion", version.clone());
    match version.as_str() {
        "autoscaling/v1" => autoscaler_outward(&mut shown),
        "events.k8s.io/v1" => event_outward(&mut shown),
        _ => {}
    }
    shown
}

/// The object, written at `resource`'s version, as it is stored.
pub(super) fn inward(resource: &Resource, mut object: Value) -> Value {
    match resource.group_version().as_str() {
        "autoscaling/v1" => {
            set(&mut object, "/apiVersion", "autoscaling/v2");
            if let Some(percent) = remove(&mut object, "/spec/targetCPUUtilizationPercentage") {
                let target = json!({"type": "Utilization", "averageUtilization": percent});
                set(
                    &mut object,
                    "/spec/metrics",
                    json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
                );
            }
        }
        "events.k8s.io/v1" => event_inward(&mut object),
        _ => {}
    }
    object
}

fn autoscaler_outward(object: &mut Value) {
    let metrics = items(object, "/spec/metrics").to_vec();
    let cpu = metrics
        .iter()
        .find(|metric| text(metric, "/resource/name") == "cpu");
    if let Some(percent) = cpu.and_then(|metric| integer(metric, "/resource/target/averageUtilization")) {
        set(object, "/spec/targetCPUUtilizationPercentage", percent);
    }
    remove(object, "/spec/metrics");
    let current = integer(
        object,
        "/status/currentMetrics/0/resource/current/averageUtilization",
    );
    if let Some(percent) = current {
        set(object, "/status/currentCPUUtilizationPercentage", percent);
    }
    remove(object, "/status/currentMetrics");
    remove(object, "/status/conditions");
}

const EVENT_FIELDS: [(&str, &str); 6] = [
    ("/involvedObject", "/regarding"),
    ("/message", "/note"),
    ("/source", "/deprecatedSource"),
    ("/firstTimestamp", "/deprecatedFirstTimestamp"),
    ("/lastTimestamp", "/deprecatedLastTimestamp"),
    ("/count", "/deprecatedCount"),
];

fn event_outward(object: &mut Value) {
    for (core, new) in EVENT_FIELDS {
        if let Some(value) = remove(object, core) {
            set(object, new, value);
        }
    }
    if let Some(component) = remove(object, "/reportingComponent") {
        set(object, "/reportingController", component);
    }
}

fn event_inward(object: &mut Value) {
    set(object, "/apiVersion", "v1");
    for (core, new) in EVENT_FIELDS {
        if let Some(value) = remove(object, new) {
            set(object, core, value);
        }
    }
    if let Some(component) = remove(object, "/reportingController") {
        set(object, "/reportingComponent", component);
    }
    if !present(object, "/involvedObject") {
        let place = at(object, "/metadata/namespace");
        ensure(object, "/involvedObject/namespace", place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::resource::built_in;

    #[test]
    fn autoscalers_go_there_and_back() {
        let of = |version: &str| {
            let fits = |one: &&std::sync::Arc<Resource>| {
                one.plural == "horizontalpodautoscalers" && one.version == version
            };
            built_in().iter().find(fits).unwrap().clone()
        };
        let old = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
            "spec": {"maxReplicas": 5, "targetCPUUtilizationPercentage": 70}});
        let stored = inward(&of("v1"), old.clone());
        assert_eq!(
            stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"],
            70
        );
        assert_eq!(outward(&of("v2"), &stored), stored);
        assert_eq!(outward(&of("v1"), &stored), old);
    }
}
