//! Which kinds the cluster serves, and under which paths.

use kube::api::{Api, DynamicObject};
use kube::client::{APIGroupDiscovery, APIResourceDiscovery};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Discovery, Scope, verbs};
use tokio::sync::OnceCell;

use super::connect::Cluster;
use super::error::ClusterError;
use crate::plan::kind::BUILTINS;
use crate::plan::{CustomKind, Kind};

/// What is certain of the built-in kinds without asking: singular, Kind, version. The group is in [`BUILTINS`].
const CERTAIN: &[(&str, &str, &str)] = &[
    ("pod", "Pod", "v1"),
    ("deployment", "Deployment", "v1"),
    ("service", "Service", "v1"),
    ("replicaset", "ReplicaSet", "v1"),
    ("statefulset", "StatefulSet", "v1"),
    ("daemonset", "DaemonSet", "v1"),
    ("job", "Job", "v1"),
    ("cronjob", "CronJob", "v1"),
    ("configmap", "ConfigMap", "v1"),
    ("secret", "Secret", "v1"),
    ("ingress", "Ingress", "v1"),
    ("networkpolicy", "NetworkPolicy", "v1"),
    ("persistentvolumeclaim", "PersistentVolumeClaim", "v1"),
    ("persistentvolume", "PersistentVolume", "v1"),
    ("storageclass", "StorageClass", "v1"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler", "v2"),
    ("poddisruptionbudget", "PodDisruptionBudget", "v1"),
    ("namespace", "Namespace", "v1"),
    ("node", "Node", "v1"),
    ("event", "Event", "v1"),
    ("endpoints", "Endpoints", "v1"),
    ("serviceaccount", "ServiceAccount", "v1"),
    ("role", "Role", "v1"),
    ("rolebinding", "RoleBinding", "v1"),
    ("clusterrole", "ClusterRole", "v1"),
    ("clusterrolebinding", "ClusterRoleBinding", "v1"),
    ("resourcequota", "ResourceQuota", "v1"),
    ("limitrange", "LimitRange", "v1"),
    ("priorityclass", "PriorityClass", "v1"),
    ("customresourcedefinition", "CustomResourceDefinition", "v1"),
];

/// Built-in kinds with a `scale` subresource.
const SCALABLE: &[&str] = &["deployment", "statefulset", "replicaset"];

/// A kind that the cluster serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Group, version, Kind and resource name.
    pub api: ApiResource,
    /// Lower-case singular.
    pub singular: String,
    /// Short names.
    pub short: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether it has a `scale` subresource.
    pub scalable: bool,
    /// Whether its objects can be listed.
    pub listable: bool,
}

/// The kinds of one cluster: the built-in ones are known, the others are discovered once, when first asked for.
#[derive(Debug, Default)]
pub struct Resources {
    discovered: OnceCell<Vec<Served>>,
}

impl Served {
    /// The kind as the plan language spells it: a built-in's singular, else `plural.group`.
    pub fn kind(&self) -> String {
        if builtin(&self.singular).is_some_and(|known| known.api.group == self.api.group) {
            return self.singular.clone();
        }
        match self.api.group.as_str() {
            "" => self.singular.clone(),
            group => format!("{}.{group}", self.api.plural),
        }
    }

    /// Whether a lower-case name means this kind: singular, plural or short name, alone or with its group.
    fn is_called(&self, name: &str) -> bool {
        let plain = |name: &str| {
            name == self.singular || name == self.api.plural || self.short.iter().any(|short| short == name)
        };
        plain(name)
            || name
                .split_once('.')
                .is_some_and(|(name, group)| plain(name) && group == self.api.group)
    }

    fn is_custom(&self) -> bool {
        let known = BUILTINS.iter().any(|known| {
            known.plural == self.api.plural
                && (known.group == self.api.group || self.api.group.ends_with(".k8s.io"))
        });
        self.listable && !known && !self.api.group.is_empty()
    }
}

/// What is certain of a built-in kind.
pub(super) fn builtin(singular: &str) -> Option<Served> {
    let known = BUILTINS.iter().find(|known| known.singular == singular)?;
    let (_, kind, version) = CERTAIN.iter().find(|(name, ..)| *name == singular)?;
    let gvk = GroupVersionKind::gvk(known.group, version, kind);
    Some(Served {
        api: ApiResource::from_gvk_with_plural(&gvk, known.plural),
        singular: singular.to_owned(),
        short: known.short.iter().map(|short| (*short).to_owned()).collect(),
        namespaced: known.namespaced,
        scalable: SCALABLE.contains(&singular),
        listable: true,
    })
}

impl Cluster {
    /// Finds a kind: at once where it is built in, by discovery otherwise. `NoSuchKind` where the cluster has none.
    pub async fn find(&self, kind: &Kind) -> Result<Served, ClusterError> {
        if let Some(served) = builtin(kind.as_str()) {
            return Ok(served);
        }
        let all = self.discovered().await?;
        let found = all.iter().find(|served| served.is_called(kind.as_str()));
        found
            .cloned()
            .ok_or_else(|| ClusterError::NoSuchKind(kind.to_string()))
    }

    /// Finds what a manifest calls its type, as in `apps/v1` and `Deployment`.
    pub(super) async fn find_type(&self, api_version: &str, kind: &str) -> Result<Served, ClusterError> {
        let known = CERTAIN
            .iter()
            .filter(|(_, name, _)| *name == kind)
            .find_map(|(singular, ..)| builtin(singular))
            .filter(|served| served.api.api_version == api_version);
        if let Some(served) = known {
            return Ok(served);
        }
        let all = self.discovered().await?;
        all.iter()
            .find(|served| served.api.kind == kind && served.api.api_version == api_version)
            .cloned()
            .ok_or_else(|| ClusterError::NoSuchKind(format!("{kind} in {api_version}")))
    }

    /// The kinds served beyond the built-in ones, of those that can be listed.
    pub async fn custom_kinds(&self) -> Result<Vec<CustomKind>, ClusterError> {
        let all = self.discovered().await?;
        let custom = all.iter().filter(|served| served.is_custom());
        Ok(custom
            .map(|served| CustomKind {
                singular: served.singular.clone(),
                plural: served.api.plural.clone(),
                group: served.api.group.clone(),
                namespaced: served.namespaced,
            })
            .collect())
    }

    /// A typed door to the objects of a kind: in one namespace, or in all of them where none is given.
    pub async fn api(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
    ) -> Result<Api<DynamicObject>, ClusterError> {
        let served = self.find(kind).await?;
        Ok(match namespace {
            Some(name) if served.namespaced => Api::namespaced_with(self.client.clone(), name, &served.api),
            _ => Api::all_with(self.client.clone(), &served.api),
        })
    }

    async fn discovered(&self) -> Result<&Vec<Served>, ClusterError> {
        self.resources
            .discovered
            .get_or_try_init(|| self.discover())
            .await
    }

    /// Two requests where the server aggregates; otherwise one a group.
    async fn discover(&self) -> Result<Vec<Served>, ClusterError> {
        let (named, core) = tokio::join!(
            self.client.list_api_groups_aggregated(),
            self.client.list_core_api_versions_aggregated()
        );
        match (named, core) {
            (Ok(named), Ok(core)) if !named.items.is_empty() => {
                let groups = core.items.into_iter().chain(named.items);
                Ok(groups.flat_map(from_aggregated).collect())
            }
            _ => self.discover_by_group().await,
        }
    }

    async fn discover_by_group(&self) -> Result<Vec<Served>, ClusterError> {
        let discovery = Discovery::new(self.client.clone()).run().await;
        let discovery = discovery.map_err(|error| self.explain(error))?;
        let each = discovery
            .groups()
            .flat_map(kube::discovery::ApiGroup::recommended_resources);
        Ok(each
            .map(|(api, capabilities)| Served {
                singular: api.kind.to_ascii_lowercase(),
                short: Vec::new(),
                namespaced: capabilities.scope == Scope::Namespaced,
                scalable: capabilities
                    .subresources
                    .iter()
                    .any(|(sub, _)| sub.plural.ends_with("scale")),
                listable: capabilities.supports_operation(verbs::LIST),
                api,
            })
            .collect())
    }
}

/// The resources of a group's preferred version, and those of its others that the preferred one lacks.
fn from_aggregated(group: APIGroupDiscovery) -> Vec<Served> {
    let name = group.metadata.and_then(|meta| meta.name).unwrap_or_default();
    let mut all: Vec<Served> = Vec::new();
    for version in group.versions {
        let number = version.version.unwrap_or_default();
        for resource in version.resources {
            let Some(served) = from_resource(&name, &number, resource) else {
                continue;
            };
            if all.iter().all(|known| known.api.plural != served.api.plural) {
                all.push(served);
            }
        }
    }
    all
}

fn from_resource(group: &str, version: &str, resource: APIResourceDiscovery) -> Option<Served> {
    let plural = resource.resource?;
    let kind = resource.response_kind?.kind?;
    let singular = resource.singular_resource.filter(|name| !name.is_empty());
    let gvk = GroupVersionKind::gvk(group, version, &kind);
    let scalable = resource
        .subresources
        .iter()
        .any(|sub| sub.subresource.as_deref() == Some("scale"));
    Some(Served {
        api: ApiResource::from_gvk_with_plural(&gvk, &plural),
        singular: singular.unwrap_or_else(|| kind.to_ascii_lowercase()),
        short: resource.short_names,
        namespaced: resource.scope.as_deref() == Some("Namespaced"),
        scalable,
        listable: resource.verbs.iter().any(|verb| verb == verbs::LIST),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_kind_is_certain() {
        for known in BUILTINS {
            let served = builtin(known.singular).unwrap();
            assert_eq!(served.singular, served.api.kind.to_ascii_lowercase());
            assert_eq!(served.kind(), known.singular);
        }
        assert_eq!(
            builtin("horizontalpodautoscaler").unwrap().api.api_version,
            "autoscaling/v2"
        );
    }

    #[test]
    fn a_custom_kind_answers_to_all_its_names() {
        let group: APIGroupDiscovery = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "example.com"},
            "versions": [
                {"version": "v1", "resources": [{"resource": "widgets", "singularResource": "widget",
                    "shortNames": ["wd"], "scope": "Namespaced", "verbs": ["list"],
                    "responseKind": {"kind": "Widget"}, "subresources": [{"subresource": "scale"}]}]},
                {"version": "v1beta1", "resources": [{"resource": "widgets", "verbs": ["list"],
                    "responseKind": {"kind": "Widget"}}]},
            ],
        }))
        .unwrap();
        let all = from_aggregated(group);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].api.api_version, "example.com/v1");
        assert!(all[0].scalable && all[0].namespaced && all[0].is_custom());
        for name in [
            "widget",
            "widgets",
            "wd",
            "widgets.example.com",
            "widget.example.com",
        ] {
            assert!(all[0].is_called(name), "{name}");
        }
        assert!(!all[0].is_called("widgets.example.org"));
        assert_eq!(all[0].kind(), "widgets.example.com");
    }
}
