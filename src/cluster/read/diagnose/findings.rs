//! What evidence shows: one line a problem, in plain words.

use serde_json::Value;

use super::super::describe;
use super::super::json::{condition, container_status, items, number, text, word};
use super::super::pods::is_ready;
use super::evidence::{Backend, Claim, Evidence};

/// Problems, worst known first: the object's own, then its pods', then what they need, then what leads to them.
pub(super) fn of(evidence: &Evidence) -> Vec<String> {
    let mut found = of_object(evidence);
    if evidence.kind != "node" {
        found.extend(evidence.pods.iter().flat_map(of_pod));
    }
    found.extend(evidence.claims.iter().filter_map(of_claim));
    found.extend(
        evidence
            .backends
            .iter()
            .flat_map(|backend| of_backend(backend, evidence)),
    );
    let mut seen = std::collections::HashSet::new();
    found.retain(|line| seen.insert(line.clone()));
    found
}

fn of_object(evidence: &Evidence) -> Vec<String> {
    let object = &evidence.object;
    let name = text(object, "/metadata/name");
    let named = format!("{} {name}", evidence.kind);
    let mut found: Vec<String> = items(object, "/status/conditions")
        .iter()
        .filter(|condition| evidence.kind != "pod" && is_bad(&evidence.kind, condition))
        .map(|condition| format!("{named}: {}", told(condition)))
        .collect();
    if matches!(
        evidence.kind.as_str(),
        "deployment" | "statefulset" | "replicaset"
    ) {
        let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64);
        if wanted == Some(0) {
            found.push(format!("{named}: is scaled to 0, so it has no pods"));
        }
        let missing = wanted.unwrap_or(1) - i64::try_from(evidence.pods.len()).unwrap_or(i64::MAX);
        if missing > 0 {
            found.push(format!("{named}: {missing} of its pods do not exist"));
        }
    }
    for (place, what) in [
        ("/spec/paused", "is paused, so changes do not roll out"),
        ("/spec/suspend", "is suspended, so it starts nothing"),
        ("/spec/unschedulable", "is cordoned, so it takes no new pods"),
    ] {
        if object.pointer(place) == Some(&Value::Bool(true)) {
            found.push(format!("{named}: {what}"));
        }
    }
    if evidence.kind != "pod" && !text(object, "/metadata/deletionTimestamp").is_empty() {
        found.push(format!("{named}: is being deleted"));
    }
    found
}

/// Whether a condition tells of a problem: those that should be false are known by name, the others should be true.
fn is_bad(kind: &str, condition: &Value) -> bool {
    let (class, status) = (text(condition, "/type"), text(condition, "/status"));
    let should_be_false = class.ends_with("Pressure")
        || class.ends_with("Unavailable")
        || matches!(
            class,
            "Failed" | "FailureTarget" | "ReplicaFailure" | "ScalingLimited" | "Suspended" | "Resizing"
        );
    let passes_by = matches!(
        class,
        "Complete" | "SuccessCriteriaMet" | "ScalingLimited" | "Resizing" | "FileSystemResizePending"
    );
    match class {
        _ if passes_by && kind != "node" => false,
        _ if should_be_false => status == "True",
        _ => status == "False" || (kind == "node" && status == "Unknown"),
    }
}

fn told(condition: &Value) -> String {
    let (class, status) = (text(condition, "/type"), text(condition, "/status"));
    let (reason, message) = (text(condition, "/reason"), text(condition, "/message"));
    let why = if message.is_empty() { reason } else { message };
    let reason = if message.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    };
    format!("condition {class} is {status}: {why}{reason}")
}

fn of_pod(pod: &Value) -> Vec<String> {
    let named = format!("pod {}", text(pod, "/metadata/name"));
    let mut found = Vec::new();
    if !text(pod, "/metadata/deletionTimestamp").is_empty() {
        found.push(format!("{named}: is being deleted"));
    }
    if let Some(scheduled) = condition(pod, "PodScheduled")
        && text(scheduled, "/status") == "False"
    {
        let why = text(scheduled, "/message");
        found.push(format!("{named}: no node takes it: {why}"));
    }
    if text(pod, "/status/phase") == "Failed" {
        let (reason, message) = (text(pod, "/status/reason"), text(pod, "/status/message"));
        let why = [reason, message].join(" ");
        found.push(format!("{named}: failed {}", why.trim()).trim_end().to_owned());
    }
    for container in ["/spec/initContainers", "/spec/containers"]
        .iter()
        .flat_map(|list| items(pod, list))
    {
        let status = container_status(pod, text(container, "/name"));
        let problem = status.and_then(|status| of_container(pod, container, status));
        found.extend(
            problem.map(|problem| format!("{named}: container {} {problem}", text(container, "/name"))),
        );
    }
    found
}

/// What is wrong with a container, if anything.
fn of_container(pod: &Value, container: &Value, status: &Value) -> Option<String> {
    let restarts = number(status, "/restartCount");
    let waiting = text(status, "/state/waiting/reason");
    let message = text(status, "/state/waiting/message");
    match waiting {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            let image = text(container, "/image");
            return Some(format!("cannot pull image `{image}` ({waiting})"));
        }
        "CrashLoopBackOff" => {
            let end = ended(container, &status["lastState"]["terminated"]);
            return Some(format!(
                "keeps ending and being started again, {restarts} times so far: {end}"
            ));
        }
        "" | "ContainerCreating" | "PodInitializing" => {}
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            return Some(format!("cannot be started: {message} ({waiting})"));
        }
        other => return Some(format!("is waiting: {message} ({other})")),
    }
    let terminated = &status["state"]["terminated"];
    if terminated.is_object() && number(terminated, "/exitCode") != 0 {
        return Some(format!("has ended: {}", ended(container, terminated)));
    }
    let last = &status["lastState"]["terminated"];
    if last.is_object() && number(last, "/exitCode") != 0 {
        let end = ended(container, last);
        return Some(format!(
            "was started again {restarts} times, the last time because it {end}"
        ));
    }
    let running = status.pointer("/state/running").is_some();
    let is_init = items(pod, "/spec/initContainers").contains(container);
    let unready = status.get("ready") == Some(&Value::Bool(false));
    if running && unready && !is_init {
        let probe = if container.get("readinessProbe").is_some() {
            ", its readiness probe fails"
        } else {
            ""
        };
        return Some(format!("is running but not ready{probe}"));
    }
    None
}

/// How a container ended.
fn ended(container: &Value, terminated: &Value) -> String {
    let code = number(terminated, "/exitCode");
    match text(terminated, "/reason") {
        "OOMKilled" => {
            let limit = container
                .pointer("/resources/limits/memory")
                .map_or_else(|| "none".to_owned(), word);
            format!(
                "was killed for using more memory than it may (OOMKilled, exit code {code}, limit {limit})"
            )
        }
        "" if terminated.is_null() => "ended for a reason that is not known".to_owned(),
        "" | "Error" => format!("ended with exit code {code}"),
        reason => format!("ended with exit code {code} ({reason})"),
    }
}

fn of_claim(claim: &Claim) -> Option<String> {
    let named = format!("persistentvolumeclaim {}", claim.name);
    match &claim.object {
        None => Some(format!("{named}: does not exist")),
        Some(object) => match text(object, "/status/phase") {
            "Bound" => None,
            phase => Some(format!("{named}: is {phase}, not Bound")),
        },
    }
}

fn of_backend(backend: &Backend, evidence: &Evidence) -> Vec<String> {
    let named = format!("service {}", backend.name);
    let Some(service) = &backend.object else {
        return vec![format!("{named}: does not exist")];
    };
    let has_selector = service
        .pointer("/spec/selector")
        .and_then(Value::as_object)
        .is_some_and(|labels| !labels.is_empty());
    if !has_selector {
        return Vec::new();
    }
    let ports = items(service, "/spec/ports");
    let reaches = |port: &Value| !describe::endpoints(&backend.slices, text(port, "/name")).is_empty();
    let mut found = Vec::new();
    if evidence.kind == "service" && evidence.pods.is_empty() {
        found.push(format!("{named}: its selector matches no pod"));
    } else if !ports.iter().any(reaches) && !wants_no_pods(evidence) {
        found.push(format!(
            "{named}: leads to no ready pod, so nothing answers on it"
        ));
    }
    let names_of = |pod: &Value, name: &str| {
        items(pod, "/spec/containers")
            .iter()
            .flat_map(|container| items(container, "/ports"))
            .any(|port| text(port, "/name") == name)
    };
    for name in ports.iter().filter_map(|port| port.get("targetPort")?.as_str()) {
        if !evidence.pods.is_empty() && !evidence.pods.iter().any(|pod| names_of(pod, name)) {
            found.push(format!(
                "{named}: its target port `{name}` is no port of its pods"
            ));
        }
    }
    found
}

/// An object at zero replicas has its own line; that its service leads nowhere follows.
fn wants_no_pods(evidence: &Evidence) -> bool {
    number(&evidence.object, "/spec/replicas") == 0 && evidence.object.pointer("/spec/replicas").is_some()
}

/// How many pods are ready, of those that should be.
pub(super) fn readiness(pods: &[Value]) -> (usize, usize) {
    let lasting = pods
        .iter()
        .filter(|pod| text(pod, "/status/phase") != "Succeeded");
    let ready = lasting.clone().filter(|pod| is_ready(pod)).count();
    (ready, lasting.count())
}
