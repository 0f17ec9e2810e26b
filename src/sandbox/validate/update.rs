//! Checks of changes: what may not become something else.

use serde_json::Value;

use crate::sandbox::json::{at, flag, items_mut, remove, text};
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
        "services" if text(before, "/spec/type") == text(after, "/spec/type") => immutable("/spec/clusterIP"),
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
    if flag(before, "/immutable")
        && ["/data", "/binaryData"]
            .iter()
            .any(|part| before.pointer(part) != after.pointer(part))
    {
        causes.push(forbidden("data", "field is immutable when `immutable` is set"));
    }
    causes
}

fn forbidden(field: &str, why: &str) -> Cause {
    Cause {
        reason: "FieldValueForbidden",
        field: field.into(),
        message: format!("Forbidden: {why}"),
    }
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
    (fixed(before) != fixed(after)).then(|| forbidden("spec", why))
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
    (fixed(before) != fixed(after)).then(|| forbidden("spec", why))
}
