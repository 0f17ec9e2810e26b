//! `describe node`.

use serde_json::Value;

use super::super::age::age;
use super::super::json::{entries, items, or_none, quantity, text, word};
use super::super::quantity::{bytes, millicores, percent};
use super::Related;
use super::report::Report;

const MIB: i64 = 1024 * 1024;

pub(super) fn render(report: &mut Report, node: &Value, related: &Related) {
    report.name(node);
    report.line(0, "Roles", &roles(node));
    report.marks(node);
    report.time(0, "CreationTimestamp", node, "/metadata/creationTimestamp");
    let taints: Vec<String> = items(node, "/spec/taints").iter().map(taint).collect();
    report.line(0, "Taints", &or_none(taints.join("\n")));
    let closed = node.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
    report.line(0, "Unschedulable", &closed.to_string());
    report.conditions(
        node,
        &[
            ("Type", "/type"),
            ("Status", "/status"),
            ("LastHeartbeatTime", "/lastHeartbeatTime"),
            ("LastTransitionTime", "/lastTransitionTime"),
            ("Reason", "/reason"),
            ("Message", "/message"),
        ],
    );
    report.row(0, "Addresses:");
    for address in items(node, "/status/addresses") {
        report.line(1, text(address, "/type"), text(address, "/address"));
    }
    for (label, map) in [
        ("Capacity:", "/status/capacity"),
        ("Allocatable:", "/status/allocatable"),
    ] {
        report.row(0, label);
        for (name, amount) in entries(node, map) {
            report.line(1, name, &word(amount));
        }
    }
    system(report, node);
    report.field(0, "PodCIDR", node, "/spec/podCIDR");
    let running: Vec<&Value> = related.pods.iter().filter(|pod| is_running(pod)).collect();
    pods(report, node, &running);
    totals(report, node, &running);
}

fn roles(node: &Value) -> String {
    let roles = entries(node, "/metadata/labels");
    let roles = roles
        .iter()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
    or_none(roles.collect::<Vec<_>>().join(","))
}

fn taint(taint: &Value) -> String {
    let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
    match value {
        "" => format!("{key}:{effect}"),
        value => format!("{key}={value}:{effect}"),
    }
}

fn system(report: &mut Report, node: &Value) {
    report.row(0, "System Info:");
    for (label, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        report.field(1, label, node, &format!("/status/nodeInfo/{field}"));
    }
}

fn is_running(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// What a pod asks for or may use, in thousandths of a core and in bytes.
fn asked(pod: &Value, what: &str) -> (i64, i64) {
    let sum = |resource: &str, read: fn(&str) -> i64| -> i64 {
        items(pod, "/spec/containers")
            .iter()
            .map(|container| read(&quantity(container, &format!("/resources/{what}/{resource}"))))
            .sum()
    };
    (sum("cpu", millicores), sum("memory", bytes))
}

fn pods(report: &mut Report, node: &Value, pods: &[&Value]) {
    report.line(0, "Non-terminated Pods", &format!("({} in total)", pods.len()));
    let titles = [
        "Namespace",
        "Name",
        "CPU Requests",
        "CPU Limits",
        "Memory Requests",
        "Memory Limits",
        "Age",
    ];
    report.row(1, &titles.join("\t"));
    report.row(1, &titles.map(|title| "-".repeat(title.len())).join("\t"));
    for pod in pods {
        let (requests, limits) = (asked(pod, "requests"), asked(pod, "limits"));
        let cells = [
            text(pod, "/metadata/namespace").to_owned(),
            text(pod, "/metadata/name").to_owned(),
            cpu_share(node, requests.0),
            cpu_share(node, limits.0),
            memory_share(node, requests.1),
            memory_share(node, limits.1),
            age(text(pod, "/metadata/creationTimestamp"), report.now),
        ];
        report.row(1, &cells.join("\t"));
    }
}

fn totals(report: &mut Report, node: &Value, pods: &[&Value]) {
    let total = |what: &str| {
        pods.iter()
            .map(|pod| asked(pod, what))
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let (requests, limits) = (total("requests"), total("limits"));
    report.row(0, "Allocated resources:");
    report.row(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
    report.row(1, "Resource\tRequests\tLimits");
    report.row(1, "--------\t--------\t------");
    let (asked, allowed) = (cpu_share(node, requests.0), cpu_share(node, limits.0));
    report.row(1, &format!("cpu\t{asked}\t{allowed}"));
    let (asked, allowed) = (memory_share(node, requests.1), memory_share(node, limits.1));
    report.row(1, &format!("memory\t{asked}\t{allowed}"));
}

fn cpu_share(node: &Value, part: i64) -> String {
    let whole = millicores(&quantity(node, "/status/allocatable/cpu"));
    let shown = if part % 1000 == 0 {
        (part / 1000).to_string()
    } else {
        format!("{part}m")
    };
    format!("{shown} ({}%)", percent(part, whole))
}

fn memory_share(node: &Value, part: i64) -> String {
    let whole = bytes(&quantity(node, "/status/allocatable/memory"));
    let shown = if part == 0 {
        "0".to_owned()
    } else {
        format!("{}Mi", part / MIB)
    };
    format!("{shown} ({}%)", percent(part, whole))
}
