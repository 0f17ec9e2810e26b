//! Trying a call without doing it, and what follows from the answer.

use serde_json::{Value, json};

use crate::check::essence::essence;
use crate::check::{Access, CallVerb, Problem, Touched};
use crate::cluster::apply::is_of_ending_namespace;
use crate::cluster::connect::Cluster;
use crate::cluster::error::ClusterError;
use crate::cluster::lower::{Draft, pods_of_change, problem_of};
use crate::cluster::paths::request_of;

/// What was found out about one call.
pub(super) struct Trial {
    pub touched: Touched,
    pub problem: Option<Problem>,
    pub note: Option<String>,
}

/// The server's answer to a dry run; nothing where none was possible.
pub(super) type Tried = Option<Result<Value, ClusterError>>;

/// Sends a call as a dry run. An error that concerns the whole cluster is an error here too.
pub(super) async fn send(cluster: &Cluster, draft: &Draft) -> Result<Tried, ClusterError> {
    if !draft.call.dry_run {
        return Ok(None);
    }
    let outgoing = request_of(&draft.call, draft.call.body.clone(), true);
    match cluster.exchange(&outgoing).await {
        Ok(reply) => Ok(Some(Ok(reply.body))),
        Err(refusal) if is_about_the_call(&refusal.error) => Ok(Some(Err(refusal.error))),
        Err(refusal) => Err(refusal.error),
    }
}

/// Whether an error is the server's word on this call, and not a sign that the server is not well.
fn is_about_the_call(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Api { code, .. } if *code != 401)
}

/// A call whose object, or whose namespace, an earlier step has to make first.
pub(super) fn untried(draft: Draft, access: Option<Access>, step: usize) -> Trial {
    let mut trial = Trial::of(draft);
    trial.problem = denied(access.as_ref());
    trial.touched.access = access;
    trial.touched.before = None;
    trial.touched.uid = None;
    trial.touched.resource_version = None;
    trial.note = Some(format!("not tried beforehand: step {step} creates it first"));
    trial
}

/// Puts the answers together.
pub(super) fn conclude(draft: Draft, access: Option<Access>, tried: Tried) -> Trial {
    let mut trial = Trial::of(draft);
    match tried {
        Some(Ok(reply)) => trial.take(reply),
        Some(Err(error)) => trial.refuse(&error),
        None => {
            trial.note = Some("not tried beforehand: the server cannot try it without doing it".to_owned());
        }
    }
    trial.problem = trial.problem.take().or_else(|| denied(access.as_ref()));
    trial.touched.access = access;
    trial
}

fn denied(access: Option<&Access>) -> Option<Problem> {
    let access = access.filter(|access| !access.allowed)?;
    let reason = access
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    Some(Problem::Forbidden {
        message: format!("you may not {}{reason}", access.what),
    })
}

impl Trial {
    /// The state after the call, from the reply to its dry run.
    fn take(&mut self, reply: Value) {
        let touched = &mut self.touched;
        if matches!(touched.call.verb, CallVerb::Delete | CallVerb::Evict) {
            return;
        }
        let after = match (touched.call.subresource.as_deref(), &touched.before) {
            (Some("scale"), Some(before)) => scaled(before, &reply),
            _ => reply,
        };
        if let Some(before) = &touched.before {
            touched.pods = touched
                .pods
                .max(pods_of_change(&touched.call.kind, before, &after));
            if essence(before) == essence(&after) {
                let message = format!("{}/{} is so already", touched.call.kind, touched.call.name);
                self.problem = Some(Problem::NothingToDo { message });
            }
        }
        touched.after = Some(after);
    }

    fn refuse(&mut self, error: &ClusterError) {
        // A budget that forbids an eviction now may allow it in a moment; a drain waits for that.
        if self.touched.call.verb == CallVerb::Evict && matches!(error, ClusterError::Api { code: 429, .. }) {
            self.note = Some(format!(
                "pod/{} cannot be evicted yet: {error}",
                self.touched.call.name
            ));
            return;
        }
        if self.touched.call.verb == CallVerb::Evict && is_of_ending_namespace(error) {
            self.note = Some(format!(
                "pod/{} goes with its namespace, which is being deleted",
                self.touched.call.name
            ));
            return;
        }
        self.problem = problem_of(error).or_else(|| match error {
            ClusterError::Api {
                code,
                reason,
                message,
            } => Some(Problem::Rejected {
                code: *code,
                reason: reason.clone(),
                message: message.clone(),
            }),
            _ => None,
        });
    }
}

/// The object after a change of its scale, of which the server shows the number alone.
fn scaled(before: &Value, scale: &Value) -> Value {
    let mut after = before.clone();
    if let Some(replicas) = scale.pointer("/spec/replicas") {
        after["spec"]["replicas"] = replicas.clone();
    } else {
        after["spec"]["replicas"] = json!(0);
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_without_a_number_means_none() {
        let before = json!({"spec": {"replicas": 3, "paused": true}});
        assert_eq!(
            scaled(&before, &json!({"spec": {"replicas": 5}}))["spec"],
            json!({"replicas": 5, "paused": true})
        );
        // Zero is left out by the server.
        assert_eq!(scaled(&before, &json!({"spec": {}}))["spec"]["replicas"], 0);
    }
}
