//! What the cluster looked like when a request was read: the names that a plan may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// One live object, with the facts that planning needs and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectFact {
    /// Canonical kind name (see [`Kind`]).
    pub kind: String,
    /// Empty for cluster-scoped objects.
    #[serde(default)]
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Desired replicas, where the kind has them.
    #[serde(default)]
    pub replicas: Option<u32>,
    /// Containers of its pod template as (name, image).
    #[serde(default)]
    pub containers: Vec<(String, String)>,
    /// Its labels; used to find it, and shown to whoever writes manifests, never to the planner.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A kind that the cluster serves beyond the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomKind {
    /// Lower-case singular.
    pub singular: String,
    /// Lower-case plural: the API's resource name.
    pub plural: String,
    /// API group.
    pub group: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Names and facts of a cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Every namespace.
    pub namespaces: Vec<String>,
    /// Every object of the kinds that were listed.
    pub objects: Vec<ObjectFact>,
    /// Kinds served beyond the built-in ones.
    #[serde(default)]
    pub custom_kinds: Vec<CustomKind>,
    /// The namespace that applies where none is named.
    pub default_namespace: String,
}

impl Snapshot {
    /// Objects of a kind with a name, in whichever namespace.
    pub fn named<'a>(&'a self, kind: &'a Kind, name: &'a str) -> impl Iterator<Item = &'a ObjectFact> + 'a {
        self.objects
            .iter()
            .filter(move |object| object.kind == kind.as_str() && object.name == name)
    }

    /// Whether objects of this kind live in namespaces. Kinds that nobody knows are taken as namespaced.
    pub fn is_namespaced(&self, kind: &Kind) -> bool {
        if let Some(builtin) = kind.builtin() {
            return builtin.namespaced;
        }
        self.custom_kinds
            .iter()
            .find(|custom| custom.is_called(kind.as_str()))
            .is_none_or(|custom| custom.namespaced)
    }

    /// Whether the cluster serves a kind.
    pub fn serves(&self, kind: &Kind) -> bool {
        kind.builtin().is_some()
            || self
                .custom_kinds
                .iter()
                .any(|custom| custom.is_called(kind.as_str()))
    }
}

impl CustomKind {
    /// Whether a lower-case name means this kind: singular, plural, or plural with its group.
    pub fn is_called(&self, name: &str) -> bool {
        name == self.singular
            || name == self.plural
            || name
                .strip_prefix(&self.plural)
                .and_then(|rest| rest.strip_prefix('.'))
                == Some(self.group.as_str())
    }
}
