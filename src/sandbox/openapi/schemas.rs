//! The schemas of the built-in kinds, generated once from the Kubernetes API types.

use std::sync::LazyLock;

use k8s_openapi::api::{
    apps, authentication, authorization, autoscaling, batch, coordination, core, discovery, events,
    networking, policy, rbac, scheduling, storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::sandbox::patch::merge_key;
use crate::sandbox::resource::{Resource, built_in};

static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(generate);

/// Where schemas refer to each other.
pub(super) const PREFIX: &str = "#/components/schemas/";

/// Every built-in schema by name. The first call makes them.
pub(super) fn all() -> &'static Map<String, Value> {
    &SCHEMAS
}

/// The schema that a `$ref` names.
pub(super) fn resolve(reference: &str) -> Option<&'static Value> {
    SCHEMAS.get(reference.strip_prefix(PREFIX)?)
}

/// The name of a kind's schema.
pub(super) fn name(resource: &Resource) -> String {
    let Resource {
        group, version, kind, ..
    } = resource;
    if resource.is_custom() || group == "metrics.k8s.io" {
        let reversed: Vec<&str> = group.rsplit('.').collect();
        return format!("{}.{version}.{kind}", reversed.join("."));
    }
    match group.split('.').next().unwrap_or("") {
        "" => format!("io.k8s.api.core.{version}.{kind}"),
        "apiextensions" => format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{kind}"),
        short => format!("io.k8s.api.{short}.{version}.{kind}"),
    }
}

macro_rules! add {
    ($generator:ident: $($kind:ty),* $(,)?) => { $( let _ = $generator.subschema_for::<$kind>(); )* };
}

fn generate() -> Map<String, Value> {
    let mut generator = SchemaSettings::openapi3().into_generator();
    add_core(&mut generator);
    add_workloads(&mut generator);
    add_others(&mut generator);
    let mut all = generator.take_definitions(true);
    mark_merge_keys(&mut all);
    for resource in built_in() {
        if let Some(schema) = all.get_mut(&name(resource)).and_then(Value::as_object_mut) {
            schema.insert(
                "x-kubernetes-group-version-kind".into(),
                json!([kind_of(resource)]),
            );
        }
    }
    all
}

/// How documents name a kind.
pub(super) fn kind_of(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

fn add_core(generator: &mut SchemaGenerator) {
    add!(generator:
        core::v1::Namespace, core::v1::Node, core::v1::Pod, core::v1::Service, core::v1::ConfigMap, core::v1::Secret,
        core::v1::ServiceAccount, core::v1::PersistentVolumeClaim, core::v1::PersistentVolume, core::v1::Event,
        core::v1::Endpoints, core::v1::ResourceQuota, core::v1::LimitRange, core::v1::ReplicationController,
        core::v1::Binding, meta::v1::Status, meta::v1::DeleteOptions,
    );
}

fn add_workloads(generator: &mut SchemaGenerator) {
    add!(generator:
        apps::v1::Deployment, apps::v1::ReplicaSet, apps::v1::StatefulSet, apps::v1::DaemonSet,
        apps::v1::ControllerRevision, batch::v1::Job, batch::v1::CronJob,
        autoscaling::v1::HorizontalPodAutoscaler, autoscaling::v2::HorizontalPodAutoscaler, autoscaling::v1::Scale,
        policy::v1::PodDisruptionBudget, policy::v1::Eviction,
    );
}

fn add_others(generator: &mut SchemaGenerator) {
    add!(generator:
        networking::v1::Ingress, networking::v1::IngressClass, networking::v1::NetworkPolicy, rbac::v1::Role,
        rbac::v1::RoleBinding, rbac::v1::ClusterRole, rbac::v1::ClusterRoleBinding, scheduling::v1::PriorityClass,
        storage::v1::StorageClass, events::v1::Event, discovery::v1::EndpointSlice, coordination::v1::Lease,
        authorization::v1::SelfSubjectAccessReview, authorization::v1::SelfSubjectRulesReview,
        authorization::v1::SubjectAccessReview, authorization::v1::LocalSubjectAccessReview,
        authentication::v1::SelfSubjectReview, authentication::v1::TokenRequest,
        apiextensions::v1::CustomResourceDefinition,
    );
}

/// Notes on each list of objects the key that strategic merge goes by, as the real documents do.
fn mark_merge_keys(schemas: &mut Map<String, Value>) {
    let samples: Map<String, Value> = schemas
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), schema.get("properties")?.clone())))
        .collect();
    for schema in schemas.values_mut() {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        for (field, property) in properties.iter_mut() {
            let reference = item_reference(property).unwrap_or("").to_owned();
            let sample = samples.get(&reference);
            let key =
                sample.and_then(|sample| merge_key(field, sample).filter(|key| sample.get(key).is_some()));
            if let (Some(key), Some(property)) = (key, property.as_object_mut()) {
                property.insert("x-kubernetes-patch-merge-key".into(), json!(key));
                property.insert("x-kubernetes-patch-strategy".into(), json!("merge"));
            }
        }
    }
}

fn item_reference(property: &Value) -> Option<&str> {
    property.pointer("/items/$ref")?.as_str()?.strip_prefix(PREFIX)
}
