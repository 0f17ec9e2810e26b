//! Pods: placed on a node, started a moment later, failing where they are made to fail.

use serde_json::{Value, json};

use super::container::{missing_settings, run};
use super::{is_ready, schedule, set_condition};
use crate::sandbox::cluster::{Cluster, Due};
use crate::sandbox::defaults;
use crate::sandbox::json::{
    at, count, ensure, integer, is_terminating, items, name, namespace, present, set, text, uid,
};
use crate::sandbox::quota;
use crate::sandbox::resource;

const TABLE: &str = "pods";

/// Stores a controller's pod with the defaults that the API would give it; in the API's words, why it does not.
pub(super) fn create(cluster: &mut Cluster, mut pod: Value) -> Result<(), String> {
    if let Some(pods) = resource::built_in().iter().find(|one| one.qualified() == TABLE) {
        quota::fill(cluster, pods, &mut pod);
        defaults::apply(cluster, pods, &mut pod);
        quota::check(cluster, pods, &pod).map_err(|error| error.message)?;
    }
    cluster.create(TABLE, pod);
    Ok(())
}

/// Creates an owner's pod and tells of it. False if the API refused it, which the owner's events tell once.
pub(super) fn create_for(cluster: &mut Cluster, pod: Value, owner: &Value, component: &str) -> bool {
    let (version, kind) = (
        text(owner, "/apiVersion").to_owned(),
        text(owner, "/kind").to_owned(),
    );
    let called = name(&pod).to_owned();
    match create(cluster, pod) {
        Ok(()) => {
            let message = match kind.as_str() {
                "StatefulSet" => format!("create Pod {called} in StatefulSet {} successful", name(owner)),
                _ => format!("Created pod: {called}"),
            };
            cluster.event(
                owner,
                &version,
                &kind,
                "Normal",
                "SuccessfulCreate",
                &message,
                component,
            );
            true
        }
        Err(why) => {
            // The name in the message is another one each time; once told is enough.
            if !is_refused(cluster, owner) {
                let message = format!("Error creating: {why}");
                cluster.event(
                    owner,
                    &version,
                    &kind,
                    "Warning",
                    "FailedCreate",
                    &message,
                    component,
                );
            }
            false
        }
    }
}

/// True if an event tells already that the owner gets no pods.
fn is_refused(cluster: &Cluster, owner: &Value) -> bool {
    cluster
        .store
        .list("events", Some(namespace(owner)))
        .iter()
        .any(|event| {
            text(event, "/reason") == "FailedCreate" && text(event, "/involvedObject/uid") == uid(owner)
        })
}

pub(super) fn reconcile(cluster: &mut Cluster) {
    let mut room = None;
    for pod in cluster.store.unplaced() {
        let is_ours = matches!(text(&pod, "/spec/schedulerName"), "" | "default-scheduler");
        if is_ours && !is_terminating(&pod) {
            // Room elsewhere may have been made for it.
            let room = room.get_or_insert_with(|| schedule::Room::of(cluster));
            place(cluster, room, &pod);
        }
    }
    for pod in cluster.due(TABLE) {
        if is_terminating(&pod) || !present(&pod, "/spec/nodeName") {
            continue;
        }
        if cluster.get("nodes", "", text(&pod, "/spec/nodeName")).is_none() {
            cluster.store.remove(TABLE, namespace(&pod), name(&pod));
        } else if !present(&pod, "/status/startTime") {
            accept(cluster, &pod);
        } else if has_new_image(&pod) {
            restart(cluster, &pod);
        } else if lacked_settings(&pod)
            && items(&pod, "/spec/containers")
                .iter()
                .all(|container| missing_settings(cluster, &pod, container).is_none())
        {
            start(cluster, namespace(&pod), name(&pod), uid(&pod));
        }
    }
}

fn place(cluster: &mut Cluster, room: &mut schedule::Room, pod: &Value) {
    let now = cluster.timestamp();
    let mut placed = pod.clone();
    match room.choose(cluster, pod) {
        Ok(node) => {
            let message = format!("Successfully assigned {}/{} to {node}", namespace(pod), name(pod));
            set(&mut placed, "/spec/nodeName", node);
            cluster.event(
                pod,
                "v1",
                "Pod",
                "Normal",
                "Scheduled",
                &message,
                "default-scheduler",
            );
        }
        Err(why) => {
            let before = at(&placed, "/status/conditions");
            set_condition(&mut placed, "PodScheduled", "False", "Unschedulable", &why, &now);
            if at(&placed, "/status/conditions") != before {
                cluster.event(
                    pod,
                    "v1",
                    "Pod",
                    "Warning",
                    "FailedScheduling",
                    &why,
                    "default-scheduler",
                );
            }
        }
    }
    cluster.update(TABLE, placed);
}

/// The kubelet takes the pod on.
fn accept(cluster: &mut Cluster, pod: &Value) {
    let now = cluster.timestamp();
    let mut taken = pod.clone();
    set(&mut taken, "/status/startTime", now.clone());
    set_condition(&mut taken, "PodScheduled", "True", "", "", &now);
    set_condition(&mut taken, "Initialized", "True", "", "", &now);
    for class in ["ContainersReady", "Ready"] {
        set_condition(
            &mut taken,
            class,
            "False",
            "ContainersNotReady",
            &unready_message(pod),
            &now,
        );
    }
    let node = cluster.get("nodes", "", text(pod, "/spec/nodeName"));
    let address = node.map(|node| node_address(&node)).unwrap_or_default();
    set(&mut taken, "/status/hostIP", address);
    let waiting = |container: &Value| {
        json!({"name": text(container, "/name"), "image": text(container, "/image"), "imageID": "", "ready": false,
            "restartCount": 0, "started": false, "state": {"waiting": {"reason": "ContainerCreating"}}})
    };
    let statuses: Vec<Value> = items(pod, "/spec/containers").iter().map(waiting).collect();
    set(&mut taken, "/status/containerStatuses", statuses);
    cluster.update(TABLE, taken);
    cluster.after_steps(
        1,
        Due::PodStart {
            namespace: namespace(pod).into(),
            name: name(pod).into(),
            uid: uid(pod).into(),
        },
    );
}

fn node_address(node: &Value) -> String {
    let addresses = items(node, "/status/addresses").iter();
    let internal = addresses
        .into_iter()
        .find(|one| text(one, "/type") == "InternalIP");
    internal.map_or("", |one| text(one, "/address")).to_owned()
}

fn unready_message(pod: &Value) -> String {
    let names: Vec<&str> = items(pod, "/spec/containers")
        .iter()
        .map(|one| text(one, "/name"))
        .collect();
    format!("containers with unready status: [{}]", names.join(" "))
}

fn has_new_image(pod: &Value) -> bool {
    let statuses = items(pod, "/status/containerStatuses");
    text(pod, "/status/phase") == "Running"
        && items(pod, "/spec/containers").iter().any(|container| {
            let status = statuses
                .iter()
                .find(|one| text(one, "/name") == text(container, "/name"));
            status.is_some_and(|status| text(status, "/image") != text(container, "/image"))
        })
}

fn lacked_settings(pod: &Value) -> bool {
    items(pod, "/status/containerStatuses")
        .iter()
        .any(|one| text(one, "/state/waiting/reason") == "CreateContainerConfigError")
}

/// A container whose image changed in place starts over.
fn restart(cluster: &mut Cluster, pod: &Value) {
    let mut changed = pod.clone();
    let wanted: Vec<(String, String)> = items(pod, "/spec/containers")
        .iter()
        .map(|one| (text(one, "/name").to_owned(), text(one, "/image").to_owned()))
        .collect();
    for status in crate::sandbox::json::items_mut(&mut changed, "/status/containerStatuses") {
        let image = wanted
            .iter()
            .find(|(name, _)| name == text(status, "/name"))
            .map(|(_, image)| image.clone());
        if let Some(image) = image.filter(|image| image != text(status, "/image")) {
            set(status, "/image", image);
            let restarts = count(status, "/restartCount") + 1;
            set(status, "/restartCount", restarts);
        }
    }
    cluster.update(TABLE, changed);
    cluster.after_steps(
        1,
        Due::PodStart {
            namespace: namespace(pod).into(),
            name: name(pod).into(),
            uid: uid(pod).into(),
        },
    );
}

fn find(cluster: &Cluster, namespace: &str, name: &str, id: &str) -> Option<Value> {
    let pod = cluster.get(TABLE, namespace, name)?;
    (uid(&pod) == id).then(|| (*pod).clone())
}

/// The containers come up, or fail.
pub(super) fn start(cluster: &mut Cluster, namespace: &str, pod_name: &str, id: &str) {
    let Some(mut pod) = find(cluster, namespace, pod_name, id).filter(|pod| !is_terminating(pod)) else {
        return;
    };
    let now = cluster.timestamp();
    give_address(cluster, &mut pod);
    let containers = items(&pod, "/spec/containers").to_vec();
    let mut statuses = Vec::new();
    for container in &containers {
        let before = items(&pod, "/status/containerStatuses")
            .iter()
            .find(|one| text(one, "/name") == text(container, "/name"));
        let restarts = before.map_or(0, |one| count(one, "/restartCount"));
        statuses.push(run(cluster, &pod, container, restarts, &now));
    }
    let is_pulled = statuses
        .iter()
        .any(|one| !present(one, "/state/waiting") || present(one, "/lastState/terminated"));
    let all_ready = statuses
        .iter()
        .all(|one| crate::sandbox::json::flag(one, "/ready"));
    let is_job = is_of_job(&pod);
    if is_job
        && text(&pod, "/spec/restartPolicy") == "Never"
        && statuses.iter().any(|one| present(one, "/lastState/terminated"))
    {
        fail(&mut pod, &statuses, &now);
    } else {
        set(
            &mut pod,
            "/status/phase",
            if is_pulled { "Running" } else { "Pending" },
        );
        set(&mut pod, "/status/containerStatuses", statuses);
        start_init(&mut pod, &now);
        let (status, reason, message) = if all_ready {
            ("True", "", String::new())
        } else {
            ("False", "ContainersNotReady", unready_message(&pod))
        };
        for class in ["ContainersReady", "Ready"] {
            set_condition(&mut pod, class, status, reason, &message, &now);
        }
    }
    cluster.update(TABLE, pod);
    if is_job && all_ready {
        let due = Due::PodFinish {
            namespace: namespace.into(),
            name: pod_name.into(),
            uid: id.into(),
        };
        cluster.after_steps(2, due);
    }
}

fn start_init(pod: &mut Value, now: &str) {
    let done = |container: &Value| {
        json!({"name": text(container, "/name"), "image": text(container, "/image"), "imageID": "", "ready": true,
            "restartCount": 0, "started": false,
            "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}})
    };
    let statuses: Vec<Value> = items(pod, "/spec/initContainers").iter().map(done).collect();
    if !statuses.is_empty() {
        set(pod, "/status/initContainerStatuses", statuses);
    }
}

fn is_of_job(pod: &Value) -> bool {
    items(pod, "/metadata/ownerReferences")
        .iter()
        .any(|owner| text(owner, "/kind") == "Job")
}

/// A container that exits with an error takes its job's pod with it.
fn fail(pod: &mut Value, statuses: &[Value], now: &str) {
    set(pod, "/status/phase", "Failed");
    let ended = statuses.iter().map(|status| {
        let mut status = status.clone();
        let last = at(&status, "/lastState/terminated");
        set(&mut status, "/state", json!({"terminated": last}));
        set(&mut status, "/restartCount", 0);
        status
    });
    let ended: Vec<Value> = ended.collect();
    set(pod, "/status/containerStatuses", ended);
    for class in ["ContainersReady", "Ready"] {
        set_condition(pod, class, "False", "PodFailed", "", now);
    }
}

fn give_address(cluster: &mut Cluster, pod: &mut Value) {
    if present(pod, "/status/podIP") {
        return;
    }
    let node = text(pod, "/spec/nodeName").to_owned();
    let nodes = cluster.store.list("nodes", None);
    let third = nodes.iter().position(|one| name(one) == node).unwrap_or(0) + 1;
    let serial = cluster.serial(&format!("addresses of {node}"));
    let address = format!(
        "10.244.{}.{}",
        (third as u64 + serial / 250 * 16) % 256,
        serial % 250 + 2
    );
    set(pod, "/status/podIP", address.clone());
    set(pod, "/status/podIPs", json!([{"ip": address}]));
}

/// A job's containers are done.
pub(super) fn finish(cluster: &mut Cluster, namespace: &str, pod_name: &str, id: &str) {
    let Some(mut pod) =
        find(cluster, namespace, pod_name, id).filter(|pod| is_ready(pod) && !is_terminating(pod))
    else {
        return;
    };
    let now = cluster.timestamp();
    set(&mut pod, "/status/phase", "Succeeded");
    for status in crate::sandbox::json::items_mut(&mut pod, "/status/containerStatuses") {
        let started = at(status, "/state/running/startedAt");
        let ended = json!({"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": now});
        set(status, "/state", json!({"terminated": ended}));
        set(status, "/ready", false);
        set(status, "/started", false);
    }
    for class in ["ContainersReady", "Ready"] {
        set_condition(&mut pod, class, "False", "PodCompleted", "", &now);
    }
    cluster.update(TABLE, pod);
}

/// The grace period is over. Finalizers hold the pod a while longer.
pub(super) fn end(cluster: &mut Cluster, namespace: &str, pod_name: &str, id: &str) {
    let Some(mut pod) = find(cluster, namespace, pod_name, id) else {
        return;
    };
    if items(&pod, "/metadata/finalizers").is_empty() {
        cluster.store.remove(TABLE, namespace, pod_name);
        return;
    }
    if integer(&pod, "/metadata/deletionGracePeriodSeconds") != Some(0) {
        set(&mut pod, "/metadata/deletionGracePeriodSeconds", 0);
        ensure(&mut pod, "/status/phase", "Failed");
        cluster.update(TABLE, pod);
    }
}
