//! Keeping pods off nodes, and moving them away.

use serde_json::{Value, json};

use super::{Draft, Lower, Lowered, Lowering, impossible, known};
use crate::check::CallVerb;
use crate::cluster::json::{controller, items, text};
use crate::cluster::paths::encode;
use crate::plan::command::Drain;
use crate::plan::target::Node;

/// The annotation of pods that the kubelet runs from a file; the API cannot evict them.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// What a drain does with one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It is evicted.
    Evict,
    /// It stays, or is done anyway.
    Leave,
    /// The drain cannot be done, for this reason.
    Block(&'static str),
}

impl Lowering<'_> {
    pub(super) async fn cordon(&self, nodes: &[Node], cordoned: bool) -> Lower {
        let mut drafts = Vec::new();
        for node in nodes {
            drafts.push(self.mark(node, cordoned).await?);
        }
        Lowered::of(drafts, || {
            let names: Vec<String> = nodes.iter().map(|node| node.0.to_string()).collect();
            let state = if cordoned { "cordoned" } else { "uncordoned" };
            format!("{} is {state} already", names.join(", "))
        })
    }

    /// The change of one node's mark; nothing where it has it already.
    async fn mark(&self, node: &Node, cordoned: bool) -> Lower<Option<Draft>> {
        let found = self.get(&node.0).await?;
        if is_cordoned(&found.object) == cordoned {
            return Ok(None);
        }
        let body = json!({"spec": {"unschedulable": cordoned.then_some(true)}});
        Ok(Some(self.draft(CallVerb::PatchStrategic, found, body)))
    }

    pub(super) async fn drain(&self, command: &Drain) -> Lower {
        let mut drafts = vec![self.mark(&command.node, true).await?];
        let pods = self.cluster.pods_on(&command.node.0.name).await?;
        if let Some(why) = blocked(&pods, command) {
            return Err(impossible(why));
        }
        for pod in pods {
            if fate(&pod, command) == Fate::Evict {
                drafts.push(Some(eviction(pod, command)?));
            }
        }
        Lowered::of(drafts, || {
            format!("{} is cordoned and has no pods to evict", command.node.0)
        })
    }
}

fn eviction(pod: Value, command: &Drain) -> Lower<Draft> {
    let (namespace, name) = (text(&pod, "/metadata/namespace"), text(&pod, "/metadata/name"));
    let mut body = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace}, "deleteOptions": {}});
    if let Some(seconds) = command.grace_period {
        body["deleteOptions"]["gracePeriodSeconds"] = json!(seconds.0);
    }
    let served = known("pod")?;
    let draft = Draft::new(CallVerb::Evict, &served, Some(namespace), name, Some(body)).sub("eviction");
    Ok(Draft {
        pods: Some(1),
        ..draft.on(pod)
    })
}

impl super::Cluster {
    /// Every pod that is bound to a node.
    pub(in crate::cluster) async fn pods_on(&self, node: &str) -> Result<Vec<Value>, super::ClusterError> {
        let selector = encode(&format!("spec.nodeName={node}"));
        self.list_all("/api/v1/pods", &format!("&fieldSelector={selector}"))
            .await
    }
}

fn is_cordoned(node: &Value) -> bool {
    node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true)
}

/// What a drain with these flags does with a pod. The rules and their order are kubectl's.
fn fate(pod: &Value, command: &Drain) -> Fate {
    let finished = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    let mirror = pod
        .pointer("/metadata/annotations")
        .is_some_and(|notes| notes.get(MIRROR).is_some());
    let owner = controller(pod);
    let scratch = items(pod, "/spec/volumes")
        .iter()
        .any(|volume| volume.get("emptyDir").is_some());
    match owner {
        _ if mirror => Fate::Leave,
        Some(owner) if owner["kind"] == "DaemonSet" => {
            if command.ignore_daemonsets || finished {
                return Fate::Leave;
            }
            Fate::Block("cannot delete DaemonSet-managed pods (use --ignore-daemonsets to ignore)")
        }
        _ if finished => Fate::Evict,
        _ if scratch && !command.delete_emptydir_data => {
            Fate::Block("cannot delete pods with local storage (use --delete-emptydir-data to override)")
        }
        None if !command.force => {
            Fate::Block("cannot delete pods that declare no controller (use --force to override)")
        }
        _ => Fate::Evict,
    }
}

/// Why a drain cannot be done, each reason with its pods.
fn blocked(pods: &[Value], command: &Drain) -> Option<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for pod in pods {
        let Fate::Block(reason) = fate(pod, command) else {
            continue;
        };
        let name = format!(
            "{}/{}",
            text(pod, "/metadata/namespace"),
            text(pod, "/metadata/name")
        );
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let each = reasons
        .iter()
        .map(|(reason, names)| format!("{reason}: {}", names.join(", ")));
    let all: Vec<String> = each.collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Step};

    fn drain(flags: &str) -> Drain {
        let Action::Drain(command) = format!("drain n1 {flags}").parse::<Step>().unwrap().action else {
            panic!()
        };
        command
    }

    fn pod(owner: Option<&str>, extra: &Value) -> Value {
        let owners: Vec<Value> = owner
            .into_iter()
            .map(|kind| json!({"kind": kind, "controller": true}))
            .collect();
        let mut pod = json!({"metadata": {"name": "p", "namespace": "shop", "ownerReferences": owners}});
        json_patch::merge(&mut pod, extra);
        pod
    }

    #[test]
    fn each_kind_of_pod_needs_its_own_flag() {
        let scratch = json!({"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}});
        let cases = [
            (pod(Some("ReplicaSet"), &json!({})), "", "--force"),
            (
                pod(Some("DaemonSet"), &json!({})),
                "--ignore-daemonsets",
                "--force",
            ),
            (
                pod(Some("ReplicaSet"), &scratch),
                "--delete-emptydir-data",
                "--ignore-daemonsets",
            ),
            (pod(None, &json!({})), "--force", "--ignore-daemonsets"),
        ];
        for (pod, enough, too_little) in &cases {
            assert!(
                !matches!(fate(pod, &drain(enough)), Fate::Block(_)),
                "{pod} {enough}"
            );
            let blocked = matches!(fate(pod, &drain(too_little)), Fate::Block(_));
            assert_eq!(blocked, !enough.is_empty(), "{pod} {too_little}");
        }
    }

    #[test]
    fn mirror_pods_stay_and_finished_pods_go() {
        let mirror = pod(None, &json!({"metadata": {"annotations": {MIRROR: "x"}}}));
        assert_eq!(fate(&mirror, &drain("")), Fate::Leave);
        let finished = pod(None, &json!({"status": {"phase": "Succeeded"}}));
        assert_eq!(fate(&finished, &drain("")), Fate::Evict);
    }

    #[test]
    fn every_reason_is_told_with_its_pods() {
        let pods = [pod(Some("DaemonSet"), &json!({})), pod(None, &json!({}))];
        let why = blocked(&pods, &drain("")).unwrap();
        assert!(why.contains("--ignore-daemonsets to ignore): shop/p; "), "{why}");
        assert!(why.ends_with("--force to override): shop/p"), "{why}");
    }
}
