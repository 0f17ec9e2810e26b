//! Kinds as kubectl users type them: aliases of the built-in ones, anything else as it stands.

use std::fmt;

/// What the plan language knows of one built-in kind.
#[derive(Debug)]
pub struct Builtin {
    /// Lower-case singular, as in `deployment/web`.
    pub singular: &'static str,
    /// Lower-case plural, as in `get deployments`; also the API's resource name.
    pub plural: &'static str,
    /// Short names that kubectl accepts.
    pub short: &'static [&'static str],
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// API group, empty for the core group.
    pub group: &'static str,
}

macro_rules! builtins {
    ($($singular:literal $plural:literal [$($short:literal),*] $namespaced:literal $group:literal;)*) => {
        /// The kinds that every cluster has and people name without their group.
        pub const BUILTINS: &[Builtin] = &[$(Builtin {
            singular: $singular, plural: $plural, short: &[$($short),*], namespaced: $namespaced, group: $group,
        }),*];
    };
}

builtins! {
    "pod" "pods" ["po"] true "";
    "deployment" "deployments" ["deploy"] true "apps";
    "service" "services" ["svc"] true "";
    "replicaset" "replicasets" ["rs"] true "apps";
    "statefulset" "statefulsets" ["sts"] true "apps";
    "daemonset" "daemonsets" ["ds"] true "apps";
    "job" "jobs" [] true "batch";
    "cronjob" "cronjobs" ["cj"] true "batch";
    "configmap" "configmaps" ["cm"] true "";
    "secret" "secrets" [] true "";
    "ingress" "ingresses" ["ing"] true "networking.k8s.io";
    "networkpolicy" "networkpolicies" ["netpol"] true "networking.k8s.io";
    "persistentvolumeclaim" "persistentvolumeclaims" ["pvc"] true "";
    "persistentvolume" "persistentvolumes" ["pv"] false "";
    "storageclass" "storageclasses" ["sc"] false "storage.k8s.io";
    "horizontalpodautoscaler" "horizontalpodautoscalers" ["hpa"] true "autoscaling";
    "poddisruptionbudget" "poddisruptionbudgets" ["pdb"] true "policy";
    "namespace" "namespaces" ["ns"] false "";
    "node" "nodes" ["no"] false "";
    "event" "events" ["ev"] true "";
    "endpoints" "endpoints" ["ep"] true "";
    "serviceaccount" "serviceaccounts" ["sa"] true "";
    "role" "roles" [] true "rbac.authorization.k8s.io";
    "rolebinding" "rolebindings" [] true "rbac.authorization.k8s.io";
    "clusterrole" "clusterroles" [] false "rbac.authorization.k8s.io";
    "clusterrolebinding" "clusterrolebindings" [] false "rbac.authorization.k8s.io";
    "resourcequota" "resourcequotas" ["quota"] true "";
    "limitrange" "limitranges" ["limits"] true "";
    "priorityclass" "priorityclasses" ["pc"] false "scheduling.k8s.io";
    "customresourcedefinition" "customresourcedefinitions" ["crd", "crds"] false "apiextensions.k8s.io";
}

/// A kind in its canonical spelling: the lower-case singular of a built-in one, `name.group` or a lower-case name
/// for others. Equal kinds are equal strings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(String);

impl Kind {
    /// Reads any spelling that kubectl takes for a built-in kind, and any well-formed name for the rest.
    pub fn read(text: &str) -> Option<Kind> {
        let lower = text.to_ascii_lowercase();
        if let Some(builtin) = lookup(&lower) {
            return Some(Kind(builtin.singular.to_owned()));
        }
        let well_formed = lower.starts_with(|c: char| c.is_ascii_lowercase())
            && lower.ends_with(|c: char| c.is_ascii_alphanumeric())
            && lower
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-');
        well_formed.then_some(Kind(lower))
    }

    /// The canonical spelling, as in `deployment/web`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling for lists, as in `get deployments`. Unknown kinds are spelled as they are.
    pub fn plural(&self) -> &str {
        self.builtin().map_or(&self.0, |builtin| builtin.plural)
    }

    /// The built-in kind behind this name, if it is one.
    pub fn builtin(&self) -> Option<&'static Builtin> {
        lookup(&self.0)
    }

    /// Whether this is the built-in kind with that singular name.
    pub fn is(&self, singular: &str) -> bool {
        self.0 == singular
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Finds a built-in kind by any of its lower-case spellings, with or without its group (`deployments.apps`).
fn lookup(text: &str) -> Option<&'static Builtin> {
    let (name, group) = text
        .split_once('.')
        .map_or((text, None), |(name, group)| (name, Some(group)));
    BUILTINS.iter().find(|builtin| {
        let named = builtin.singular == name || builtin.plural == name || builtin.short.contains(&name);
        named && group.is_none_or(|group| group == builtin.group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_builtin_is_one_kind() {
        for spelling in ["deploy", "Deployment", "deployments", "deployments.apps"] {
            assert_eq!(Kind::read(spelling).unwrap().as_str(), "deployment");
        }
        assert_eq!(
            Kind::read("certificates.cert-manager.io").unwrap().plural(),
            "certificates.cert-manager.io"
        );
        assert_eq!(
            Kind::read("deployments.example.com").unwrap().as_str(),
            "deployments.example.com"
        );
        assert_eq!(Kind::read("web/1"), None);
        assert_eq!(Kind::read(""), None);
    }
}
