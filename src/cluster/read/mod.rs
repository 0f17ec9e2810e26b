//! Steps that only look: they run at once and print what kubectl users expect.
//!
//! One file per theme. Each asks the cluster, and renders with functions that are pure in the objects and the time.
//! What leaves here has no secret values ([`mask`]) and nothing that a terminal would act on ([`printable`]).

mod access;
mod age;
mod describe;
mod diagnose;
mod document;
mod events;
pub(super) mod explain;
pub(super) mod fetch;
mod get;
mod grid;
pub(super) mod json;
mod logs;
mod mask;
mod pods;

mod quantity;
mod rollout;
mod sort;
mod top;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use super::{Cluster, ClusterError, Served};
use crate::plan::{Action, Kind, Scope, Step, Target};

pub use crate::plan::printable;
pub use age::{age, moment, span};
pub use grid::{align, table};
pub use mask::mask;
pub(super) use pods::is_ready;

/// What a read found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOutput {
    /// What kubectl would print, with a line feed at its end; printable.
    pub text: String,
    /// The objects (one, or a `v1` List), or the facts behind `text`. Secret values are masked.
    pub data: Option<Value>,
    /// Whether anything was found.
    pub found: bool,
    /// Remarks about the answer, one line each, that are no part of it: kubectl writes them to standard error.
    pub notices: Vec<String>,
}

impl ReadOutput {
    /// An answer with text that is made printable here.
    fn new(text: &str, data: Option<Value>) -> ReadOutput {
        let mut text = printable(text);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        ReadOutput {
            text,
            data,
            found: true,
            notices: Vec::new(),
        }
    }

    /// Says that there is nothing.
    fn nothing(text: &str, data: Option<Value>) -> ReadOutput {
        ReadOutput {
            found: false,
            ..ReadOutput::new(text, data)
        }
    }
}

/// What every reader needs: the cluster, the time and the namespaces of the step.
#[derive(Clone, Copy)]
struct Reader<'a> {
    cluster: &'a Cluster,
    now: Timestamp,
    scope: &'a Scope,
}

impl Cluster {
    /// Performs a step that only looks.
    ///
    /// Nothing to list is an answer ([`ReadOutput::found`] is false); a named object that is not there is an error.
    /// A step that writes is refused.
    pub async fn read(&self, step: &Step) -> Result<ReadOutput, ClusterError> {
        let reader = Reader {
            cluster: self,
            now: Timestamp::now(),
            scope: &step.scope,
        };
        match &step.action {
            Action::Get(command) => get::kinds(reader, command).await,
            Action::GetObjects(command) => get::objects(reader, command).await,
            Action::Describe(command) => describe::objects(reader, command).await,
            Action::DescribeKind(command) => describe::kind(reader, command).await,
            Action::Logs(command) => logs::read(reader, command).await,
            Action::Events(command) => events::read(reader, command).await,
            Action::Top(command) => top::read(reader, command).await,
            Action::Explain(command) => explain::read(reader, command).await,
            Action::RolloutStatus(command) => rollout::status(reader, command).await,
            Action::RolloutHistory(command) => rollout::history(reader, command).await,
            Action::CanI(command) => access::read(reader, command).await,
            Action::Diagnose(command) => diagnose::read(reader, command).await,
            Action::DiagnoseAll(_) => diagnose::read_all(reader).await,
            _ => Err(ClusterError::Impossible(format!("`{step}` is not a read"))),
        }
    }
}

impl<'a> Reader<'a> {
    /// The namespace to look in; nothing for every one.
    fn namespace(self) -> Option<&'a str> {
        match self.scope {
            Scope::All => None,
            Scope::Named(name) => Some(name),
            Scope::Default => Some(&self.cluster.context().namespace),
        }
    }

    /// The namespace of named objects, where `-A` means nothing.
    fn home(self) -> &'a str {
        self.namespace().unwrap_or(&self.cluster.context().namespace)
    }

    /// Where a kind is served.
    async fn served(self, kind: &Kind) -> Result<Served, ClusterError> {
        self.cluster.find(kind).await
    }

    /// One named object, unmasked; for renderers that show no values.
    async fn object(self, target: &Target) -> Result<(Served, Value), ClusterError> {
        let served = self.served(&target.kind).await?;
        let object = self.cluster.one(&served, Some(self.home()), &target.name).await?;
        Ok((served, object))
    }

    /// Objects of a built-in kind, by its singular name.
    async fn all(
        self,
        kind: &str,
        namespace: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, ClusterError> {
        let kind = Kind::read(kind).ok_or_else(|| ClusterError::NoSuchKind(kind.to_owned()))?;
        let served = self.served(&kind).await?;
        self.cluster.objects(&served, namespace, query).await
    }
}

/// The path of a pod.
pub(super) fn pod_path(namespace: &str, name: &str) -> String {
    let pod = super::discovery::builtin("pod");
    pod.map_or_else(String::new, |pod| pod.path_of(Some(namespace), Some(name)))
}
