//! What a person should know before saying yes: one rule a function, each silent or with a reason.

use serde_json::Value;

use super::evidence::{CallVerb, StepEvidence, Touched};
use super::verdict::{Policy, Reason};
use crate::plan::command::Action;
use crate::plan::{Step, Target};

/// More objects than this in one step is a mass change.
const MASS: usize = 10;
/// More replicas than this from one scale is worth a second look.
const MANY_REPLICAS: u32 = 50;
/// Namespaces that the cluster itself lives in.
const SYSTEM_NAMESPACES: &[&str] = &["kube-system", "kube-public", "kube-node-lease"];

/// Everything worth saying about a step that writes.
pub fn risks(step: &Step, evidence: &StepEvidence, context: &str, policy: &Policy) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = evidence.touched.iter().flat_map(object_risks).collect();
    reasons.extend(pods(evidence));
    reasons.extend(mass(evidence));
    reasons.extend(action_risks(step));
    reasons.extend(place(step, evidence, context, policy));
    reasons.extend(evidence.notes.iter().map(Reason::note));
    let mut seen = std::collections::HashSet::new();
    reasons.retain(|reason| seen.insert(reason.text.clone()));
    reasons
}

/// Reasons that lie in one object.
fn object_risks(touched: &Touched) -> Vec<Reason> {
    let name = touched
        .target()
        .as_ref()
        .map_or_else(|| touched.call.name.clone(), Target::to_string);
    let mut reasons = Vec::new();
    if touched.call.verb == CallVerb::Delete {
        reasons.push(match touched.call.kind.as_str() {
            "namespace" => Reason::danger(format!("deletes {name} and everything in it")),
            "persistentvolumeclaim" | "persistentvolume" => {
                Reason::danger(format!("deletes {name}, and its data may go with it"))
            }
            "secret" | "customresourcedefinition" => {
                Reason::danger(format!("deletes {name}, which others may depend on"))
            }
            "node" => Reason::danger(format!("removes {name} from the cluster")),
            "statefulset" => Reason::caution(format!("deletes {name}; its claims stay")),
            _ => Reason::caution(format!("deletes {name}")),
        });
    }
    reasons.extend(touched.after.as_ref().into_iter().flat_map(manifest_risks));
    reasons
}

/// Reasons that lie in what an object will say.
fn manifest_risks(after: &Value) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for spec in [
        "/spec/template/spec",
        "/spec/jobTemplate/spec/template/spec",
        "/spec",
    ] {
        let containers = after
            .pointer(&format!("{spec}/containers"))
            .and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
                reasons.push(Reason::danger("runs a privileged container"));
            }
        }
        if after.pointer(&format!("{spec}/hostNetwork")) == Some(&Value::Bool(true)) {
            reasons.push(Reason::danger("uses the node's own network"));
        }
    }
    if after.pointer("/roleRef/name").and_then(Value::as_str) == Some("cluster-admin") {
        reasons.push(Reason::danger(
            "gives away every right in its scope (cluster-admin)",
        ));
    }
    let rules = after.get("rules").and_then(Value::as_array).into_iter().flatten();
    let has_wildcard = |rule: &Value| {
        ["verbs", "resources"].iter().any(|key| {
            rule[*key]
                .as_array()
                .is_some_and(|list| list.contains(&"*".into()))
        })
    };
    if rules.into_iter().any(has_wildcard) {
        reasons.push(Reason::danger("grants `*`"));
    }
    reasons
}

/// How many pods feel it.
fn pods(evidence: &StepEvidence) -> Option<Reason> {
    let pods: u32 = evidence.touched.iter().map(|touched| touched.pods).sum();
    let noun = if pods == 1 { "running pod" } else { "running pods" };
    (pods > 0).then(|| Reason::note(format!("affects {pods} {noun}")))
}

fn mass(evidence: &StepEvidence) -> Option<Reason> {
    let count = evidence.touched.len();
    (count > MASS).then(|| Reason::danger(format!("changes {count} objects at once")))
}

/// Reasons that lie in the command itself.
fn action_risks(step: &Step) -> Vec<Reason> {
    match &step.action {
        Action::Scale(scale) if scale.replicas.0 == 0 => {
            vec![Reason::caution("stops every pod of it (0 replicas)")]
        }
        Action::Scale(scale) if scale.replicas.0 > MANY_REPLICAS => {
            vec![Reason::caution(format!("{} replicas are many", scale.replicas.0))]
        }
        Action::Drain(drain) if drain.force => {
            vec![Reason::danger("also ends pods that nothing will bring back")]
        }
        Action::Drain(_) => vec![Reason::danger("moves every pod off a node")],
        Action::Cordon(_) | Action::TaintNodes(_) => vec![Reason::caution("changes where pods may run")],
        Action::Delete(delete) if delete.force => vec![Reason::danger("does not wait for pods to end")],
        Action::DeleteMatching(_) => vec![Reason::caution("deletes by label, not by name")],
        Action::SetImage(set) => set
            .images
            .0
            .iter()
            .filter_map(|image| image_risk(&image.image.0))
            .collect(),
        Action::Run(run) => image_risk(&run.image.0).into_iter().collect(),
        Action::CreateDeployment(create) => create
            .image
            .0
            .iter()
            .filter_map(|image| image_risk(&image.0))
            .collect(),
        Action::CreateToken(_) => vec![Reason::caution("issues a credential, which is shown once")],
        _ => Vec::new(),
    }
}

/// An image without a fixed version.
fn image_risk(image: &str) -> Option<Reason> {
    let name = image.rsplit('/').next().unwrap_or(image);
    let floating = !image.contains('@') && (!name.contains(':') || name.ends_with(":latest"));
    floating.then(|| Reason::caution(format!("`{image}` has no fixed version")))
}

/// Reasons that lie in where it happens.
fn place(step: &Step, evidence: &StepEvidence, context: &str, policy: &Policy) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let touched = evidence
        .touched
        .iter()
        .filter_map(|touched| touched.call.namespace.as_deref());
    let named = evidence
        .touched
        .iter()
        .filter(|touched| touched.call.kind == "namespace")
        .map(|touched| touched.call.name.as_str());
    for namespace in touched.chain(named).chain(step.namespace()) {
        if SYSTEM_NAMESPACES.contains(&namespace) {
            reasons.push(Reason::danger(format!(
                "{namespace} is part of the cluster itself"
            )));
        } else if is_production(namespace) {
            reasons.push(Reason::caution(format!(
                "namespace {namespace} looks like production"
            )));
        }
    }
    if policy
        .protected_contexts
        .iter()
        .any(|protected| protected == context)
    {
        reasons.push(Reason::danger(format!("context {context} is protected")));
    } else if is_production(context) {
        reasons.push(Reason::caution(format!(
            "context {context} looks like production"
        )));
    }
    reasons
}

/// Whether a name has a part that people use for production.
fn is_production(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
        matches!(
            part.to_ascii_lowercase().as_str(),
            "prod" | "production" | "live" | "prd"
        )
    })
}
