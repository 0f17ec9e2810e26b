//! The pods of an object.

use serde_json::Value;

use super::Reader;
use super::json::{condition, items, selector, text};
use crate::cluster::ClusterError;
use crate::plan::Target;

/// The pods that an object selects, by its kind in lower case; a pod is its own.
pub(super) async fn of(reader: Reader<'_>, kind: &str, object: &Value) -> Result<Vec<Value>, ClusterError> {
    let namespace = text(object, "/metadata/namespace");
    match kind {
        "pod" => Ok(vec![object.clone()]),
        "node" => {
            let on_node = format!("spec.nodeName={}", text(object, "/metadata/name"));
            reader.all("pod", None, &[("fieldSelector", &on_node)]).await
        }
        "cronjob" => of_cron_job(reader, object).await,
        "horizontalpodautoscaler" => of_scaled(reader, object).await,
        _ => match selection(kind, object) {
            Some(selection) => {
                reader
                    .all("pod", Some(namespace), &[("labelSelector", &selection)])
                    .await
            }
            None => Ok(Vec::new()),
        },
    }
}

/// What an object selects pods by.
fn selection(kind: &str, object: &Value) -> Option<String> {
    if kind == "service" {
        // A service has bare labels where the others have a selector.
        let labels = serde_json::json!({"matchLabels": object.pointer("/spec/selector")?});
        return selector(&labels, "");
    }
    selector(object, "/spec/selector")
}

/// The pods of what an autoscaler scales.
async fn of_scaled(reader: Reader<'_>, scaler: &Value) -> Result<Vec<Value>, ClusterError> {
    let reference = |field: &str| text(scaler, &format!("/spec/scaleTargetRef/{field}"));
    let Some(target) = Target::read(&format!("{}/{}", reference("kind"), reference("name"))) else {
        return Ok(Vec::new());
    };
    let (served, object) = reader.object(&target).await?;
    match selection(&served.kind(), &object) {
        Some(selection) => {
            let query = [("labelSelector", selection.as_str())];
            reader
                .all("pod", Some(text(&object, "/metadata/namespace")), &query)
                .await
        }
        None => Ok(Vec::new()),
    }
}

async fn of_cron_job(reader: Reader<'_>, object: &Value) -> Result<Vec<Value>, ClusterError> {
    let namespace = text(object, "/metadata/namespace");
    let mut pods = Vec::new();
    for job in reader.all("job", Some(namespace), &[]).await? {
        if is_owned(&job, object)
            && let Some(selection) = selection("job", &job)
        {
            let query = [("labelSelector", selection.as_str())];
            pods.append(&mut reader.all("pod", Some(namespace), &query).await?);
        }
    }
    Ok(pods)
}

/// Whether one object is owned by another, by its UID.
pub(super) fn is_owned(object: &Value, owner: &Value) -> bool {
    let uid = text(owner, "/metadata/uid");
    !uid.is_empty()
        && items(object, "/metadata/ownerReferences")
            .iter()
            .any(|reference| text(reference, "/uid") == uid)
}

/// Whether a pod's condition `Ready` is true.
pub(in crate::cluster) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| text(ready, "/status") == "True")
}

/// Sorts the pod that is best to look at to the front: ready before not, then newest.
pub(super) fn best_first(pods: &mut [Value]) {
    pods.sort_by(|left, right| {
        let rank = |pod: &Value| (is_ready(pod), text(pod, "/metadata/creationTimestamp").to_owned());
        rank(right)
            .cmp(&rank(left))
            .then_with(|| text(left, "/metadata/name").cmp(text(right, "/metadata/name")))
    });
}

/// Whether a pod uses a claim.
pub(super) fn mounts_claim(pod: &Value, claim: &str) -> bool {
    items(pod, "/spec/volumes")
        .iter()
        .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == claim)
}
