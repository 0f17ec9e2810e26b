//! Containers: what becomes of one that starts, and what the kubelet tells of it.

use serde_json::{Value, json};

use crate::sandbox::cluster::{Cluster, letters};
use crate::sandbox::json::{at, flag, items, name, namespace, set, text, uid};

/// The settings that a container takes from what does not exist, in the kubelet's words.
pub(super) fn missing_settings(cluster: &Cluster, pod: &Value, container: &Value) -> Option<String> {
    let sources = items(container, "/envFrom")
        .iter()
        .flat_map(|from| {
            [
                ("configmaps", at(from, "/configMapRef")),
                ("secrets", at(from, "/secretRef")),
            ]
        })
        .chain(items(container, "/env").iter().flat_map(|from| {
            [
                ("configmaps", at(from, "/valueFrom/configMapKeyRef")),
                ("secrets", at(from, "/valueFrom/secretKeyRef")),
            ]
        }));
    for (table, wanted) in sources.filter(|(_, wanted)| wanted.is_object()) {
        if flag(&wanted, "/optional") {
            continue;
        }
        let (called, key) = (text(&wanted, "/name"), text(&wanted, "/key"));
        let kind = table.trim_end_matches('s');
        let Some(found) = cluster.get(table, namespace(pod), called) else {
            return Some(format!("{kind} {called:?} not found"));
        };
        let holds = |map: &str| found.get(map).and_then(|map| map.get(key)).is_some();
        if !key.is_empty() && !holds("data") && !holds("binaryData") {
            let kind = if table == "secrets" { "Secret" } else { "ConfigMap" };
            return Some(format!(
                "couldn't find key {key} in {kind} {}/{called}",
                namespace(pod)
            ));
        }
    }
    None
}

/// What is wrong with a container, if anything is.
fn trouble<'a>(pod: &'a Value, container: &Value) -> &'a str {
    let image = text(container, "/image");
    if image.contains("missing") || image.ends_with(":broken") {
        return "image-pull";
    }
    Cluster::fault_of(pod)
}

/// The container's status a moment after its start, with its events.
pub(super) fn run(cluster: &mut Cluster, pod: &Value, container: &Value, restarts: i64, now: &str) -> Value {
    let image = text(container, "/image");
    let mut status = json!({"name": text(container, "/name"), "image": image, "imageID": "", "ready": false,
        "restartCount": restarts, "started": false, "state": {}});
    let trouble = trouble(pod, container);
    if trouble == "image-pull" {
        status["state"] = pull_fails(cluster, pod, image);
        return status;
    }
    if let Some(message) = missing_settings(cluster, pod, container) {
        let event = ("Warning", "Failed", format!("Error: {message}"));
        tell(cluster, pod, &[event]);
        status["state"] = json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}});
        return status;
    }
    let id = letters(&format!("{} {image} {restarts}", uid(pod)), 20);
    status["imageID"] = json!(format!("{image}@sandbox"));
    status["containerID"] = json!(format!("containerd://{id}"));
    tell_of_start(cluster, pod, container);
    match trouble {
        "crash-loop" => crash(cluster, pod, &mut status, "Error", 1, now),
        "oom" => crash(cluster, pod, &mut status, "OOMKilled", 137, now),
        _ => {
            let is_ready = trouble != "unready";
            status["ready"] = json!(is_ready);
            status["started"] = json!(true);
            status["state"] = json!({"running": {"startedAt": now}});
            if !is_ready {
                let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
                tell(cluster, pod, &[("Warning", "Unhealthy", message.into())]);
            }
        }
    }
    status
}

/// Tells that the image does not come; gives the container's state.
fn pull_fails(cluster: &mut Cluster, pod: &Value, image: &str) -> Value {
    let events = [
        ("Normal", "Pulling", format!("Pulling image {image:?}")),
        (
            "Warning",
            "Failed",
            format!("Failed to pull image {image:?}: not found"),
        ),
        ("Warning", "Failed", "Error: ImagePullBackOff".into()),
        ("Normal", "BackOff", format!("Back-off pulling image {image:?}")),
    ];
    tell(cluster, pod, &events);
    let message = format!(
        "Back-off pulling image {image:?}: ErrImagePull: failed to pull and unpack image {image:?}: not found"
    );
    json!({"waiting": {"reason": "ImagePullBackOff", "message": message}})
}

fn tell_of_start(cluster: &mut Cluster, pod: &Value, container: &Value) {
    let (called, image) = (text(container, "/name"), text(container, "/image"));
    let events = [
        (
            "Normal",
            "Pulled",
            format!("Container image {image:?} already present on machine"),
        ),
        ("Normal", "Created", format!("Created container: {called}")),
        ("Normal", "Started", format!("Started container {called}")),
    ];
    tell(cluster, pod, &events);
}

fn crash(cluster: &mut Cluster, pod: &Value, status: &mut Value, reason: &str, code: i64, now: &str) {
    let container = text(status, "/name").to_owned();
    let message = format!(
        "back-off 40s restarting failed container={container} pod={}_{}({})",
        name(pod),
        namespace(pod),
        uid(pod)
    );
    set(status, "/restartCount", 4);
    set(
        status,
        "/state",
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}),
    );
    let last = json!({"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now});
    set(status, "/lastState", json!({"terminated": last}));
    let message = format!(
        "Back-off restarting failed container {container} in pod {}_{}({})",
        name(pod),
        namespace(pod),
        uid(pod)
    );
    tell(cluster, pod, &[("Warning", "BackOff", message)]);
}

fn tell(cluster: &mut Cluster, pod: &Value, events: &[(&str, &str, String)]) {
    for (class, reason, message) in events {
        cluster.event(pod, "v1", "Pod", class, reason, message, "kubelet");
    }
}
