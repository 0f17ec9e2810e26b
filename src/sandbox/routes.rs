//! From a request to its answer.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::access;
use super::cluster::Cluster;
use super::controllers;
use super::delete;
use super::discovery;
use super::json::text;
use super::metrics;
use super::openapi;
use super::patch::Form;
use super::protobuf;
use super::rbac::{Identity, Question};
use super::read::{List, Selection, shaped};
use super::request::{Asked, Target};
use super::resource::Resource;
use super::server::Shared;
use super::status::{ApiError, Cause};
use super::subresource;
use super::watch;
use super::write::{self, Call, Checks, Part};

type Answer = Result<Response, ApiError>;

/// Answers one request.
pub(super) fn answer(shared: &Arc<Shared>, asked: &Asked) -> Answer {
    let identity = Identity::from_request(asked, &shared.lock())?;
    authorize(shared, asked, &identity)?;
    check_done(asked)?;
    let Some(target) = &asked.target else {
        return answer_path(shared, asked);
    };
    let found = shared
        .lock()
        .resource(&target.group, &target.version, &target.resource);
    let Some(resource) = found else {
        return Err(nothing_at(&shared.lock().resources(), &asked.path));
    };
    check_scope(&resource, target)?;
    if let Some(answer) = access::answer(&shared.lock(), &resource, asked, &identity) {
        return answer.map(|made| (StatusCode::CREATED, Json(made)).into_response());
    }
    if !resource.verbs.contains(&asked.verb()) && target.subresource.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    if resource.group == "metrics.k8s.io" {
        return metrics::answer(&shared.lock(), &resource, asked, target);
    }
    if asked.method.is_safe() {
        return read(shared, &resource, asked, target);
    }
    let outcome = change(&mut shared.lock(), &identity, &resource, asked, target);
    shared.announce();
    outcome
}

/// 404: a `Status` where the group is served, a page where nobody has heard of the path.
fn nothing_at(resources: &[Arc<Resource>], path: &str) -> ApiError {
    let mut steps = path.split('/').skip(1);
    let is_known = match steps.next() {
        Some("api" | "openapi") => true,
        Some("apis") => steps
            .next()
            .is_some_and(|group| resources.iter().any(|one| one.group == group)),
        _ => false,
    };
    if is_known {
        ApiError::no_such_path()
    } else {
        ApiError::no_such_page()
    }
}

/// Refuses options of a list or a watch that are none.
fn check_list(
    cluster: &Cluster,
    resource: &Resource,
    asked: &Asked,
    selection: &Selection,
) -> Result<(), ApiError> {
    let query = &asked.query;
    if let Some(why) = selection.fields.unknown_to(&resource.qualified()) {
        return Err(ApiError::bad_request(why));
    }
    let limit = query.get("limit");
    if !limit.is_empty() && limit.parse::<i64>().is_err() {
        return Err(ApiError::bad_request(format!(
            "strconv.ParseInt: parsing {limit:?}: invalid syntax"
        )));
    }
    let (version, how) = (query.get("resourceVersion"), query.get("resourceVersionMatch"));
    let cause = if query.flag("sendInitialEvents") && how != "NotOlderThan" {
        Cause::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
    } else if asked.verb() == "watch" || how.is_empty() {
        return check_version(cluster, asked, version);
    } else if version.is_empty() {
        let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        Cause::forbidden("resourceVersionMatch", why)
    } else if !matches!(how, "Exact" | "NotOlderThan") {
        Cause::unsupported("resourceVersionMatch", how, &["Exact", "NotOlderThan", ""])
    } else {
        return check_version(cluster, asked, version);
    };
    Err(ApiError::bad_options("ListOptions", cause))
}

/// Refuses to list at a version that is no number, or that has not come yet.
fn check_version(cluster: &Cluster, asked: &Asked, version: &str) -> Result<(), ApiError> {
    if asked.verb() == "watch" || version.is_empty() {
        return Ok(());
    }
    let Ok(wanted) = version.parse::<u64>() else {
        return Err(ApiError::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
        )));
    };
    let newest = cluster.store.version();
    if wanted <= newest {
        return Ok(());
    }
    let why = format!("Timeout: Too large resource version: {wanted}, current: {newest}");
    let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
    let mut error = ApiError::new(504, "Timeout", why).because(vec![cause]);
    if let Some(details) = &mut error.details {
        details["retryAfterSeconds"] = json!(1);
    }
    Err(error)
}

fn authorize(shared: &Shared, asked: &Asked, identity: &Identity) -> Result<(), ApiError> {
    let question = match &asked.target {
        Some(target) => Question::about(asked.verb(), target),
        None => Question {
            verb: asked.verb(),
            path: &asked.path,
            ..Question::default()
        },
    };
    if identity.may(&shared.lock(), &question) {
        Ok(())
    } else {
        Err(identity.refusal(&question))
    }
}

/// A namespaced resource is not served outside namespaces but for lists, nor the other way round.
fn check_scope(resource: &Resource, target: &Target) -> Result<(), ApiError> {
    let is_inside = !target.namespace.is_empty();
    let fits = if resource.namespaced {
        is_inside || target.name.is_empty()
    } else {
        !is_inside
    };
    if fits {
        Ok(())
    } else if resource.is_custom() {
        Err(ApiError::no_such_page())
    } else {
        Err(ApiError::no_such_path())
    }
}

fn answer_path(shared: &Shared, asked: &Asked) -> Answer {
    if !asked.method.is_safe() {
        return Err(ApiError::method_not_allowed());
    }
    let path = asked.path.trim_end_matches('/');
    if matches!(path, "/healthz" | "/livez" | "/readyz") {
        return Ok("ok".into_response());
    }
    let resources = shared.lock().resources();
    if path.starts_with("/openapi/v3") {
        return openapi::answer(&resources, path).ok_or_else(ApiError::no_such_path);
    }
    discovery::answer(&resources, path, asked.header("accept")).ok_or_else(|| nothing_at(&resources, path))
}

fn read(shared: &Arc<Shared>, resource: &Arc<Resource>, asked: &Asked, target: &Target) -> Answer {
    if !target.subresource.is_empty() {
        return subresource::read(&shared.lock(), resource, asked, target);
    }
    let selection = Selection::read(&asked.query, &target.namespace)?;
    if target.name.is_empty() {
        check_list(&shared.lock(), resource, asked, &selection)?;
    }
    // A watch of one object by its path is none for the real server, either: it reads the object.
    if asked.verb() == "watch" && target.name.is_empty() {
        return watch::respond(shared, resource.clone(), selection, asked.shape(), &asked.query);
    }
    let cluster = shared.lock();
    if target.name.is_empty() {
        let chosen = selection.choose(&cluster, resource);
        let list = List::of(&cluster, resource, chosen, asked.shape(), &asked.query)?;
        drop(cluster);
        return Ok(list.respond());
    }
    let object = cluster
        .get(&resource.table(), &target.namespace, &target.name)
        .ok_or_else(|| ApiError::not_found(resource, &target.name))?;
    Ok(Json(shaped(
        resource,
        &object,
        asked.shape(),
        &asked.query,
        cluster.now(),
    ))
    .into_response())
}

/// Performs a write, on a scratch copy if it is a dry run, and lets the controllers follow.
fn change(
    cluster: &mut Cluster,
    identity: &Identity,
    resource: &Resource,
    asked: &Asked,
    target: &Target,
) -> Answer {
    asked.check_options()?;
    let is_dry = asked.is_dry_run()? || asked.method == "DELETE" && is_dry_delete(&options_body(asked)?);
    if !is_dry {
        let (code, object) = perform(cluster, identity, resource, asked, target)?;
        controllers::reconcile(cluster);
        return Ok(respond(cluster, resource, asked, code, &object));
    }
    let mut scratch = cluster.clone();
    let (code, mut object) = perform(&mut scratch, identity, resource, asked, target)?;
    undo_version(cluster, resource, &mut object);
    Ok(respond(cluster, resource, asked, code, &object))
}

/// Deletions say in their options, too, that they are not meant.
fn is_dry_delete(options: &Value) -> bool {
    super::json::items(options, "/dryRun")
        .iter()
        .any(|one| one == "All")
}

/// A dry run's result carries the version that is stored, if any.
fn undo_version(cluster: &Cluster, resource: &Resource, object: &mut Value) {
    let stored = cluster.get(
        &resource.table(),
        super::json::namespace(object),
        super::json::name(object),
    );
    match stored {
        Some(stored) => {
            let version = text(&stored, "/metadata/resourceVersion").to_owned();
            super::json::set(object, "/metadata/resourceVersion", version);
        }
        None => {
            super::json::remove(object, "/metadata/resourceVersion");
        }
    }
}

fn respond(
    cluster: &Cluster,
    resource: &Resource,
    asked: &Asked,
    code: StatusCode,
    object: &Value,
) -> Response {
    let is_own = text(object, "/kind") == resource.kind;
    let shown = if is_own {
        shaped(resource, object, asked.shape(), &asked.query, cluster.now())
    } else {
        object.clone()
    };
    (code, Json(shown)).into_response()
}

fn perform(
    cluster: &mut Cluster,
    identity: &Identity,
    resource: &Resource,
    asked: &Asked,
    target: &Target,
) -> Result<(StatusCode, Value), ApiError> {
    let manager = asked.manager();
    let is_strict = asked.query.get("fieldValidation") == "Strict";
    let checks = if is_strict { Checks::Strict } else { Checks::Types };
    let call = Call {
        by: identity,
        resource,
        namespace: &target.namespace,
        name: &target.name,
        manager: &manager,
        force: asked.query.flag("force"),
        checks,
    };
    match target.subresource.as_str() {
        "" => perform_main(cluster, &call, asked, target),
        "status" if resource.has_subresource("status") => update(cluster, &call, asked, Part::Status),
        other if resource.has_subresource(other) => subresource::write(cluster, &call, asked, other),
        _ => Err(ApiError::no_such_path()),
    }
}

fn perform_main(
    cluster: &mut Cluster,
    call: &Call<'_>,
    asked: &Asked,
    target: &Target,
) -> Result<(StatusCode, Value), ApiError> {
    match asked.verb() {
        "create" if target.name.is_empty() => {
            let body = object_body(asked)?;
            if call.resource.namespaced && call.namespace.is_empty() {
                return Err(ApiError::method_not_allowed());
            }
            Ok((
                StatusCode::CREATED,
                (*write::create(cluster, call, body)?).clone(),
            ))
        }
        "update" | "patch" if !target.name.is_empty() => update(cluster, call, asked, Part::Main),
        "delete" => {
            let options = delete::Options::read(&options_body(asked)?, &asked.query)?;
            Ok((
                StatusCode::OK,
                (*delete::delete(cluster, call, &options)?).clone(),
            ))
        }
        "deletecollection" => {
            let options = delete::Options::read(&options_body(asked)?, &asked.query)?;
            let chosen = Selection::read(&asked.query, call.namespace)?.choose(cluster, call.resource);
            delete::delete_all(cluster, call, &chosen, &options)?;
            let kind = format!("{}List", call.resource.kind);
            let mut items: Vec<Value> = chosen.iter().map(|object| (**object).clone()).collect();
            if !call.resource.is_custom() {
                for item in &mut items {
                    super::json::remove(item, "/kind");
                    super::json::remove(item, "/apiVersion");
                }
            }
            let version = cluster.store.version().to_string();
            Ok((
                StatusCode::OK,
                json!({"kind": kind, "apiVersion": call.resource.group_version(),
                "metadata": {"resourceVersion": version}, "items": items}),
            ))
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// PUT and PATCH on an object or its status.
fn update(
    cluster: &mut Cluster,
    call: &Call<'_>,
    asked: &Asked,
    part: Part,
) -> Result<(StatusCode, Value), ApiError> {
    match asked.verb() {
        "update" => {
            let body = object_body(asked)?;
            Ok((
                StatusCode::OK,
                (*write::replace(cluster, call, part, body)?).clone(),
            ))
        }
        "patch" => {
            let form = Form::of(asked.content_type(), call.resource.is_custom())?;
            check_apply(asked, form)?;
            let body = patch_body(asked, form)?;
            let (created, stored) = write::patch(cluster, call, part, form, &body)?;
            Ok((
                if created {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                },
                (*stored).clone(),
            ))
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// An apply must say who applies; nothing else may be forced.
fn check_apply(asked: &Asked, form: Form) -> Result<(), ApiError> {
    let is_apply = form == Form::Apply;
    let cause = if is_apply && asked.query.get("fieldManager").is_empty() {
        Cause::required("fieldManager", "is required for apply patch")
    } else if !is_apply && !asked.query.get("force").is_empty() {
        Cause {
            reason: "FieldValueForbidden",
            field: "force".into(),
            message: "Forbidden: may not be specified for non-apply patch".into(),
        }
    } else {
        return Ok(());
    };
    Err(ApiError::bad_options("PatchOptions", cause))
}

/// What a sandbox has no containers, networks and certificates for.
const NOT_DONE: [&str; 4] = ["attach", "exec", "portforward", "proxy"];
/// Groups of Kubernetes that the sandbox does not serve.
const NOT_SERVED: [&str; 8] = [
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "node.k8s.io",
    "resource.k8s.io",
    "storagemigration.k8s.io",
];

/// Refuses what a real cluster does and the sandbox does not.
fn check_done(asked: &Asked) -> Result<(), ApiError> {
    let subresource = asked
        .target
        .as_ref()
        .map_or("", |target| target.subresource.as_str());
    if NOT_DONE.contains(&subresource) {
        return Err(ApiError::not_done(&format!(
            "the sandbox runs no containers, so there is nothing to {subresource} to"
        )));
    }
    let mut steps = asked.path.split('/').skip(1);
    let group = if steps.next() == Some("apis") {
        steps.next()
    } else {
        None
    };
    match group.filter(|group| NOT_SERVED.contains(group)) {
        Some(group) => Err(ApiError::not_done(&format!(
            "the sandbox does not serve the API group `{group}`"
        ))),
        None => Ok(()),
    }
}

/// A body in JSON or YAML.
pub(super) fn object_body(asked: &Asked) -> Result<Value, ApiError> {
    match asked.content_type() {
        "application/json" | "" => from_json(&asked.body),
        "application/yaml" => from_yaml(&asked.body),
        "application/vnd.kubernetes.protobuf" => protobuf::decode(&asked.body).ok_or_else(|| {
            ApiError::bad_request(
                "the body of the request is not in the Kubernetes protobuf encoding, or of an unknown kind",
            )
        }),
        _ => Err(ApiError::unsupported_media_type(
            "application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

fn options_body(asked: &Asked) -> Result<Value, ApiError> {
    if asked.body.is_empty() {
        Ok(json!({}))
    } else {
        object_body(asked)
    }
}

pub(super) fn patch_body(asked: &Asked, form: Form) -> Result<Value, ApiError> {
    if form == Form::Apply {
        from_yaml(&asked.body)
    } else {
        from_json(&asked.body)
    }
}

fn from_json(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

fn from_yaml(body: &[u8]) -> Result<Value, ApiError> {
    let wrong = |error: String| ApiError::bad_request(format!("error decoding YAML: {error}"));
    let written = std::str::from_utf8(body).map_err(|error| wrong(error.to_string()))?;
    serde_saphyr::from_str(written).map_err(|error| wrong(error.to_string()))
}
