//! Containers, their states and volumes, and the pod templates that hold them.

use serde_json::Value;

use super::super::json::{container_status, entries, items, number, or_none, text, word};
use super::report::Report;
use crate::plan::printable::printable;

/// A pod template, indented by one level.
pub(super) fn template(report: &mut Report, template: &Value) {
    report.row(0, "Pod Template:");
    report.labels(1, template);
    if !entries(template, "/metadata/annotations").is_empty() {
        report.annotations(1, template);
    }
    report.field(1, "Service Account", template, "/spec/serviceAccountName");
    containers(report, template, None);
    volumes(report, 1, template);
    scheduling(report, 1, template);
}

/// Init containers and containers of a pod, with their states, or of a template, without.
pub(super) fn containers(report: &mut Report, object: &Value, pod: Option<&Value>) {
    let level = usize::from(pod.is_none());
    let kinds = [
        ("Init Containers:", "/spec/initContainers"),
        ("Containers:", "/spec/containers"),
    ];
    for (title, list) in kinds {
        if items(object, list).is_empty() {
            continue;
        }
        report.row(level, title);
        for container in items(object, list) {
            // kubectl sets the name of a template's container one space in.
            let indent = if pod.is_none() { " " } else { "" };
            report.row(1, &format!("{indent}{}:", text(container, "/name")));
            let status = pod.and_then(|pod| container_status(pod, text(container, "/name")));
            one(report, container, status);
        }
    }
}

fn one(report: &mut Report, container: &Value, status: Option<&Value>) {
    if let Some(status) = status {
        report.line(2, "Container ID", text(status, "/containerID"));
    }
    report.line(2, "Image", text(container, "/image"));
    if let Some(status) = status {
        report.line(2, "Image ID", text(status, "/imageID"));
    }
    ports(report, container);
    for (label, list) in [("Command:", "/command"), ("Args:", "/args")] {
        if !items(container, list).is_empty() {
            report.row(2, label);
        }
        for word in items(container, list) {
            let text = printable(word.as_str().unwrap_or_default());
            report.row(3, &text.replace('\t', " ").replace('\n', "\n      "));
        }
    }
    if let Some(status) = status {
        state(report, "State", status.get("state"));
        if !entries(status, "/lastState").is_empty() {
            state(report, "Last State", status.get("lastState"));
        }
        let ready = status.get("ready") == Some(&Value::Bool(true));
        report.line(2, "Ready", if ready { "True" } else { "False" });
        report.line(2, "Restart Count", &number(status, "/restartCount").to_string());
    }
    amounts(report, container);
    for (label, probe) in [
        ("Liveness", "livenessProbe"),
        ("Readiness", "readinessProbe"),
        ("Startup", "startupProbe"),
    ] {
        if let Some(probe) = container.get(probe) {
            report.line(2, label, &probe_line(probe));
        }
    }
    environment(report, container);
    mounts(report, container);
}

fn ports(report: &mut Report, container: &Value) {
    let ports = items(container, "/ports");
    let join = |field: &str| {
        let each = ports.iter().map(|port| {
            let protocol = match text(port, "/protocol") {
                "" => "TCP",
                protocol => protocol,
            };
            format!("{}/{protocol}", number(port, field))
        });
        or_none(each.collect::<Vec<_>>().join(", "))
    };
    let plural = if ports.len() > 1 { "s" } else { "" };
    report.line(2, &format!("Port{plural}"), &join("/containerPort"));
    report.line(2, &format!("Host Port{plural}"), &join("/hostPort"));
}

/// What a container does or did last.
fn state(report: &mut Report, label: &str, state: Option<&Value>) {
    let Some((name, detail)) = state
        .and_then(Value::as_object)
        .and_then(|state| state.iter().next())
    else {
        report.line(2, label, "Waiting");
        return;
    };
    let name = match name.as_str() {
        "running" => "Running",
        "terminated" => "Terminated",
        _ => "Waiting",
    };
    report.line(2, label, name);
    for (label, pointer) in [
        ("Reason", "/reason"),
        ("Message", "/message"),
        ("Exit Code", "/exitCode"),
        ("Signal", "/signal"),
    ] {
        report.field(3, label, detail, pointer);
    }
    report.time(3, "Started", detail, "/startedAt");
    report.time(3, "Finished", detail, "/finishedAt");
}

fn amounts(report: &mut Report, container: &Value) {
    for (label, map) in [
        ("Limits:", "/resources/limits"),
        ("Requests:", "/resources/requests"),
    ] {
        let amounts = entries(container, map);
        if !amounts.is_empty() {
            report.row(2, label);
        }
        for (name, amount) in amounts {
            report.line(3, name, &word(amount));
        }
    }
}

fn probe_line(probe: &Value) -> String {
    let port = |pointer: &str| probe.pointer(pointer).map(word).unwrap_or_default();
    let what = if probe.get("httpGet").is_some() {
        let scheme = match text(probe, "/httpGet/scheme") {
            "" => "http".to_owned(),
            scheme => scheme.to_lowercase(),
        };
        let (host, path) = (text(probe, "/httpGet/host"), text(probe, "/httpGet/path"));
        format!("http-get {scheme}://{host}:{}{path}", port("/httpGet/port"))
    } else if probe.get("tcpSocket").is_some() {
        format!(
            "tcp-socket {}:{}",
            text(probe, "/tcpSocket/host"),
            port("/tcpSocket/port")
        )
    } else if probe.get("grpc").is_some() {
        format!(
            "grpc <pod>:{} {}",
            port("/grpc/port"),
            text(probe, "/grpc/service")
        )
    } else {
        let words: Vec<String> = items(probe, "/exec/command").iter().map(word).collect();
        format!("exec [{}]", words.join(" "))
    };
    let or = |pointer: &str, default: i64| probe.pointer(pointer).and_then(Value::as_i64).unwrap_or(default);
    format!(
        "{what} delay={}s timeout={}s period={}s #success={} #failure={}",
        or("/initialDelaySeconds", 0),
        or("/timeoutSeconds", 1),
        or("/periodSeconds", 10),
        or("/successThreshold", 1),
        or("/failureThreshold", 3)
    )
}

/// Variables. Values from secrets are shown by where they come from.
fn environment(report: &mut Report, container: &Value) {
    let sources = items(container, "/envFrom");
    if !sources.is_empty() {
        report.row(2, "Environment Variables from:");
    }
    for source in sources {
        let (kind, name) = match source.get("secretRef") {
            Some(secret) => ("Secret", text(secret, "/name")),
            None => ("ConfigMap", text(source, "/configMapRef/name")),
        };
        report.row(3, &format!("{name}\t{kind}\tOptional: {}", is_optional(source)));
    }
    let variables = items(container, "/env");
    if variables.is_empty() {
        report.line(2, "Environment", "<none>");
        return;
    }
    report.row(2, "Environment:");
    for variable in variables {
        report.line(3, text(variable, "/name"), &variable_value(variable));
    }
}

fn is_optional(source: &Value) -> bool {
    ["/secretRef/optional", "/configMapRef/optional", "/optional"]
        .iter()
        .any(|place| source.pointer(place) == Some(&Value::Bool(true)))
}

fn variable_value(variable: &Value) -> String {
    let Some(source) = variable.get("valueFrom") else {
        return text(variable, "/value").to_owned();
    };
    let (key, name) = ("/key", "/name");
    if let Some(secret) = source.get("secretKeyRef") {
        let (key, name) = (text(secret, key), text(secret, name));
        return format!(
            "<set to the key '{key}' in secret '{name}'>  Optional: {}",
            is_optional(secret)
        );
    }
    if let Some(map) = source.get("configMapKeyRef") {
        let (key, name) = (text(map, key), text(map, name));
        return format!(
            "<set to the key '{key}' of config map '{name}'>  Optional: {}",
            is_optional(map)
        );
    }
    match source.get("fieldRef") {
        Some(field) => {
            let version = match text(field, "/apiVersion") {
                "" => "v1",
                version => version,
            };
            format!(" ({version}:{})", text(field, "/fieldPath"))
        }
        None => format!(" ({})", text(source, "/resourceFieldRef/resource")),
    }
}

fn mounts(report: &mut Report, container: &Value) {
    let mounts = items(container, "/volumeMounts");
    if mounts.is_empty() {
        report.line(2, "Mounts", "<none>");
        return;
    }
    report.row(2, "Mounts:");
    for mount in mounts {
        let read_only = mount.get("readOnly") == Some(&Value::Bool(true));
        let mut flags = if read_only { "ro" } else { "rw" }.to_owned();
        if !text(mount, "/subPath").is_empty() {
            flags = format!("{flags},path=\"{}\"", text(mount, "/subPath"));
        }
        let (path, name) = (text(mount, "/mountPath"), text(mount, "/name"));
        report.row(3, &format!("{path} from {name} ({flags})"));
    }
}

/// Volumes with the fields that tell what is in them.
pub(super) fn volumes(report: &mut Report, level: usize, object: &Value) {
    let volumes = items(object, "/spec/volumes");
    if volumes.is_empty() {
        report.line(level, "Volumes", "<none>");
        return;
    }
    report.row(level, "Volumes:");
    for volume in volumes {
        // kubectl sets the name of a template's volume one space in.
        let indent = if level == 0 { "  " } else { "   " };
        report.row(0, &format!("{indent}{}:", text(volume, "/name")));
        volume_source(report, volume);
    }
}

fn volume_source(report: &mut Report, volume: &Value) {
    let kind = volume
        .as_object()
        .and_then(|volume| volume.keys().find(|key| *key != "name"));
    let Some(kind) = kind.map(String::as_str) else {
        return;
    };
    let source = &volume[kind];
    match kind {
        "configMap" => {
            report.line(2, "Type", "ConfigMap (a volume populated by a ConfigMap)");
            report.field(2, "Name", source, "/name");
            report.line(2, "Optional", &is_optional(source).to_string());
        }
        "secret" => {
            report.line(2, "Type", "Secret (a volume populated by a Secret)");
            report.field(2, "SecretName", source, "/secretName");
            report.line(2, "Optional", &is_optional(source).to_string());
        }
        "persistentVolumeClaim" => {
            let kind = "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)";
            report.line(2, "Type", kind);
            report.field(2, "ClaimName", source, "/claimName");
            let read_only = source.get("readOnly") == Some(&Value::Bool(true));
            report.line(2, "ReadOnly", &read_only.to_string());
        }
        "emptyDir" => {
            report.line(
                2,
                "Type",
                "EmptyDir (a temporary directory that shares a pod's lifetime)",
            );
            report.line(2, "Medium", text(source, "/medium"));
            let limit = source.get("sizeLimit").map_or_else(|| "<unset>".to_owned(), word);
            report.line(2, "SizeLimit", &limit);
        }
        "hostPath" => {
            report.line(2, "Type", "HostPath (bare host directory volume)");
            report.field(2, "Path", source, "/path");
            report.line(2, "HostPathType", text(source, "/type"));
        }
        "projected" => {
            let kind = "Projected (a volume that contains injected data from multiple sources)";
            report.line(2, "Type", kind);
            for source in items(source, "/sources") {
                report.field(
                    2,
                    "TokenExpirationSeconds",
                    source,
                    "/serviceAccountToken/expirationSeconds",
                );
                report.field(2, "ConfigMapName", source, "/configMap/name");
                report.field(2, "SecretName", source, "/secret/name");
            }
        }
        other => super::generic::nested(report, 2, other, source),
    }
}

/// Node selectors and tolerations.
pub(super) fn scheduling(report: &mut Report, level: usize, object: &Value) {
    report.map(level, "Node-Selectors", object, "/spec/nodeSelector");
    let tolerations: Vec<String> = items(object, "/spec/tolerations")
        .iter()
        .map(toleration)
        .collect();
    report.line(level, "Tolerations", &or_none(tolerations.join("\n")));
}

fn toleration(toleration: &Value) -> String {
    let mut out = text(toleration, "/key").to_owned();
    if !text(toleration, "/value").is_empty() {
        out = format!("{out}={}", text(toleration, "/value"));
    }
    if !text(toleration, "/effect").is_empty() {
        out = format!("{out}:{}", text(toleration, "/effect"));
    }
    if text(toleration, "/operator") == "Exists" && text(toleration, "/value").is_empty() {
        let space = if out.is_empty() { "" } else { " " };
        out = format!("{out}{space}op=Exists");
    }
    match toleration.get("tolerationSeconds") {
        Some(seconds) => format!("{out} for {seconds}s"),
        None => out,
    }
}
