//! What is served: the built-in resources, and those that stored custom resource definitions add.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::json::{at, flag, items, text};

/// One resource at one version, with everything that discovery says of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short_names: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) verbs: &'static [&'static str],
    pub(super) subresources: Vec<String>,
    /// The printer columns of a custom resource definition.
    pub(super) columns: Vec<Value>,
    /// Where its scale stands, wanted and found, as pointers; empty where it stands where it does for deployments.
    pub(super) scale: [String; 2],
    /// The schema of a custom resource definition's version.
    pub(super) schema: Option<Value>,
}

const ALL_VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
const NAMESPACE_VERBS: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const CREATE: &[&str] = &["create"];
const READ: &[&str] = &["get", "list"];

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
    &'static str,
    &'static str,
);

/// Group/version, kind, plural, short names, namespaced, categories, subresources.
const BUILT_IN: &[Row] = &[
    (
        "v1",
        "Namespace",
        "namespaces",
        "ns",
        false,
        "",
        "status finalize",
    ),
    ("v1", "Node", "nodes", "no", false, "", "status"),
    (
        "v1",
        "Pod",
        "pods",
        "po",
        true,
        "all",
        "status log eviction binding ephemeralcontainers",
    ),
    ("v1", "Service", "services", "svc", true, "all", "status"),
    ("v1", "ConfigMap", "configmaps", "cm", true, "", ""),
    ("v1", "Secret", "secrets", "", true, "", ""),
    ("v1", "ServiceAccount", "serviceaccounts", "sa", true, "", "token"),
    (
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "pvc",
        true,
        "",
        "status",
    ),
    (
        "v1",
        "PersistentVolume",
        "persistentvolumes",
        "pv",
        false,
        "",
        "status",
    ),
    ("v1", "Event", "events", "ev", true, "", ""),
    ("v1", "Endpoints", "endpoints", "ep", true, "", ""),
    (
        "v1",
        "ResourceQuota",
        "resourcequotas",
        "quota",
        true,
        "",
        "status",
    ),
    ("v1", "LimitRange", "limitranges", "limits", true, "", ""),
    (
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        "rc",
        true,
        "all",
        "status scale",
    ),
    (
        "apps/v1",
        "Deployment",
        "deployments",
        "deploy",
        true,
        "all",
        "status scale",
    ),
    (
        "apps/v1",
        "ReplicaSet",
        "replicasets",
        "rs",
        true,
        "all",
        "status scale",
    ),
    (
        "apps/v1",
        "StatefulSet",
        "statefulsets",
        "sts",
        true,
        "all",
        "status scale",
    ),
    ("apps/v1", "DaemonSet", "daemonsets", "ds", true, "all", "status"),
    (
        "apps/v1",
        "ControllerRevision",
        "controllerrevisions",
        "",
        true,
        "",
        "",
    ),
    ("batch/v1", "Job", "jobs", "", true, "all", "status"),
    ("batch/v1", "CronJob", "cronjobs", "cj", true, "all", "status"),
    (
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        "ing",
        true,
        "",
        "status",
    ),
    (
        "networking.k8s.io/v1",
        "IngressClass",
        "ingressclasses",
        "",
        false,
        "",
        "",
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        "netpol",
        true,
        "",
        "",
    ),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "hpa",
        true,
        "all",
        "status",
    ),
    (
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "hpa",
        true,
        "all",
        "status",
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "pdb",
        true,
        "",
        "status",
    ),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", "", true, "", ""),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "rolebindings",
        "",
        true,
        "",
        "",
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "clusterroles",
        "",
        false,
        "",
        "",
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        "",
        false,
        "",
        "",
    ),
    (
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "priorityclasses",
        "pc",
        false,
        "",
        "",
    ),
    (
        "storage.k8s.io/v1",
        "StorageClass",
        "storageclasses",
        "sc",
        false,
        "",
        "",
    ),
    ("events.k8s.io/v1", "Event", "events", "ev", true, "", ""),
    (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "endpointslices",
        "",
        true,
        "",
        "",
    ),
    ("coordination.k8s.io/v1", "Lease", "leases", "", true, "", ""),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "crd crds",
        false,
        "api-extensions",
        "status",
    ),
    (
        "authorization.k8s.io/v1",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        "",
        false,
        "",
        "",
    ),
    (
        "authorization.k8s.io/v1",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        "",
        false,
        "",
        "",
    ),
    (
        "authorization.k8s.io/v1",
        "SubjectAccessReview",
        "subjectaccessreviews",
        "",
        false,
        "",
        "",
    ),
    (
        "authorization.k8s.io/v1",
        "LocalSubjectAccessReview",
        "localsubjectaccessreviews",
        "",
        true,
        "",
        "",
    ),
    (
        "authentication.k8s.io/v1",
        "SelfSubjectReview",
        "selfsubjectreviews",
        "",
        false,
        "",
        "",
    ),
    ("metrics.k8s.io/v1beta1", "PodMetrics", "pods", "", true, "", ""),
    (
        "metrics.k8s.io/v1beta1",
        "NodeMetrics",
        "nodes",
        "",
        false,
        "",
        "",
    ),
];

static BUILT_IN_RESOURCES: LazyLock<Vec<Arc<Resource>>> =
    LazyLock::new(|| BUILT_IN.iter().map(|row| Arc::new(from_row(row))).collect());

/// The resources that every sandbox serves, in discovery's order.
pub(super) fn built_in() -> &'static [Arc<Resource>] {
    &BUILT_IN_RESOURCES
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn from_row(row: &Row) -> Resource {
    let &(group_version, kind, plural, short_names, namespaced, categories, subresources) = row;
    let (group, version) = group_version.rsplit_once('/').unwrap_or(("", group_version));
    let verbs = match (group, plural) {
        ("authorization.k8s.io" | "authentication.k8s.io", _) => CREATE,
        ("metrics.k8s.io", _) => READ,
        ("", "namespaces") => NAMESPACE_VERBS,
        _ => ALL_VERBS,
    };
    let singular = if group == "metrics.k8s.io" {
        String::new()
    } else {
        kind.to_lowercase()
    };
    Resource {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        plural: plural.into(),
        singular,
        short_names: words(short_names),
        categories: words(categories),
        namespaced,
        verbs,
        subresources: words(subresources),
        columns: Vec::new(),
        scale: [String::new(), String::new()],
        schema: None,
    }
}

/// The resources that a stored CustomResourceDefinition adds, one for each served version.
pub(super) fn from_definition(definition: &Value) -> Vec<Resource> {
    let strings = |pointer: &str| -> Vec<String> {
        items(definition, pointer)
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let versions = items(definition, "/spec/versions")
        .iter()
        .filter(|version| flag(version, "/served"));
    versions
        .map(|version| Resource {
            group: text(definition, "/spec/group").into(),
            version: text(version, "/name").into(),
            kind: text(definition, "/spec/names/kind").into(),
            plural: text(definition, "/spec/names/plural").into(),
            singular: text(definition, "/spec/names/singular").into(),
            short_names: strings("/spec/names/shortNames"),
            categories: strings("/spec/names/categories"),
            namespaced: text(definition, "/spec/scope") == "Namespaced",
            verbs: ALL_VERBS,
            subresources: ["status", "scale"]
                .iter()
                .filter(|name| version.pointer(&format!("/subresources/{name}")).is_some())
                .map(|&name| name.to_owned())
                .collect(),
            columns: items(version, "/additionalPrinterColumns").to_vec(),
            scale: ["specReplicasPath", "statusReplicasPath"]
                .map(|path| text(version, &format!("/subresources/scale/{path}")).replace('.', "/")),
            schema: Some(at(version, "/schema/openAPIV3Schema")).filter(|schema| !schema.is_null()),
        })
        .collect()
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub(super) fn group_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `deployments.apps`, or `pods` for the core group: how messages name it.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The name of the table that stores it; both groups of events share one.
    pub(super) fn table(&self) -> String {
        if self.group == "events.k8s.io" {
            "events".into()
        } else {
            self.qualified()
        }
    }

    pub(super) fn has_subresource(&self, name: &str) -> bool {
        self.subresources.iter().any(|known| known == name)
    }

    /// True for kinds whose `metadata.generation` counts changes of the spec.
    pub(super) fn has_generation(&self) -> bool {
        self.is_custom()
            || self.has_subresource("status")
                && !matches!(
                    self.plural.as_str(),
                    "namespaces"
                        | "nodes"
                        | "persistentvolumes"
                        | "persistentvolumeclaims"
                        | "services"
                        | "resourcequotas"
                        | "horizontalpodautoscalers"
                )
            || matches!(
                self.plural.as_str(),
                "networkpolicies" | "priorityclasses" | "pods"
            )
    }

    /// True if a custom resource definition brought it.
    pub(super) fn is_custom(&self) -> bool {
        !built_in()
            .iter()
            .any(|known| known.group == self.group && known.plural == self.plural)
    }

    /// True for what is computed on request and never stored.
    pub(super) fn is_virtual(&self) -> bool {
        self.verbs == CREATE || self.verbs == READ
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_adds_its_served_versions_only() {
        let definition = serde_json::json!({"spec": {
        "group": "example.com", "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "shortNames": ["wd"]},
        "versions": [
            {"name": "v1", "served": true, "subresources": {"status": {}}},
            {"name": "v0", "served": false},
        ]}});
        let made = from_definition(&definition);
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].qualified(), "widgets.example.com");
        assert!(made[0].namespaced && made[0].is_custom() && made[0].has_subresource("status"));
    }
}
