//! Pods with which something is wrong, on either cluster.

use serde::Deserialize;
use serde_json::{Value, json};

use super::control_plane::OWN_STATUS;

/// Where they are.
pub const NAMESPACE: &str = "faults";

/// Runs kubectl with these arguments and this input; what it printed, or what it complained of.
type Kubectl<'a> = dyn Fn(&[&str], &str) -> Result<String, String> + 'a;

/// One pod and what is wrong with it.
#[derive(Deserialize)]
pub struct Fault {
    /// What it and its pod are called.
    pub name: String,
    /// What a diagnosis must find.
    pub says: String,
    pod: Value,
    claim: Option<Value>,
    status: Option<Value>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    reason: String,
    message: String,
}

/// All of them.
pub fn all() -> Vec<Fault> {
    serde_saphyr::from_str(include_str!("faults.yaml")).unwrap()
}

impl Fault {
    /// Makes it, by a kubectl; where kubelets are not real, what one would have written comes along.
    pub fn make(&self, kubectl: &Kubectl<'_>, writes_status: bool) -> Result<(), String> {
        let apply = |object: Value| kubectl(&["apply", "-f", "-"], &object.to_string());
        if let Some(claim) = &self.claim {
            apply(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "nowhere"}, "spec": claim}))?;
        }
        let mut annotations = json!({"sandbox.sayso.dev/fault": self.name});
        if self.status.is_some() {
            let (key, value) = OWN_STATUS.split_once('=').unwrap();
            annotations[key] = value.into();
        }
        apply(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": self.name, "annotations": annotations}, "spec": self.pod}))?;
        let Some(status) = self.status.as_ref().filter(|_| writes_status) else {
            return Ok(());
        };
        let patch = json!({ "status": status }).to_string();
        kubectl(
            &[
                "patch",
                "pod",
                &self.name,
                "--subresource=status",
                "--type=merge",
                "-p",
                &patch,
            ],
            "",
        )?;
        for (index, event) in self.events.iter().enumerate() {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            apply(json!({"apiVersion": "v1", "kind": "Event", "type": "Warning",
                "metadata": {"name": format!("{}.{index}", self.name)},
                "reason": event.reason, "message": event.message, "source": {"component": "kubelet"},
                "firstTimestamp": now, "lastTimestamp": now, "count": 1,
                "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": NAMESPACE, "name": self.name}}))?;
        }
        Ok(())
    }
}
