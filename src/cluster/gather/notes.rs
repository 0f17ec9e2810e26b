//! Things worth knowing before a change: who else writes the object, what it sets off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::check::{CallVerb, Touched};
use crate::cluster::connect::Cluster;
use crate::cluster::error::ClusterError;
use crate::cluster::json::{controller, count, entry, items, number, text};
use crate::cluster::lower::Draft;
use crate::plan::{Action, Step};

/// Notes on a step with these calls.
pub(super) async fn of_step(
    cluster: &Cluster,
    step: &Step,
    drafts: &[Draft],
) -> Result<Vec<String>, ClusterError> {
    let mut notes = Vec::new();
    for draft in drafts {
        let Some(before) = &draft.before else { continue };
        let name = format!("{}/{}", draft.call.kind, draft.call.name);
        match draft.call.verb {
            CallVerb::Delete => notes.extend(recreated(&name, &draft.call.kind, before)),
            CallVerb::Evict => {}
            _ => notes.extend(rolling(&name, &draft.call.kind, before)),
        }
        notes.extend(managed(&name, before));
    }
    match &step.action {
        Action::Scale(_) => notes.extend(autoscalers(cluster, drafts).await?),
        Action::Drain(_) => notes.extend(budgets(cluster, drafts).await?),
        _ => {}
    }
    Ok(notes)
}

/// Who else brings the object to a state of their own.
fn managed(name: &str, object: &Value) -> Option<String> {
    let label = |key: &str| entry(object, "/metadata/labels", key);
    let note = |key: &str| entry(object, "/metadata/annotations", key);
    let manager = if label("app.kubernetes.io/managed-by") == Some("Helm") {
        match note("meta.helm.sh/release-name") {
            Some(release) => format!("Helm release `{release}`"),
            None => "Helm".to_owned(),
        }
    } else if let Some(app) = note("argocd.argoproj.io/tracking-id").or(label("argocd.argoproj.io/instance"))
    {
        format!("Argo CD application `{}`", app.split(':').next().unwrap_or(app))
    } else {
        let flux = label("kustomize.toolkit.fluxcd.io/name").or(label("helm.toolkit.fluxcd.io/name"))?;
        format!("Flux `{flux}`")
    };
    Some(format!(
        "{name} is also managed by {manager}, which may undo this"
    ))
}

/// Whether a controller will make the object anew.
fn recreated(name: &str, kind: &str, object: &Value) -> Option<String> {
    let owner = controller(object)?;
    // A job of a cron job that is deleted stays deleted.
    if !matches!(kind, "pod" | "replicaset") || text(owner, "/kind") == "Job" {
        return None;
    }
    let owner = format!(
        "{}/{}",
        text(owner, "/kind").to_ascii_lowercase(),
        text(owner, "/name")
    );
    Some(format!("{name} is owned by {owner}: it will be recreated"))
}

fn rolling(name: &str, kind: &str, object: &Value) -> Option<String> {
    let (wanted, updated) = match kind {
        "deployment" | "statefulset" => (
            count(object, "/spec/replicas"),
            count(object, "/status/updatedReplicas"),
        ),
        "daemonset" => (
            count(object, "/status/desiredNumberScheduled"),
            count(object, "/status/updatedNumberScheduled"),
        ),
        _ => return None,
    };
    let unseen = number(object, "/metadata/generation") > number(object, "/status/observedGeneration");
    (unseen || updated < wanted).then(|| format!("a rollout of {name} is in progress"))
}

/// Autoscalers that will override a number of replicas.
async fn autoscalers(cluster: &Cluster, drafts: &[Draft]) -> Result<Vec<String>, ClusterError> {
    let Some(namespace) = drafts.first().and_then(|draft| draft.call.namespace.as_deref()) else {
        return Ok(Vec::new());
    };
    let path = format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers");
    let all = allowed(cluster.list_all(&path, "").await)?;
    let overriding = all.iter().filter_map(|autoscaler| {
        let reference = &autoscaler["spec"]["scaleTargetRef"];
        let draft = drafts.iter().find(|draft| {
            reference["name"] == draft.call.name.as_str()
                && text(reference, "/kind").eq_ignore_ascii_case(&draft.call.kind)
        })?;
        Some(format!(
            "the HorizontalPodAutoscaler `{}` ({} to {} replicas) will override this for {}/{}",
            text(autoscaler, "/metadata/name"),
            number(autoscaler, "/spec/minReplicas").unwrap_or(1),
            number(autoscaler, "/spec/maxReplicas").unwrap_or_default(),
            draft.call.kind,
            draft.call.name
        ))
    });
    Ok(overriding.collect())
}

/// Budgets that allow no disruption of a pod to be evicted.
async fn budgets(cluster: &Cluster, drafts: &[Draft]) -> Result<Vec<String>, ClusterError> {
    let all = allowed(cluster.list_all("/apis/policy/v1/poddisruptionbudgets", "").await)?;
    let tight = all
        .iter()
        .filter(|budget| count(budget, "/status/disruptionsAllowed") == 0);
    let evicted = || drafts.iter().filter(|draft| draft.call.verb == CallVerb::Evict);
    let covering = tight
        .filter(|budget| evicted().any(|draft| draft.before.as_ref().is_some_and(|pod| covers(budget, pod))));
    let names = covering.map(|budget| text(budget, "/metadata/name"));
    Ok(names
        .map(|name| format!("PodDisruptionBudget `{name}` allows 0 disruptions now"))
        .collect())
}

/// Whether a budget is about a pod, as far as its plain labels tell.
fn covers(budget: &Value, pod: &Value) -> bool {
    let same_place = budget.pointer("/metadata/namespace") == pod.pointer("/metadata/namespace");
    let plain = items(budget, "/spec/selector/matchExpressions").is_empty();
    same_place && plain && selects(budget, "/spec/selector/matchLabels", pod)
}

/// Whether a pod has all labels that stand there; none select nothing.
fn selects(object: &Value, pointer: &str, pod: &Value) -> bool {
    let labels = object.pointer(pointer).and_then(Value::as_object);
    let has = |(key, value): (&String, &Value)| entry(pod, "/metadata/labels", key) == value.as_str();
    labels.is_some_and(|labels| !labels.is_empty() && labels.iter().all(has))
}

/// Names beyond this many are counted, not listed.
const NAMED: usize = 5;

/// What lies around the pods that feel it: services that send them traffic, claims that they mount.
pub(super) async fn around(cluster: &Cluster, touched: &[Touched]) -> Result<Vec<String>, ClusterError> {
    let mut places: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for one in touched.iter().filter(|one| one.pods > 0) {
        let pod = one
            .before
            .as_ref()
            .and_then(|before| pod_of(&one.call.kind, before));
        if let (Some(namespace), Some(pod)) = (one.call.namespace.as_deref(), pod) {
            places.entry(namespace).or_default().push(pod);
        }
    }
    let (mut services, mut claims) = (BTreeSet::new(), BTreeSet::new());
    for (namespace, pods) in places {
        let path = format!("/api/v1/namespaces/{namespace}/services");
        let all = allowed(cluster.list_all(&path, "").await)?;
        let in_front = all
            .iter()
            .filter(|service| pods.iter().any(|pod| selects(service, "/spec/selector", pod)));
        services.extend(in_front.map(|service| text(service, "/metadata/name").to_owned()));
        claims.extend(pods.iter().flat_map(|pod| mounted(pod)));
    }
    let notes = [
        told("their traffic comes from", "service", &services),
        told("they mount", "persistentvolumeclaim", &claims),
    ];
    Ok(notes.into_iter().flatten().collect())
}

/// The pod that an object is, or that it makes.
fn pod_of<'a>(kind: &str, object: &'a Value) -> Option<&'a Value> {
    match kind {
        "pod" => Some(object),
        _ => object.pointer("/spec/template"),
    }
}

fn mounted(pod: &Value) -> impl Iterator<Item = String> {
    let claims = items(pod, "/spec/volumes")
        .iter()
        .filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str());
    claims.map(str::to_owned)
}

fn told(how: &str, kind: &str, names: &BTreeSet<String>) -> Option<String> {
    let first: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|name| format!("{kind}/{name}"))
        .collect();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!first.is_empty()).then(|| format!("{how} {}{more}", first.join(", ")))
}

/// A note is not worth failing for: what may not be listed is taken as empty.
fn allowed(listed: Result<Vec<Value>, ClusterError>) -> Result<Vec<Value>, ClusterError> {
    match listed {
        Err(ClusterError::Api { code, .. }) if code != 401 => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_release_is_named() {
        let object = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "shop"}}});
        let note = managed("deployment/web", &object).unwrap();
        assert_eq!(
            note,
            "deployment/web is also managed by Helm release `shop`, which may undo this"
        );
        assert_eq!(managed("deployment/web", &json!({})), None);
    }

    #[test]
    fn only_what_a_controller_keeps_alive_comes_back() {
        let owned = |kind: &str| json!({"metadata": {"ownerReferences": [{"kind": kind, "name": "web-1", "controller": true}]}});
        let note = recreated("pod/a", "pod", &owned("ReplicaSet")).unwrap();
        assert_eq!(note, "pod/a is owned by replicaset/web-1: it will be recreated");
        assert_eq!(recreated("pod/a", "pod", &owned("Job")), None);
        assert_eq!(recreated("job/a", "job", &owned("CronJob")), None);
        assert_eq!(recreated("pod/a", "pod", &json!({})), None);
    }

    #[test]
    fn a_service_selects_by_all_of_its_labels() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        let service = |selector: Value| json!({"spec": {"selector": selector}});
        let selects = |selector| selects(&service(selector), "/spec/selector", &pod);
        assert!(selects(json!({"app": "web"})));
        assert!(!selects(json!({"app": "web", "tier": "back"})));
        assert!(!selects(json!({})));
    }

    #[test]
    fn few_names_are_told_and_the_rest_counted() {
        let names = |count: u32| (0..count).map(|number| format!("s{number}")).collect();
        assert_eq!(told("they mount", "claim", &names(0)), None);
        assert_eq!(
            told("they mount", "claim", &names(2)).unwrap(),
            "they mount claim/s0, claim/s1"
        );
        assert!(
            told("they mount", "claim", &names(7))
                .unwrap()
                .ends_with("claim/s4 and 2 more")
        );
    }

    #[test]
    fn a_rollout_is_in_progress_until_every_pod_is_new() {
        let object = |updated: u32| json!({"spec": {"replicas": 3}, "status": {"updatedReplicas": updated}});
        assert!(rolling("deployment/web", "deployment", &object(1)).is_some());
        assert_eq!(rolling("deployment/web", "deployment", &object(3)), None);
        assert_eq!(rolling("configmap/a", "configmap", &json!({})), None);
    }
}
