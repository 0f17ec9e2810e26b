//! `top`: what pods and nodes use, from the metrics API.

use serde_json::{Value, json};

use super::fetch::{JSON, with_query};
use super::grid::table;
use super::json::{items, quantity, text};
use super::quantity::{bytes, millicores, percent};
use super::{ReadOutput, Reader};
use crate::cluster::ClusterError;
use crate::plan::command::Top;
use crate::plan::target::Measured;

const MIB: i64 = 1024 * 1024;

/// What something uses.
struct Usage {
    namespace: String,
    name: String,
    /// Empty for a whole pod or node.
    container: String,
    millicores: i64,
    bytes: i64,
}

/// `top pods` and `top nodes`.
pub(super) async fn read(reader: Reader<'_>, command: &Top) -> Result<ReadOutput, ClusterError> {
    let place = match (&command.what, reader.namespace()) {
        (Measured::Nodes, _) => "nodes".to_owned(),
        (Measured::Pods, None) => "pods".to_owned(),
        (Measured::Pods, Some(namespace)) => format!("namespaces/{namespace}/pods"),
    };
    let selector = command
        .selector
        .as_ref()
        .map(|selector| ("labelSelector", selector.0.as_str()));
    let path = format!("/apis/metrics.k8s.io/v1beta1/{place}");
    let path = with_query(&path, &selector.into_iter().collect::<Vec<_>>());
    let metrics = reader.cluster.document(&path, JSON).await.map_err(no_metrics)?;
    let mut used: Vec<Usage> = items(&metrics, "/items")
        .iter()
        .flat_map(|item| usages(item, command))
        .collect();
    sort(&mut used, command);
    if used.is_empty() {
        let place = reader
            .namespace()
            .map_or_else(String::new, |name| format!(" in {name} namespace."));
        return Ok(ReadOutput::nothing(
            &format!("No resources found{place}"),
            Some(json!([])),
        ));
    }
    if command.what == Measured::Nodes {
        let nodes = reader.all("node", None, &[]).await?;
        return Ok(node_table(&used, &nodes));
    }
    Ok(pod_table(&used, reader.namespace().is_none(), command.containers))
}

/// A missing or silent metrics server is the usual cause, and its own words do not say so.
fn no_metrics(error: ClusterError) -> ClusterError {
    match error {
        ClusterError::Api { code: 404 | 503, .. } => ClusterError::Impossible(
            "Metrics API not available: install `metrics-server`, or wait until it is ready".to_owned(),
        ),
        other => other,
    }
}

fn usages(item: &Value, command: &Top) -> Vec<Usage> {
    let usage = |container: &str, parts: &[Value]| Usage {
        namespace: text(item, "/metadata/namespace").to_owned(),
        name: text(item, "/metadata/name").to_owned(),
        container: container.to_owned(),
        millicores: parts
            .iter()
            .map(|part| millicores(&quantity(part, "/usage/cpu")))
            .sum(),
        bytes: parts
            .iter()
            .map(|part| bytes(&quantity(part, "/usage/memory")))
            .sum(),
    };
    let containers = items(item, "/containers");
    match (&command.what, command.containers) {
        (Measured::Nodes, _) => vec![usage("", std::slice::from_ref(item))],
        (Measured::Pods, false) => vec![usage("", containers)],
        (Measured::Pods, true) => containers
            .iter()
            .map(|container| usage(text(container, "/name"), std::slice::from_ref(container)))
            .collect(),
    }
}

/// By what was asked for, most first; by name otherwise.
fn sort(used: &mut [Usage], command: &Top) {
    used.sort_by(|left, right| {
        let amount = |usage: &Usage| match command.sort_by.as_ref().map(|key| key.0.as_str()) {
            Some("cpu") => usage.millicores,
            Some(_) => usage.bytes,
            None => 0,
        };
        let place = |usage: &Usage| {
            (
                usage.namespace.clone(),
                usage.name.clone(),
                usage.container.clone(),
            )
        };
        amount(right)
            .cmp(&amount(left))
            .then_with(|| place(left).cmp(&place(right)))
    });
}

fn pod_table(used: &[Usage], shows_namespace: bool, shows_containers: bool) -> ReadOutput {
    let mut header = vec!["CPU(cores)", "MEMORY(bytes)"];
    let names: &[&str] = if shows_containers {
        &["POD", "NAME"]
    } else {
        &["NAME"]
    };
    header.splice(0..0, names.iter().copied());
    if shows_namespace {
        header.insert(0, "NAMESPACE");
    }
    let rows = used.iter().map(|usage| {
        let mut row = vec![usage.name.clone()];
        if shows_containers {
            row.push(usage.container.clone());
        }
        row.extend(amounts(usage));
        if shows_namespace {
            row.insert(0, usage.namespace.clone());
        }
        row
    });
    let text = table(&header, &rows.collect::<Vec<_>>());
    ReadOutput::new(&text, Some(used.iter().map(fact).collect()))
}

fn node_table(used: &[Usage], nodes: &[Value]) -> ReadOutput {
    let mut rows: Vec<Vec<String>> = used.iter().map(|usage| node_row(usage, nodes)).collect();
    for node in nodes {
        let name = text(node, "/metadata/name");
        if used.iter().all(|usage| usage.name != name) {
            let unknown = vec!["<unknown>".to_owned(); 4];
            rows.push(std::iter::once(name.to_owned()).chain(unknown).collect());
        }
    }
    let header = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"];
    ReadOutput::new(&table(&header, &rows), Some(used.iter().map(fact).collect()))
}

/// Shares are of what pods may have of a node, not of all it has.
fn node_row(usage: &Usage, nodes: &[Value]) -> Vec<String> {
    let node = nodes
        .iter()
        .find(|node| text(node, "/metadata/name") == usage.name);
    let share = |part: i64, whole: Option<i64>| {
        whole.filter(|whole| *whole > 0).map_or_else(
            || "<unknown>".to_owned(),
            |whole| format!("{}%", percent(part, whole)),
        )
    };
    let cpu = node.map(|node| millicores(&quantity(node, "/status/allocatable/cpu")));
    let memory = node.map(|node| bytes(&quantity(node, "/status/allocatable/memory")));
    let [used_cpu, used_memory] = amounts(usage);
    vec![
        usage.name.clone(),
        used_cpu,
        share(usage.millicores, cpu),
        used_memory,
        share(usage.bytes, memory),
    ]
}

fn amounts(usage: &Usage) -> [String; 2] {
    [
        format!("{}m", usage.millicores),
        format!("{}Mi", usage.bytes / MIB),
    ]
}

fn fact(usage: &Usage) -> Value {
    json!({
        "namespace": usage.namespace,
        "name": usage.name,
        "container": usage.container,
        "cpuMillicores": usage.millicores,
        "memoryBytes": usage.bytes,
    })
}
