//! `describe pod`.

use serde_json::Value;

use super::super::json::{items, text};
use super::container;
use super::report::Report;

pub(super) fn render(report: &mut Report, pod: &Value) {
    report.name(pod);
    report.field(0, "Priority", pod, "/spec/priority");
    report.field(0, "Priority Class Name", pod, "/spec/priorityClassName");
    report.field(0, "Service Account", pod, "/spec/serviceAccountName");
    let node = match (text(pod, "/spec/nodeName"), text(pod, "/status/hostIP")) {
        ("", _) => "<none>".to_owned(),
        (node, address) => format!("{node}/{address}"),
    };
    report.line(0, "Node", &node);
    report.time(0, "Start Time", pod, "/status/startTime");
    report.marks(pod);
    status(report, pod);
    report.line(0, "IP", text(pod, "/status/podIP"));
    let addresses = items(pod, "/status/podIPs");
    if addresses.is_empty() {
        report.line(0, "IPs", "<none>");
    } else {
        report.row(0, "IPs:");
    }
    for address in addresses {
        report.line(1, "IP", text(address, "/ip"));
    }
    report.controller(pod);
    container::containers(report, pod, Some(pod));
    report.conditions(pod, &[("Type", "/type"), ("Status", "/status")]);
    container::volumes(report, 0, pod);
    report.field(0, "QoS Class", pod, "/status/qosClass");
    container::scheduling(report, 0, pod);
}

/// The phase, or that the pod is being deleted, and why it is as it is.
fn status(report: &mut Report, pod: &Value) {
    match text(pod, "/metadata/deletionTimestamp") {
        "" => report.line(0, "Status", text(pod, "/status/phase")),
        since => {
            let lasts = super::super::age::age(since, report.now);
            report.line(0, "Status", &format!("Terminating (lasts {lasts})"));
            report.field(
                0,
                "Termination Grace Period",
                pod,
                "/metadata/deletionGracePeriodSeconds",
            );
        }
    }
    for (label, pointer) in [("Reason", "/status/reason"), ("Message", "/status/message")] {
        if !text(pod, pointer).is_empty() {
            report.line(0, label, text(pod, pointer));
        }
    }
}
