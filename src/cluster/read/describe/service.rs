//! `describe service`, and the addresses behind a service.

use serde_json::Value;

use super::super::Reader;
use super::super::json::{items, number, or_none, text, word};
use super::Related;
use super::report::Report;
use crate::cluster::Served;

pub(super) fn render(report: &mut Report, service: &Value, related: &Related) {
    report.name(service);
    report.marks(service);
    report.map(0, "Selector", service, "/spec/selector");
    report.field(0, "Type", service, "/spec/type");
    report.field(0, "IP Family Policy", service, "/spec/ipFamilyPolicy");
    let list = |pointer: &str| {
        items(service, pointer)
            .iter()
            .map(word)
            .collect::<Vec<_>>()
            .join(",")
    };
    report.line(0, "IP Families", &or_none(list("/spec/ipFamilies")));
    report.line(0, "IP", text(service, "/spec/clusterIP"));
    report.line(0, "IPs", &or_none(list("/spec/clusterIPs")));
    if !items(service, "/spec/externalIPs").is_empty() {
        report.line(0, "External IPs", &list("/spec/externalIPs"));
    }
    report.field(0, "External Name", service, "/spec/externalName");
    let ingress: Vec<String> = items(service, "/status/loadBalancer/ingress")
        .iter()
        .map(|ingress| format!("{}{}", text(ingress, "/ip"), text(ingress, "/hostname")))
        .collect();
    if !ingress.is_empty() {
        report.line(0, "LoadBalancer Ingress", &ingress.join(", "));
    }
    for port in items(service, "/spec/ports") {
        let name = or_unset(text(port, "/name"));
        let protocol = text(port, "/protocol");
        report.line(
            0,
            "Port",
            &format!("{name}  {}/{protocol}", number(port, "/port")),
        );
        let target = port.get("targetPort").map(word).unwrap_or_default();
        report.line(0, "TargetPort", &format!("{target}/{protocol}"));
        if let Some(node_port) = port.get("nodePort") {
            report.line(0, "NodePort", &format!("{name}  {node_port}/{protocol}"));
        }
        let ready = endpoints(&related.endpoint_slices, text(port, "/name"));
        report.line(0, "Endpoints", &or_none(ready.join(",")));
    }
    report.field(0, "Session Affinity", service, "/spec/sessionAffinity");
    report.field(
        0,
        "External Traffic Policy",
        service,
        "/spec/externalTrafficPolicy",
    );
    report.field(
        0,
        "Internal Traffic Policy",
        service,
        "/spec/internalTrafficPolicy",
    );
}

fn or_unset(text: &str) -> String {
    if text.is_empty() {
        "<unset>".to_owned()
    } else {
        text.to_owned()
    }
}

/// The endpoint slices of a service, or its endpoints object in their form; empty where neither may be read.
pub(in super::super) async fn endpoint_query(reader: Reader<'_>, service: &Value) -> Vec<Value> {
    let (namespace, name) = (
        text(service, "/metadata/namespace"),
        text(service, "/metadata/name"),
    );
    let slices = Served::unnamed("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
    let of_service = format!("kubernetes.io/service-name={name}");
    let query = [("labelSelector", of_service.as_str())];
    let found = reader
        .cluster
        .objects(&slices, Some(namespace), &query)
        .await
        .unwrap_or_default();
    if !found.is_empty() {
        return found;
    }
    let by_name = format!("metadata.name={name}");
    let query = [("fieldSelector", by_name.as_str())];
    let old = reader.all("endpoints", Some(namespace), &query).await;
    old.unwrap_or_default()
        .iter()
        .flat_map(|endpoints| items(endpoints, "/subsets").iter().map(slice))
        .collect()
}

/// A subset of an endpoints object as a slice.
fn slice(subset: &Value) -> Value {
    let addresses = items(subset, "/addresses").iter().map(
        |address| serde_json::json!({"addresses": [text(address, "/ip")], "conditions": {"ready": true}}),
    );
    serde_json::json!({"endpoints": addresses.collect::<Vec<_>>(), "ports": items(subset, "/ports")})
}

/// Ready addresses with the port of a name, three at the most and then how many more, as kubectl shows them.
pub(in super::super) fn endpoints(slices: &[Value], port: &str) -> Vec<String> {
    let mut all = Vec::new();
    for slice in slices {
        let ports = items(slice, "/ports")
            .iter()
            .filter(|found| text(found, "/name") == port);
        for number in ports.map(|found| number(found, "/port")) {
            let ready = items(slice, "/endpoints")
                .iter()
                .filter(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false)));
            for endpoint in ready {
                let first = items(endpoint, "/addresses").first().map(word);
                all.extend(first.map(|address| format!("{address}:{number}")));
            }
        }
    }
    all.sort();
    if all.len() > 3 {
        let more = all.len() - 3;
        all.truncate(3);
        all[2] = format!("{} + {more} more...", all[2]);
    }
    all
}
