//! How far a rollout is. The order of the questions is that of `kubectl rollout status`; pods too many are waited for, too.

use serde_json::Value;

use super::State;
use crate::cluster::json::{count, entry, items, number, text};
use crate::cluster::read::is_ready;

/// How far the rollout of a deployment, stateful set or daemon set is.
pub(in crate::cluster) fn rollout_state(kind: &str, object: &Value) -> State {
    let name = text(object, "/metadata/name");
    if number(object, "/metadata/generation") > number(object, "/status/observedGeneration").or(Some(0)) {
        return State::Waiting(format!("waiting for the change of {kind}/{name} to be observed"));
    }
    match kind {
        "daemonset" => daemon_set(name, object),
        "statefulset" => stateful_set(name, object),
        _ => deployment(name, object),
    }
}

fn deployment(name: &str, object: &Value) -> State {
    let waiting = |what: String| State::Waiting(format!("deployment/{name}: {what}"));
    let late = items(object, "/status/conditions").iter().any(|condition| {
        condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded"
    });
    if late {
        return State::Failed(format!("deployment/{name} exceeded its progress deadline"));
    }
    let wanted = number(object, "/spec/replicas").map_or(1, |_| count(object, "/spec/replicas"));
    let updated = count(object, "/status/updatedReplicas");
    let all = count(object, "/status/replicas");
    let available = count(object, "/status/availableReplicas");
    if updated < wanted {
        return waiting(format!("{updated} of {wanted} new replicas have been updated"));
    }
    if all > updated {
        return waiting(format!("{} old replicas are pending termination", all - updated));
    }
    if all > wanted {
        return waiting(format!("{} pods are pending termination", all - wanted));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    State::Reached(format!(
        "deployment/{name} successfully rolled out: {available} of {wanted} available"
    ))
}

fn stateful_set(name: &str, object: &Value) -> State {
    let waiting = |what: String| State::Waiting(format!("statefulset/{name}: {what}"));
    let wanted = number(object, "/spec/replicas").map_or(1, |_| count(object, "/spec/replicas"));
    let ready = count(object, "/status/readyReplicas");
    let updated = count(object, "/status/updatedReplicas");
    let all = count(object, "/status/replicas");
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return State::Reached(format!(
            "statefulset/{name} is changed; its pods follow when they are deleted"
        ));
    }
    if ready < wanted {
        return waiting(format!("{ready} of {wanted} pods are ready"));
    }
    if all > wanted {
        return waiting(format!("{} pods are pending termination", all - wanted));
    }
    let partition = count(object, "/spec/updateStrategy/rollingUpdate/partition");
    if partition > 0 {
        let due = wanted.saturating_sub(partition);
        if updated < due {
            return waiting(format!("{updated} of {due} new pods have been updated"));
        }
        return State::Reached(format!("statefulset/{name} rolled out in part: {due} new pods"));
    }
    let (current, update) = (
        text(object, "/status/currentRevision"),
        text(object, "/status/updateRevision"),
    );
    if current != update {
        return waiting(format!("{updated} pods are at revision {update}"));
    }
    State::Reached(format!(
        "statefulset/{name} successfully rolled out: {ready} of {wanted} ready"
    ))
}

fn daemon_set(name: &str, object: &Value) -> State {
    let waiting = |what: String| State::Waiting(format!("daemonset/{name}: {what}"));
    let wanted = count(object, "/status/desiredNumberScheduled");
    let updated = count(object, "/status/updatedNumberScheduled");
    let available = count(object, "/status/numberAvailable");
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return State::Reached(format!(
            "daemonset/{name} is changed; its pods follow when they are deleted"
        ));
    }
    if updated < wanted {
        return waiting(format!("{updated} of {wanted} new pods have been updated"));
    }
    if available < wanted {
        return waiting(format!("{available} of {wanted} updated pods are available"));
    }
    State::Reached(format!(
        "daemonset/{name} successfully rolled out: {available} of {wanted} available"
    ))
}

/// The name of a pod and one word for how it is.
pub(super) fn glance(pod: &Value) -> (String, String) {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| items(pod, list));
    let waits = statuses.find_map(|status| status.pointer("/state/waiting/reason")?.as_str());
    let state = match (waits, text(pod, "/status/phase")) {
        _ if pod.pointer("/metadata/deletionTimestamp").is_some() => "Terminating",
        (Some(reason), _) => reason,
        (None, "Running") if is_ready(pod) => "Ready",
        (None, "") => "Pending",
        (None, phase) => phase,
    };
    (text(pod, "/metadata/name").to_owned(), state.to_owned())
}

/// UID of the newest of a deployment's replica sets.
pub(super) fn newest_of(deployment: &str, sets: &[Value]) -> Option<String> {
    let revision = |set: &Value| -> i64 {
        let revision = entry(set, "/metadata/annotations", "deployment.kubernetes.io/revision");
        revision.and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let owned = sets.iter().filter(|set| {
        let owners = items(set, "/metadata/ownerReferences");
        owners.iter().any(|reference| reference["uid"] == deployment)
    });
    let newest = owned.max_by_key(|set| revision(set))?;
    Some(text(newest, "/metadata/uid").to_owned())
}

/// Whether a pod runs the images of its owner's pod template: one of an earlier revision may be stuck in what the
/// change is to mend.
pub(super) fn runs(pod: &Value, owner: &Value) -> bool {
    let images = |containers: &[Value]| -> Vec<String> {
        containers
            .iter()
            .map(|container| text(container, "/image").to_owned())
            .collect()
    };
    let wanted = images(items(owner, "/spec/template/spec/containers"));
    let running = images(items(pod, "/spec/containers"));
    wanted.iter().all(|image| running.contains(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment_with(status: &Value) -> State {
        let object =
            json!({"metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 3}, "status": status});
        rollout_state("deployment", &object)
    }

    #[test]
    fn a_deployment_goes_through_its_stages() {
        let waiting = |status: Value| match deployment_with(&status) {
            State::Waiting(news) => news,
            other => panic!("{other:?}"),
        };
        assert!(waiting(json!({"observedGeneration": 1})).contains("to be observed"));
        let status =
            json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 1, "availableReplicas": 3});
        assert_eq!(
            waiting(status),
            "deployment/web: 1 of 3 new replicas have been updated"
        );
        let status =
            json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3});
        assert_eq!(
            waiting(status),
            "deployment/web: 1 old replicas are pending termination"
        );
        let status =
            json!({"observedGeneration": 2, "replicas": 5, "updatedReplicas": 5, "availableReplicas": 5});
        assert_eq!(waiting(status), "deployment/web: 2 pods are pending termination");
        let status =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2});
        assert_eq!(
            waiting(status),
            "deployment/web: 2 of 3 updated replicas are available"
        );
        let status =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
        assert!(matches!(deployment_with(&status), State::Reached(_)));
    }

    #[test]
    fn a_deployment_that_does_not_progress_has_failed() {
        let conditions = json!([{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]);
        let status = json!({"observedGeneration": 2, "conditions": conditions});
        assert!(matches!(deployment_with(&status), State::Failed(_)));
    }

    #[test]
    fn a_stateful_set_waits_for_readiness_then_for_the_revision() {
        let state = |status: Value| {
            let object = json!({"metadata": {"name": "db"}, "spec": {"replicas": 2}, "status": status});
            rollout_state("statefulset", &object)
        };
        assert!(matches!(state(json!({"readyReplicas": 1})), State::Waiting(_)));
        let status =
            json!({"readyReplicas": 2, "replicas": 2, "currentRevision": "a", "updateRevision": "b"});
        assert!(matches!(state(status), State::Waiting(_)));
        let status =
            json!({"readyReplicas": 2, "replicas": 2, "currentRevision": "b", "updateRevision": "b"});
        assert!(matches!(state(status), State::Reached(_)));
    }

    #[test]
    fn the_newest_replica_set_is_the_one_of_the_highest_revision() {
        let set = |uid: &str, owner: &str, revision: &str| {
            json!({"metadata": {"uid": uid, "ownerReferences": [{"uid": owner}],
                "annotations": {"deployment.kubernetes.io/revision": revision}}})
        };
        let sets = [set("a", "web", "9"), set("b", "web", "10"), set("c", "api", "11")];
        assert_eq!(newest_of("web", &sets).as_deref(), Some("b"));
    }
}
