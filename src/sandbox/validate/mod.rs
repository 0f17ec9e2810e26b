//! What makes an object unacceptable: the checks whose failure is a 422.

mod kinds;
mod meta;
mod more;
mod pods;
mod update;

use serde_json::{Value, json};

use super::json::{at, entries, integer, items, name, present, text};
use super::resource::Resource;
use super::selector::Labels;
use super::status::Cause;
use pods::{check_amounts, check_pod_spec};

pub(super) use update::check_update;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const LABEL_KEY: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// Everything wrong with a complete object.
pub(super) fn check(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check_name(resource, object, &mut causes);
    check_labels(object, "/metadata/labels", "metadata.labels", &mut causes);
    meta::check_annotations(object, &mut causes);
    meta::check_finalizers(object, &mut causes);
    meta::check_owners(object, &mut causes);
    match resource.qualified().as_str() {
        "pods" => check_pod_spec(&at(object, "/spec"), "spec", &mut causes),
        "deployments.apps" | "replicasets.apps" | "statefulsets.apps" | "daemonsets.apps" => {
            check_workload(object, &mut causes);
        }
        "jobs.batch" => kinds::check_job(object, &mut causes),
        "cronjobs.batch" => kinds::check_cron_job(object, &mut causes),
        "services" => kinds::check_service(object, &mut causes),
        "persistentvolumeclaims" => kinds::check_claim(object, &mut causes),
        "horizontalpodautoscalers.autoscaling" => kinds::check_autoscaler(object, &mut causes),
        "poddisruptionbudgets.policy" => kinds::check_budget(object, &mut causes),
        "resourcequotas" => check_amounts(object, "/spec/hard", "spec.hard", &mut causes),
        "configmaps" | "secrets" => kinds::check_keys(object, &mut causes),
        "ingresses.networking.k8s.io" => kinds::check_ingress(object, &mut causes),
        "networkpolicies.networking.k8s.io" => more::check_network_policy(object, &mut causes),
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            more::check_role(object, &mut causes);
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            more::check_binding(object, &mut causes);
        }
        "nodes" => more::check_node(object, &mut causes),
        "customresourcedefinitions.apiextensions.k8s.io" => more::check_definition(object, &mut causes),
        _ => {}
    }
    causes
}

fn is_label(name: &str, may_start_with_digit: bool) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let start = bytes
        .first()
        .is_some_and(|&b| b.is_ascii_lowercase() || may_start_with_digit && b.is_ascii_digit());
    let end = bytes.last().is_some_and(|&b| alphanumeric(b));
    start && end && bytes.iter().all(|&b| alphanumeric(b) || b == b'-')
}

fn check_name(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    const FIELD: &str = "metadata.name";
    let name = name(object);
    let shown = json!(name);
    if name.is_empty() {
        causes.push(Cause::required(FIELD, "name or generateName is required"));
        return;
    }
    let (limit, good, why) = match resource.qualified().as_str() {
        "services" => (63, is_label(name, false), SERVICE),
        "namespaces" => (63, is_label(name, true), LABEL),
        _ if resource.group == "rbac.authorization.k8s.io" => {
            let good = !matches!(name, "." | "..") && !name.contains(['/', '%']);
            (
                usize::MAX,
                good,
                if name.contains('/') {
                    "may not contain '/'"
                } else {
                    "may not contain '%'"
                },
            )
        }
        _ => (253, name.split('.').all(|part| is_label(part, true)), SUBDOMAIN),
    };
    if !good {
        causes.push(Cause::invalid(FIELD, &shown, why));
    }
    if name.len() > limit {
        causes.push(Cause::invalid(
            FIELD,
            &shown,
            &format!("must be no more than {limit} characters"),
        ));
    }
}

fn is_label_text(value: &str) -> bool {
    let bytes = value.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_none_or(u8::is_ascii_alphanumeric))
        && bytes
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn check_labels(object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    for (key, value) in entries(object, pointer).into_iter().flatten() {
        if !meta::is_qualified(key) {
            causes.push(Cause::invalid(field, &json!(key), LABEL_KEY));
        }
        let value = value.as_str().unwrap_or("");
        if value.len() > 63 {
            causes.push(Cause::invalid(
                field,
                &json!(value),
                "must be no more than 63 characters",
            ));
        } else if !is_label_text(value) {
            causes.push(Cause::invalid(field, &json!(value), LABEL_VALUE));
        }
    }
}

fn check_workload(object: &Value, causes: &mut Vec<Cause>) {
    if integer(object, "/spec/replicas").is_some_and(|replicas| replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid(
            "spec.replicas",
            &at(object, "/spec/replicas"),
            why,
        ));
    }
    let selector = at(object, "/spec/selector");
    let labels = Labels::from_spec(&selector);
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if labels.is_empty() {
        causes.push(Cause::invalid(
            "spec.selector",
            &selector,
            "empty selector is invalid for deployment",
        ));
    }
    let template = at(object, "/spec/template");
    if selector.is_null() || (!labels.is_empty() && !labels.matches(&template)) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid(
            "spec.template.metadata.labels",
            &at(&template, "/metadata/labels"),
            why,
        ));
    }
    check_labels(&template, "/metadata/labels", "spec.template.labels", causes);
    let policy = text(&template, "/spec/restartPolicy");
    if !matches!(policy, "" | "Always") {
        causes.push(Cause::unsupported(
            "spec.template.spec.restartPolicy",
            policy,
            &["Always"],
        ));
    }
    check_strategy(object, causes);
    let mut spec = at(&template, "/spec");
    let claims = items(object, "/spec/volumeClaimTemplates")
        .iter()
        .map(|claim| json!({"name": super::json::name(claim)}));
    let volumes: Vec<Value> = items(&spec, "/volumes").iter().cloned().chain(claims).collect();
    if spec.is_object() {
        super::json::set(&mut spec, "/volumes", volumes);
    }
    check_pod_spec(&spec, "spec.template.spec", causes);
}

fn is_none(object: &Value, pointer: &str) -> bool {
    let value = at(object, pointer);
    value == 0 || value == "0%"
}

fn check_strategy(object: &Value, causes: &mut Vec<Cause>) {
    match text(object, "/spec/strategy/type") {
        "Recreate" if present(object, "/spec/strategy/rollingUpdate") => causes.push(Cause {
            reason: "FieldValueForbidden",
            field: "spec.strategy.rollingUpdate".into(),
            message: "Forbidden: may not be specified when strategy `type` is 'Recreate'".into(),
        }),
        "RollingUpdate"
            if is_none(object, "/spec/strategy/rollingUpdate/maxUnavailable")
                && is_none(object, "/spec/strategy/rollingUpdate/maxSurge") =>
        {
            let (field, why) = (
                "spec.strategy.rollingUpdate.maxUnavailable",
                "may not be 0 when `maxSurge` is 0",
            );
            causes.push(Cause::invalid(
                field,
                &at(object, "/spec/strategy/rollingUpdate/maxUnavailable"),
                why,
            ));
        }
        "" | "RollingUpdate" | "Recreate" => {}
        other => causes.push(Cause::unsupported(
            "spec.strategy.type",
            other,
            &["Recreate", "RollingUpdate"],
        )),
    }
}
