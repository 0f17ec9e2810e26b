//! What a report, and so an approval, is about: a cluster, and certain versions of certain objects.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::essence::fingerprint;
use super::evidence::{Evidence, Touched};

/// One object as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bound {
    /// Kind, name and namespace, as in `deployment/web in shop`.
    pub object: String,
    /// Its UID; nothing where it did not exist.
    pub uid: Option<String>,
    /// Its version; nothing where it did not exist.
    pub resource_version: Option<String>,
    /// SHA-256 of what people decide of it (no status, no bookkeeping); nothing where it did not exist, and nothing of a
    /// Secret, since a short password can be guessed from its hash.
    pub state: Option<String>,
}

/// Where, when, and what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Name of the kubeconfig context.
    pub context: String,
    /// UID of `kube-system`; nothing where it may not be read.
    pub cluster: Option<String>,
    /// When it was looked at.
    pub at: Option<Timestamp>,
    /// The objects, in the order of the calls.
    pub targets: Vec<Bound>,
}

impl Place {
    /// What this evidence is about.
    pub fn of(evidence: &Evidence) -> Place {
        let touched = evidence.steps.iter().flat_map(|step| &step.touched);
        Place {
            context: evidence.context.clone(),
            cluster: evidence.cluster.clone(),
            at: evidence.at,
            targets: touched.map(Bound::of).collect(),
        }
    }
}

impl Bound {
    pub(super) fn of(touched: &Touched) -> Bound {
        let call = &touched.call;
        let place = call
            .namespace
            .as_ref()
            .map_or_else(String::new, |name| format!(" in {name}"));
        Bound {
            object: format!("{}/{}{place}", call.kind, call.name),
            uid: touched.uid.clone(),
            resource_version: touched.resource_version.clone(),
            state: touched
                .before
                .as_ref()
                .filter(|_| call.kind != "secret")
                .map(fingerprint),
        }
    }

    /// Whether it is the same object in a state that is the same to a reviewer: its status may differ.
    pub fn is_same(&self, other: &Bound) -> bool {
        let same_state = match (&self.state, &other.state) {
            (None, None) => self.resource_version == other.resource_version,
            (one, other) => one == other,
        };
        self.object == other.object && self.uid == other.uid && same_state
    }
}
