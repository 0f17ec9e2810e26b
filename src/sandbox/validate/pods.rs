//! Checks of pod specs, which pods and all templates share.

use serde_json::{Value, json};

use super::{LABEL, is_label};
use crate::sandbox::json::{at, entries, escape, integer, items, text};
use crate::sandbox::quantity;
use crate::sandbox::status::Cause;

pub(super) fn check_pod_spec(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
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
        causes.push(Cause::unsupported(
            &format!("{field}.restartPolicy"),
            policy,
            supported,
        ));
    }
}

fn check_mounts(spec: &Value, field: &str, causes: &mut Vec<Cause>) {
    let volumes: Vec<&str> = items(spec, "/volumes")
        .iter()
        .map(|volume| text(volume, "/name"))
        .collect();
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
        check_port(
            port,
            "/containerPort",
            &format!("{place}.ports[{index}].containerPort"),
            causes,
        );
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
        check_amounts(
            container,
            &format!("/resources/{which}"),
            &format!("{place}.resources.{which}"),
            causes,
        );
    }
    for (kind, request) in entries(container, "/resources/requests").into_iter().flatten() {
        let limit = container.pointer(&format!("/resources/limits/{}", escape(kind)));
        let (Some(asked), Some(most)) = (amount(request), limit.and_then(amount)) else {
            continue;
        };
        if asked > most {
            let shown = limit.map_or_else(String::new, plain);
            let why = format!("must be less than or equal to {kind} limit of {shown}");
            causes.push(Cause::invalid(
                &format!("{place}.resources.requests"),
                &json!(plain(request)),
                &why,
            ));
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn amount(value: &Value) -> Option<f64> {
    quantity::parse(&plain(value))
}

pub(super) fn check_amounts(object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    for (kind, value) in entries(object, pointer).into_iter().flatten() {
        let place = format!("{field}[{kind}]");
        match amount(value) {
            None => {
                let why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                causes.push(Cause::invalid(&place, value, why));
            }
            Some(negative) if negative < 0.0 => {
                causes.push(Cause::invalid(
                    &place,
                    value,
                    "must be greater than or equal to 0",
                ));
            }
            Some(_) => {}
        }
    }
}

pub(super) fn check_port(object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    match integer(object, pointer) {
        None => causes.push(Cause::required(field, "")),
        Some(1..=65_535) => {}
        Some(_) => {
            causes.push(Cause::invalid(
                field,
                &at(object, pointer),
                "must be between 1 and 65535, inclusive",
            ));
        }
    }
}
