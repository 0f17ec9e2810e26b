//! `describe` of smaller kinds.

use serde_json::Value;

use super::super::json::{entries, items, or_none, text, word};
use super::Related;
use super::report::Report;
use crate::plan::printable::printable;

/// Sizes only; the object comes masked.
pub(super) fn secret(report: &mut Report, secret: &Value) {
    report.name(secret);
    report.marks(secret);
    report.row(0, "");
    report.field(0, "Type", secret, "/type");
    report.row(0, "");
    report.row(0, "Data");
    report.row(0, "====");
    for (key, size) in entries(secret, "/data") {
        let size = word(size);
        report.line(0, key, size.trim_matches(['<', '>']));
    }
}

pub(super) fn config_map(report: &mut Report, map: &Value) {
    report.name(map);
    report.marks(map);
    report.row(0, "");
    report.row(0, "Data");
    report.row(0, "====");
    for (key, value) in entries(map, "/data") {
        report.row(0, &format!("{}:\n----", printable(key)));
        // The values are text of their own, so their tabs must not become columns.
        let value = printable(&word(value)).replace('\t', "    ");
        report.row(0, value.trim_end());
        report.row(0, "");
    }
    report.row(0, "");
    report.row(0, "BinaryData");
    report.row(0, "====");
    for (key, value) in entries(map, "/binaryData") {
        let size = super::super::mask::size(value);
        report.line(0, key, size.trim_matches(['<', '>']));
    }
    report.row(0, "");
}

pub(super) fn ingress(report: &mut Report, ingress: &Value) {
    report.line(0, "Name", text(ingress, "/metadata/name"));
    report.labels(0, ingress);
    report.line(0, "Namespace", text(ingress, "/metadata/namespace"));
    let addresses: Vec<String> = items(ingress, "/status/loadBalancer/ingress")
        .iter()
        .map(|address| format!("{}{}", text(address, "/ip"), text(address, "/hostname")))
        .collect();
    report.line(0, "Address", &addresses.join(","));
    let class = or_none(text(ingress, "/spec/ingressClassName").to_owned());
    report.line(0, "Ingress Class", &class);
    let default = ingress
        .pointer("/spec/defaultBackend")
        .map_or_else(|| "<default>".to_owned(), backend);
    report.line(0, "Default backend", &default);
    let certificates = items(ingress, "/spec/tls");
    if !certificates.is_empty() {
        report.row(0, "TLS:");
    }
    for certificate in certificates {
        let hosts: Vec<String> = items(certificate, "/hosts").iter().map(word).collect();
        let secret = text(certificate, "/secretName");
        report.row(1, &format!("{secret} terminates {}", hosts.join(",")));
    }
    report.row(0, "Rules:");
    report.row(1, "Host\tPath\tBackends");
    report.row(1, "----\t----\t--------");
    for rule in items(ingress, "/spec/rules") {
        let host = match text(rule, "/host") {
            "" => "*",
            host => host,
        };
        report.row(1, &format!("{}\t", printable(host)));
        for path in items(rule, "/http/paths") {
            let to = path.get("backend").map(backend).unwrap_or_default();
            report.row(1, &format!("\t{} \t{to}", printable(text(path, "/path"))));
        }
    }
    report.annotations(0, ingress);
}

fn backend(backend: &Value) -> String {
    let port = ["/service/port/number", "/service/port/name"]
        .iter()
        .find_map(|place| backend.pointer(place))
        .map(word);
    match text(backend, "/service/name") {
        "" => format!(
            "{}/{}",
            text(backend, "/resource/kind"),
            text(backend, "/resource/name")
        ),
        name => format!("{name}:{}", port.unwrap_or_default()),
    }
}

pub(super) fn claim(report: &mut Report, claim: &Value, related: &Related) {
    report.name(claim);
    report.line(0, "StorageClass", text(claim, "/spec/storageClassName"));
    let gone = !text(claim, "/metadata/deletionTimestamp").is_empty();
    let status = if gone {
        "Terminating"
    } else {
        text(claim, "/status/phase")
    };
    report.line(0, "Status", status);
    report.line(0, "Volume", text(claim, "/spec/volumeName"));
    report.marks(claim);
    let list = |pointer: &str| items(claim, pointer).iter().map(word).collect::<Vec<_>>();
    report.line(
        0,
        "Finalizers",
        &format!("[{}]", list("/metadata/finalizers").join(" ")),
    );
    report.line(0, "Capacity", text(claim, "/status/capacity/storage"));
    report.line(0, "Access Modes", &access_modes(claim));
    report.field(0, "VolumeMode", claim, "/spec/volumeMode");
    let users: Vec<&str> = related
        .pods
        .iter()
        .map(|pod| text(pod, "/metadata/name"))
        .collect();
    report.line(0, "Used By", &or_none(users.join("\n")));
}

/// Access modes in kubectl's short forms.
fn access_modes(claim: &Value) -> String {
    let short = |mode: &Value| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        _ => "RWOP",
    };
    let modes = items(claim, "/spec/accessModes").iter().map(short);
    modes.collect::<Vec<_>>().join(",")
}

pub(super) fn namespace(report: &mut Report, namespace: &Value) {
    report.name(namespace);
    report.marks(namespace);
    report.field(0, "Status", namespace, "/status/phase");
}
