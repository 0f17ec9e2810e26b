//! `rollout status`, told once without waiting, and `rollout history`.

use serde_json::{Value, json};

use super::describe::template;
use super::grid::align;
use super::json::{condition, number, or_none, text};
use super::pods::is_owned;
use super::{ReadOutput, Reader};
use crate::cluster::{ClusterError, Served};
use crate::plan::command::{RolloutHistory, RolloutStatus};

/// Where a deployment and its replica sets keep their revision.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
const CHANGE_CAUSE: &str = "/metadata/annotations/kubernetes.io~1change-cause";

/// `rollout status TARGET`.
pub(super) async fn status(reader: Reader<'_>, command: &RolloutStatus) -> Result<ReadOutput, ClusterError> {
    let target = &command.target.0;
    let (_, object) = reader.object(target).await?;
    let (message, done) = match target.kind.as_str() {
        "deployment" => deployment(&object)?,
        "daemonset" => daemon_set(&object)?,
        _ => stateful_set(&object)?,
    };
    let data = json!({"object": target.to_string(), "done": done, "message": message});
    Ok(ReadOutput::new(&message, Some(data)))
}

/// How far it is, in kubectl's words, and whether that is all the way.
type Progress = Result<(String, bool), ClusterError>;

pub(super) fn deployment(object: &Value) -> Progress {
    let name = text(object, "/metadata/name");
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Ok((
            "Waiting for deployment spec update to be observed...".to_owned(),
            false,
        ));
    }
    let progressing = condition(object, "Progressing").map(|condition| text(condition, "/reason"));
    if progressing == Some("ProgressDeadlineExceeded") {
        return Err(ClusterError::Impossible(format!(
            "deployment \"{name}\" exceeded its progress deadline"
        )));
    }
    let wanted = replicas(object);
    let count = |field: &str| number(object, &format!("/status/{field}"));
    let (all, updated, available) = (
        count("replicas"),
        count("updatedReplicas"),
        count("availableReplicas"),
    );
    let waiting = format!("Waiting for deployment \"{name}\" rollout to finish:");
    Ok(if updated < wanted {
        let progress = format!("{waiting} {updated} out of {wanted} new replicas have been updated...");
        (progress, false)
    } else if all > updated {
        let old = all - updated;
        (
            format!("{waiting} {old} old replicas are pending termination..."),
            false,
        )
    } else if available < updated {
        let progress = format!("{waiting} {available} of {updated} updated replicas are available...");
        (progress, false)
    } else {
        (format!("deployment \"{name}\" successfully rolled out"), true)
    })
}

fn daemon_set(object: &Value) -> Progress {
    rolls_by_itself(object)?;
    let name = text(object, "/metadata/name");
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Ok((
            "Waiting for daemon set spec update to be observed...".to_owned(),
            false,
        ));
    }
    let count = |field: &str| number(object, &format!("/status/{field}"));
    let (wanted, updated, available) = (
        count("desiredNumberScheduled"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
    );
    let waiting = format!("Waiting for daemon set \"{name}\" rollout to finish:");
    Ok(if updated < wanted {
        let progress = format!("{waiting} {updated} out of {wanted} new pods have been updated...");
        (progress, false)
    } else if available < wanted {
        let progress = format!("{waiting} {available} of {wanted} updated pods are available...");
        (progress, false)
    } else {
        (format!("daemon set \"{name}\" successfully rolled out"), true)
    })
}

fn stateful_set(object: &Value) -> Progress {
    rolls_by_itself(object)?;
    let observed = number(object, "/status/observedGeneration");
    if observed == 0 || observed < number(object, "/metadata/generation") {
        return Ok((
            "Waiting for statefulset spec update to be observed...".to_owned(),
            false,
        ));
    }
    let wanted = replicas(object);
    let count = |field: &str| number(object, &format!("/status/{field}"));
    let (ready, updated) = (count("readyReplicas"), count("updatedReplicas"));
    if ready < wanted {
        let missing = wanted - ready;
        return Ok((format!("Waiting for {missing} pods to be ready..."), false));
    }
    let partition = object.pointer("/spec/updateStrategy/rollingUpdate/partition");
    if let Some(partition) = partition.and_then(Value::as_i64) {
        let expected = wanted - partition;
        return Ok(if updated < expected {
            let waiting = "Waiting for partitioned roll out to finish:";
            (
                format!("{waiting} {updated} out of {expected} new pods have been updated..."),
                false,
            )
        } else {
            let progress = format!("partitioned roll out complete: {updated} new pods have been updated...");
            (progress, true)
        });
    }
    let (next, now) = (
        text(object, "/status/updateRevision"),
        text(object, "/status/currentRevision"),
    );
    Ok(if next == now {
        let pods = count("currentReplicas");
        (
            format!("statefulset rolling update complete {pods} pods at revision {now}..."),
            true,
        )
    } else {
        let waiting = "waiting for statefulset rolling update to complete";
        (format!("{waiting} {updated} pods at revision {next}..."), false)
    })
}

/// A missing count means one, as the server's default has it.
fn replicas(object: &Value) -> i64 {
    object
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1)
}

fn rolls_by_itself(object: &Value) -> Result<(), ClusterError> {
    match text(object, "/spec/updateStrategy/type") {
        "OnDelete" => Err(ClusterError::Impossible(
            "rollout status is only available for RollingUpdate strategy type".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// One revision of a pod template.
struct Revision {
    number: i64,
    cause: String,
    template: Value,
}

/// `rollout history TARGET`.
pub(super) async fn history(
    reader: Reader<'_>,
    command: &RolloutHistory,
) -> Result<ReadOutput, ClusterError> {
    let (served, object) = reader.object(&command.target.0).await?;
    let mut revisions = revisions(reader, &served, &object).await?;
    revisions.sort_by_key(|revision| revision.number);
    let name = format!("{}/{}", served.qualified(), text(&object, "/metadata/name"));
    let data = revisions
        .iter()
        .map(|revision| json!({"revision": revision.number, "changeCause": revision.cause}));
    let data = Some(Value::Array(data.collect()));
    let Some(wanted) = command.revision else {
        return Ok(ReadOutput::new(&listing(&name, &revisions), data));
    };
    let wanted = i64::from(wanted.0);
    let found = revisions.iter().find(|revision| revision.number == wanted);
    let Some(revision) = found else {
        return Err(ClusterError::Impossible(format!(
            "unable to find the specified revision: `{name}` has no revision {wanted}"
        )));
    };
    let template = align(&template(&revision.template), 0, 2);
    let text = format!("{name} with revision #{wanted}\n{template}");
    Ok(ReadOutput::new(&text, Some(revision.template.clone())))
}

fn listing(name: &str, revisions: &[Revision]) -> String {
    let rows = revisions
        .iter()
        .map(|revision| format!("{}\t{}\n", revision.number, revision.cause));
    let text = format!("REVISION\tCHANGE-CAUSE\n{}", rows.collect::<String>());
    format!("{name} \n{}", align(&text, 0, 2))
}

/// A deployment's revisions are its replica sets; the others have controller revisions.
async fn revisions(
    reader: Reader<'_>,
    served: &Served,
    object: &Value,
) -> Result<Vec<Revision>, ClusterError> {
    let namespace = Some(text(object, "/metadata/namespace"));
    let of_deployment = served.kind() == "deployment";
    let kept = if of_deployment {
        reader.all("replicaset", namespace, &[]).await?
    } else {
        let kept = Served::unnamed("apps", "v1", "ControllerRevision", "controllerrevisions");
        reader.cluster.objects(&kept, namespace, &[]).await?
    };
    let owned = kept.iter().filter(|kept| is_owned(kept, object));
    let read = |kept: &Value| {
        let (number, place) = if of_deployment {
            (text(kept, REVISION).parse().ok()?, "/spec/template")
        } else {
            (number(kept, "/revision"), "/data/spec/template")
        };
        Some(Revision {
            number,
            cause: or_none(text(kept, CHANGE_CAUSE).to_owned()),
            template: kept.pointer(place).cloned().unwrap_or_default(),
        })
    };
    Ok(owned.filter_map(read).collect())
}
