//! Labels, annotations, free patches and taints.

use serde_json::{Map, Value, json};

use super::{Found, Lower, Lowered, Lowering, impossible};
use crate::check::CallVerb;
use crate::cluster::json::{entry, items};
use crate::plan::command::{Annotate, Label, Patch, TaintNodes};
use crate::plan::target::Any;
use crate::plan::value::{Change, PatchType, Taint};

/// What is changed in an object's metadata.
struct Entries<'a> {
    /// `labels` or `annotations`.
    field: &'static str,
    changes: Vec<&'a Change>,
    overwrite: bool,
}

impl Lowering<'_> {
    pub(super) async fn label(&self, command: &Label) -> Lower {
        let entries = Entries {
            field: "labels",
            changes: command.changes.0.iter().map(|change| &change.0).collect(),
            overwrite: command.overwrite,
        };
        self.change_metadata(&command.targets.0, &entries).await
    }

    pub(super) async fn annotate(&self, command: &Annotate) -> Lower {
        let entries = Entries {
            field: "annotations",
            changes: command.changes.0.iter().map(|change| &change.0).collect(),
            overwrite: command.overwrite,
        };
        self.change_metadata(&command.targets.0, &entries).await
    }

    async fn change_metadata(&self, targets: &[Any], entries: &Entries<'_>) -> Lower {
        let mut drafts = Vec::new();
        for target in targets {
            let found = self.get(&target.0).await?;
            let map = entries.change(&found)?;
            let body = json!({"metadata": {entries.field: map}});
            let same = body["metadata"][entries.field] == json!({});
            drafts.push((!same).then(|| self.draft(CallVerb::PatchMerge, found, body)));
        }
        Lowered::of(drafts, || {
            let names: Vec<String> = targets.iter().map(|target| target.0.to_string()).collect();
            format!("{} has these {} already", names.join(", "), entries.field)
        })
    }

    pub(super) async fn patch(&self, command: &Patch) -> Lower {
        let found = self.get(&command.target.0).await?;
        let builtin = command.target.0.kind.builtin().is_some();
        let verb = match command.kind {
            Some(PatchType::Json) => CallVerb::PatchJson,
            Some(PatchType::Merge) => CallVerb::PatchMerge,
            // Custom resources know no strategic merge.
            None if !builtin => CallVerb::PatchMerge,
            Some(PatchType::Strategic) | None => CallVerb::PatchStrategic,
        };
        let body = command.patch.0.clone();
        if (verb == CallVerb::PatchJson) != body.is_array() {
            return Err(impossible(
                "a JSON patch is an array of operations, any other patch an object",
            ));
        }
        Ok(Lowered::one(self.draft(verb, found, body)))
    }

    pub(super) async fn taint(&self, command: &TaintNodes) -> Lower {
        let mut drafts = Vec::new();
        for node in &command.nodes.0 {
            let found = self.get(&node.0).await?;
            let current = items(&found.object, "/spec/taints");
            let wanted = tainted(&found.name, current, &command.taints.0, command.overwrite)?;
            let same = wanted == current;
            let body = json!({"spec": {"taints": wanted}});
            drafts.push((!same).then(|| self.draft(CallVerb::PatchMerge, found, body)));
        }
        Lowered::of(drafts, || "the nodes are tainted so already".to_owned())
    }
}

impl Entries<'_> {
    /// The entries that differ, as a merge patch takes them: `null` removes.
    fn change(&self, found: &Found) -> Lower<Map<String, Value>> {
        let mut map = Map::new();
        for change in &self.changes {
            let current = entry(&found.object, &format!("/metadata/{}", self.field), &change.key);
            match (change.value.as_deref(), current) {
                (wanted, current) if wanted == current => {}
                (Some(_), Some(current)) if !self.overwrite => {
                    let message = format!(
                        "`{}` of {} already has the value `{current}`; `--overwrite` changes it",
                        change.key,
                        found.words()
                    );
                    return Err(impossible(message));
                }
                (wanted, _) => {
                    map.insert(change.key.clone(), json!(wanted));
                }
            }
        }
        Ok(map)
    }
}

/// The whole list of taints after the changes.
fn tainted(node: &str, current: &[Value], changes: &[Taint], overwrite: bool) -> Lower<Vec<Value>> {
    let mut taints = current.to_vec();
    for change in changes {
        let meant = |taint: &Value| {
            taint["key"] == change.key.as_str()
                && change
                    .effect
                    .as_ref()
                    .is_none_or(|effect| taint["effect"] == effect.as_str())
        };
        let existing = taints.iter().position(meant);
        if change.remove {
            if existing.is_none() {
                return Err(impossible(format!("node/{node} has no taint `{}`", change.key)));
            }
            taints.retain(|taint| !meant(taint));
            continue;
        }
        let taint = taint_of(change);
        match existing {
            Some(at) if same_taint(&taints[at], &taint) => {}
            Some(at) if overwrite => taints[at] = taint,
            Some(_) => {
                let message = format!(
                    "node/{node} already has the taint `{}` with the same effect; `--overwrite` changes it",
                    change.key
                );
                return Err(impossible(message));
            }
            None => taints.push(taint),
        }
    }
    Ok(taints)
}

fn same_taint(one: &Value, other: &Value) -> bool {
    let value = |taint: &Value| taint["value"].as_str().unwrap_or_default().to_owned();
    value(one) == value(other)
}

fn taint_of(change: &Taint) -> Value {
    let mut taint = json!({"key": change.key, "effect": change.effect});
    if let Some(value) = &change.value {
        taint["value"] = json!(value);
    }
    taint
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Step};

    fn taints(line: &str, current: &Value) -> Lower<Vec<Value>> {
        let Action::TaintNodes(command) = line.parse::<Step>().unwrap().action else {
            panic!()
        };
        tainted(
            "n1",
            current.as_array().unwrap(),
            &command.taints.0,
            command.overwrite,
        )
    }

    #[test]
    fn taints_are_added_changed_and_taken_away() {
        let gpu = json!({"key": "dedicated", "value": "gpu", "effect": "NoSchedule"});
        let cpu = json!({"key": "dedicated", "value": "cpu", "effect": "NoSchedule"});
        let current = json!([gpu]);
        assert_eq!(
            taints("taint nodes n1 dedicated=gpu:NoSchedule", &json!([])).unwrap(),
            std::slice::from_ref(&gpu)
        );
        assert_eq!(
            taints("taint nodes n1 dedicated=gpu:NoSchedule", &current).unwrap(),
            std::slice::from_ref(&gpu)
        );
        assert_eq!(
            taints("taint nodes n1 dedicated=cpu:NoSchedule --overwrite", &current).unwrap(),
            [cpu]
        );
        assert_eq!(
            taints("taint nodes n1 dedicated=x:NoExecute", &current)
                .unwrap()
                .len(),
            2
        );
        assert!(taints("taint nodes n1 dedicated-", &current).unwrap().is_empty());
    }

    #[test]
    fn a_taint_is_not_changed_unasked() {
        let current = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
        assert!(taints("taint nodes n1 dedicated=cpu:NoSchedule", &current).is_err());
        assert!(taints("taint nodes n1 other-", &current).is_err());
    }
}
