//! Controller revisions: the history of stateful sets and daemon sets.

use serde_json::{Value, json};

use crate::sandbox::cluster::{Cluster, letters, own};
use crate::sandbox::json::{at, integer, name, namespace, set, uid};

const TABLE: &str = "controllerrevisions.apps";

/// The hash of the owner's current template, whose revision is stored as the newest.
pub(super) fn current(cluster: &mut Cluster, owner: &Value, kind: &str) -> String {
    let template = at(owner, "/spec/template");
    let hash = letters(&template.to_string(), 10);
    let revision_name = format!("{}-{hash}", name(owner));
    let known = cluster.controlled(TABLE, namespace(owner), uid(owner));
    let number = |one: &Value| integer(one, "/revision").unwrap_or(0);
    let newest = known.iter().map(|one| number(one)).max().unwrap_or(0);
    if let Some(found) = known.iter().find(|one| name(one) == revision_name) {
        if number(found) < newest {
            let mut renewed = (**found).clone();
            set(&mut renewed, "/revision", newest + 1);
            cluster.update(TABLE, renewed);
        }
        return hash;
    }
    let mut data = json!({"spec": {"template": template}});
    set(&mut data, "/spec/template/$patch", "replace");
    let mut revision = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {"name": revision_name, "namespace": namespace(owner),
            "labels": at(owner, "/spec/template/metadata/labels")},
        "data": data, "revision": newest + 1});
    set(
        &mut revision,
        "/metadata/labels/controller-revision-hash",
        hash.clone(),
    );
    own(&mut revision, owner, "apps/v1", kind);
    cluster.create(TABLE, revision);
    hash
}
