//! Making objects.

use serde_json::Value;

use super::{Draft, Lower, Lowered, Lowering, impossible, known, target};
use crate::check::CallVerb;
use crate::cluster::discovery::Served;
use crate::cluster::error::ClusterError;
use crate::cluster::json::text;
use crate::cluster::manifest::{self, access, config, service, workload};
use crate::cluster::paths::path_of;
use crate::plan::command::{Apply, CreateJobFrom, CreateToken, Expose};
use crate::plan::value::AccessResource;
use crate::plan::{Action, Kind};

impl Lowering<'_> {
    /// Commands whose manifest follows from their words alone.
    pub(super) fn create(&self, action: &Action) -> Lower {
        let made = match action {
            Action::Run(command) => ("pod", workload::pod(command)),
            Action::CreateNamespace(command) => ("namespace", config::namespace(command)),
            Action::CreateDeployment(command) => ("deployment", workload::deployment(command)),
            Action::CreateServiceClusterIp(command) => (
                "service",
                service::service(&command.name.0, "ClusterIP", &command.tcp, None),
            ),
            Action::CreateServiceNodePort(command) => {
                let node_port = command.node_port.map(|port| port.0);
                (
                    "service",
                    service::service(&command.name.0, "NodePort", &command.tcp.0, node_port),
                )
            }
            Action::CreateServiceLoadBalancer(command) => (
                "service",
                service::service(&command.name.0, "LoadBalancer", &command.tcp.0, None),
            ),
            Action::CreateIngress(command) => ("ingress", service::ingress(command).map_err(impossible)?),
            Action::CreateConfigMap(command) => ("configmap", config::config_map(command)),
            Action::CreateSecret(command) => ("secret", config::secret(command)),
            Action::CreateJob(command) => ("job", workload::job(command)),
            Action::CreateCronJob(command) => ("cronjob", workload::cron_job(command)),
            Action::CreateServiceAccount(command) => ("serviceaccount", config::service_account(command)),
            Action::CreateRoleBinding(command) => {
                ("rolebinding", access::role_binding(command).map_err(impossible)?)
            }
            Action::CreateClusterRoleBinding(command) => (
                "clusterrolebinding",
                access::cluster_role_binding(command).map_err(impossible)?,
            ),
            Action::CreateQuota(command) => ("resourcequota", config::quota(command)),
            Action::CreatePodDisruptionBudget(command) => ("poddisruptionbudget", config::budget(command)),
            Action::CreatePodDisruptionBudgetMax(command) => {
                ("poddisruptionbudget", config::budget_max(command))
            }
            Action::CreatePriorityClass(command) => ("priorityclass", config::priority_class(command)),
            other => return Err(impossible(format!("`{}` makes no object", other.shape().words))),
        };
        self.creation(made.0, made.1)
    }

    fn creation(&self, kind: &str, mut manifest: Value) -> Lower {
        let served = known(kind)?;
        manifest::place(&mut manifest, &served.api, self.place(&served));
        let name = text(&manifest, "/metadata/name").to_owned();
        let namespace = Some(self.namespace.as_str());
        Ok(Lowered::one(Draft::new(
            CallVerb::Create,
            &served,
            namespace,
            &name,
            Some(manifest),
        )))
    }

    pub(super) async fn role(&self, action: &Action) -> Lower {
        let (kind, name, verbs, resources, names) = match action {
            Action::CreateRole(role) => (
                "role",
                &role.name,
                &role.verbs,
                &role.resources,
                &role.resource_names,
            ),
            Action::CreateClusterRole(role) => (
                "clusterrole",
                &role.name,
                &role.verbs,
                &role.resources,
                &role.resource_names,
            ),
            _ => return Err(impossible("only roles have rules")),
        };
        let mut about = Vec::new();
        for resource in &resources.0 {
            about.push(self.resource(resource).await?);
        }
        let verbs: Vec<&str> = verbs.0.iter().map(|verb| verb.0.as_str()).collect();
        let names: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
        self.creation(kind, access::role(&name.0, &verbs, &about, &names))
    }

    /// Group and resource name, subresource included, of what an access rule is about.
    async fn resource(&self, resource: &AccessResource) -> Lower<(String, String)> {
        let (name, subresource) = match resource.0.split_once('/') {
            Some((name, subresource)) => (name, format!("/{subresource}")),
            None => (resource.0.as_str(), String::new()),
        };
        if name == "*" {
            return Ok(("*".to_owned(), format!("*{subresource}")));
        }
        let kind = Kind::read(name).ok_or_else(|| impossible(format!("`{name}` is no resource")))?;
        let served = self.cluster.find(&kind).await?;
        Ok((served.api.group, format!("{}{subresource}", served.api.plural)))
    }

    pub(super) async fn expose(&self, command: &Expose) -> Lower {
        let found = self.get(&command.target.0).await?;
        let manifest = service::exposing(&found.words(), &found.served.kind(), &found.object, command);
        self.creation("service", manifest.map_err(impossible)?)
    }

    pub(super) async fn job_from(&self, command: &CreateJobFrom) -> Lower {
        let found = self.get(&command.from.0).await?;
        self.creation("job", workload::job_from(&command.name.0, &found.object))
    }

    pub(super) async fn token(&self, command: &CreateToken) -> Lower {
        let found = self.get(&target("serviceaccount", &command.account.0)?).await?;
        let duration = command.duration.as_ref().map(|duration| duration.0.as_str());
        let body = access::token_request(duration).map_err(impossible)?;
        let mut draft = self.draft(CallVerb::Create, found, body).sub("token");
        // Servers issue the token even in a dry run.
        draft.call.dry_run = false;
        Ok(Lowered::one(draft))
    }

    pub(super) async fn apply(&self, command: &Apply) -> Lower {
        let mut manifest = command.manifest.0.clone();
        let (api_version, kind) = (text(&manifest, "/apiVersion"), text(&manifest, "/kind"));
        let name = text(&manifest, "/metadata/name").to_owned();
        if api_version.is_empty() || kind.is_empty() || name.is_empty() {
            return Err(impossible(
                "the manifest needs `apiVersion`, `kind` and `metadata.name`",
            ));
        }
        let served = self.cluster.find_type(api_version, kind).await?;
        self.check_place(&manifest, &served)?;
        manifest::place(&mut manifest, &served.api, self.place(&served));
        let before = self.existing(&served, &name).await?;
        let mut draft = Draft::new(
            CallVerb::Apply,
            &served,
            self.place(&served),
            &name,
            Some(manifest),
        );
        draft.before = before;
        Ok(Lowered::one(draft))
    }

    async fn existing(&self, served: &Served, name: &str) -> Result<Option<Value>, ClusterError> {
        let path = path_of(served, self.place(served), Some(name));
        self.cluster.fetch_if_there(&path).await
    }

    fn check_place(&self, manifest: &Value, served: &Served) -> Lower<()> {
        let named = text(manifest, "/metadata/namespace");
        if served.namespaced && !named.is_empty() && named != self.namespace {
            let message = format!(
                "the manifest's namespace `{named}` is not the step's, `{}`",
                self.namespace
            );
            return Err(impossible(message));
        }
        Ok(())
    }
}

/// What a creating step will make, without asking anybody: kind, namespace (empty where it has none) and name.
pub(in crate::cluster) fn will_make(action: &Action, namespace: &str) -> Option<(String, String, String)> {
    let named = |kind: &str, name: &str| Some((kind.to_owned(), namespace.to_owned(), name.to_owned()));
    let alone = |kind: &str, name: &str| Some((kind.to_owned(), String::new(), name.to_owned()));
    match action {
        Action::Run(command) => named("pod", &command.name.0),
        Action::Autoscale(command) => named("horizontalpodautoscaler", &command.target.0.name),
        Action::Expose(command) => {
            let name = command
                .name
                .as_ref()
                .map_or(&command.target.0.name, |name| &name.0);
            named("service", name)
        }
        Action::CreateNamespace(command) => alone("namespace", &command.name.0),
        Action::CreateDeployment(command) => named("deployment", &command.name.0),
        Action::CreateServiceClusterIp(command) => named("service", &command.name.0),
        Action::CreateServiceNodePort(command) => named("service", &command.name.0),
        Action::CreateServiceLoadBalancer(command) => named("service", &command.name.0),
        Action::CreateIngress(command) => named("ingress", &command.name.0),
        Action::CreateConfigMap(command) => named("configmap", &command.name.0),
        Action::CreateSecret(command) => named("secret", &command.name.0),
        Action::CreateJob(command) => named("job", &command.name.0),
        Action::CreateJobFrom(command) => named("job", &command.name.0),
        Action::CreateCronJob(command) => named("cronjob", &command.name.0),
        Action::CreateServiceAccount(command) => named("serviceaccount", &command.name.0),
        Action::CreateRole(command) => named("role", &command.name.0),
        Action::CreateClusterRole(command) => alone("clusterrole", &command.name.0),
        Action::CreateRoleBinding(command) => named("rolebinding", &command.name.0),
        Action::CreateClusterRoleBinding(command) => alone("clusterrolebinding", &command.name.0),
        Action::CreateQuota(command) => named("resourcequota", &command.name.0),
        Action::CreatePodDisruptionBudget(command) => named("poddisruptionbudget", &command.name.0),
        Action::CreatePodDisruptionBudgetMax(command) => named("poddisruptionbudget", &command.name.0),
        Action::CreatePriorityClass(command) => alone("priorityclass", &command.name.0),
        Action::Apply(command) => applied(&command.manifest.0, namespace),
        _ => None,
    }
}

fn applied(manifest: &Value, namespace: &str) -> Option<(String, String, String)> {
    let kind = Kind::read(text(manifest, "/kind"))?;
    let alone = kind.builtin().is_some_and(|known| !known.namespaced);
    let namespace = if alone { "" } else { namespace };
    let name = text(manifest, "/metadata/name").to_owned();
    Some((kind.as_str().to_owned(), namespace.to_owned(), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;
    use serde_json::json;

    fn made(line: &str) -> Option<(String, String, String)> {
        will_make(&line.parse::<Step>().unwrap().action, "shop")
    }

    #[test]
    fn what_a_step_will_make_is_known_beforehand() {
        let name = |kind: &str, namespace: &str, name: &str| {
            Some((kind.to_owned(), namespace.to_owned(), name.to_owned()))
        };
        assert_eq!(made("create namespace demo"), name("namespace", "", "demo"));
        assert_eq!(
            made("create deployment api --image=nginx"),
            name("deployment", "shop", "api")
        );
        assert_eq!(
            made("expose deployment/api --port=80"),
            name("service", "shop", "api")
        );
        let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
        assert_eq!(applied(&manifest, "shop"), name("configmap", "shop", "c"));
        assert_eq!(made("scale deployment/web --replicas=2"), None);
    }

    #[test]
    fn every_command_that_makes_an_object_is_in_the_table() {
        let lines = [
            "run shell --image=busybox",
            "create service clusterip a --tcp=80",
            "create ingress a --rule='shop.example.com/=web:80'",
            "create configmap a --from-literal=k=v",
            "create secret generic a --from-literal=k=v",
            "create job a --image=busybox",
            "create cronjob a --image=busybox --schedule='0 * * * *'",
            "create serviceaccount a",
            "create quota a --hard=pods=4",
            "create poddisruptionbudget a --selector=app=web --min-available=1",
            "create priorityclass a --value=7",
        ];
        for line in lines {
            assert!(made(line).is_some(), "{line}");
        }
    }
}
