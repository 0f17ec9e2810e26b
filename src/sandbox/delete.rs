//! Deletion: preconditions, finalizers, dependents, grace.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cluster::{Cluster, Due};
use super::json::{integer, is_terminating, items, name, namespace, present, set, set_list, text, uid};
use super::resource::Resource;
use super::status::{ApiError, Cause};
use super::write::Call;

/// What becomes of the objects that the deleted one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// The options of one deletion.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) propagation: Propagation,
    pub(super) grace_seconds: Option<i64>,
    pub(super) uid: String,
    pub(super) version: String,
}

impl Options {
    /// Reads the query's and the body's options; the body wins.
    pub(super) fn read(body: &Value, query: &super::request::Query) -> Result<Self, ApiError> {
        let policy = match text(body, "/propagationPolicy") {
            "" => query.get("propagationPolicy"),
            named => named,
        };
        let propagation = match policy {
            "" | "Background" => Propagation::Background,
            "Foreground" => Propagation::Foreground,
            "Orphan" => Propagation::Orphan,
            other => {
                let known = ["Foreground", "Background", "Orphan", "nil"];
                let cause = Cause::unsupported("propagationPolicy", other, &known);
                return Err(ApiError::bad_options("DeleteOptions", cause));
            }
        };
        if present(body, "/orphanDependents") && !policy.is_empty() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            let cause = Cause::invalid("propagationPolicy", &json!(policy), why);
            return Err(ApiError::bad_options("DeleteOptions", cause));
        }
        let propagation = if super::json::flag(body, "/orphanDependents") {
            Propagation::Orphan
        } else {
            propagation
        };
        let grace =
            integer(body, "/gracePeriodSeconds").or_else(|| query.get("gracePeriodSeconds").parse().ok());
        Ok(Self {
            propagation,
            grace_seconds: grace,
            uid: text(body, "/preconditions/uid").into(),
            version: text(body, "/preconditions/resourceVersion").into(),
        })
    }
}

/// Deletes one object; returns the object where it lingers, a `Status` where it is gone.
pub(super) fn delete(
    cluster: &mut Cluster,
    call: &Call<'_>,
    options: &Options,
) -> Result<Arc<Value>, ApiError> {
    let table = call.resource.table();
    let object = cluster
        .get(&table, call.namespace, call.name)
        .ok_or_else(|| ApiError::not_found(call.resource, call.name))?;
    check(call, &object, options)?;
    if call.resource.group.is_empty() && call.resource.plural == "namespaces" {
        return terminate_namespace(cluster, call, &object);
    }
    if table == "pods" && options.grace_seconds != Some(0) && present(&object, "/spec/nodeName") {
        // What runs gets its grace; what runs nowhere, or is to go at once, is gone now.
        let own = integer(&object, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
        return Ok(cluster.terminate_pod(&object, options.grace_seconds.unwrap_or(own)));
    }
    let mut object = (*object).clone();
    match options.propagation {
        Propagation::Orphan => {
            orphan(cluster, &object);
            let kept = items(&object, "/metadata/finalizers").to_vec();
            add_finalizer(&mut object, "orphan");
            bump(&mut object);
            let last = cluster.mark_terminating(&table, &object);
            let mut object = (*last).clone();
            set_list(&mut object, "/metadata/finalizers", kept);
            if items(&object, "/metadata/finalizers").is_empty() {
                cluster.store.remove(&table, call.namespace, call.name);
            } else {
                cluster.store.put(&table, object);
            }
            return Ok(last);
        }
        Propagation::Foreground => {
            add_finalizer(&mut object, "foregroundDeletion");
            bump(&mut object);
        }
        Propagation::Background => {}
    }
    if items(&object, "/metadata/finalizers").is_empty() {
        cluster.store.remove(&table, call.namespace, call.name);
        if table == "pods" {
            set(&mut object, "/metadata/deletionTimestamp", cluster.timestamp());
            set(&mut object, "/metadata/deletionGracePeriodSeconds", 0);
            return Ok(Arc::new(object));
        }
        return Ok(Arc::new(gone(call.resource, &object)));
    }
    Ok(cluster.mark_terminating(&table, &object))
}

/// Deletion that waits for something counts as a change of what is wanted.
fn bump(object: &mut Value) {
    if let Some(generation) = integer(object, "/metadata/generation").filter(|_| !is_terminating(object)) {
        set(object, "/metadata/generation", generation + 1);
    }
}

fn check(call: &Call<'_>, object: &Value, options: &Options) -> Result<(), ApiError> {
    let version = text(object, "/metadata/resourceVersion");
    let failed = [
        ("UID", options.uid.as_str(), uid(object)),
        ("ResourceVersion", options.version.as_str(), version),
    ]
    .into_iter()
    .find(|(_, wanted, found)| !wanted.is_empty() && wanted != found);
    match failed {
        None => Ok(()),
        Some((what, wanted, found)) => {
            let hint = match what {
                "UID" => "deleted and then recreated",
                _ => "modified",
            };
            let why = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {hint}"
            );
            let named = Resource {
                plural: call.resource.kind.clone(),
                ..call.resource.clone()
            };
            Err(ApiError::conflict(&named, call.name, &why))
        }
    }
}

fn gone(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({"name": name(object)});
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    details["kind"] = json!(resource.plural);
    details["uid"] = json!(uid(object));
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let mut all = items(object, "/metadata/finalizers").to_vec();
    if !all.iter().any(|one| one == finalizer) {
        all.push(json!(finalizer));
    }
    set(object, "/metadata/finalizers", all);
}

/// Cuts the ties from dependents to `owner`.
fn orphan(cluster: &mut Cluster, owner: &Value) {
    let dependents: Vec<(String, Arc<Value>)> = cluster
        .store
        .everything()
        .filter(|(_, object)| {
            items(object, "/metadata/ownerReferences")
                .iter()
                .any(|one| uid_of(one) == uid(owner))
        })
        .map(|(table, object)| (table.to_owned(), object.clone()))
        .collect();
    for (table, object) in dependents {
        let mut object = (*object).clone();
        let kept: Vec<Value> = items(&object, "/metadata/ownerReferences")
            .iter()
            .filter(|one| uid_of(one) != uid(owner))
            .cloned()
            .collect();
        set_list(&mut object, "/metadata/ownerReferences", kept);
        cluster.store.put(&table, object);
    }
}

fn uid_of(reference: &Value) -> &str {
    text(reference, "/uid")
}

fn terminate_namespace(
    cluster: &mut Cluster,
    call: &Call<'_>,
    object: &Value,
) -> Result<Arc<Value>, ApiError> {
    if matches!(call.name, "default" | "kube-system") {
        return Err(ApiError::forbidden(
            call.resource,
            call.name,
            "this namespace may not be deleted",
        ));
    }
    if is_terminating(object) {
        return Ok(Arc::new(object.clone()));
    }
    let mut object = object.clone();
    set(&mut object, "/status/phase", "Terminating");
    let stored = cluster.mark_terminating("namespaces", &object);
    cluster.after_steps(
        1,
        Due::NamespaceGone {
            name: call.name.into(),
        },
    );
    Ok(stored)
}

/// Deletes every object that the selectors choose; returns them.
pub(super) fn delete_all(
    cluster: &mut Cluster,
    call: &Call<'_>,
    chosen: &[Arc<Value>],
    options: &Options,
) -> Result<(), ApiError> {
    for object in chosen {
        let one = Call {
            namespace: namespace(object),
            name: name(object),
            ..call.clone()
        };
        delete(cluster, &one, options)?;
    }
    Ok(())
}
