//! What makes an object unacceptable: the checks whose failure is a 422.

use serde_json::{Value, json};

use super::json::{at, entries, flag, integer, items, name, present, remove, text};
use super::quantity;
use super::resource::Resource;
use super::selector::Labels;
use super::status::Cause;

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
    match resource.qualified().as_str() {
        "pods" => check_pod_spec(&at(object, "/spec"), "spec", &mut causes),
        "deployments.apps" | "replicasets.apps" | "statefulsets.apps" | "daemonsets.apps" => {
            check_workload(object, &mut causes);
        }
        "jobs.batch" => check_job(object, &mut causes),
        "cronjobs.batch" => check_cron_job(object, &mut causes),
        "services" => check_service(object, &mut causes),
        "persistentvolumeclaims" => check_claim(object, &mut causes),
        "horizontalpodautoscalers.autoscaling" => check_autoscaler(object, &mut causes),
        "poddisruptionbudgets.policy" => check_budget(object, &mut causes),
        "resourcequotas" => check_amounts(object, "/spec/hard", "spec.hard", &mut causes),
        "configmaps" | "secrets" => check_keys(object, &mut causes),
        "ingresses.networking.k8s.io" => check_ingress(object, &mut causes),
        _ => {}
    }
    causes
}

fn is_label(name: &str, may_start_with_digit: bool) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let start = bytes.first().is_some_and(|&b| b.is_ascii_lowercase() || may_start_with_digit && b.is_ascii_digit());
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
            (usize::MAX, good, "may not contain '/' or '%'")
        }
        _ => (253, name.split('.').all(|part| is_label(part, true)), SUBDOMAIN),
    };
    if !good {
        causes.push(Cause::invalid(FIELD, &shown, why));
    }
    if name.len() > limit {
        causes.push(Cause::invalid(FIELD, &shown, &format!("must be no more than {limit} characters")));
    }
}

fn is_label_text(value: &str) -> bool {
    let bytes = value.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_none_or(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn check_labels(object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    for (key, value) in entries(object, pointer).into_iter().flatten() {
        let (prefix, plain) = key.rsplit_once('/').map_or((None, key.as_str()), |(prefix, name)| (Some(prefix), name));
        let good_prefix = prefix.is_none_or(|prefix| prefix.split('.').all(|part| is_label(part, true)));
        if plain.is_empty() || plain.len() > 63 || !is_label_text(plain) || !good_prefix {
            causes.push(Cause::invalid(field, &json!(key), LABEL_KEY));
        }
        let value = value.as_str().unwrap_or("");
        if value.len() > 63 {
            causes.push(Cause::invalid(field, &json!(value), "must be no more than 63 characters"));
        } else if !is_label_text(value) {
            causes.push(Cause::invalid(field, &json!(value), LABEL_VALUE));
        }
    }
}

fn check_workload(object: &Value, causes: &mut Vec<Cause>) {
    if integer(object, "/spec/replicas").is_some_and(|replicas| replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.replicas", &at(object, "/spec/replicas"), why));
    }
    let selector = at(object, "/spec/selector");
    let labels = Labels::from_spec(&selector);
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if labels.is_empty() {
        causes.push(Cause::invalid("spec.selector", &selector, "empty selector is invalid for deployment"));
    }
    let template = at(object, "/spec/template");
    if !labels.is_empty() && !labels.matches(&template) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &at(&template, "/metadata/labels"), why));
    }
    check_labels(&template, "/metadata/labels", "spec.template.labels", causes);
    let policy = text(&template, "/spec/restartPolicy");
    if !matches!(policy, "" | "Always") {
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    check_strategy(object, causes);
    let mut spec = at(&template, "/spec");
    let claims = items(object, "/spec/volumeClaimTemplates").iter().map(|claim| json!({"name": super::json::name(claim)}));
    let volumes: Vec<Value> = items(&spec, "/volumes").iter().cloned().chain(claims).collect();
    if spec.is_object() {
        super::json::set(&mut spec, "/volumes", volumes);
    }
    check_pod_spec(&spec, "spec.template.spec", causes);
}

fn check_strategy(object: &Value, causes: &mut Vec<Cause>) {
    match text(object, "/spec/strategy/type") {
        "" | "RollingUpdate" => {}
        "Recreate" if present(object, "/spec/strategy/rollingUpdate") => causes.push(Cause {
            reason: "FieldValueForbidden",
            field: "spec.strategy.rollingUpdate".into(),
            message: "Forbidden: may not be specified when strategy `type` is 'Recreate'".into(),
        }),
        "Recreate" => {}
        other => causes.push(Cause::unsupported("spec.strategy.type", other, &["Recreate", "RollingUpdate"])),
    }
}

fn check_pod_spec(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
    let containers = items(spec, "/containers");
    if containers.is_empty() {
        causes.push(Cause::required(&format!("{field}.containers"), ""));
    }
    let mut seen: Vec<&str> = Vec::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in items(spec, &format!("/{list}")).iter().enumerate() {
            let place = format!("{field}.{list}[{index}]");
            check_container(container, &place, causes);
            let name = text(container, "/name");
            if seen.contains(&name) {
                causes.push(Cause::duplicate(&format!("{place}.name"), name));
            }
            seen.push(name);
        }
    }
    check_mounts(spec, field, causes);
    let policy = text(spec, "/restartPolicy");
    if !matches!(policy, "" | "Always" | "OnFailure" | "Never") {
        let supported = &["Always", "OnFailure", "Never"];
        causes.push(Cause::unsupported(&format!("{field}.restartPolicy"), policy, supported));
    }
}

fn check_mounts(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
    let volumes: Vec<&str> = items(spec, "/volumes").iter().map(|volume| text(volume, "/name")).collect();
    for (index, container) in items(spec, "/containers").iter().enumerate() {
        for (at, mount) in items(container, "/volumeMounts").iter().enumerate() {
            let name = text(mount, "/name");
            if !volumes.contains(&name) {
                causes.push(Cause {
                    reason: "FieldValueNotFound",
                    field: format!("{field}.containers[{index}].volumeMounts[{at}].name"),
                    message: format!("Not found: {name:?}"),
                });
            }
        }
    }
}

fn check_container(container: &Value, place: &str, causes: &mut Vec<Cause>) {
    let name = text(container, "/name");
    if name.is_empty() {
        causes.push(Cause::required(&format!("{place}.name"), ""));
    } else if !is_label(name, true) || name.len() > 63 {
        causes.push(Cause::invalid(&format!("{place}.name"), &json!(name), LABEL));
    }
    let image = text(container, "/image");
    if image.is_empty() {
        causes.push(Cause::required(&format!("{place}.image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(&format!("{place}.image"), &json!(image), why));
    }
    for (index, port) in items(container, "/ports").iter().enumerate() {
        check_port(port, "/containerPort", &format!("{place}.ports[{index}].containerPort"), causes);
    }
    for (index, variable) in items(container, "/env").iter().enumerate() {
        if text(variable, "/name").is_empty() {
            causes.push(Cause::required(&format!("{place}.env[{index}].name"), ""));
        }
    }
    check_resources(container, place, causes);
}

fn check_resources(container: &Value, place: &str, causes: &mut Vec<Cause>) {
    for which in ["limits", "requests"] {
        check_amounts(container, &format!("/resources/{which}"), &format!("{place}.resources.{which}"), causes);
    }
    for (kind, request) in entries(container, "/resources/requests").into_iter().flatten() {
        let limit = container.pointer(&format!("/resources/limits/{}", super::json::escape(kind)));
        let (Some(asked), Some(most)) = (amount(request), limit.and_then(amount)) else { continue };
        if asked > most {
            let shown = limit.map_or_else(String::new, |limit| plain(limit));
            let why = format!("must be less than or equal to {kind} limit of {shown}");
            causes.push(Cause::invalid(&format!("{place}.resources.requests"), &json!(plain(request)), &why));
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn amount(value: &Value) -> Option<f64> {
    quantity::parse(&plain(value))
}

fn check_amounts(object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    for (kind, value) in entries(object, pointer).into_iter().flatten() {
        let place = format!("{field}[{kind}]");
        match amount(value) {
            None => {
                let why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                causes.push(Cause::invalid(&place, value, why));
            }
            Some(negative) if negative < 0.0 => {
                causes.push(Cause::invalid(&place, value, "must be greater than or equal to 0"));
            }
            Some(_) => {}
        }
    }
}

fn check_port(object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    match integer(object, pointer) {
        None => causes.push(Cause::required(field, "")),
        Some(1..=65_535) => {}
        Some(_) => {
            causes.push(Cause::invalid(field, &at(object, pointer), "must be between 1 and 65535, inclusive"));
        }
    }
}

fn check_job(object: &Value, causes: &mut Vec<Cause>) {
    for field in ["completions", "parallelism", "backoffLimit"] {
        let pointer = format!("/spec/{field}");
        if integer(object, &pointer).is_some_and(|value| value < 0) {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(&format!("spec.{field}"), &at(object, &pointer), why));
        }
    }
    check_job_template(&at(object, "/spec/template"), "spec.template.spec", causes);
}

fn check_job_template(template: &Value, field: &str, causes: &mut Vec<Cause>) {
    let policy = text(template, "/spec/restartPolicy");
    if matches!(policy, "" | "Always") {
        let shown = format!("{field}.restartPolicy");
        causes.push(Cause::unsupported(&shown, "Always", &["OnFailure", "Never"]));
    }
    check_pod_spec(&at(template, "/spec"), field, causes);
}

fn check_cron_job(object: &Value, causes: &mut Vec<Cause>) {
    let schedule = text(object, "/spec/schedule");
    let fields = schedule.split_whitespace().count();
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if !is_schedule(schedule) {
        let why = format!("expected exactly 5 fields, found {fields}: [{schedule}]");
        causes.push(Cause::invalid("spec.schedule", &json!(schedule), &why));
    }
    let template = at(object, "/spec/jobTemplate/spec/template");
    check_job_template(&template, "spec.jobTemplate.spec.template.spec", causes);
}

fn is_schedule(schedule: &str) -> bool {
    const NAMED: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    let is_field = |field: &str| {
        field.bytes().all(|b| b.is_ascii_alphanumeric() || b"*/,-?".contains(&b))
            && field.split(['/', ',', '-']).all(|part| part.parse::<u32>().is_ok_and(|n| n < 60) || part == "*" || part == "?" || part.len() == 3)
    };
    NAMED.contains(&schedule)
        || schedule.starts_with("@every ")
        || schedule.split_whitespace().count() == 5 && schedule.split_whitespace().all(is_field)
}

fn check_service(object: &Value, causes: &mut Vec<Cause>) {
    let class = text(object, "/spec/type");
    let supported = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !class.is_empty() && !supported.contains(&class) {
        causes.push(Cause::unsupported("spec.type", class, &supported));
    }
    let ports = items(object, "/spec/ports");
    if ports.is_empty() && class != "ExternalName" && text(object, "/spec/clusterIP") != "None" {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        check_port(port, "/port", &format!("spec.ports[{index}].port"), causes);
        if ports.len() > 1 && text(port, "/name").is_empty() {
            causes.push(Cause::required(&format!("spec.ports[{index}].name"), ""));
        }
    }
}

fn check_claim(object: &Value, causes: &mut Vec<Cause>) {
    if items(object, "/spec/accessModes").is_empty() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if !present(object, "/spec/resources/requests/storage") {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
    check_amounts(object, "/spec/resources/requests", "spec.resources.requests", causes);
}

fn check_autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    let least = integer(object, "/spec/minReplicas").unwrap_or(1);
    let most = integer(object, "/spec/maxReplicas").unwrap_or(0);
    if most < 1 {
        causes.push(Cause::invalid("spec.maxReplicas", &json!(most), "must be greater than 0"));
    } else if most < least {
        let why = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &json!(most), why));
    }
    if text(object, "/spec/scaleTargetRef/name").is_empty() {
        causes.push(Cause::required("spec.scaleTargetRef.name", ""));
    }
    if text(object, "/spec/scaleTargetRef/kind").is_empty() {
        causes.push(Cause::required("spec.scaleTargetRef.kind", ""));
    }
}

fn check_budget(object: &Value, causes: &mut Vec<Cause>) {
    if present(object, "/spec/minAvailable") && present(object, "/spec/maxUnavailable") {
        let why = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", &at(object, "/spec"), why));
    }
}

fn check_keys(object: &Value, causes: &mut Vec<Cause>) {
    for key in entries(object, "/data").into_iter().flat_map(|map| map.keys()) {
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
            causes.push(Cause::invalid(&format!("data[{key}]"), &json!(key), why));
        }
    }
}

fn check_ingress(object: &Value, causes: &mut Vec<Cause>) {
    if items(object, "/spec/rules").is_empty() && !present(object, "/spec/defaultBackend") {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &at(object, "/spec"), why));
    }
}

/// Everything wrong with replacing `before` by `after`.
pub(super) fn check_update(resource: &Resource, before: &Value, after: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut immutable = |pointer: &str| {
        if before.pointer(pointer) != after.pointer(pointer) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            causes.push(Cause::invalid(&field, &at(after, pointer), "field is immutable"));
        }
    };
    match resource.qualified().as_str() {
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" => immutable("/spec/selector"),
        "jobs.batch" => ["/spec/selector", "/spec/template", "/spec/completions"].into_iter().for_each(immutable),
        "persistentvolumeclaims" => ["/spec/storageClassName", "/spec/accessModes"].into_iter().for_each(immutable),
        "services" if text(before, "/spec/type") == text(after, "/spec/type") => immutable("/spec/clusterIP"),
        "secrets" => immutable("/type"),
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            if before.pointer("/roleRef") != after.pointer("/roleRef") {
                causes.push(Cause::invalid("roleRef", &at(after, "/roleRef"), "cannot change roleRef"));
            }
        }
        "pods" => causes.extend(pod_update(before, after)),
        "statefulsets.apps" => causes.extend(stateful_set_update(before, after)),
        _ => {}
    }
    if flag(before, "/immutable") && ["/data", "/binaryData"].iter().any(|part| before.pointer(part) != after.pointer(part)) {
        causes.push(forbidden("data", "field is immutable when `immutable` is set"));
    }
    causes
}

fn forbidden(field: &str, why: &str) -> Cause {
    Cause { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {why}") }
}

fn pod_update(before: &Value, after: &Value) -> Option<Cause> {
    let fixed = |pod: &Value| {
        let mut spec = at(pod, "/spec");
        for field in ["/tolerations", "/activeDeadlineSeconds", "/terminationGracePeriodSeconds", "/nodeName", "/ephemeralContainers"] {
            remove(&mut spec, field);
        }
        for list in ["/containers", "/initContainers"] {
            for container in super::json::items_mut(&mut spec, list) {
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
        for field in ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"] {
            remove(&mut spec, &format!("/{field}"));
        }
        spec
    };
    let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    (fixed(before) != fixed(after)).then(|| forbidden("spec", why))
}
