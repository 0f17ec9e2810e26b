//! Whether a live object is still the one that was reviewed.

use serde_json::Value;

use crate::check::Touched;
use crate::check::essence::{essence, without_empty};

/// Whether a live object is still the one that was reviewed: it has its essence, or the one that the earlier calls of
/// the same plan give it.
pub(super) fn is_as_reviewed<'a>(
    live: &Value,
    reviewed: &Touched,
    earlier: impl Iterator<Item = &'a Touched>,
) -> bool {
    let Some(before) = &reviewed.before else {
        return false;
    };
    let live = essence(live);
    let mut expected = essence(before);
    if live == expected {
        return true;
    }
    for step in earlier.filter(|step| step.uid.is_some() && step.uid == reviewed.uid) {
        let (Some(before), Some(after)) = (&step.before, &step.after) else {
            continue;
        };
        let change = json_patch::diff(&essence(before), &essence(after));
        if json_patch::patch(&mut expected, &change).is_err() {
            return false;
        }
        without_empty(&mut expected);
        if live == expected {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::{Call, CallVerb};

    fn touched(before: Value, after: Value) -> Touched {
        let call = Call {
            verb: CallVerb::PatchMerge,
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            resource: "deployments".to_owned(),
            subresource: None,
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
            kind: "deployment".to_owned(),
            body: None,
            dry_run: true,
        };
        Touched {
            call,
            access: None,
            uid: Some("u".to_owned()),
            resource_version: Some("1".to_owned()),
            before: Some(before),
            after: Some(after),
            pods: 0,
        }
    }

    fn deployment(replicas: u32, image: &str) -> Value {
        json!({"metadata": {"name": "web"}, "spec": {"replicas": replicas, "image": image}})
    }

    #[test]
    fn status_and_controllers_marks_do_not_matter() {
        let mut live = deployment(3, "a");
        live["status"] = json!({"replicas": 3});
        live["metadata"] = json!({"name": "web", "resourceVersion": "9", "generation": 4, "labels": {},
            "annotations": {"deployment.kubernetes.io/revision": "2"}});
        live["spec"]["taints"] = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
        let reviewed = touched(deployment(3, "a"), deployment(5, "a"));
        assert!(is_as_reviewed(&live, &reviewed, std::iter::empty()));
    }

    #[test]
    fn somebody_elses_change_matters() {
        let reviewed = touched(deployment(3, "a"), deployment(5, "a"));
        assert!(!is_as_reviewed(
            &deployment(3, "b"),
            &reviewed,
            std::iter::empty()
        ));
        let mut labelled = deployment(3, "a");
        labelled["metadata"]["labels"] = json!({"x": "y"});
        assert!(!is_as_reviewed(&labelled, &reviewed, std::iter::empty()));
    }

    #[test]
    fn what_earlier_steps_of_the_plan_did_is_expected() {
        let image = touched(deployment(3, "a"), deployment(3, "b"));
        let scale = touched(deployment(3, "a"), deployment(5, "a"));
        let label = touched(deployment(3, "a"), deployment(3, "a"));
        assert!(is_as_reviewed(&deployment(3, "b"), &scale, [&image].into_iter()));
        assert!(is_as_reviewed(
            &deployment(5, "b"),
            &label,
            [&image, &scale].into_iter()
        ));
        assert!(!is_as_reviewed(
            &deployment(9, "b"),
            &label,
            [&image, &scale].into_iter()
        ));
    }
}
