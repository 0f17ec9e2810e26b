//! Create, replace and patch: what is checked and kept on the way into the store.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::cluster::Cluster;
use super::convert;
use super::defaults;
use super::escalation;
use super::fields::Typing;
use super::json::{at, entries, is_terminating, items, name, present, remove, set, text, uid};
use super::managers::{self, Writer};
use super::openapi;
use super::patch::{self, Form};
use super::quota;
use super::rbac::Identity;
use super::resource::Resource;
use super::status::ApiError;
use super::validate;

/// Which half of an object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Main,
    Status,
}

impl Part {
    /// The subresource that the part is written through, or `""`.
    fn subresource(self) -> &'static str {
        match self {
            Part::Main => "",
            Part::Status => "status",
        }
    }
}

/// How closely a body is held against its kind's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checks {
    /// Not at all: our own seeds, which a test holds against the schemas.
    Off,
    /// Fields must have the right types.
    Types,
    /// There must be no unknown fields, either.
    Strict,
}

/// Where a write goes and on whose behalf.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) by: &'a Identity,
    pub(super) resource: &'a Resource,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) manager: &'a str,
    /// An apply takes over what others manage.
    pub(super) force: bool,
    pub(super) checks: Checks,
}

impl Call<'_> {
    pub(super) fn writer<'a>(&'a self, subresource: &'a str) -> Writer<'a> {
        Writer {
            manager: self.manager,
            subresource,
            typing: if self.resource.is_custom() {
                Typing::Custom
            } else {
                Typing::BuiltIn
            },
        }
    }

    fn existing(&self, cluster: &Cluster) -> Result<Arc<Value>, ApiError> {
        cluster
            .get(&self.resource.table(), self.namespace, self.name)
            .ok_or_else(|| ApiError::not_found(self.resource, self.name))
    }
}

/// Refuses a body that is not an object of this kind.
fn check_type(resource: &Resource, body: &mut Value) -> Result<(), ApiError> {
    if !body.is_object() {
        return Err(ApiError::bad_request(
            "couldn't get version/kind; json parse error: the body is not an object",
        ));
    }
    if !resource.is_custom() {
        // Where a body does not say what it is, the path does.
        for (pointer, meant) in [
            ("/kind", resource.kind.clone()),
            ("/apiVersion", resource.group_version()),
        ] {
            if text(body, pointer).is_empty() {
                set(body, pointer, meant);
            }
        }
    }
    let (version, kind) = (
        text(body, "/apiVersion").to_owned(),
        text(body, "/kind").to_owned(),
    );
    if kind.is_empty() {
        return Err(ApiError::bad_request(format!(
            "Object 'Kind' is missing in '{body}'"
        )));
    }
    if kind != resource.kind || version != resource.group_version() {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}, Kind={kind}) does not match the expected API version ({}, Kind={})",
            resource.group_version(),
            resource.kind
        )));
    }
    if present(body, "/metadata") && !at(body, "/metadata").is_object() {
        return Err(ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: json: cannot unmarshal into Go struct field {kind}.metadata of type v1.ObjectMeta"
        )));
    }
    Ok(())
}

fn check_namespace(cluster: &Cluster, call: &Call<'_>, body: &mut Value) -> Result<(), ApiError> {
    if !call.resource.namespaced {
        remove(body, "/metadata/namespace");
        return Ok(());
    }
    check_place(call, body)?;
    set(body, "/metadata/namespace", call.namespace);
    let Some(found) = cluster.get("namespaces", "", call.namespace) else {
        return Err(ApiError::namespace_not_found(call.namespace));
    };
    if is_terminating(&found) {
        let why = format!(
            "unable to create new content in namespace {} because it is being terminated",
            call.namespace
        );
        let cause = json!({"reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {} is being terminated", call.namespace)});
        return Err(ApiError::forbidden(call.resource, name(body), &why).because(vec![cause]));
    }
    Ok(())
}

/// Stores a new object and returns it as stored.
pub(super) fn create(
    cluster: &mut Cluster,
    call: &Call<'_>,
    mut body: Value,
) -> Result<Arc<Value>, ApiError> {
    check_type(call.resource, &mut body)?;
    openapi::check(call.resource, &body, call.checks)?;
    openapi::drop_unknown(call.resource, &mut body, call.checks);
    check_namespace(cluster, call, &mut body)?;
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "selfLink",
    ] {
        remove(&mut body, &format!("/metadata/{field}"));
    }
    if call.resource.has_subresource("status")
        && !matches!(call.resource.plural.as_str(), "nodes" | "persistentvolumes")
    {
        remove(&mut body, "/status");
    }
    if let Some(schema) = &call.resource.schema {
        openapi::shape(&mut body, schema);
    }
    let mut object = convert::inward(call.resource, tidy(body));
    generate_name(cluster, call.resource, &mut object);
    escalation::check(cluster, call.by, call.resource, None, &object)?;
    // The checks see all defaults; those that take numbers from the cluster come after, so that a refusal takes none.
    quota::fill(cluster, call.resource, &mut object);
    let mut complete = object.clone();
    defaults::apply(&mut cluster.clone(), call.resource, &mut complete);
    let causes = validate::check(call.resource, &complete);
    if !causes.is_empty() {
        return Err(ApiError::invalid(call.resource, name(&object), &causes));
    }
    let table = call.resource.table();
    if let Some(known) = cluster.get(&table, call.namespace, name(&object)) {
        let mut error = ApiError::already_exists(call.resource, name(&object));
        if is_terminating(&known) {
            error.message.insert_str(0, "object is being deleted: ");
        }
        return Err(error);
    }
    admit(cluster, call, &mut object)?;
    quota::check(cluster, call.resource, &complete)?;
    defaults::apply(cluster, call.resource, &mut object);
    let id = cluster.new_uid(&table, &object);
    set(&mut object, "/metadata/uid", id);
    if table == "jobs.batch" {
        defaults::job_selector(&mut object);
    }
    managers::record_update(None, &mut object, &call.writer(""), &cluster.timestamp());
    Ok(cluster.create(&table, object))
}

/// What a cluster looks up for a pod that is made: its service account and the priority that its class stands for.
fn admit(cluster: &Cluster, call: &Call<'_>, object: &mut Value) -> Result<(), ApiError> {
    if call.checks == Checks::Off || call.resource.qualified() != "pods" {
        return Ok(());
    }
    let refused = |why: &str| Err(ApiError::forbidden(call.resource, name(object), why));
    let account = text(object, "/spec/serviceAccountName");
    let is_known = cluster.get("serviceaccounts", call.namespace, account).is_some();
    if !matches!(account, "" | "default") && !is_known {
        let (place, what) = (call.namespace, "error looking up service account");
        return refused(&format!(
            "{what} {place}/{account}: serviceaccount {account:?} not found"
        ));
    }
    let class = text(object, "/spec/priorityClassName").to_owned();
    if class.is_empty() || class.starts_with("system-") {
        return Ok(());
    }
    let Some(class) = cluster.get("priorityclasses.scheduling.k8s.io", "", &class) else {
        return refused(&format!("no PriorityClass with name {class} was found"));
    };
    set(object, "/spec/priority", at(&class, "/value"));
    set(object, "/spec/preemptionPolicy", at(&class, "/preemptionPolicy"));
    Ok(())
}

/// Puts type and metadata first, as everyone prints them, and drops nulls at the top.
fn tidy(body: Value) -> Value {
    let Value::Object(mut rest) = body else {
        return body;
    };
    let mut ordered = Map::new();
    for key in ["apiVersion", "kind", "metadata"] {
        ordered.insert(
            key.to_owned(),
            rest.shift_remove(key).unwrap_or_else(|| json!({})),
        );
    }
    ordered.extend(rest.into_iter().filter(|(_, value)| !value.is_null()));
    Value::Object(ordered)
}

fn generate_name(cluster: &mut Cluster, resource: &Resource, object: &mut Value) {
    let prefix = text(object, "/metadata/generateName").to_owned();
    if !name(object).is_empty() || prefix.is_empty() {
        return;
    }
    let place = text(object, "/metadata/namespace").to_owned();
    let mut made = format!("{prefix}{}", cluster.suffix(&prefix));
    while cluster.get(&resource.table(), &place, &made).is_some() {
        made = format!("{prefix}{}", cluster.suffix(&prefix));
    }
    set(object, "/metadata/name", made);
}

/// Replaces an object by `body`, which says what it expects the old one to be where it carries version or uid.
pub(super) fn replace(
    cluster: &mut Cluster,
    call: &Call<'_>,
    part: Part,
    mut body: Value,
) -> Result<Arc<Value>, ApiError> {
    check_type(call.resource, &mut body)?;
    if name(&body) != call.name {
        return Err(misnamed(&body, call.name));
    }
    let existing = call.existing(cluster)?;
    openapi::check(call.resource, &body, call.checks)?;
    openapi::drop_unknown(call.resource, &mut body, call.checks);
    check_place(call, &body)?;
    check_preconditions(call, &existing, &body)?;
    let object = convert::inward(call.resource, tidy(body));
    store(cluster, call, part, &existing, object, None)
}

/// Refuses an object that says it is in another namespace than its path.
fn check_place(call: &Call<'_>, body: &Value) -> Result<(), ApiError> {
    let named = text(body, "/metadata/namespace");
    if call.resource.namespaced && !named.is_empty() && named != call.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn check_preconditions(call: &Call<'_>, existing: &Value, body: &Value) -> Result<(), ApiError> {
    let wanted = text(body, "/metadata/resourceVersion");
    if !wanted.is_empty() && wanted != text(existing, "/metadata/resourceVersion") {
        return Err(ApiError::modified(call.resource, call.name));
    }
    if !uid(body).is_empty() && uid(body) != uid(existing) {
        let why = format!(
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            uid(body),
            uid(existing)
        );
        return Err(ApiError::conflict(call.resource, call.name, &why));
    }
    Ok(())
}

/// Patches an object; an apply creates it where it is missing. True if it was created.
pub(super) fn patch(
    cluster: &mut Cluster,
    call: &Call<'_>,
    part: Part,
    form: Form,
    body: &Value,
) -> Result<(bool, Arc<Value>), ApiError> {
    if form == Form::Apply {
        check_config(call, body)?;
    }
    let existing = match call.existing(cluster) {
        Ok(existing) => existing,
        Err(_) if form == Form::Apply && part == Part::Main => {
            return apply_new(cluster, call, body).map(|made| (true, made));
        }
        Err(missing) => return Err(missing),
    };
    let shown = convert::outward(call.resource, &existing);
    if form != Form::Json {
        check_preconditions(call, &existing, body)?;
    }
    let mut patched = patch::apply(form.on(call.resource.is_custom()), &shown, body)?;
    if form == Form::Apply {
        managers::drop_given_up(&shown, &mut patched, body, &call.writer(part.subresource()));
    }
    check_patched(call, form, &mut patched)?;
    openapi::drop_unknown(call.resource, &mut patched, call.checks);
    check_place(call, &patched)?;
    check_preconditions(call, &existing, &patched)?;
    if name(&patched) != call.name {
        return Err(misnamed(&patched, call.name));
    }
    let object = convert::inward(call.resource, tidy(patched));
    let applied = (form == Form::Apply).then_some(body);
    store(cluster, call, part, &existing, object, applied).map(|stored| (false, stored))
}

/// Refuses what is no object of the kind any more. After a patch, that is the patch's fault.
fn check_patched(call: &Call<'_>, form: Form, patched: &mut Value) -> Result<(), ApiError> {
    let whole = patched.clone();
    let checked =
        check_type(call.resource, patched).and_then(|()| openapi::check(call.resource, patched, call.checks));
    match checked {
        Err(error) if error.code == 400 && form != Form::Apply => {
            let (_, why) = error.message.split_once(": ").unwrap_or(("", &error.message));
            Err(ApiError::bad_patch(&whole, why))
        }
        other => other,
    }
}

fn misnamed(object: &Value, wanted: &str) -> ApiError {
    ApiError::bad_request(format!(
        "the name of the object ({}) does not match the name on the URL ({wanted})",
        name(object)
    ))
}

/// Refuses a configuration that no manager may apply.
fn check_config(call: &Call<'_>, body: &Value) -> Result<(), ApiError> {
    let (version, kind) = (text(body, "/apiVersion"), text(body, "/kind"));
    if kind != call.resource.kind || version != call.resource.group_version() {
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        return Err(ApiError::bad_request(format!(
            "invalid object type: {group}/{version}, Kind={kind}"
        )));
    }
    if present(body, "/metadata/managedFields") {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}

fn apply_new(cluster: &mut Cluster, call: &Call<'_>, body: &Value) -> Result<Arc<Value>, ApiError> {
    let mut new = body.clone();
    if name(&new).is_empty() {
        set(&mut new, "/metadata/name", call.name);
    }
    if name(&new) != call.name {
        return Err(misnamed(&new, call.name));
    }
    let made = create(cluster, call, new)?;
    let mut object = (*made).clone();
    remove(&mut object, "/metadata/managedFields");
    managers::record_apply(
        None,
        &mut object,
        body,
        &call.writer(""),
        call.force,
        &cluster.timestamp(),
    )?;
    set(
        &mut object,
        "/metadata/resourceVersion",
        text(&made, "/metadata/resourceVersion").to_owned(),
    );
    Ok(cluster.amend(&call.resource.table(), object))
}

/// Checks and stores the changed object, keeping what a write of this part may not touch. `applied` is the configuration
/// of an apply.
fn store(
    cluster: &mut Cluster,
    call: &Call<'_>,
    part: Part,
    existing: &Value,
    mut object: Value,
    applied: Option<&Value>,
) -> Result<Arc<Value>, ApiError> {
    if let Some(schema) = &call.resource.schema {
        openapi::shape(&mut object, schema);
    }
    keep_system_fields(existing, &mut object);
    let has_status = call.resource.has_subresource("status");
    match part {
        Part::Status => object = with_status(existing, &object),
        Part::Main if has_status => restore(existing, &mut object, "/status"),
        Part::Main => {}
    }
    escalation::check(cluster, call.by, call.resource, Some(existing), &object)?;
    defaults::apply(cluster, call.resource, &mut object);
    let (writer, now) = (call.writer(part.subresource()), cluster.timestamp());
    match applied {
        Some(body) => managers::record_apply(Some(existing), &mut object, body, &writer, call.force, &now)?,
        None => managers::record_update(Some(existing), &mut object, &writer, &now),
    }
    let mut causes = validate::check(call.resource, &object);
    causes.extend(validate::check_update(call.resource, existing, &object));
    if !causes.is_empty() {
        return Err(ApiError::invalid(call.resource, call.name, &causes));
    }
    let stored = cluster.update(&call.resource.table(), object);
    if is_terminating(&stored)
        && items(&stored, "/metadata/finalizers").is_empty()
        && call.resource.plural != "pods"
    {
        let is_held = call.resource.plural == "namespaces" && !items(&stored, "/spec/finalizers").is_empty();
        if !is_held {
            cluster
                .store
                .remove(&call.resource.table(), call.namespace, call.name);
        }
    }
    Ok(stored)
}

fn restore(existing: &Value, object: &mut Value, pointer: &str) {
    match existing.pointer(pointer) {
        Some(old) => set(object, pointer, old.clone()),
        None => {
            remove(object, pointer);
        }
    }
}

fn keep_system_fields(existing: &Value, object: &mut Value) {
    for field in [
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
    ] {
        restore(existing, object, &format!("/metadata/{field}"));
    }
    for map in ["/metadata/labels", "/metadata/annotations"] {
        if entries(object, map).is_some_and(Map::is_empty) {
            remove(object, map);
        }
    }
}

fn with_status(existing: &Value, object: &Value) -> Value {
    let mut kept = existing.clone();
    restore(object, &mut kept, "/status");
    kept
}
