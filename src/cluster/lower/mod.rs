//! From a typed step to the calls that it comes to: what kubectl would send, as plain values.

mod creation;
mod metadata;
mod node;
mod removal;
mod template;
mod undo;
mod workload;

use std::collections::HashMap;

pub(super) use creation::will_make;
pub(super) use workload::pods_of_change;

use jiff::Timestamp;
use serde_json::Value;

use super::connect::Cluster;
use super::discovery::Served;
use super::error::ClusterError;
use super::paths::path_of;
use crate::check::{Call, CallVerb, Problem};
use crate::plan::{Action, Kind, Step, Target};

/// A call with the object that it was made for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub call: Call,
    /// The live object; nothing where it does not exist yet.
    pub before: Option<Value>,
    /// Running pods that end or are moved, where only this step's own logic can tell.
    pub pods: Option<u32>,
}

/// What a step comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lowered {
    pub drafts: Vec<Draft>,
    pub notes: Vec<String>,
}

/// Why a step comes to no calls.
#[derive(Debug)]
pub(super) enum Refused {
    /// The step cannot be done here, and that is for the review to show.
    Problem(Problem),
    /// The cluster cannot be asked at all.
    Failed(ClusterError),
}

/// Objects that earlier steps of the same plan will make, by kind, namespace and name.
pub(super) type Made = HashMap<(String, String, String), Value>;

/// Everything that lowering one step may look at.
pub(super) struct Lowering<'a> {
    pub cluster: &'a Cluster,
    /// The namespace of the step.
    pub namespace: String,
    /// The time that a restart is stamped with.
    pub now: Timestamp,
    /// What earlier steps will have made.
    pub made: &'a Made,
}

type Lower<T = Lowered> = Result<T, Refused>;

impl From<ClusterError> for Refused {
    fn from(error: ClusterError) -> Refused {
        match problem_of(&error) {
            Some(problem) => Refused::Problem(problem),
            None => Refused::Failed(error),
        }
    }
}

/// The problem that an answer of the server's comes to; nothing where the cluster as a whole is at fault.
pub(super) fn problem_of(error: &ClusterError) -> Option<Problem> {
    let message = error.to_string();
    match error {
        ClusterError::Api { code: 404, .. } => Some(Problem::NotFound { message }),
        ClusterError::Api { code: 403, .. } => Some(Problem::Forbidden { message }),
        ClusterError::Api { code, reason, .. } if matches!(code, 400 | 405 | 409 | 410 | 413 | 415 | 422) => {
            Some(Problem::Rejected {
                code: *code,
                reason: reason.clone(),
                message,
            })
        }
        ClusterError::NoSuchKind(_) | ClusterError::Impossible(_) => Some(Problem::Impossible { message }),
        _ => None,
    }
}

pub(super) fn impossible(message: impl Into<String>) -> Refused {
    Refused::Problem(Problem::Impossible {
        message: message.into(),
    })
}

pub(super) fn nothing_to_do(message: impl Into<String>) -> Refused {
    Refused::Problem(Problem::NothingToDo {
        message: message.into(),
    })
}

impl Lowered {
    fn one(draft: Draft) -> Lowered {
        Lowered {
            drafts: vec![draft],
            notes: Vec::new(),
        }
    }

    /// What is left of several targets after those that need no change; `why` of the first where none is left.
    fn of(drafts: Vec<Option<Draft>>, why: impl FnOnce() -> String) -> Lower {
        let drafts: Vec<Draft> = drafts.into_iter().flatten().collect();
        if drafts.is_empty() {
            return Err(nothing_to_do(why()));
        }
        Ok(Lowered {
            drafts,
            notes: Vec::new(),
        })
    }
}

impl Draft {
    pub fn new(
        verb: CallVerb,
        served: &Served,
        namespace: Option<&str>,
        name: &str,
        body: Option<Value>,
    ) -> Draft {
        let call = Call {
            verb,
            group: served.api.group.clone(),
            version: served.api.version.clone(),
            resource: served.api.plural.clone(),
            subresource: None,
            namespace: namespace.filter(|_| served.namespaced).map(str::to_owned),
            name: name.to_owned(),
            kind: served.kind(),
            body,
            dry_run: true,
        };
        Draft {
            call,
            before: None,
            pods: None,
        }
    }

    fn on(mut self, before: Value) -> Draft {
        self.before = Some(before);
        self
    }

    fn sub(mut self, subresource: &str) -> Draft {
        self.call.subresource = Some(subresource.to_owned());
        self
    }
}

/// A live object with its kind.
pub(super) struct Found {
    served: Served,
    name: String,
    object: Value,
}

impl Found {
    /// The object as the plan language names it.
    fn words(&self) -> String {
        format!("{}/{}", self.served.kind(), self.name)
    }
}

impl Lowering<'_> {
    /// Puts a step into calls. Reads come to none.
    pub async fn lower(&self, step: &Step) -> Lower {
        match &step.action {
            Action::Scale(command) => self.scale(command).await,
            Action::Autoscale(command) => self.autoscale(command).await,
            Action::RolloutRestart(command) => self.restart(command).await,
            Action::RolloutUndo(command) => self.undo(command).await,
            Action::RolloutPause(command) => self.hold(&command.targets.0, true).await,
            Action::RolloutResume(command) => self.hold(&command.targets.0, false).await,
            Action::SetImage(command) => self.set_image(command).await,
            Action::SetEnv(command) => self.set_env(command).await,
            Action::SetResources(command) => self.set_resources(command).await,
            Action::SetServiceAccount(command) => self.set_service_account(command).await,
            Action::Label(command) => self.label(command).await,
            Action::Annotate(command) => self.annotate(command).await,
            Action::Patch(command) => self.patch(command).await,
            Action::TaintNodes(command) => self.taint(command).await,
            Action::Cordon(command) => self.cordon(&command.nodes.0, true).await,
            Action::Uncordon(command) => self.cordon(&command.nodes.0, false).await,
            Action::Drain(command) => self.drain(command).await,
            Action::Delete(command) => self.delete(command).await,
            Action::DeleteMatching(command) => self.delete_matching(command).await,
            Action::Expose(command) => self.expose(command).await,
            Action::CreateJobFrom(command) => self.job_from(command).await,
            Action::CreateToken(command) => self.token(command).await,
            Action::Apply(command) => self.apply(command).await,
            Action::CreateRole(_) | Action::CreateClusterRole(_) => self.role(&step.action).await,
            action if step.writes() => self.create(action),
            _ => Ok(Lowered::default()),
        }
    }

    /// The live object, or the one that an earlier step will have made.
    async fn get(&self, target: &Target) -> Lower<Found> {
        let served = self.cluster.find(&target.kind).await?;
        let namespace = if served.namespaced {
            self.namespace.as_str()
        } else {
            ""
        };
        let key = (served.kind(), namespace.to_owned(), target.name.clone());
        let object = if let Some(made) = self.made.get(&key) {
            made.clone()
        } else {
            let path = path_of(&served, self.place(&served), Some(&target.name));
            self.cluster.fetch(&path).await?
        };
        Ok(Found {
            served,
            name: target.name.clone(),
            object,
        })
    }

    fn place(&self, served: &Served) -> Option<&str> {
        served.namespaced.then_some(self.namespace.as_str())
    }

    /// A call on an object that was found.
    fn draft(&self, verb: CallVerb, found: Found, body: Value) -> Draft {
        let namespace = self.place(&found.served).map(str::to_owned);
        Draft::new(verb, &found.served, namespace.as_deref(), &found.name, Some(body)).on(found.object)
    }

    /// The objects of a built-in kind in the step's namespace, by label where a selector is given.
    async fn list(&self, kind: &str, query: &str) -> Lower<Vec<Value>> {
        let served = known(kind)?;
        let path = path_of(&served, self.place(&served), None);
        Ok(self.cluster.list_all(&path, query).await?)
    }
}

impl Cluster {
    /// Every object of a collection, page by page.
    pub(super) async fn list_all(&self, path: &str, query: &str) -> Result<Vec<Value>, ClusterError> {
        let mut all = Vec::new();
        let mut token = String::new();
        loop {
            let page = self.fetch(&format!("{path}?limit=500{query}{token}")).await?;
            all.extend_from_slice(super::json::items(&page, "/items"));
            let next = super::json::text(&page, "/metadata/continue");
            if next.is_empty() {
                return Ok(all);
            }
            token = format!("&continue={}", super::paths::encode(next));
        }
    }
}

/// A built-in kind.
fn known(kind: &str) -> Lower<Served> {
    super::discovery::builtin(kind).ok_or_else(|| ClusterError::NoSuchKind(kind.to_owned()).into())
}

/// A target of a built-in kind.
fn target(kind: &str, name: &str) -> Lower<Target> {
    let kind = Kind::read(kind).ok_or_else(|| impossible(format!("`{kind}` is no kind")))?;
    Ok(Target {
        kind,
        name: name.to_owned(),
    })
}
