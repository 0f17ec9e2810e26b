//! Going back to an earlier revision: from replica sets for deployments, from controller revisions for the others.

use serde_json::{Value, json};

use super::workload::is_paused;
use super::{Found, Lower, Lowered, Lowering, impossible, nothing_to_do};
use crate::check::CallVerb;
use crate::cluster::json::{entry, items, number, text};
use crate::plan::command::RolloutUndo;

const REVISION: &str = "deployment.kubernetes.io/revision";
const TEMPLATE_HASH: &str = "pod-template-hash";

/// A revision with what it holds.
type Revision = (i64, Value);

impl Lowering<'_> {
    pub(super) async fn undo(&self, command: &RolloutUndo) -> Lower {
        let found = self.get(&command.target.0).await?;
        let wanted = command
            .to_revision
            .map(|revision| i64::from(revision.0))
            .filter(|number| *number > 0);
        if found.served.kind() == "deployment" {
            return self.undo_deployment(found, wanted).await;
        }
        self.undo_by_history(found, wanted).await
    }

    async fn undo_deployment(&self, found: Found, wanted: Option<i64>) -> Lower {
        if is_paused(&found.object) {
            return Err(impossible(format!(
                "{} is paused; resume it first",
                found.words()
            )));
        }
        let sets = self.list("replicaset", "").await?;
        let owned = sets.iter().filter(|set| is_owned(set, &found.object));
        let revisions = owned.filter_map(|set| {
            let number = entry(set, "/metadata/annotations", REVISION)?.parse().ok()?;
            Some((number, template_of(set)))
        });
        let (number, template) = choose(revisions.collect(), wanted).map_err(|why| without(&found, &why))?;
        let current = found
            .object
            .pointer("/spec/template")
            .cloned()
            .unwrap_or_default();
        if current == template {
            return Err(nothing_to_do(format!(
                "{} is at revision {number} already",
                found.words()
            )));
        }
        let body = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
        let mut lowered = Lowered::one(self.draft(CallVerb::PatchJson, found, body));
        lowered.notes.push(format!("goes back to revision {number}"));
        Ok(lowered)
    }

    async fn undo_by_history(&self, found: Found, wanted: Option<i64>) -> Lower {
        let path = format!("/apis/apps/v1/namespaces/{}/controllerrevisions", self.namespace);
        let history = self.cluster.list_all(&path, "").await?;
        let owned = history.iter().filter(|entry| is_owned(entry, &found.object));
        let revisions = owned.filter_map(|entry| Some((number(entry, "/revision")?, entry["data"].clone())));
        let (number, data) = choose(revisions.collect(), wanted).map_err(|why| without(&found, &why))?;
        let mut lowered = Lowered::one(self.draft(CallVerb::PatchStrategic, found, data));
        lowered.notes.push(format!("goes back to revision {number}"));
        Ok(lowered)
    }
}

fn without(found: &Found, why: &str) -> super::Refused {
    impossible(format!("{} {why}", found.words()))
}

fn is_owned(object: &Value, owner: &Value) -> bool {
    let uid = text(owner, "/metadata/uid");
    items(object, "/metadata/ownerReferences")
        .iter()
        .any(|reference| reference["uid"] == uid)
}

/// A replica set's pod template without the label that tells its pods from others'.
fn template_of(set: &Value) -> Value {
    let mut template = set.pointer("/spec/template").cloned().unwrap_or_default();
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.shift_remove(TEMPLATE_HASH);
    }
    template
}

/// The revision that is wanted, or the one before the newest; otherwise why there is none.
fn choose(mut revisions: Vec<Revision>, wanted: Option<i64>) -> Result<Revision, String> {
    revisions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let known: Vec<String> = revisions
        .iter()
        .rev()
        .map(|(number, _)| number.to_string())
        .collect();
    match wanted {
        Some(wanted) => revisions
            .into_iter()
            .find(|(number, _)| *number == wanted)
            .ok_or_else(|| format!("has no revision {wanted}; it has {}", known.join(", "))),
        None => revisions
            .into_iter()
            .nth(1)
            .ok_or_else(|| "has no earlier revision to go back to".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_before_the_newest_is_meant() {
        let revisions = || vec![(2, json!("b")), (7, json!("c")), (1, json!("a"))];
        assert_eq!(choose(revisions(), None), Ok((2, json!("b"))));
        assert_eq!(choose(revisions(), Some(1)), Ok((1, json!("a"))));
        assert_eq!(
            choose(revisions(), Some(4)),
            Err("has no revision 4; it has 1, 2, 7".to_owned())
        );
        assert!(choose(vec![(1, json!("a"))], None).is_err());
    }

    #[test]
    fn a_template_loses_only_its_hash() {
        let set =
            json!({"spec": {"template": {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}}}});
        assert_eq!(template_of(&set), json!({"metadata": {"labels": {"app": "web"}}}));
    }
}
