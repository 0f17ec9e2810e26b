//! Namespaces: what each new one holds, and how one ends.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sandbox::cluster::{Cluster, Due};
use crate::sandbox::json::{is_terminating, items, name, namespace};

pub(super) fn reconcile(cluster: &mut Cluster) {
    for space in cluster.store.list("namespaces", None) {
        if is_terminating(&space) {
            continue;
        }
        ensure(
            cluster,
            "serviceaccounts",
            "ServiceAccount",
            name(&space),
            "default",
            &json!({}),
        );
        let certificate =
            json!({"data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nsandbox\n-----END CERTIFICATE-----\n"}});
        ensure(
            cluster,
            "configmaps",
            "ConfigMap",
            name(&space),
            "kube-root-ca.crt",
            &certificate,
        );
    }
}

fn ensure(cluster: &mut Cluster, table: &str, kind: &str, place: &str, object_name: &str, rest: &Value) {
    if cluster.get(table, place, object_name).is_some() {
        return;
    }
    let mut object =
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": object_name, "namespace": place}});
    json_patch::merge(&mut object, rest);
    cluster.create(table, object);
}

/// Deletes the namespace's contents, then the namespace once nothing is left that must go slowly.
pub(super) fn end(cluster: &mut Cluster, space: &str) {
    let Some(object) = cluster
        .get("namespaces", "", space)
        .filter(|object| is_terminating(object))
    else {
        return;
    };
    let contents: Vec<(String, Arc<Value>)> = cluster
        .store
        .everything()
        .filter(|(_, one)| namespace(one) == space)
        .map(|(table, one)| (table.to_owned(), one.clone()))
        .collect();
    for (table, one) in contents {
        if items(&one, "/metadata/finalizers").is_empty() {
            cluster.store.remove(&table, space, name(&one));
        } else {
            cluster.mark_terminating(&table, &one);
        }
    }
    let is_empty = !cluster.store.everything().any(|(_, one)| namespace(one) == space);
    if is_empty && items(&object, "/metadata/finalizers").is_empty() {
        cluster.store.remove("namespaces", "", space);
    } else {
        cluster.after(
            std::time::Duration::from_secs(1),
            Due::NamespaceGone { name: space.into() },
        );
    }
}
