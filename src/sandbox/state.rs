//! A cluster's state in a file: written when it is saved, read when the sandbox starts again.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SandboxError;
use super::cluster::{Cluster, Due};
use super::json::{is_terminating, items, name, namespace, present, text, uid};

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    serials: HashMap<String, u64>,
    tokens: BTreeMap<String, String>,
    /// By table.
    objects: BTreeMap<String, Vec<Value>>,
}

/// Writes the cluster's state to a file beside `path` first, so that there is always a whole one.
pub(super) fn save(cluster: &Cluster, path: &Path) -> Result<(), SandboxError> {
    let objects = cluster.store.tables().map(|table| {
        let all = cluster.store.list(table, None);
        (
            table.to_owned(),
            all.iter().map(|object| (**object).clone()).collect(),
        )
    });
    let state = State {
        serials: cluster.serials.clone(),
        tokens: cluster.tokens.clone(),
        objects: objects.collect(),
    };
    let failed = |source| SandboxError::Write {
        path: path.to_owned(),
        source,
    };
    let written = serde_json::to_vec(&state).map_err(|error| failed(error.into()))?;
    let part = path.with_extension("part");
    std::fs::write(&part, written).map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)
}

/// The cluster as it was saved; `None` if nothing was.
pub(super) fn load(path: &Path) -> Result<Option<Cluster>, SandboxError> {
    let written = match std::fs::read(path) {
        Ok(written) => written,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(SandboxError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let state: State = serde_json::from_slice(&written).map_err(|error| SandboxError::Manifest {
        source_name: path.display().to_string(),
        why: error.to_string(),
    })?;
    let mut cluster = Cluster {
        serials: state.serials,
        tokens: state.tokens,
        ..Cluster::default()
    };
    for (table, objects) in state.objects {
        for object in objects {
            cluster.store.restore(&table, object);
        }
    }
    resume(&mut cluster);
    Ok(Some(cluster))
}

/// Takes up again what was under way.
fn resume(cluster: &mut Cluster) {
    for pod in cluster.store.list("pods", None) {
        let (namespace, name, uid) = (
            namespace(&pod).to_owned(),
            name(&pod).to_owned(),
            uid(&pod).to_owned(),
        );
        let is_done = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed");
        let is_of_job = items(&pod, "/metadata/ownerReferences")
            .iter()
            .any(|owner| text(owner, "/kind") == "Job");
        if is_terminating(&pod) {
            cluster.after_steps(1, Due::PodGone { namespace, name, uid });
        } else if text(&pod, "/status/phase") == "Running" && is_of_job {
            cluster.after_steps(2, Due::PodFinish { namespace, name, uid });
        } else if !is_done && present(&pod, "/status/startTime") && text(&pod, "/status/phase") != "Running" {
            cluster.after_steps(1, Due::PodStart { namespace, name, uid });
        }
    }
    for space in cluster
        .store
        .list("namespaces", None)
        .iter()
        .filter(|space| is_terminating(space))
    {
        let name = name(space).to_owned();
        cluster.after_steps(1, Due::NamespaceGone { name });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::controllers;
    use crate::sandbox::{Seed, seed};

    #[test]
    fn a_saved_cluster_comes_back_and_rests() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert!(load(&path).unwrap().is_none());
        let before = seed::plant(&Seed::Shop).unwrap();
        save(&before, &path).unwrap();
        let mut after = load(&path).unwrap().unwrap();
        assert_eq!(seed::dump(&after), seed::dump(&before));
        controllers::reconcile(&mut after);
        assert_eq!(after.store.version(), before.store.version());
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(load(&path), Err(SandboxError::Manifest { .. })));
    }
}
