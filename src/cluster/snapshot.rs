//! What the cluster looks like now: names for planning, as far as they may be read.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use super::read::fetch::{JSON, METADATA, is_hidden};
use super::read::json::{entries, items, text, word};
use super::{Cluster, ClusterError, Served};
use crate::plan::{CustomKind, Kind, ObjectFact, Snapshot};

/// Kinds whose pod template or replicas planning needs, and pods.
const WHOLE: &[&str] = &["deployment", "statefulset", "daemonset", "cronjob", "job", "pod"];

/// Kinds that are only named. Their contents, secret values above all, are not even asked for.
const NAMED: &[&str] = &[
    "service",
    "ingress",
    "configmap",
    "secret",
    "persistentvolumeclaim",
    "persistentvolume",
    "horizontalpodautoscaler",
    "poddisruptionbudget",
    "serviceaccount",
    "networkpolicy",
    "role",
    "rolebinding",
    "resourcequota",
    "node",
];

/// Kinds beyond the built-in ones whose objects are listed, at the most.
const CUSTOM_LIMIT: usize = 20;

/// Objects of a snapshot at the most.
const OBJECT_LIMIT: usize = 50_000;

impl Cluster {
    /// Lists namespaces, objects and custom kinds, all at once.
    ///
    /// What may not be read (403) or is not served (404) is left out; where namespaces may not be listed, the
    /// context's own stands for all. Holds at most 50,000 objects. Fails where the server cannot be reached or does
    /// not know us.
    pub async fn snapshot(&self) -> Result<Snapshot, ClusterError> {
        let home = self.context().namespace.clone();
        let (namespaces, builtin, custom) =
            tokio::join!(self.namespaces(), self.builtin_facts(), self.custom_facts());
        let (custom_kinds, custom) = custom?;
        let namespaces = namespaces?.unwrap_or_else(|| vec![home.clone()]);
        let places = namespaces.iter().map(|name| ObjectFact {
            kind: "namespace".to_owned(),
            name: name.clone(),
            ..ObjectFact::default()
        });
        let mut objects: Vec<ObjectFact> = places.chain(builtin?).chain(custom).collect();
        objects.truncate(OBJECT_LIMIT);
        Ok(Snapshot {
            namespaces,
            objects,
            custom_kinds,
            default_namespace: home,
        })
    }

    /// Every namespace; nothing where they may not be listed.
    pub(crate) async fn namespaces(&self) -> Result<Option<Vec<String>>, ClusterError> {
        let served = self.find(&kind("namespace")?).await?;
        match self.pages(&served, None, &[], METADATA).await {
            Ok(listed) => {
                let names = listed.entries.iter().map(|item| text(item, "/metadata/name"));
                Ok(Some(names.map(str::to_owned).collect()))
            }
            Err(error) if is_hidden(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn builtin_facts(&self) -> Result<Vec<ObjectFact>, ClusterError> {
        let whole = WHOLE.iter().map(|name| self.facts(kind(name), JSON));
        let named = NAMED.iter().map(|name| self.facts(kind(name), METADATA));
        let (whole, named) = tokio::join!(join_all(whole), join_all(named));
        flatten(whole.into_iter().chain(named))
    }

    async fn custom_facts(&self) -> Result<(Vec<CustomKind>, Vec<ObjectFact>), ClusterError> {
        let kinds = match self.custom_kinds().await {
            Ok(kinds) => kinds,
            Err(ClusterError::Api { .. }) => return Ok((Vec::new(), Vec::new())),
            Err(error) => return Err(error),
        };
        let listed = kinds.iter().take(CUSTOM_LIMIT).map(|custom| {
            let name = format!("{}.{}", custom.plural, custom.group);
            self.facts(kind(&name), METADATA)
        });
        let objects = flatten(join_all(listed).await)?;
        Ok((kinds, objects))
    }

    /// The objects of one kind in every namespace, or in the context's where that is all we may see.
    async fn facts(
        &self,
        kind: Result<Kind, ClusterError>,
        accept: &str,
    ) -> Result<Vec<ObjectFact>, ClusterError> {
        let served = self.find(&kind?).await?;
        let mut listed = self.pages(&served, None, &[], accept).await;
        if served.namespaced && matches!(listed, Err(ClusterError::Api { code: 403, .. })) {
            let home = Some(self.context().namespace.as_str());
            listed = self.pages(&served, home, &[], accept).await;
        }
        let objects = listed?.entries;
        Ok(objects.iter().map(|object| fact(&served, object)).collect())
    }
}

/// All facts of the kinds that could be listed. A kind that the server fails to list is no reason to know nothing.
fn flatten(
    answers: impl IntoIterator<Item = Result<Vec<ObjectFact>, ClusterError>>,
) -> Result<Vec<ObjectFact>, ClusterError> {
    let mut all = Vec::new();
    for answer in answers {
        match answer {
            Ok(mut facts) => all.append(&mut facts),
            Err(ClusterError::Api {
                code: 401,
                reason,
                message,
            }) => {
                return Err(ClusterError::Api {
                    code: 401,
                    reason,
                    message,
                });
            }
            Err(error @ (ClusterError::Api { .. } | ClusterError::NoSuchKind(_))) => {
                tracing::debug!(%error, "a kind is left out of the snapshot");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn kind(name: &str) -> Result<Kind, ClusterError> {
    Kind::read(name).ok_or_else(|| ClusterError::NoSuchKind(name.to_owned()))
}

/// What planning needs of an object.
fn fact(served: &Served, object: &Value) -> ObjectFact {
    let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64);
    ObjectFact {
        kind: served.kind(),
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        replicas: replicas.and_then(|count| u32::try_from(count).ok()),
        containers: containers(&served.singular, object),
        labels: labels(object),
    }
}

/// Containers of the pod template, wherever the kind keeps it.
fn containers(kind: &str, object: &Value) -> Vec<(String, String)> {
    let place = match kind {
        "pod" => "/spec/containers",
        "cronjob" => "/spec/jobTemplate/spec/template/spec/containers",
        _ => "/spec/template/spec/containers",
    };
    let each = items(object, place);
    each.iter()
        .map(|container| {
            (
                text(container, "/name").to_owned(),
                text(container, "/image").to_owned(),
            )
        })
        .collect()
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    entries(object, "/metadata/labels")
        .into_iter()
        .map(|(key, value)| (key.to_owned(), word(value)))
        .collect()
}
