//! What a sandbox starts with.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::controllers;
use super::json::{items, name, text};
use super::rbac::Identity;
use super::scenario;
use super::status::ApiError;
use super::write::{self, Call, Checks};
use super::{SandboxError, Seed};

const BOOTSTRAP: &str = include_str!("../../assets/sandbox/bootstrap.yaml");
const NODE: &str = include_str!("../../assets/sandbox/node.yaml");

/// How long ago a scenario was set up.
const SCENARIO_AGE: SignedDuration = SignedDuration::from_hours(12 * 24 + 5);

/// How long ago it went wrong, where it did: late enough for events to tell of it.
const FAULTS_AGE: SignedDuration = SignedDuration::from_mins(25);

/// A settled cluster that holds the seed.
pub(super) fn plant(seed: &Seed) -> Result<Cluster, SandboxError> {
    let mut cluster = Cluster::default();
    let scenario = scenario::manifests(seed);
    if !scenario.is_empty() {
        cluster.backdate(SCENARIO_AGE);
    }
    add_all(&mut cluster, "bootstrap", BOOTSTRAP, Checks::Off)?;
    for (layer, (source, written)) in scenario.iter().enumerate() {
        if layer > 0 {
            controllers::settle(&mut cluster);
            cluster.backdate(FAULTS_AGE);
        }
        add_all(&mut cluster, source, written, Checks::Off)?;
    }
    match seed {
        Seed::Manifests(written) => add_all(&mut cluster, "manifests", written, Checks::Types)?,
        Seed::Path(path) => add_path(&mut cluster, path)?,
        Seed::Shop | Seed::BrokenShop | Seed::Ml | Seed::Big => {}
    }
    if cluster.store.list("nodes", None).is_empty() {
        add_all(&mut cluster, "node", NODE, Checks::Off)?;
    }
    controllers::settle(&mut cluster);
    if *seed == Seed::Big {
        scenario::multiply(&mut cluster);
        controllers::settle(&mut cluster);
    }
    cluster.go_live();
    if *seed == Seed::BrokenShop {
        // What has not happened by now is overdue.
        cluster.look_everywhere();
        controllers::reconcile(&mut cluster);
    }
    Ok(cluster)
}

fn add_path(cluster: &mut Cluster, path: &Path) -> Result<(), SandboxError> {
    let mut documents = Vec::new();
    for file in files(path)? {
        let written = std::fs::read_to_string(&file).map_err(|source| SandboxError::Read {
            path: file.clone(),
            source,
        })?;
        documents.extend(parse(&file.display().to_string(), &written)?);
    }
    add(cluster, documents, Checks::Types)
}

/// The manifests at `path`: the file itself, or a folder's files in order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, SandboxError> {
    let failed = |source| SandboxError::Read {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(failed)?;
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    all.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
    });
    all.sort();
    Ok(all)
}

fn add_all(cluster: &mut Cluster, source: &str, written: &str, checks: Checks) -> Result<(), SandboxError> {
    let documents = parse(source, written)?;
    add(cluster, documents, checks)
}

/// Every object in a text of one or more documents; lists are opened.
fn parse(source: &str, written: &str) -> Result<Vec<Value>, SandboxError> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(written).map_err(|error| SandboxError::Manifest {
            source_name: source.to_owned(),
            why: error.to_string(),
        })?;
    let mut objects = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        if text(&document, "/kind").ends_with("List") && document.get("items").is_some() {
            objects.extend(items(&document, "/items").iter().cloned());
        } else {
            objects.push(document);
        }
    }
    Ok(objects)
}

/// Stores the objects: definitions and namespaces first, then the rest as written.
fn add(cluster: &mut Cluster, mut objects: Vec<Value>, checks: Checks) -> Result<(), SandboxError> {
    let rank = |object: &Value| match text(object, "/kind") {
        "CustomResourceDefinition" => 0,
        "Namespace" => 1,
        "Node" | "StorageClass" => 2,
        _ => 3,
    };
    objects.sort_by_key(rank);
    for object in objects {
        add_one(cluster, &object, checks)?;
    }
    Ok(())
}

fn add_one(cluster: &mut Cluster, object: &Value, checks: Checks) -> Result<(), SandboxError> {
    let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
    let label = format!("{} {}", kind.to_lowercase(), name(object));
    let Some(resource) = cluster.resource_of_kind(version, kind) else {
        let why = format!("no resource of kind `{kind}` in `{version}` is served");
        return Err(SandboxError::Refused { object: label, why });
    };
    let place = match text(object, "/metadata/namespace") {
        _ if !resource.namespaced => String::new(),
        "" => "default".to_owned(),
        named => named.to_owned(),
    };
    if !place.is_empty() && cluster.get("namespaces", "", &place).is_none() {
        let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}});
        add_one(cluster, &space, checks)?;
    }
    let call = Call {
        by: &Identity::admin(),
        resource: &resource,
        namespace: &place,
        name: name(object),
        manager: "sandbox",
        force: true,
        checks,
    };
    match write::create(cluster, &call, owned(cluster, object, &place)) {
        // Nobody else would say how a custom object is doing.
        Ok(made) if resource.is_custom() && object.get("status").is_some() => {
            let mut told = (*made).clone();
            super::json::set(&mut told, "/status", super::json::at(object, "/status"));
            cluster.store.put(&resource.table(), told);
            Ok(())
        }
        Ok(_) => Ok(()),
        // A dump of a real cluster brings what the sandbox has made on its own already.
        Err(ApiError { code: 409, .. }) => write::patch(
            cluster,
            &call,
            write::Part::Main,
            super::patch::Form::Merge,
            &unversioned(object),
        )
        .map(|_| ())
        .map_err(|error| SandboxError::Refused {
            object: label,
            why: error.message,
        }),
        Err(error) => Err(SandboxError::Refused {
            object: label,
            why: error.message,
        }),
    }
}

/// The object with the uids of its owners, where a manifest names them without.
fn owned(cluster: &Cluster, object: &Value, place: &str) -> Value {
    let mut object = object.clone();
    for owner in super::json::items_mut(&mut object, "/metadata/ownerReferences") {
        if !super::json::uid(owner).is_empty() {
            continue;
        }
        let known = cluster
            .resource_of_kind(text(owner, "/apiVersion"), text(owner, "/kind"))
            .and_then(|resource| cluster.get(&resource.table(), place, text(owner, "/name")));
        if let Some(known) = known {
            super::json::set(owner, "/uid", super::json::uid(&known).to_owned());
        }
    }
    object
}

fn unversioned(object: &Value) -> Value {
    let mut object = object.clone();
    for field in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
        super::json::remove(&mut object, &format!("/metadata/{field}"));
    }
    super::json::remove(&mut object, "/status");
    object
}

/// Every stored object, ordered by group, kind, namespace and name.
pub(super) fn dump(cluster: &Cluster) -> Vec<Value> {
    let mut all: Vec<Value> = cluster
        .store
        .everything()
        .map(|(_, object)| (**object).clone())
        .collect();
    let key = |object: &Value| {
        let version = text(object, "/apiVersion");
        let group = version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        [
            group,
            text(object, "/kind").to_owned(),
            text(object, "/metadata/namespace").to_owned(),
            name(object).to_owned(),
        ]
    };
    all.sort_by_cached_key(key);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::json::{at, present, set, uid};

    fn running(cluster: &Cluster, place: &str) -> usize {
        cluster
            .store
            .list("pods", Some(place))
            .iter()
            .filter(|pod| controllers::is_ready(pod))
            .count()
    }

    #[test]
    fn the_shop_is_settled() {
        let cluster = plant(&Seed::Shop).unwrap();
        for deployment in cluster.store.list("deployments.apps", None) {
            assert_eq!(
                at(&deployment, "/status/readyReplicas"),
                at(&deployment, "/spec/replicas"),
                "{}",
                name(&deployment)
            );
            assert!(present(&deployment, "/status/observedGeneration"));
        }
        assert_eq!(running(&cluster, "shop"), 9);
        let job = cluster.get("jobs.batch", "shop", "import-catalog").unwrap();
        assert_eq!(text(&job, "/status/conditions/1/type"), "Complete");
        assert_eq!(
            text(
                &cluster
                    .get("persistentvolumeclaims", "shop", "data-db-0")
                    .unwrap(),
                "/status/phase"
            ),
            "Bound"
        );
    }

    #[test]
    fn twins_are_alike() {
        let without_times = |seed: &Seed| {
            let mut all = dump(&plant(seed).unwrap());
            for object in &mut all {
                set(object, "/metadata/creationTimestamp", "");
            }
            all.iter()
                .map(|object| format!("{} {}", name(object), uid(object)))
                .collect::<Vec<_>>()
        };
        assert_eq!(without_times(&Seed::Shop), without_times(&Seed::Shop));
    }

    #[test]
    fn bad_manifests_are_named() {
        let refused = plant(&Seed::Manifests(
            "apiVersion: v1\nkind: Nonsense\nmetadata: {name: a}\n".into(),
        ));
        assert!(matches!(refused, Err(SandboxError::Refused { .. })));
        assert!(matches!(
            plant(&Seed::Manifests("a: [".into())),
            Err(SandboxError::Manifest { .. })
        ));
        assert!(matches!(
            plant(&Seed::Path("/does/not/exist".into())),
            Err(SandboxError::Read { .. })
        ));
    }

    #[test]
    fn lists_open_and_namespaces_follow() {
        let written = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: lab}}\n---\n";
        let cluster = plant(&Seed::Manifests(written.into())).unwrap();
        assert!(cluster.get("configmaps", "lab", "a").is_some());
        assert_eq!(cluster.store.list("nodes", None).len(), 1);
    }
}
