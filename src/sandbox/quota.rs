//! Resource quotas and limit ranges: what they count, and what they refuse.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::json::{at, ensure, entries, items, items_mut, name, namespace, present, set, text};
use super::quantity;
use super::resource::Resource;
use super::status::ApiError;

const QUOTAS: &str = "resourcequotas";
const RANGES: &str = "limitranges";

type Amounts = BTreeMap<String, f64>;

/// Fills in the limits that a namespace's limit ranges give to containers that state none.
pub(super) fn fill(cluster: &Cluster, resource: &Resource, object: &mut Value) {
    if resource.qualified() != "pods" {
        return;
    }
    for range in cluster.store.list(RANGES, Some(namespace(object))) {
        for limit in items(&range, "/spec/limits")
            .iter()
            .filter(|one| text(one, "/type") == "Container")
        {
            for container in items_mut(object, "/spec/containers") {
                for (from, to) in [("/default", "limits"), ("/defaultRequest", "requests")] {
                    for (kind, amount) in entries(limit, from).into_iter().flatten() {
                        ensure(
                            container,
                            &format!("/resources/{to}/{}", super::json::escape(kind)),
                            amount.clone(),
                        );
                    }
                }
            }
        }
    }
}

/// Refuses what a namespace's limit ranges and quotas do not allow to come.
pub(super) fn check(cluster: &Cluster, resource: &Resource, object: &Value) -> Result<(), ApiError> {
    check_ranges(cluster, resource, object)?;
    for quota in cluster.store.list(QUOTAS, Some(namespace(object))) {
        check_quota(cluster, resource, object, &quota)?;
    }
    Ok(())
}

fn check_ranges(cluster: &Cluster, resource: &Resource, object: &Value) -> Result<(), ApiError> {
    if resource.qualified() != "pods" {
        return Ok(());
    }
    let mut wrong = Vec::new();
    for range in cluster.store.list(RANGES, Some(namespace(object))) {
        for limit in items(&range, "/spec/limits")
            .iter()
            .filter(|one| text(one, "/type") == "Container")
        {
            for container in items(object, "/spec/containers") {
                beyond(limit, container, &mut wrong);
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        let said = if wrong.len() == 1 {
            wrong.concat()
        } else {
            format!("[{}]", wrong.join(", "))
        };
        Err(ApiError::forbidden(resource, name(object), &said))
    }
}

fn beyond(limit: &Value, container: &Value, wrong: &mut Vec<String>) {
    let amount = |map: &str, kind: &str| {
        container
            .pointer(&format!("/resources/{map}/{kind}"))
            .and_then(Value::as_str)
    };
    for (kind, most) in entries(limit, "/max").into_iter().flatten() {
        let (most, asked) = (most.as_str().unwrap_or(""), amount("limits", kind));
        match asked {
            Some(asked) if quantity::parse(asked) > quantity::parse(most) => wrong.push(format!(
                "maximum {kind} usage per Container is {most}, but limit is {asked}"
            )),
            _ => {}
        }
    }
    for (kind, least) in entries(limit, "/min").into_iter().flatten() {
        let (least, asked) = (least.as_str().unwrap_or(""), amount("requests", kind));
        match asked {
            Some(asked) if quantity::parse(asked) < quantity::parse(least) => wrong.push(format!(
                "minimum {kind} usage per Container is {least}, but request is {asked}"
            )),
            _ => {}
        }
    }
}

fn check_quota(
    cluster: &Cluster,
    resource: &Resource,
    object: &Value,
    quota: &Value,
) -> Result<(), ApiError> {
    let hard = hard(quota);
    let table = resource.table();
    let more = usage(&table, object);
    let lacking = unstated(&table, object, &hard);
    if !lacking.is_empty() {
        let why = format!(
            "failed quota: {}: must specify {}",
            name(quota),
            lacking.join("; ")
        );
        return Err(ApiError::forbidden(resource, name(object), &why));
    }
    let used = used(cluster, namespace(object), &hard);
    let over: Vec<&String> = hard
        .iter()
        .filter(|(kind, most)| {
            let asked = more.get(*kind).copied().unwrap_or(0.0);
            asked > 0.0 && used.get(*kind).copied().unwrap_or(0.0) + asked > **most
        })
        .map(|(kind, _)| kind)
        .collect();
    if over.is_empty() {
        return Ok(());
    }
    let told = |amounts: &Amounts| {
        let one = |kind: &&String| {
            format!(
                "{kind}={}",
                shown(kind, amounts.get(*kind).copied().unwrap_or(0.0))
            )
        };
        over.iter().map(one).collect::<Vec<_>>().join(",")
    };
    let why = format!(
        "exceeded quota: {}, requested: {}, used: {}, limited: {}",
        name(quota),
        told(&more),
        told(&used),
        told(&hard)
    );
    Err(ApiError::forbidden(resource, name(object), &why))
}

/// What containers must state because a quota counts it: `limits.cpu for: a,b`.
fn unstated(table: &str, object: &Value, hard: &Amounts) -> Vec<String> {
    const COUNTED: [(&str, &str); 6] = [
        ("limits.cpu", "/resources/limits/cpu"),
        ("limits.memory", "/resources/limits/memory"),
        ("requests.cpu", "/resources/requests/cpu"),
        ("requests.memory", "/resources/requests/memory"),
        ("cpu", "/resources/requests/cpu"),
        ("memory", "/resources/requests/memory"),
    ];
    if table != "pods" {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (kind, place) in COUNTED.iter().filter(|(kind, _)| hard.contains_key(*kind)) {
        let lacking: Vec<&str> = items(object, "/spec/containers")
            .iter()
            .filter(|container| !present(container, place))
            .map(|container| text(container, "/name"))
            .collect();
        if !lacking.is_empty() {
            all.push(format!("{kind} for: {}", lacking.join(",")));
        }
    }
    all
}

fn hard(quota: &Value) -> Amounts {
    let stated = entries(quota, "/spec/hard").into_iter().flatten();
    stated
        .filter_map(|(kind, amount)| Some((kind.clone(), number(amount)?)))
        .collect()
}

fn number(amount: &Value) -> Option<f64> {
    amount
        .as_str()
        .and_then(quantity::parse)
        .or_else(|| amount.as_f64())
}

/// What one object takes of every kind that quotas know.
fn usage(table: &str, object: &Value) -> Amounts {
    let mut all = Amounts::new();
    all.insert(format!("count/{table}"), 1.0);
    if !table.contains('.') {
        all.insert(table.to_owned(), 1.0);
    }
    match table {
        "pods" if matches!(text(object, "/status/phase"), "Succeeded" | "Failed") => {
            all.remove("pods");
        }
        "pods" => pod_usage(object, &mut all),
        "persistentvolumeclaims" => {
            let asked = number(&at(object, "/spec/resources/requests/storage")).unwrap_or(0.0);
            all.insert("requests.storage".into(), asked);
        }
        "services" => match text(object, "/spec/type") {
            "NodePort" => drop(all.insert("services.nodeports".into(), 1.0)),
            "LoadBalancer" => {
                all.insert("services.loadbalancers".into(), 1.0);
                all.insert("services.nodeports".into(), 1.0);
            }
            _ => {}
        },
        _ => {}
    }
    all
}

fn pod_usage(pod: &Value, all: &mut Amounts) {
    for container in items(pod, "/spec/containers") {
        for (map, prefix) in [
            ("/resources/requests", "requests"),
            ("/resources/limits", "limits"),
        ] {
            for (kind, amount) in entries(container, map).into_iter().flatten() {
                let amount = number(amount).unwrap_or(0.0);
                *all.entry(format!("{prefix}.{kind}")).or_default() += amount;
                if prefix == "requests" && matches!(kind.as_str(), "cpu" | "memory") {
                    *all.entry(kind.clone()).or_default() += amount;
                }
            }
        }
    }
}

/// What a namespace's objects take together of the kinds that are limited.
fn used(cluster: &Cluster, place: &str, hard: &Amounts) -> Amounts {
    let mut sum: Amounts = hard.keys().map(|kind| (kind.clone(), 0.0)).collect();
    for (table, object) in cluster.store.everything_in(place) {
        for (kind, amount) in usage(table, object) {
            if let Some(known) = sum.get_mut(&kind) {
                *known += amount;
            }
        }
    }
    sum
}

/// An amount as quotas write it.
fn shown(kind: &str, amount: f64) -> String {
    const BINARY: [(&str, f64); 4] = [
        ("Ti", 1_099_511_627_776.0),
        ("Gi", 1_073_741_824.0),
        ("Mi", 1_048_576.0),
        ("Ki", 1024.0),
    ];
    let is_whole = |amount: f64| (amount - amount.round()).abs() < 1e-9;
    let is_size = kind.ends_with("memory") || kind.ends_with("storage");
    let unit = BINARY
        .iter()
        .find(|(_, size)| is_size && amount >= *size && is_whole(amount / size));
    match unit {
        Some((suffix, size)) => format!("{:.0}{suffix}", amount / size),
        None if is_whole(amount) => format!("{amount:.0}"),
        None => format!("{:.0}m", amount * 1000.0),
    }
}

/// Keeps the status of the quotas where something has changed.
pub(super) fn reconcile(cluster: &mut Cluster) {
    for quota in cluster.due(QUOTAS) {
        let hard = hard(&quota);
        let told: serde_json::Map<String, Value> = used(cluster, namespace(&quota), &hard)
            .into_iter()
            .map(|(kind, amount)| {
                let said = shown(&kind, amount);
                (kind, json!(said))
            })
            .collect();
        let mut object = (*quota).clone();
        set(
            &mut object,
            "/status",
            json!({"hard": at(&quota, "/spec/hard"), "used": told}),
        );
        cluster.update(QUOTAS, object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_quotas_write_them() {
        assert_eq!(shown("pods", 3.0), "3");
        assert_eq!(shown("requests.cpu", 0.25), "250m");
        assert_eq!(shown("requests.memory", 201_326_592.0), "192Mi");
        assert_eq!(shown("requests.storage", 0.0), "0");
    }
}
