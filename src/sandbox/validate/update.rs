//! Checks of changes: what may not become something else.

use serde_json::{Value, json};

use crate::sandbox::json::{at, flag, items, items_mut, present, remove, text};
use crate::sandbox::resource::Resource;
use crate::sandbox::status::Cause;

/// Everything wrong with replacing `before` by `after`.
pub(in crate::sandbox) fn check_update(resource: &Resource, before: &Value, after: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut immutable = |pointer: &str| {
        if before.pointer(pointer) != after.pointer(pointer) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            causes.push(Cause::invalid(&field, &at(after, pointer), "field is immutable"));
        }
    };
    match resource.qualified().as_str() {
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" => immutable("/spec/selector"),
        "jobs.batch" => ["/spec/selector", "/spec/template", "/spec/completions"]
            .into_iter()
            .for_each(immutable),
        "persistentvolumeclaims" => ["/spec/storageClassName", "/spec/accessModes"]
            .into_iter()
            .for_each(immutable),
        "services"
            if text(before, "/spec/type") == text(after, "/spec/type")
                && before.pointer("/spec/clusterIP") != after.pointer("/spec/clusterIP") =>
        {
            let address = json!([text(after, "/spec/clusterIP")]);
            causes.push(Cause::invalid(
                "spec.clusterIPs[0]",
                &address,
                "may not change once set",
            ));
        }
        "priorityclasses.scheduling.k8s.io" if before.get("value") != after.get("value") => {
            causes.push(Cause::forbidden("value", "may not be changed in an update."));
        }
        "secrets" => immutable("/type"),
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io"
            if before.pointer("/roleRef") != after.pointer("/roleRef") =>
        {
            causes.push(Cause::invalid(
                "roleRef",
                &at(after, "/roleRef"),
                "cannot change roleRef",
            ));
        }
        "pods" => causes.extend(pod_update(before, after)),
        "statefulsets.apps" => causes.extend(stateful_set_update(before, after)),
        _ => {}
    }
    causes.extend(sealed(before, after));
    if present(before, "/metadata/deletionTimestamp") {
        causes.extend(new_finalizers(before, after));
    }
    causes
}

/// What a config map or a secret that says that it does not change may not have changed.
fn sealed(before: &Value, after: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if flag(before, "/immutable")
        && ["/data", "/binaryData"]
            .iter()
            .any(|part| before.pointer(part) != after.pointer(part))
    {
        causes.push(Cause::forbidden(
            "data",
            "field is immutable when `immutable` is set",
        ));
    }
    if flag(before, "/immutable") && !flag(after, "/immutable") {
        causes.push(Cause::forbidden(
            "immutable",
            "field is immutable when `immutable` is set",
        ));
    }
    causes
}

fn new_finalizers(before: &Value, after: &Value) -> Option<Cause> {
    let known = items(before, "/metadata/finalizers");
    let new: Vec<String> = items(after, "/metadata/finalizers")
        .iter()
        .filter(|one| !known.contains(one))
        .map(ToString::to_string)
        .collect();
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        new.join(", ")
    );
    (!new.is_empty()).then(|| Cause::forbidden("metadata.finalizers", &why))
}

fn pod_update(before: &Value, after: &Value) -> Option<Cause> {
    let fixed = |pod: &Value| {
        let mut spec = at(pod, "/spec");
        for field in [
            "/tolerations",
            "/activeDeadlineSeconds",
            "/terminationGracePeriodSeconds",
            "/nodeName",
            "/ephemeralContainers",
        ] {
            remove(&mut spec, field);
        }
        for list in ["/containers", "/initContainers"] {
            for container in items_mut(&mut spec, list) {
                remove(container, "/image");
            }
        }
        spec
    };
    let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    (fixed(before) != fixed(after)).then(|| Cause::forbidden("spec", why))
}

fn stateful_set_update(before: &Value, after: &Value) -> Option<Cause> {
    let fixed = |object: &Value| {
        let mut spec = at(object, "/spec");
        for field in [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ] {
            remove(&mut spec, &format!("/{field}"));
        }
        spec
    };
    let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    (fixed(before) != fixed(after)).then(|| Cause::forbidden("spec", why))
}
