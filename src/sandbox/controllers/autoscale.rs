//! The status of disruption budgets and autoscalers. Autoscalers observe; they do not scale.

use serde_json::{Value, json};

use super::{amount, is_active, is_ready};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{at, count, items, namespace, present, set, text};
use crate::sandbox::metrics;
use crate::sandbox::quantity;
use crate::sandbox::selector::Labels;

pub(super) fn reconcile(cluster: &mut Cluster) {
    for budget in cluster.due("poddisruptionbudgets.policy") {
        report_budget(cluster, &budget);
    }
    for autoscaler in cluster.due("horizontalpodautoscalers.autoscaling") {
        report_autoscaler(cluster, &autoscaler);
    }
}

fn report_budget(cluster: &mut Cluster, budget: &Value) {
    let selector = Labels::from_spec(&at(budget, "/spec/selector"));
    let mut pods = cluster.store.list("pods", Some(namespace(budget)));
    pods.retain(|pod| selector.matches(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"));
    let healthy =
        i64::try_from(pods.iter().filter(|pod| is_active(pod) && is_ready(pod)).count()).unwrap_or(0);
    let expected = expected_pods(cluster, &pods).max(0);
    let desired = if present(budget, "/spec/maxUnavailable") {
        (expected - amount(&at(budget, "/spec/maxUnavailable"), expected, true)).max(0)
    } else {
        amount(&at(budget, "/spec/minAvailable"), expected, true)
    };
    let allowed = (healthy - desired).max(0);
    let now = cluster.timestamp();
    let mut object = budget.clone();
    for (field, number) in [
        ("currentHealthy", healthy),
        ("desiredHealthy", desired),
        ("disruptionsAllowed", allowed),
        ("expectedPods", expected),
    ] {
        set(&mut object, &format!("/status/{field}"), number);
    }
    set(
        &mut object,
        "/status/observedGeneration",
        at(budget, "/metadata/generation"),
    );
    let (status, reason) = if allowed > 0 {
        ("True", "SufficientPods")
    } else {
        ("False", "InsufficientPods")
    };
    super::set_condition(&mut object, "DisruptionAllowed", status, reason, "", &now);
    cluster.update("poddisruptionbudgets.policy", object);
}

/// How many pods the controllers of these pods want, which outlasts an eviction.
fn expected_pods(cluster: &Cluster, pods: &[std::sync::Arc<Value>]) -> i64 {
    let mut owners: Vec<(&str, &str, &str)> = Vec::new();
    let mut single = 0;
    for pod in pods {
        match items(pod, "/metadata/ownerReferences").first() {
            Some(owner) => owners.push((text(owner, "/kind"), namespace(pod), text(owner, "/name"))),
            None => single += 1,
        }
    }
    owners.sort_unstable();
    owners.dedup();
    let wanted = owners.iter().map(|(kind, place, owner)| {
        let table = match *kind {
            "ReplicaSet" => "replicasets.apps",
            "StatefulSet" => "statefulsets.apps",
            _ => return 0,
        };
        cluster
            .get(table, place, owner)
            .map_or(0, |owner| count(&owner, "/spec/replicas"))
    });
    single + wanted.sum::<i64>()
}

fn report_autoscaler(cluster: &mut Cluster, autoscaler: &Value) {
    let table = match text(autoscaler, "/spec/scaleTargetRef/kind") {
        "Deployment" => "deployments.apps",
        "StatefulSet" => "statefulsets.apps",
        "ReplicaSet" => "replicasets.apps",
        _ => return,
    };
    let target = cluster.get(
        table,
        namespace(autoscaler),
        text(autoscaler, "/spec/scaleTargetRef/name"),
    );
    let now = cluster.timestamp();
    let mut object = autoscaler.clone();
    set(&mut object, "/status/currentMetrics", json!(null));
    if let Some(target) = &target {
        set(
            &mut object,
            "/status/currentReplicas",
            count(target, "/status/replicas"),
        );
        set(
            &mut object,
            "/status/desiredReplicas",
            count(target, "/spec/replicas"),
        );
        let measured = utilization(cluster, target);
        set(
            &mut object,
            "/status/currentMetrics",
            measured.map_or(json!(null), |(percent, average)| {
                json!([{"type": "Resource", "resource": {"name": "cpu",
                "current": {"averageUtilization": percent, "averageValue": format!("{average}m")}}}])
            }),
        );
        super::set_condition(
            &mut object,
            "AbleToScale",
            "True",
            "ReadyForNewScale",
            "recommended size matches current size",
            &now,
        );
    } else {
        let message = "the HPA controller was unable to get the target's current scale: not found";
        super::set_condition(
            &mut object,
            "AbleToScale",
            "False",
            "FailedGetScale",
            message,
            &now,
        );
        set(&mut object, "/status/desiredReplicas", 0);
    }
    cluster.update("horizontalpodautoscalers.autoscaling", object);
}

/// Average use of the requested CPU over the target's pods, in percent and in thousandths of a core.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn utilization(cluster: &Cluster, target: &Value) -> Option<(u64, u64)> {
    let selector = Labels::from_spec(&at(target, "/spec/selector"));
    let (mut used, mut requested, mut pods) = (0, 0, 0);
    for pod in cluster
        .store
        .list("pods", Some(namespace(target)))
        .iter()
        .filter(|pod| selector.matches(pod) && is_ready(pod))
    {
        pods += 1;
        for container in items(pod, "/spec/containers") {
            used += metrics::usage(pod, container).0;
            let own = quantity::parse(text(container, "/resources/requests/cpu")).unwrap_or(0.0);
            requested += (own * 1000.0).clamp(0.0, 1e9) as u64;
        }
    }
    (requested > 0 && pods > 0).then(|| (used * 100 / requested, used / pods))
}
