//! More checks of what only one kind has: access, networks, nodes and definitions.

use serde_json::{Value, json};

use crate::sandbox::json::{items, name, present, text};
use crate::sandbox::status::Cause;

pub(super) fn check_network_policy(object: &Value, causes: &mut Vec<Cause>) {
    let all = items(object, "/spec/policyTypes").iter();
    for (index, class) in all.filter_map(Value::as_str).enumerate() {
        let known = ["Ingress", "Egress"];
        if !known.contains(&class) {
            causes.push(Cause::unsupported(
                &format!("spec.policyTypes[{index}]"),
                class,
                &known,
            ));
        }
    }
}

pub(super) fn check_role(object: &Value, causes: &mut Vec<Cause>) {
    for (index, rule) in items(object, "/rules").iter().enumerate() {
        if items(rule, "/verbs").is_empty() {
            let why = "verbs must contain at least one value";
            causes.push(Cause::required(&format!("rules[{index}].verbs"), why));
        }
    }
}

pub(super) fn check_binding(object: &Value, causes: &mut Vec<Cause>) {
    let known: &[&str] = match text(object, "/kind") {
        "ClusterRoleBinding" => &["ClusterRole"],
        _ => &["Role", "ClusterRole"],
    };
    let kind = text(object, "/roleRef/kind");
    if !known.contains(&kind) {
        causes.push(Cause::unsupported("roleRef.kind", kind, known));
    }
}

pub(super) fn check_node(object: &Value, causes: &mut Vec<Cause>) {
    for (index, taint) in items(object, "/spec/taints").iter().enumerate() {
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        let effect = text(taint, "/effect");
        if !known.contains(&effect) {
            causes.push(Cause::unsupported(
                &format!("metadata.taints[{index}].effect"),
                effect,
                &known,
            ));
        }
    }
}

pub(super) fn check_definition(object: &Value, causes: &mut Vec<Cause>) {
    let meant = format!(
        "{}.{}",
        text(object, "/spec/names/plural"),
        text(object, "/spec/group")
    );
    if name(object) != meant {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &json!(name(object)), why));
    }
    let scope = text(object, "/spec/scope");
    if !matches!(scope, "Cluster" | "Namespaced") {
        causes.push(Cause::unsupported(
            "spec.scope",
            scope,
            &["Cluster", "Namespaced"],
        ));
    }
    for (index, version) in items(object, "/spec/versions").iter().enumerate() {
        if !present(version, "/schema/openAPIV3Schema") {
            let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
            causes.push(Cause::required(&field, ""));
        }
    }
}
