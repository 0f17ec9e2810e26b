//! Holding an object against its kind's schema: types always, unknown fields where strictness is asked for.

use base64::Engine as _;
use serde_json::Value;

use super::schemas;
use crate::sandbox::json::{flag, items, text};
use crate::sandbox::resource::Resource;
use crate::sandbox::status::{ApiError, Cause};
use crate::sandbox::write::Checks;

/// Deeper than any schema nests without recursion; beyond it nothing is checked.
const DEPTH_LIMIT: u32 = 100;

/// What was found wrong.
#[derive(Default)]
struct Findings {
    /// Path, type found, type expected.
    mistyped: Vec<(String, &'static str, String)>,
    unknown: Vec<String>,
    /// What only custom resources' schemas demand.
    invalid: Vec<Cause>,
}

/// Refuses an object whose fields have the wrong type, or, if `checks` are strict, that has unknown ones.
pub(in crate::sandbox) fn check(resource: &Resource, object: &Value, checks: Checks) -> Result<(), ApiError> {
    let strict = checks == Checks::Strict;
    if checks == Checks::Off {
        return Ok(());
    }
    let mut findings = Findings::default();
    if let Some(schema) = &resource.schema {
        walk_custom(object, schema, &mut findings);
    } else if let Some(schema) = schemas::all().get(&schemas::name(resource)) {
        walk(object, schema, "", 0, false, &mut findings);
    }
    let kind = &resource.kind;
    let refuse = |why: String| {
        let version = resource.group_version();
        let version = version.rsplit('/').next().unwrap_or("");
        ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
        ))
    };
    if resource.schema.is_none() {
        if let Some((path, found, expected)) = findings.mistyped.first() {
            return Err(refuse(format!(
                "json: cannot unmarshal {found} into Go struct field {kind}.{path} of type {expected}"
            )));
        }
    } else if let Some(error) = invalid(resource, object, &findings) {
        return Err(error);
    }
    if strict && !findings.unknown.is_empty() {
        let all: Vec<String> = findings
            .unknown
            .iter()
            .map(|path| format!("unknown field {path:?}"))
            .collect();
        return Err(refuse(format!("strict decoding error: {}", all.join(", "))));
    }
    Ok(())
}

/// Takes out what the kind's schema does not know, as the real server's decoder does.
pub(in crate::sandbox) fn drop_unknown(resource: &Resource, object: &mut Value, checks: Checks) {
    let schema = schemas::all().get(&schemas::name(resource));
    let (None, Some(schema), true) = (&resource.schema, schema, checks != Checks::Off) else {
        return;
    };
    let mut findings = Findings::default();
    walk(object, schema, "", 0, false, &mut findings);
    for path in findings.unknown {
        let pointer = path.replace('[', ".").replace(']', "").replace('.', "/");
        crate::sandbox::json::remove(object, &format!("/{pointer}"));
    }
}

fn invalid(resource: &Resource, object: &Value, findings: &Findings) -> Option<ApiError> {
    let mut causes: Vec<Cause> = findings
        .mistyped
        .iter()
        .map(|(path, found, expected)| Cause {
            reason: "FieldValueTypeInvalid",
            field: path.clone(),
            message: format!(
                "Invalid value: {found:?}: {path} in body must be of type {expected}: {found:?}"
            ),
        })
        .collect();
    causes.extend(findings.invalid.iter().cloned());
    (!causes.is_empty()).then(|| ApiError::invalid(resource, text(object, "/metadata/name"), &causes))
}

/// A custom object: its own schema, but for the metadata, which all objects share.
fn walk_custom(object: &Value, schema: &Value, findings: &mut Findings) {
    let Some(map) = object.as_object() else { return };
    let metadata = schemas::all().get("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    if let (Some(value), Some(schema)) = (map.get("metadata"), metadata) {
        walk(value, schema, "metadata", 0, false, findings);
    }
    let mut rest = object.clone();
    for field in ["/apiVersion", "/kind", "/metadata"] {
        crate::sandbox::json::remove(&mut rest, field);
    }
    walk(&rest, schema, "", 0, true, findings);
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

/// The schema itself, behind references.
fn resolved(schema: &Value) -> Option<&Value> {
    let mut schema = schema;
    for _ in 0..8 {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            schema = schemas::resolve(reference)?;
        } else if let [only] = items(schema, "/allOf") {
            schema = only;
        } else {
            return Some(schema);
        }
    }
    None
}

/// `JSON` stands for any value, whatever its schema's type says.
fn is_any(schema: &Value) -> bool {
    let names = |one: &Value| text(one, "/$ref").rsplit('.').next() == Some("JSON");
    names(schema) || items(schema, "/allOf").iter().any(names)
}

fn walk(value: &Value, schema: &Value, path: &str, depth: u32, is_custom: bool, findings: &mut Findings) {
    if value.is_null() || depth > DEPTH_LIMIT || is_any(schema) {
        return;
    }
    let Some(schema) = resolved(schema) else { return };
    if flag(schema, "/x-kubernetes-int-or-string") {
        if !(value.is_number() || value.is_string()) {
            findings
                .mistyped
                .push((path.to_owned(), type_name(value), "intstr.IntOrString".into()));
        }
        return;
    }
    if !fits(value, schema) {
        findings
            .mistyped
            .push((path.to_owned(), type_name(value), expected(schema, is_custom)));
        return;
    }
    if is_custom {
        demand(value, schema, path, findings);
    }
    match value {
        Value::Object(map) => {
            for (field, inner) in map {
                walk_field(field, inner, schema, path, depth, is_custom, findings);
            }
        }
        Value::Array(list) => {
            let Some(item) = schema.get("items") else { return };
            for (index, inner) in list.iter().enumerate() {
                walk(
                    inner,
                    item,
                    &format!("{path}[{index}]"),
                    depth + 1,
                    is_custom,
                    findings,
                );
            }
        }
        _ => {}
    }
}

fn walk_field(
    field: &str,
    inner: &Value,
    schema: &Value,
    path: &str,
    depth: u32,
    is_custom: bool,
    findings: &mut Findings,
) {
    let place = joined(path, field);
    if let Some(known) = schema
        .get("properties")
        .and_then(|properties| properties.get(field))
    {
        return walk(inner, known, &place, depth + 1, is_custom, findings);
    }
    match schema.get("additionalProperties") {
        Some(each) if each.is_object() => walk(inner, each, &place, depth + 1, is_custom, findings),
        Some(Value::Bool(true)) => {}
        _ => {
            let is_open =
                flag(schema, "/x-kubernetes-preserve-unknown-fields") || schema.get("properties").is_none();
            if !is_open {
                findings.unknown.push(place);
            }
        }
    }
}

/// What a value is, in the words of the real server's decoder.
pub(in crate::sandbox) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn expected(schema: &Value, is_custom: bool) -> String {
    let class = text(schema, "/type");
    if is_custom {
        return class.to_owned();
    }
    match (class, text(schema, "/format")) {
        ("integer" | "number", format) if !format.is_empty() => format.to_owned(),
        ("string", "byte") => "[]uint8".to_owned(),
        ("boolean", _) => "bool".to_owned(),
        ("array", _) => "[]".to_owned(),
        ("object", _) => "struct".to_owned(),
        (other, _) => other.to_owned(),
    }
}

fn fits(value: &Value, schema: &Value) -> bool {
    match text(schema, "/type") {
        "string" if text(schema, "/format") == "byte" => value
            .as_str()
            .is_some_and(|text| base64::engine::general_purpose::STANDARD.decode(text).is_ok()),
        "string" => value.is_string(),
        "integer" if text(schema, "/format") == "int32" => {
            value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

/// What a custom resource's schema demands beyond types.
fn demand(value: &Value, schema: &Value, path: &str, findings: &mut Findings) {
    for field in items(schema, "/required").iter().filter_map(Value::as_str) {
        let is_system = path.is_empty() && matches!(field, "apiVersion" | "kind" | "metadata");
        if value.is_object() && value.get(field).is_none() && !is_system {
            findings.invalid.push(Cause::required(&joined(path, field), ""));
        }
    }
    let allowed = items(schema, "/enum");
    if !allowed.is_empty() && !allowed.contains(value) {
        let shown: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        findings.invalid.push(Cause::unsupported(
            path,
            value.as_str().unwrap_or(&value.to_string()),
            &shown,
        ));
    }
    demand_of_text(value, schema, path, findings);
    demand_of_list(value, schema, path, findings);
    let limit = |which: &str| schema.get(which).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        if let Some(least) = limit("minimum").filter(|least| number < *least) {
            let why = format!("{path} in body should be greater than or equal to {least}");
            findings.invalid.push(Cause::invalid(path, value, &why));
        }
        if let Some(most) = limit("maximum").filter(|most| number > *most) {
            let why = format!("{path} in body should be less than or equal to {most}");
            findings.invalid.push(Cause::invalid(path, value, &why));
        }
    }
}

fn demand_of_text(value: &Value, schema: &Value, path: &str, findings: &mut Findings) {
    let Some(found) = value.as_str() else { return };
    let most = schema.get("maxLength").and_then(Value::as_u64);
    if let Some(most) =
        most.filter(|most| u64::try_from(found.chars().count()).is_ok_and(|length| length > *most))
    {
        findings.invalid.push(Cause {
            reason: "FieldValueTooLong",
            field: path.to_owned(),
            message: format!("Too long: may not be more than {most} bytes"),
        });
    }
    if text(schema, "/format") == "date-time" && found.parse::<jiff::Timestamp>().is_err() {
        let why = format!("{path} in body must be of type date-time: {found:?}");
        findings.invalid.push(Cause::invalid(path, value, &why));
    }
}

fn demand_of_list(value: &Value, schema: &Value, path: &str, findings: &mut Findings) {
    let Some(list) = value.as_array() else { return };
    let most = schema.get("maxItems").and_then(Value::as_u64);
    if let Some(most) = most.filter(|most| u64::try_from(list.len()).is_ok_and(|length| length > *most)) {
        findings.invalid.push(Cause {
            reason: "FieldValueTooMany",
            field: path.to_owned(),
            message: format!("Too many: {}: must have at most {most} items", list.len()),
        });
    }
    if let Some((at, keys)) = super::custom::duplicate(list, schema) {
        findings.invalid.push(Cause {
            reason: "FieldValueDuplicate",
            field: format!("{path}[{at}]"),
            message: format!("Duplicate value: {keys}"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::resource::built_in;
    use crate::sandbox::{Seed, seed};
    use serde_json::json;

    #[test]
    fn every_stored_kind_has_a_schema() {
        for resource in built_in().iter().filter(|one| one.group != "metrics.k8s.io") {
            assert!(
                schemas::all().contains_key(&schemas::name(resource)),
                "{}",
                schemas::name(resource)
            );
        }
    }

    #[test]
    fn what_the_sandbox_makes_is_as_the_schemas_say() {
        let cluster = seed::plant(&Seed::Shop).unwrap();
        for object in seed::dump(&cluster) {
            let resource = cluster
                .resource_of_kind(text(&object, "/apiVersion"), text(&object, "/kind"))
                .unwrap();
            if let Err(error) = check(&resource, &object, Checks::Strict) {
                panic!(
                    "{} {}: {}",
                    resource.kind,
                    text(&object, "/metadata/name"),
                    error.message
                );
            }
        }
    }

    #[test]
    fn wrong_types_and_unknown_fields_are_named() {
        let deployment = built_in().iter().find(|one| one.plural == "deployments").unwrap();
        let wrong = check(deployment, &json!({"spec": {"replicas": "many"}}), Checks::Types).unwrap_err();
        assert!(
            wrong.message.contains(
                "cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32"
            )
        );
        let unknown = json!({"spec": {"template": {"spec": {"containers": [{"imagee": "a"}]}}}});
        assert!(check(deployment, &unknown, Checks::Types).is_ok());
        let error = check(deployment, &unknown, Checks::Strict).unwrap_err();
        assert!(
            error
                .message
                .contains("unknown field \"spec.template.spec.containers[0].imagee\""),
            "{}",
            error.message
        );
    }
}
