//! Nobody gives more than they have: what a role or a binding would grant, held against what its writer may do.

use serde_json::Value;

use super::cluster::Cluster;
use super::json::{at, items, name, text};
use super::rbac::{Identity, Question, role_of};
use super::resource::Resource;
use super::status::ApiError;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Refuses a role with rights, or a binding to a role with rights, that its writer does not hold, unless the writer may `escalate`
/// such roles or `bind` that one. What was granted before may be written again.
pub(super) fn check(
    cluster: &Cluster,
    writer: &Identity,
    resource: &Resource,
    before: Option<&Value>,
    object: &Value,
) -> Result<(), ApiError> {
    if resource.group != GROUP {
        return Ok(());
    }
    let place = text(object, "/metadata/namespace");
    let is_role = matches!(resource.plural.as_str(), "roles" | "clusterroles");
    let parts: &[&str] = if is_role {
        &["/rules"]
    } else {
        &["/roleRef", "/subjects"]
    };
    if before.is_some_and(|before| parts.iter().all(|part| at(before, part) == at(object, part))) {
        return Ok(());
    }
    let (verb, kind, about) = if is_role {
        ("escalate", resource.plural.as_str(), name(object))
    } else {
        let kind = if text(object, "/roleRef/kind") == "ClusterRole" {
            "clusterroles"
        } else {
            "roles"
        };
        ("bind", kind, text(object, "/roleRef/name"))
    };
    let question = Question {
        verb,
        group: GROUP,
        resource: kind,
        namespace: place,
        name: about,
        ..Question::default()
    };
    if writer.may(cluster, &question) {
        return Ok(());
    }
    let given = if is_role {
        items(object, "/rules").to_vec()
    } else {
        role_of(cluster, object, place)
            .map(|role| items(&role, "/rules").to_vec())
            .unwrap_or_default()
    };
    let held = writer.rules(cluster, place);
    let missing: Vec<String> = given.iter().filter_map(|rule| not_held(rule, &held)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "user {:?} (groups={:?}) is attempting to grant RBAC permissions not currently held:\n{}",
        writer.user,
        writer.groups,
        missing.join("\n")
    );
    Err(ApiError::forbidden(resource, name(object), &why))
}

/// What of a rule is not held, as the real server words it; `None` if all of it is.
fn not_held(rule: &Value, held: &[Value]) -> Option<String> {
    let words = |field: &str| -> Vec<&str> {
        let all = items(rule, &format!("/{field}")).iter();
        all.filter_map(Value::as_str).collect()
    };
    let names = match words("resourceNames") {
        names if names.is_empty() => vec![""],
        names => names,
    };
    let (groups, resources, paths) = (words("apiGroups"), words("resources"), words("nonResourceURLs"));
    let is_held = |question: Question<'_>| held.iter().any(|rule| question.is_allowed_by(rule));
    let of_resources = |verb| {
        let all = groups
            .iter()
            .flat_map(|group| resources.iter().map(move |resource| (*group, *resource)));
        all.flat_map(|pair| names.iter().map(move |name| (pair, *name)))
            .all(|((group, whole), name)| {
                let (resource, subresource) = whole.split_once('/').unwrap_or((whole, ""));
                is_held(Question {
                    verb,
                    group,
                    resource,
                    subresource,
                    name,
                    ..Question::default()
                })
            })
    };
    let of_paths = |verb| {
        let mut all = paths.iter();
        all.all(|path| {
            is_held(Question {
                verb,
                path,
                ..Question::default()
            })
        })
    };
    let missing: Vec<&str> = words("verbs")
        .into_iter()
        .filter(|verb| !(of_resources(verb) && of_paths(verb)))
        .collect();
    if missing.is_empty() {
        return None;
    }
    if !paths.is_empty() {
        return Some(format!("{{NonResourceURLs:{paths:?}, Verbs:{missing:?}}}"));
    }
    let named = match names[..] {
        [""] => String::new(),
        _ => format!(", ResourceNames:{names:?}"),
    };
    Some(format!(
        "{{APIGroups:{groups:?}, Resources:{resources:?}{named}, Verbs:{missing:?}}}"
    ))
}
