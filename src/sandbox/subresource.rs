//! Subresources other than status: scale, logs, eviction, tokens, finalize, binding.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::cluster::{Cluster, letters};
use super::delete;
use super::json::{at, count, ensure, entries, integer, items, name, namespace, present, set, text, uid};
use super::logs;
use super::openapi::{self, type_name};
use super::patch::{self, Form};
use super::request::{Asked, Target};
use super::resource::Resource;
use super::routes::{object_body, patch_body};
use super::selector::Labels;
use super::status::{ApiError, Cause};
use super::write::{Call, Checks};

/// Answers a GET of a subresource.
pub(super) fn read(
    cluster: &Cluster,
    resource: &Resource,
    asked: &Asked,
    target: &Target,
) -> Result<Response, ApiError> {
    if !resource.has_subresource(&target.subresource) {
        return Err(ApiError::no_such_path());
    }
    let object = cluster
        .get(&resource.table(), &target.namespace, &target.name)
        .ok_or_else(|| ApiError::not_found(resource, &target.name))?;
    match target.subresource.as_str() {
        "status" | "ephemeralcontainers" => {
            Ok(Json(super::convert::outward(resource, &object)).into_response())
        }
        "scale" => Ok(Json(scale_of(resource, &object)).into_response()),
        "log" => logs::read(cluster, &object, &asked.query).map(IntoResponse::into_response),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Performs a write to a subresource.
pub(super) fn write(
    cluster: &mut Cluster,
    call: &Call<'_>,
    asked: &Asked,
    which: &str,
) -> Result<(StatusCode, Value), ApiError> {
    let object = cluster
        .get(&call.resource.table(), call.namespace, call.name)
        .ok_or_else(|| ApiError::not_found(call.resource, call.name))?;
    match (which, asked.verb()) {
        ("scale", "update" | "patch") => {
            scale(cluster, call, asked, &object).map(|made| (StatusCode::OK, made))
        }
        ("eviction", "create") => evict(cluster, call, asked, &object),
        ("token", "create") => token(cluster, asked, &object).map(|made| (StatusCode::CREATED, made)),
        ("finalize", "update") => finalize(cluster, asked, &object).map(|made| (StatusCode::OK, made)),
        ("binding", "create") => bind(cluster, asked, &object).map(|made| (StatusCode::CREATED, made)),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Where the wanted and the found number of replicas stand.
fn scale_paths(resource: &Resource) -> [&str; 2] {
    match &resource.scale {
        [wanted, found] if !wanted.is_empty() => [wanted, found],
        _ => ["/spec/replicas", "/status/replicas"],
    }
}

/// The Scale view of a workload.
fn scale_of(resource: &Resource, object: &Value) -> Value {
    let [wanted, found] = scale_paths(resource);
    let labels = entries(object, "/spec/selector/matchLabels");
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    let mut scale = json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": name(object), "namespace": namespace(object), "uid": uid(object),
            "resourceVersion": at(object, "/metadata/resourceVersion"),
            "creationTimestamp": at(object, "/metadata/creationTimestamp")},
        "spec": {},
        "status": {"replicas": count(object, found)}});
    if !selector.is_empty() {
        set(&mut scale, "/status/selector", selector.join(","));
    }
    // None at all is how the real server says zero here.
    if count(object, wanted) > 0 {
        set(&mut scale, "/spec/replicas", count(object, wanted));
    }
    scale
}

fn scale(cluster: &mut Cluster, call: &Call<'_>, asked: &Asked, object: &Value) -> Result<Value, ApiError> {
    let before = scale_of(call.resource, object);
    let wanted = if asked.verb() == "patch" {
        let form = Form::of(asked.content_type(), false)?;
        patch::apply(form, &before, &patch_body(asked, form)?)?
    } else {
        object_body(asked)?
    };
    let version = text(&wanted, "/metadata/resourceVersion");
    if !version.is_empty() && version != text(object, "/metadata/resourceVersion") {
        return Err(ApiError::modified(call.resource, call.name));
    }
    if !uid(&wanted).is_empty() && uid(&wanted) != uid(object) {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            uid(&wanted),
            uid(object)
        );
        return Err(ApiError::conflict(call.resource, call.name, &why));
    }
    let replicas = integer(&wanted, "/spec/replicas").unwrap_or(0);
    if present(&wanted, "/spec/replicas") && integer(&wanted, "/spec/replicas").is_none() {
        let found = type_name(&at(&wanted, "/spec/replicas"));
        let why = format!(
            "json: cannot unmarshal {found} into Go struct field ScaleSpec.spec.replicas of type int32"
        );
        return Err(if asked.verb() == "patch" {
            ApiError::bad_patch(&wanted, &why)
        } else {
            ApiError::bad_request(format!(
                "Scale in version \"v1\" cannot be handled as a Scale: {why}"
            ))
        });
    }
    if !(0..=i64::from(i32::MAX)).contains(&replicas) {
        let cause = Cause::invalid(
            "spec.replicas",
            &json!(replicas),
            "must be greater than or equal to 0",
        );
        let scale = Resource {
            group: "autoscaling".into(),
            kind: "Scale".into(),
            ..Resource::default()
        };
        return Err(ApiError::invalid(&scale, call.name, &[cause]));
    }
    let mut scaled = object.clone();
    set(&mut scaled, scale_paths(call.resource)[0], replicas);
    openapi::check(call.resource, &scaled, Checks::Types)?;
    let now = cluster.timestamp();
    super::managers::record_update(Some(object), &mut scaled, &call.writer("scale"), &now);
    Ok(scale_of(
        call.resource,
        &cluster.update(&call.resource.table(), scaled),
    ))
}

/// Deletes a pod if no disruption budget forbids it.
fn evict(
    cluster: &mut Cluster,
    call: &Call<'_>,
    asked: &Asked,
    pod: &Value,
) -> Result<(StatusCode, Value), ApiError> {
    let body = object_body(asked)?;
    let is_dry = items(&body, "/deleteOptions/dryRun")
        .iter()
        .any(|one| one == "All");
    let is_bound = !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed" | "Pending")
        && !super::json::is_terminating(pod);
    if is_bound {
        take_from_budget(cluster, pod)?;
    }
    if !is_dry {
        let options = delete::Options::read(&at(&body, "/deleteOptions"), &asked.query)?;
        delete::delete(cluster, call, &options)?;
    }
    Ok((
        StatusCode::CREATED,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    ))
}

fn take_from_budget(cluster: &mut Cluster, pod: &Value) -> Result<(), ApiError> {
    let budgets = cluster
        .store
        .list("poddisruptionbudgets.policy", Some(namespace(pod)));
    let covers = |budget: &&Arc<Value>| Labels::from_spec(&at(budget, "/spec/selector")).matches(pod);
    let mut covering = budgets.iter().filter(covers);
    let Some(budget) = covering.next() else {
        return Ok(());
    };
    if covering.next().is_some() {
        let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(ApiError::new(500, "InternalError", why));
    }
    let is_ready = super::controllers::is_ready(pod);
    if !is_ready || count(budget, "/status/disruptionsAllowed") > 0 {
        return Ok(());
    }
    let why = format!(
        "The disruption budget {} needs {} healthy pods and has {} currently",
        name(budget),
        count(budget, "/status/desiredHealthy"),
        count(budget, "/status/currentHealthy")
    );
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut error = ApiError::new(429, "TooManyRequests", message);
    error.details = Some(Box::new(
        json!({"causes": [{"reason": "DisruptionBudget", "message": why}]}),
    ));
    Err(error)
}

/// Issues a token for a service account; it is accepted as a bearer token until the sandbox ends.
fn token(cluster: &mut Cluster, asked: &Asked, account: &Value) -> Result<Value, ApiError> {
    let mut body = object_body(asked)?;
    let seconds = integer(&body, "/spec/expirationSeconds").unwrap_or(3600);
    if !(600..=1 << 32).contains(&seconds) {
        let cause = Cause::invalid(
            "spec.expirationSeconds",
            &json!(seconds),
            "may not specify a duration less than 10 minutes",
        );
        let request = Resource {
            group: "authentication.k8s.io".into(),
            kind: "TokenRequest".into(),
            ..Resource::default()
        };
        return Err(ApiError::invalid(&request, "", &[cause]));
    }
    let serial = cluster.serial("tokens");
    let made = format!(
        "sandbox.{}.{}",
        letters(&format!("token {} {serial}", uid(account)), 24),
        letters(&format!("{serial}"), 8)
    );
    let user = format!("system:serviceaccount:{}:{}", namespace(account), name(account));
    cluster.tokens.insert(made.clone(), user);
    let until = cluster.now() + jiff::SignedDuration::from_secs(seconds);
    set(&mut body, "/kind", "TokenRequest");
    set(&mut body, "/apiVersion", "authentication.k8s.io/v1");
    set(
        &mut body,
        "/metadata",
        json!({"name": name(account), "namespace": namespace(account), "creationTimestamp": cluster.timestamp()}),
    );
    ensure(
        &mut body,
        "/spec/audiences",
        json!(["https://kubernetes.default.svc.cluster.local"]),
    );
    set(&mut body, "/spec/expirationSeconds", seconds);
    set(
        &mut body,
        "/status",
        json!({"token": made, "expirationTimestamp": super::cluster::format_time(until)}),
    );
    Ok(body)
}

fn finalize(cluster: &mut Cluster, asked: &Asked, namespace: &Value) -> Result<Value, ApiError> {
    let body = object_body(asked)?;
    let mut object = namespace.clone();
    set(
        &mut object,
        "/spec/finalizers",
        items(&body, "/spec/finalizers").to_vec(),
    );
    Ok((*cluster.store.put("namespaces", object)).clone())
}

fn bind(cluster: &mut Cluster, asked: &Asked, pod: &Value) -> Result<Value, ApiError> {
    let body = object_body(asked)?;
    if present(pod, "/spec/nodeName") {
        let node = text(pod, "/spec/nodeName");
        let why = format!("pod {} is already assigned to node {node:?}", name(pod));
        let bindings = Resource {
            plural: "pods/binding".into(),
            ..Resource::default()
        };
        return Err(ApiError::conflict(&bindings, name(pod), &why));
    }
    let mut pod = pod.clone();
    set(&mut pod, "/spec/nodeName", text(&body, "/target/name").to_owned());
    cluster.store.put("pods", pod);
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}
