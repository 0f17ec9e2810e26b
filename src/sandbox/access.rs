//! Reviews: questions about access and identity, answered and not stored.

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::json::{items, set, text};
use super::rbac::{Identity, Question};
use super::request::Asked;
use super::resource::Resource;
use super::routes::object_body;
use super::status::{ApiError, Cause};

/// Answers a review; `None` if the resource is none.
pub(super) fn answer(
    cluster: &Cluster,
    resource: &Resource,
    asked: &Asked,
    identity: &Identity,
) -> Option<Result<Value, ApiError>> {
    if !matches!(
        resource.group.as_str(),
        "authorization.k8s.io" | "authentication.k8s.io"
    ) {
        return None;
    }
    if asked.verb() != "create" {
        return Some(Err(ApiError::method_not_allowed()));
    }
    let checked = object_body(asked).and_then(|body| check(resource, &body, asked).map(|()| body));
    Some(checked.map(|body| review(cluster, resource, body, identity)))
}

/// Refuses a review that asks nothing, or of nobody.
fn check(resource: &Resource, body: &Value, asked: &Asked) -> Result<(), ApiError> {
    if !resource.kind.ends_with("AccessReview") {
        return Ok(());
    }
    let refuse = |field: &str, value: Value, why: &str| {
        let nameless = Resource {
            group: resource.group.clone(),
            ..Resource::default()
        };
        Err(ApiError::invalid(
            &nameless,
            "",
            &[Cause::invalid(field, &value, why)],
        ))
    };
    let is_set = |field: &str| super::json::present(body, &format!("/spec/{field}"));
    if is_set("resourceAttributes") == is_set("nonResourceAttributes") {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        return refuse("spec.resourceAttributes", Value::Null, why);
    }
    let asks_of_others = !resource.kind.starts_with("Self");
    if asks_of_others && text(body, "/spec/user").is_empty() && items(body, "/spec/groups").is_empty() {
        return refuse(
            "spec.user",
            json!(""),
            "at least one of user or group must be specified",
        );
    }
    let place = text(body, "/spec/resourceAttributes/namespace");
    let here = asked
        .target
        .as_ref()
        .map_or("", |target| target.namespace.as_str());
    if resource.kind == "LocalSubjectAccessReview" && place != here {
        let field = "spec.resourceAttributes.namespace";
        return refuse(field, json!(place), "must match metadata.namespace");
    }
    Ok(())
}

fn review(cluster: &Cluster, resource: &Resource, mut body: Value, identity: &Identity) -> Value {
    let status = match resource.kind.as_str() {
        "SelfSubjectAccessReview" => access(cluster, identity, &body),
        "SelfSubjectRulesReview" => rules(cluster, identity, text(&body, "/spec/namespace")),
        "SelfSubjectReview" => json!({"userInfo": {"username": identity.user, "groups": identity.groups}}),
        _ => {
            let groups = items(&body, "/spec/groups")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            access(cluster, &Identity::of(text(&body, "/spec/user"), groups), &body)
        }
    };
    set(&mut body, "/kind", resource.kind.clone());
    set(&mut body, "/apiVersion", resource.group_version());
    set(&mut body, "/status", status);
    body
}

fn access(cluster: &Cluster, identity: &Identity, body: &Value) -> Value {
    let at = |field: &str| text(body, &format!("/spec/resourceAttributes/{field}")).to_owned();
    let (verb, group, resource, subresource) = (at("verb"), at("group"), at("resource"), at("subresource"));
    let (namespace, name) = (at("namespace"), at("name"));
    let path = text(body, "/spec/nonResourceAttributes/path");
    let question = Question {
        verb: if path.is_empty() {
            &verb
        } else {
            text(body, "/spec/nonResourceAttributes/verb")
        },
        group: &group,
        resource: &resource,
        subresource: &subresource,
        namespace: &namespace,
        name: &name,
        path,
    };
    if identity.may(cluster, &question) {
        json!({"allowed": true, "reason": format!("RBAC: allowed for user {:?}", identity.user)})
    } else {
        json!({"allowed": false})
    }
}

fn rules(cluster: &Cluster, identity: &Identity, namespace: &str) -> Value {
    let all = identity.rules(cluster, namespace);
    let (paths, resources): (Vec<Value>, Vec<Value>) = all
        .into_iter()
        .partition(|rule| !items(rule, "/nonResourceURLs").is_empty());
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
