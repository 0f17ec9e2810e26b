//! Checks of what only one kind has.

use serde_json::{Value, json};

use super::pods::{check_amounts, check_pod_spec, check_port};
use crate::sandbox::cron::Schedule;
use crate::sandbox::json::{at, entries, integer, items, present, text};
use crate::sandbox::status::Cause;

pub(super) fn check_job(object: &Value, causes: &mut Vec<Cause>) {
    for field in ["completions", "parallelism", "backoffLimit"] {
        let pointer = format!("/spec/{field}");
        if integer(object, &pointer).is_some_and(|value| value < 0) {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(
                &format!("spec.{field}"),
                &at(object, &pointer),
                why,
            ));
        }
    }
    check_job_template(&at(object, "/spec/template"), "spec.template.spec", causes);
}

fn check_job_template(template: &Value, field: &str, causes: &mut Vec<Cause>) {
    let policy = text(template, "/spec/restartPolicy");
    if matches!(policy, "" | "Always") {
        let shown = format!("{field}.restartPolicy");
        causes.push(Cause::required(&shown, "valid values: \"OnFailure\", \"Never\""));
    }
    check_pod_spec(&at(template, "/spec"), field, causes);
}

pub(super) fn check_cron_job(object: &Value, causes: &mut Vec<Cause>) {
    let schedule = text(object, "/spec/schedule");
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if let Err(why) = Schedule::parse(schedule) {
        causes.push(Cause::invalid("spec.schedule", &json!(schedule), &why));
    }
    let zone = text(object, "/spec/timeZone");
    if !zone.is_empty() && jiff::tz::TimeZone::get(zone).is_err() {
        let why = format!("unknown time zone {zone}");
        causes.push(Cause::invalid("spec.timeZone", &json!(zone), &why));
    }
    let template = at(object, "/spec/jobTemplate/spec/template");
    check_job_template(&template, "spec.jobTemplate.spec.template.spec", causes);
}

pub(super) fn check_service(object: &Value, causes: &mut Vec<Cause>) {
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
        if at(port, "/targetPort").is_number() {
            check_port(
                port,
                "/targetPort",
                &format!("spec.ports[{index}].targetPort"),
                causes,
            );
        }
        if ports.len() > 1 && text(port, "/name").is_empty() {
            causes.push(Cause::required(&format!("spec.ports[{index}].name"), ""));
        }
    }
}

pub(super) fn check_claim(object: &Value, causes: &mut Vec<Cause>) {
    if items(object, "/spec/accessModes").is_empty() {
        causes.push(Cause::required(
            "spec.accessModes",
            "at least 1 access mode is required",
        ));
    }
    if !present(object, "/spec/resources/requests/storage") {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
    check_amounts(
        object,
        "/spec/resources/requests",
        "spec.resources.requests",
        causes,
    );
}

pub(super) fn check_autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    let least = integer(object, "/spec/minReplicas").unwrap_or(1);
    let most = integer(object, "/spec/maxReplicas").unwrap_or(0);
    if most < 1 {
        causes.push(Cause::invalid(
            "spec.maxReplicas",
            &json!(most),
            "must be greater than 0",
        ));
    }
    if most < least {
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

pub(super) fn check_budget(object: &Value, causes: &mut Vec<Cause>) {
    if present(object, "/spec/minAvailable") && present(object, "/spec/maxUnavailable") {
        let why = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", &at(object, "/spec"), why));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        let value = at(object, &format!("/spec/{field}"));
        let digits = |text: &str| {
            text.strip_suffix('%')
                .is_some_and(|text| text.parse::<u32>().is_ok())
        };
        if value.as_str().is_some_and(|text| !digits(text)) {
            let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            causes.push(Cause::invalid(&format!("spec.{field}"), &value, why));
        }
    }
}

pub(super) fn check_keys(object: &Value, causes: &mut Vec<Cause>) {
    let has = |pointer: &str, key: &str| entries(object, pointer).is_some_and(|map| map.contains_key(key));
    for key in entries(object, "/data").into_iter().flat_map(|map| map.keys()) {
        if has("/binaryData", key) {
            let why = "duplicate of key present in binaryData";
            causes.push(Cause::invalid(&format!("data[{key}]"), &json!(key), why));
        }
    }
    let wanted: &[&str] = match text(object, "/type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        _ => &[],
    };
    for key in wanted.iter().filter(|key| !has("/data", key)) {
        causes.push(Cause::required(&format!("data[{key}]"), ""));
    }
    for key in entries(object, "/data").into_iter().flat_map(|map| map.keys()) {
        if key.is_empty()
            || !key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        {
            let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
            causes.push(Cause::invalid(&format!("data[{key}]"), &json!(key), why));
        }
    }
}

pub(super) fn check_ingress(object: &Value, causes: &mut Vec<Cause>) {
    if items(object, "/spec/rules").is_empty() && !present(object, "/spec/defaultBackend") {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &Value::Null, why));
    }
    for (number, rule) in items(object, "/spec/rules").iter().enumerate() {
        for (index, path) in items(rule, "/http/paths").iter().enumerate() {
            if text(path, "/pathType").is_empty() {
                let field = format!("spec.rules[{number}].http.paths[{index}].pathType");
                causes.push(Cause::required(&field, "pathType must be specified"));
            }
        }
    }
}
