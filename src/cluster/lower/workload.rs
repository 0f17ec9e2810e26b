//! Scaling, restarting and holding what runs pods.

use serde_json::{Value, json};

use super::{Draft, Lower, Lowered, Lowering, impossible, known};
use crate::check::CallVerb;
use crate::cluster::json::{count, number, text};
use crate::cluster::manifest;
use crate::plan::command::{Autoscale, RolloutRestart, Scale};
use crate::plan::target::Pausable;

/// The annotation whose change makes new pods, as kubectl sets it.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

impl Lowering<'_> {
    pub(super) async fn scale(&self, command: &Scale) -> Lower {
        let wanted = command.replicas.0;
        let mut drafts = Vec::new();
        for target in &command.targets.0 {
            let found = self.get(&target.0).await?;
            let body = json!({"spec": {"replicas": wanted}});
            let same = number(&found.object, "/spec/replicas") == Some(i64::from(wanted));
            drafts.push((!same).then(|| self.draft(CallVerb::PatchMerge, found, body).sub("scale")));
        }
        Lowered::of(drafts, || {
            let names: Vec<String> = command
                .targets
                .0
                .iter()
                .map(|target| target.0.to_string())
                .collect();
            format!("{} has {wanted} replicas already", names.join(", "))
        })
    }

    pub(super) async fn autoscale(&self, command: &Autoscale) -> Lower {
        let found = self.get(&command.target.0).await?;
        if command.min.is_some_and(|min| min.0 > command.max.0) {
            return Err(impossible("`--min` is greater than `--max`"));
        }
        let body = manifest::workload::autoscaler(&found.served.api, command);
        let served = known("horizontalpodautoscaler")?;
        let namespace = Some(self.namespace.as_str());
        let draft = Draft::new(CallVerb::Create, &served, namespace, &found.name, Some(body));
        Ok(Lowered::one(draft))
    }

    pub(super) async fn restart(&self, command: &RolloutRestart) -> Lower {
        let stamp = self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: stamp}}}}});
        let mut lowered = Lowered::default();
        for target in &command.targets.0 {
            let found = self.get(&target.0).await?;
            if is_paused(&found.object) {
                let message = format!(
                    "{} is paused, so it cannot be restarted; resume it first",
                    found.words()
                );
                return Err(impossible(message));
            }
            lowered
                .drafts
                .push(self.draft(CallVerb::PatchStrategic, found, body.clone()));
        }
        Ok(lowered)
    }

    pub(super) async fn hold(&self, targets: &[Pausable], paused: bool) -> Lower {
        let mut drafts = Vec::new();
        for target in targets {
            let found = self.get(&target.0).await?;
            let same = is_paused(&found.object) == paused;
            let body = json!({"spec": {"paused": paused}});
            drafts.push((!same).then(|| self.draft(CallVerb::PatchStrategic, found, body)));
        }
        Lowered::of(drafts, || {
            let names: Vec<String> = targets.iter().map(|target| target.0.to_string()).collect();
            let state = if paused { "paused already" } else { "not paused" };
            format!("{} is {state}", names.join(", "))
        })
    }
}

pub(super) fn is_paused(object: &Value) -> bool {
    object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true)
}

/// How many running pods a change of an object replaces or ends: all of them where the pod template changes, else
/// those that are too many.
pub(in crate::cluster) fn pods_of_change(kind: &str, before: &Value, after: &Value) -> u32 {
    let running = match kind {
        "deployment" | "statefulset" | "replicaset" => count(before, "/status/replicas"),
        "daemonset" => count(before, "/status/currentNumberScheduled"),
        _ => return 0,
    };
    let by_hand = text(after, "/spec/updateStrategy/type") == "OnDelete" || kind == "replicaset";
    let rolls = before.pointer("/spec/template") != after.pointer("/spec/template");
    if rolls && !by_hand && !is_paused(after) {
        return running;
    }
    match number(after, "/spec/replicas") {
        Some(wanted) => running.saturating_sub(u32::try_from(wanted).unwrap_or_default()),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(image: &str, replicas: u32) -> Value {
        json!({"spec": {"replicas": replicas, "template": {"spec": {"containers": [{"image": image}]}}},
            "status": {"replicas": 3}})
    }

    #[test]
    fn a_new_template_replaces_every_pod() {
        let (old, new) = (deployment("a", 3), deployment("b", 3));
        assert_eq!(pods_of_change("deployment", &old, &new), 3);
        assert_eq!(pods_of_change("replicaset", &old, &new), 0);
        let mut held = new.clone();
        held["spec"]["paused"] = json!(true);
        assert_eq!(pods_of_change("deployment", &old, &held), 0);
    }

    #[test]
    fn fewer_replicas_end_pods_and_more_end_none() {
        let old = deployment("a", 3);
        assert_eq!(pods_of_change("deployment", &old, &deployment("a", 1)), 2);
        assert_eq!(pods_of_change("deployment", &old, &deployment("a", 9)), 0);
        assert_eq!(pods_of_change("configmap", &json!({}), &json!({"data": {}})), 0);
    }
}
