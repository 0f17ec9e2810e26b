//! Volumes: every claim is bound to a volume of its own.

use serde_json::{Value, json};

use crate::sandbox::cluster::Cluster;
use crate::sandbox::json::{at, is_terminating, name, namespace, set, text, uid};

const CLAIMS: &str = "persistentvolumeclaims";
const VOLUMES: &str = "persistentvolumes";

pub(super) fn reconcile(cluster: &mut Cluster) {
    for claim in cluster.due(CLAIMS) {
        let class = text(&claim, "/spec/storageClassName").to_owned();
        let is_known = cluster.get("storageclasses.storage.k8s.io", "", &class).is_some();
        if text(&claim, "/status/phase") != "Bound" && !is_terminating(&claim) && is_known {
            bind(cluster, &claim);
        }
    }
    for volume in cluster.due(VOLUMES) {
        let claim = cluster.get(
            CLAIMS,
            text(&volume, "/spec/claimRef/namespace"),
            text(&volume, "/spec/claimRef/name"),
        );
        let is_orphan = claim.is_none_or(|claim| uid(&claim) != text(&volume, "/spec/claimRef/uid"));
        if is_orphan
            && text(&volume, "/spec/persistentVolumeReclaimPolicy") == "Delete"
            && text(&volume, "/status/phase") == "Bound"
        {
            cluster.delete(VOLUMES, &volume);
        }
    }
}

fn bind(cluster: &mut Cluster, claim: &Value) {
    let volume_name = format!("pvc-{}", uid(claim));
    let capacity = at(claim, "/spec/resources/requests");
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume_name},
        "spec": {"capacity": capacity, "accessModes": at(claim, "/spec/accessModes"),
            "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": namespace(claim),
                "name": name(claim), "uid": uid(claim)},
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": at(claim, "/spec/storageClassName"),
            "volumeMode": "Filesystem", "csi": {"driver": "sandbox.sayso.dev", "volumeHandle": volume_name}},
        "status": {"phase": "Bound"}});
    cluster.create(VOLUMES, volume);
    let mut bound = claim.clone();
    set(&mut bound, "/spec/volumeName", volume_name);
    set(
        &mut bound,
        "/status",
        json!({"phase": "Bound", "accessModes": at(claim, "/spec/accessModes"), "capacity": capacity}),
    );
    cluster.update(CLAIMS, bound);
}
