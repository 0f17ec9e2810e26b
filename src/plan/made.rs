//! What a step brings into being, and the names that a plan may give to it.

use super::command::Action;
use super::field::Value;
use super::kind::Kind;
use super::snapshot::ObjectFact;
use super::target::Target;

/// Kinds that commands create by name, as [`Action::creates`] tells them.
const CREATED: &[&str] = &[
    "deployment",
    "pod",
    "service",
    "namespace",
    "configmap",
    "secret",
    "job",
    "cronjob",
    "ingress",
    "serviceaccount",
    "role",
    "clusterrole",
    "resourcequota",
    "poddisruptionbudget",
];

impl Action {
    /// The containers that a change names, but for `*`, which is all of them.
    pub fn containers(&self) -> Vec<&str> {
        match self {
            Action::SetImage(set) => {
                let named = set.images.0.iter().map(|image| image.container.as_str());
                named.filter(|name| *name != "*").collect()
            }
            Action::SetEnv(set) => set.container.iter().map(|name| name.0.as_str()).collect(),
            Action::SetResources(set) => set.container.iter().map(|name| name.0.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Makes a command that is about every container, or the first, be about one; others stay as they are.
    pub fn narrow_to(&mut self, name: &str) {
        let container = match self {
            Action::Logs(logs) if !logs.all_containers => &mut logs.container,
            Action::SetEnv(set) => &mut set.container,
            Action::SetResources(set) => &mut set.container,
            _ => return,
        };
        if container.is_none() {
            *container = Value::read(name);
        }
    }

    /// The object that the command creates, where it creates one by name. What `apply` brings is not told.
    pub fn creates(&self) -> Option<Target> {
        let (kind, name) = match self {
            Action::Run(new) => ("pod", new.name.write()),
            Action::CreateNamespace(new) => ("namespace", new.name.write()),
            Action::CreateDeployment(new) => ("deployment", new.name.write()),
            Action::CreateServiceClusterIp(new) => ("service", new.name.write()),
            Action::CreateServiceNodePort(new) => ("service", new.name.write()),
            Action::CreateServiceLoadBalancer(new) => ("service", new.name.write()),
            Action::Expose(new) => (
                "service",
                new.name
                    .as_ref()
                    .map_or_else(|| new.target.0.name.clone(), Value::write),
            ),
            Action::CreateIngress(new) => ("ingress", new.name.write()),
            Action::CreateConfigMap(new) => ("configmap", new.name.write()),
            Action::CreateSecret(new) => ("secret", new.name.write()),
            Action::CreateJob(new) => ("job", new.name.write()),
            Action::CreateJobFrom(new) => ("job", new.name.write()),
            Action::CreateCronJob(new) => ("cronjob", new.name.write()),
            Action::CreateServiceAccount(new) => ("serviceaccount", new.name.write()),
            Action::CreateRole(new) => ("role", new.name.write()),
            Action::CreateClusterRole(new) => ("clusterrole", new.name.write()),
            Action::CreateRoleBinding(new) => ("rolebinding", new.name.write()),
            Action::CreateClusterRoleBinding(new) => ("clusterrolebinding", new.name.write()),
            Action::CreateQuota(new) => ("resourcequota", new.name.write()),
            Action::CreatePodDisruptionBudget(new) => ("poddisruptionbudget", new.name.write()),
            Action::CreatePodDisruptionBudgetMax(new) => ("poddisruptionbudget", new.name.write()),
            Action::CreatePriorityClass(new) => ("priorityclass", new.name.write()),
            _ => return None,
        };
        Kind::read(kind).map(|kind| Target { kind, name })
    }
}

/// The objects that a plan's first step could create under one of these names.
pub(super) fn imagined(names: &[String]) -> impl Iterator<Item = ObjectFact> + '_ {
    names.iter().flat_map(|name| {
        CREATED.iter().map(move |kind| ObjectFact {
            kind: (*kind).to_owned(),
            name: name.clone(),
            ..ObjectFact::default()
        })
    })
}
