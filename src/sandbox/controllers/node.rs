//! Nodes: a machine that nobody has reported on gets a kubelet, which finds it in order.

use serde_json::{Value, json};

use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{at, ensure, items, name, set, text};

const NODES: &str = "nodes";

/// What a kubelet says of a machine on which nothing is wrong: condition, status, reason, message.
const IN_ORDER: [[&str; 4]; 4] = [
    [
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ],
    [
        "DiskPressure",
        "False",
        "KubeletHasNoDiskPressure",
        "kubelet has no disk pressure",
    ],
    [
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    ],
    ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

pub(super) fn reconcile(cluster: &mut Cluster) {
    for node in cluster.due(NODES) {
        if items(&node, "/status/conditions").is_empty() {
            let mut reported = (*node).clone();
            report(&mut reported, &cluster.timestamp());
            cluster.update(NODES, reported);
        }
    }
}

/// Fills in what a kubelet writes at its start, where the manifest does not say it.
fn report(node: &mut Value, now: &str) {
    let own = name(node).to_owned();
    // Kubelets repeat these labels under their old names.
    for label in ["os", "arch"] {
        let value = text(node, &format!("/metadata/labels/kubernetes.io~1{label}")).to_owned();
        if !value.is_empty() {
            ensure(
                node,
                &format!("/metadata/labels/beta.kubernetes.io~1{label}"),
                value,
            );
        }
    }
    let capacity = json!({"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    ensure(node, "/status/capacity", capacity);
    ensure(node, "/status/allocatable", at(node, "/status/capacity"));
    ensure(
        node,
        "/status/addresses",
        json!([{"type": "Hostname", "address": own}]),
    );
    let conditions = IN_ORDER.map(|[class, status, reason, message]| {
        json!({"type": class, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now,
            "reason": reason, "message": message})
    });
    set(node, "/status/conditions", json!(conditions));
    for (field, said) in [
        ("kubeletVersion", "v1.34.0"),
        ("kubeProxyVersion", ""),
        ("osImage", "Sandbox Linux"),
        ("kernelVersion", "6.12.0"),
        ("containerRuntimeVersion", "containerd://2.1.0"),
        ("architecture", "amd64"),
        ("operatingSystem", "linux"),
        ("machineID", &own),
        ("systemUUID", &own),
        ("bootID", &own),
    ] {
        ensure(node, &format!("/status/nodeInfo/{field}"), said);
    }
}
