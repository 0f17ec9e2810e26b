//! Garbage collection: objects whose owners are gone, and owners that wait for their dependents.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{flag, is_terminating, items, name, namespace, set, text, uid};

pub(super) fn reconcile(cluster: &mut Cluster) {
    collect(cluster);
    release(cluster);
}

/// Deletes what every owner of which is gone, or which blocks an owner deleted in the foreground. The latter waits for
/// dependents of its own, as its owner does: a deployment goes after its replica set, and that after its pods.
fn collect(cluster: &mut Cluster) {
    let alive: HashSet<&str> = cluster.everything_due().map(|(_, object)| uid(object)).collect();
    let leaving: HashSet<String> = cluster
        .everything_due()
        .filter(|(_, object)| has_finalizer(object, "foregroundDeletion"))
        .map(|(_, object)| uid(object).to_owned())
        .collect();
    let is_garbage = |object: &Value| {
        let owners = items(object, "/metadata/ownerReferences");
        !owners.is_empty()
            && owners
                .iter()
                .all(|owner| !alive.contains(text(owner, "/uid")) || leaving.contains(text(owner, "/uid")))
    };
    let garbage: Vec<(String, Arc<Value>)> = cluster
        .everything_due()
        .filter(|(_, object)| !is_terminating(object) && is_garbage(object))
        .map(|(table, object)| (table.to_owned(), object.clone()))
        .collect();
    for (table, object) in garbage {
        let owners = items(&object, "/metadata/ownerReferences");
        if owners.iter().any(|owner| leaving.contains(text(owner, "/uid"))) && owns_anything(cluster, &object)
        {
            wait_for_dependents(cluster, &table, &object);
        } else {
            cluster.delete(&table, &object);
        }
    }
}

fn owns_anything(cluster: &Cluster, owner: &Value) -> bool {
    cluster.everything_due().any(|(_, object)| {
        let mut owners = items(object, "/metadata/ownerReferences").iter();
        owners.any(|one| text(one, "/uid") == uid(owner))
    })
}

/// Deletes in the foreground.
fn wait_for_dependents(cluster: &mut Cluster, table: &str, object: &Value) {
    let mut object = object.clone();
    let mut finalizers = items(&object, "/metadata/finalizers").to_vec();
    finalizers.push(json!("foregroundDeletion"));
    set(&mut object, "/metadata/finalizers", finalizers);
    cluster.mark_terminating(table, &object);
}

fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    is_terminating(object)
        && items(object, "/metadata/finalizers")
            .iter()
            .any(|one| one == finalizer)
}

/// Lets owners go that no dependent blocks any more.
fn release(cluster: &mut Cluster) {
    let waiting: Vec<(String, Arc<Value>)> = cluster
        .everything_due()
        .filter(|(_, object)| has_finalizer(object, "foregroundDeletion"))
        .map(|(table, object)| (table.to_owned(), object.clone()))
        .collect();
    for (table, owner) in waiting {
        let is_blocked = cluster.everything_due().any(|(_, object)| {
            let owners = items(object, "/metadata/ownerReferences").iter();
            owners
                .into_iter()
                .any(|one| text(one, "/uid") == uid(&owner) && flag(one, "/blockOwnerDeletion"))
        });
        if !is_blocked {
            drop_finalizer(cluster, &table, &owner);
        }
    }
}

fn drop_finalizer(cluster: &mut Cluster, table: &str, owner: &Value) {
    let kept: Vec<Value> = items(owner, "/metadata/finalizers")
        .iter()
        .filter(|one| *one != "foregroundDeletion")
        .cloned()
        .collect();
    if kept.is_empty() {
        cluster.store.remove(table, namespace(owner), name(owner));
        return;
    }
    let mut owner = owner.clone();
    set(&mut owner, "/metadata/finalizers", kept);
    cluster.store.put(table, owner);
}
