//! Deleting, by name or by label.

use serde_json::{Value, json};

use super::{Draft, Found, Lower, Lowered, Lowering, nothing_to_do};
use crate::check::CallVerb;
use crate::cluster::discovery::Served;
use crate::cluster::json::{count, text};
use crate::cluster::paths::{encode, path_of};
use crate::plan::command::{Delete, DeleteMatching};

impl Lowering<'_> {
    pub(super) async fn delete(&self, command: &Delete) -> Lower {
        let grace = match (command.force, command.grace_period) {
            (true, None) => Some(0),
            // Without `--force`, kubectl takes the shortest period that still asks the kubelet.
            (false, Some(period)) => Some(period.0.max(1)),
            (_, period) => period.map(|period| period.0),
        };
        let mut lowered = Lowered::default();
        for target in &command.targets.0 {
            let found = self.get(&target.0).await?;
            lowered.drafts.push(self.removal(found, grace).await?);
        }
        Ok(lowered)
    }

    pub(super) async fn delete_matching(&self, command: &DeleteMatching) -> Lower {
        let served = self.cluster.find(&command.kind.0).await?;
        let path = path_of(&served, self.place(&served), None);
        let query = format!("&labelSelector={}", encode(&command.selector.0));
        let mut lowered = Lowered::default();
        for object in self.cluster.list_all(&path, &query).await? {
            let found = Found {
                served: served.clone(),
                name: text(&object, "/metadata/name").to_owned(),
                object: typed(object, &served),
            };
            lowered.drafts.push(self.removal(found, None).await?);
        }
        if lowered.drafts.is_empty() {
            let (plural, selector) = (&served.api.plural, &command.selector.0);
            return Err(nothing_to_do(format!(
                "no {plural} match `{selector}` in {}",
                self.namespace
            )));
        }
        Ok(lowered)
    }

    async fn removal(&self, found: Found, grace: Option<u32>) -> Lower<Draft> {
        let mut body =
            json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
        if let Some(seconds) = grace {
            body["gracePeriodSeconds"] = json!(seconds);
        }
        let pods = self.pods_ended(&found).await?;
        Ok(Draft {
            pods: Some(pods),
            ..self.draft(CallVerb::Delete, found, body)
        })
    }

    /// How many running pods go with an object.
    async fn pods_ended(&self, found: &Found) -> Lower<u32> {
        let object = &found.object;
        let pods = match found.served.kind().as_str() {
            "pod" => return Ok(u32::from(is_running(object))),
            "deployment" | "statefulset" | "replicaset" => return Ok(count(object, "/status/replicas")),
            "daemonset" => return Ok(count(object, "/status/currentNumberScheduled")),
            "job" => return Ok(count(object, "/status/active")),
            "namespace" => {
                let path = format!("/api/v1/namespaces/{}/pods", found.name);
                self.cluster.list_all(&path, "").await?
            }
            "node" => self.cluster.pods_on(&found.name).await?,
            _ => return Ok(0),
        };
        let running = pods.iter().filter(|pod| is_running(pod)).count();
        Ok(u32::try_from(running).unwrap_or(u32::MAX))
    }
}

fn is_running(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Elements of a list come without their type; put it back.
fn typed(mut object: Value, served: &Served) -> Value {
    object["apiVersion"] = json!(served.api.api_version);
    object["kind"] = json!(served.api.kind);
    object
}
