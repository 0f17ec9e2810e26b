//! What became of a call whose outcome nobody recorded: told from the object as it was, as it was to be, and as it is.

use serde::Serialize;
use serde_json::Value;

use crate::check::essence::essence;
use crate::check::inverse::merge_back;
use crate::check::{CallVerb, Touched};

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The cluster is as the call leaves it.
    Applied,
    /// The object is the very one that was reviewed.
    NotApplied,
    /// Somebody changed it since, or the call leaves no trace.
    Unknown,
}

/// Whether a recorded outcome leaves open what became of a step: its answer was lost.
pub fn is_unsettled(outcome: &Value) -> bool {
    let steps = outcome["steps"].as_array().map_or(&[][..], Vec::as_slice);
    steps.iter().any(|step| step["result"]["uncertain"] == true)
}

/// Tells what became of a call from its object now; `live` is nothing where there is none.
pub fn what_became(touched: &Touched, live: Option<&Value>) -> Fate {
    let call = &touched.call;
    if call.subresource.as_deref() == Some("token") {
        return Fate::Unknown;
    }
    let uid = live.map(|live| live["metadata"]["uid"].as_str().unwrap_or_default());
    let is_same = uid.is_some() && uid == touched.uid.as_deref();
    match (call.verb, &touched.before, live) {
        (CallVerb::Delete | CallVerb::Evict, _, Some(live)) if is_same => {
            let is_going = live["metadata"]["deletionTimestamp"].is_string();
            if is_going { Fate::Applied } else { Fate::NotApplied }
        }
        // Nothing, or another object of that name: the one that was meant is gone.
        (CallVerb::Delete | CallVerb::Evict, _, _) => Fate::Applied,
        (_, None, None) => Fate::NotApplied,
        (_, None, Some(live)) => {
            if is_ours(live) {
                Fate::Applied
            } else {
                Fate::Unknown
            }
        }
        (_, Some(before), Some(live)) if is_same => changed(touched, before, live),
        (_, Some(_), _) => Fate::Unknown,
    }
}

fn changed(touched: &Touched, before: &Value, live: &Value) -> Fate {
    let (before, live) = (essence(before), essence(live));
    let Some(after) = touched.after.as_ref().map(essence) else {
        return Fate::Unknown;
    };
    // Only what the call changes is looked at: other steps of the same action may have changed the rest.
    let has = |change: Option<Value>| {
        let mut moved = live.clone();
        change.is_some_and(|change| {
            json_patch::merge(&mut moved, &change);
            moved == live
        })
    };
    if has(merge_back(&before, &after)) {
        return Fate::Applied;
    }
    if has(merge_back(&after, &before)) {
        Fate::NotApplied
    } else {
        Fate::Unknown
    }
}

/// Whether one of our writes made it.
fn is_ours(object: &Value) -> bool {
    let managers = object["metadata"]["managedFields"].as_array();
    managers
        .into_iter()
        .flatten()
        .any(|entry| entry["manager"] == "sayso")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::Call;

    fn touched(verb: CallVerb, before: Option<Value>, after: Option<Value>) -> Touched {
        Touched {
            call: Call {
                verb,
                group: "apps".into(),
                version: "v1".into(),
                resource: "deployments".into(),
                subresource: None,
                namespace: Some("shop".into()),
                name: "web".into(),
                kind: "deployment".into(),
                body: None,
                dry_run: true,
            },
            access: None,
            uid: before.is_some().then(|| "u1".to_owned()),
            resource_version: None,
            before,
            after,
            pods: 0,
        }
    }

    fn web(uid: &str, replicas: u32) -> Value {
        json!({"metadata": {"uid": uid, "resourceVersion": format!("{replicas}")}, "spec": {"replicas": replicas}})
    }

    #[test]
    fn a_change_is_told_by_what_the_object_says() {
        let scale = touched(CallVerb::PatchMerge, Some(web("u1", 3)), Some(web("u1", 5)));
        assert_eq!(what_became(&scale, Some(&web("u1", 5))), Fate::Applied);
        assert_eq!(what_became(&scale, Some(&web("u1", 3))), Fate::NotApplied);
        assert_eq!(what_became(&scale, Some(&web("u1", 9))), Fate::Unknown);
        assert_eq!(what_became(&scale, Some(&web("u2", 5))), Fate::Unknown);
        assert_eq!(what_became(&scale, None), Fate::Unknown);
    }

    #[test]
    fn a_creation_by_its_maker_and_a_deletion_by_its_absence() {
        let create = touched(CallVerb::Create, None, Some(web("x", 1)));
        let mut made = web("u7", 1);
        assert_eq!(what_became(&create, Some(&made)), Fate::Unknown);
        made["metadata"]["managedFields"] = json!([{"manager": "sayso"}]);
        assert_eq!(what_became(&create, Some(&made)), Fate::Applied);
        assert_eq!(what_became(&create, None), Fate::NotApplied);
        let delete = touched(CallVerb::Delete, Some(web("u1", 3)), None);
        assert_eq!(what_became(&delete, None), Fate::Applied);
        assert_eq!(what_became(&delete, Some(&web("u1", 3))), Fate::NotApplied);
        assert_eq!(what_became(&delete, Some(&web("u2", 3))), Fate::Applied);
    }
}
