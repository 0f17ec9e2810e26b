//! Watching whether what was asked for has come about.

mod rollout;

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::connect::Cluster;
use super::error::ClusterError;
use super::json::{items, text};
use super::paths::{object_path, words_of};
use super::read::is_ready;
use crate::check::essence::essence;
use crate::check::{CallVerb, Touched};
use crate::plan::Action;
use crate::session::{Approved, ApprovedStep};
pub(super) use rollout::rollout_state;

/// How often the cluster is asked.
const INTERVAL: Duration = Duration::from_millis(400);

/// Reasons of a waiting container that do not pass by themselves.
const STUCK: &[&str] = &[
    "ImagePullBackOff",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "InvalidImageName",
    "ErrImageNeverPull",
];

/// What is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settling {
    /// One clause: how far it is.
    pub summary: String,
    /// The name and the state of each pod of the revision that is rolled out, those that are not ready first.
    pub pods: Vec<(String, String)>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether what was asked for has come about.
    pub settled: bool,
    /// One clause: what has come about, or what has not.
    pub summary: String,
}

/// How far a goal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has come about.
    Reached(String),
    /// Not yet.
    Waiting(String),
    /// It will not come about by itself.
    Failed(String),
}

/// What the call on one object is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Gone,
    RolledOut,
    Ready,
    There,
    /// Nothing to look at: a token, say.
    None,
}

impl Cluster {
    /// Watches the objects of one applied step until each is as it was meant to be, one is stuck, or the deadline has
    /// passed. `on_news` hears how far it is whenever that changes.
    pub async fn verify(
        &self,
        approved: &Approved,
        index: usize,
        deadline: Duration,
        on_news: &mut (dyn FnMut(&Settling) + Send),
    ) -> Result<Verified, ClusterError> {
        let Some(step) = approved.steps().get(index) else {
            return Err(ClusterError::Impossible(format!(
                "the approved plan has no step {}",
                index + 1
            )));
        };
        let give_up = Instant::now() + deadline;
        let mut reached = Vec::new();
        for touched in step.touched() {
            match self.settle(touched, give_up, on_news).await? {
                State::Reached(summary) => reached.push(summary),
                State::Waiting(summary) | State::Failed(summary) => {
                    return Ok(Verified {
                        settled: false,
                        summary,
                    });
                }
            }
        }
        Ok(Verified {
            settled: true,
            summary: summary_of(step, &reached),
        })
    }

    async fn settle(
        &self,
        touched: &Touched,
        give_up: Instant,
        on_news: &mut (dyn FnMut(&Settling) + Send),
    ) -> Result<State, ClusterError> {
        let mut told = Settling::default();
        loop {
            let (state, pods) = self.look_at(touched).await?;
            let State::Waiting(summary) = state else {
                return Ok(state);
            };
            let news = Settling { summary, pods };
            if news != told {
                on_news(&news);
                told = news;
            }
            if Instant::now() + INTERVAL > give_up {
                return Ok(State::Waiting(format!(
                    "not yet done when the time was up: {}",
                    told.summary
                )));
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// How far the goal of one call is, and the pods of a rollout that is under way.
    async fn look_at(&self, touched: &Touched) -> Result<(State, Vec<(String, String)>), ClusterError> {
        let goal = goal_of(touched);
        let words = words_of(&touched.call);
        if goal == Goal::None {
            return Ok((State::Reached(format!("{words} answered")), Vec::new()));
        }
        let live = self.fetch_if_there(&object_path(&touched.call)).await?;
        let state = match (goal, live) {
            (Goal::Gone, None) => State::Reached(format!("{words} is gone")),
            (_, None) => State::Failed(format!("{words} is gone again")),
            (Goal::Gone, Some(live)) => going(&words, touched, &live),
            (Goal::RolledOut, Some(live)) => return self.rollout(touched, &live).await,
            (Goal::Ready, Some(live)) => ready(&words, &live),
            (_, Some(live)) => there(&words, touched, &live),
        };
        Ok((state, Vec::new()))
    }

    /// How far a rollout is, with its new pods; failed as soon as one of them is stuck.
    async fn rollout(
        &self,
        touched: &Touched,
        live: &Value,
    ) -> Result<(State, Vec<(String, String)>), ClusterError> {
        let state = rollout_state(&touched.call.kind, live);
        let State::Waiting(_) = state else {
            return Ok((state, Vec::new()));
        };
        let mut pods = self.new_pods(&touched.call.kind, live).await?;
        pods.sort_by_cached_key(|pod| (is_ready(pod), text(pod, "/metadata/name").to_owned()));
        let stuck = pods.iter().find_map(stuck);
        let seen = pods.iter().map(rollout::glance).collect();
        Ok((stuck.map_or(state, State::Failed), seen))
    }

    /// The pods of the revision that is being rolled out.
    async fn new_pods(&self, kind: &str, live: &Value) -> Result<Vec<Value>, ClusterError> {
        let namespace = text(live, "/metadata/namespace");
        let mut owner = text(live, "/metadata/uid").to_owned();
        if kind == "deployment" {
            let path = format!("/apis/apps/v1/namespaces/{namespace}/replicasets");
            let sets = self.list_all(&path, "").await?;
            match rollout::newest_of(&owner, &sets) {
                Some(newest) => owner = newest,
                None => return Ok(Vec::new()),
            }
        }
        let revision = text(live, "/status/updateRevision");
        let pods = self
            .list_all(&format!("/api/v1/namespaces/{namespace}/pods"), "")
            .await?;
        let new = pods.into_iter().filter(|pod| {
            let hash = text(pod, "/metadata/labels/controller-revision-hash");
            let owners = items(pod, "/metadata/ownerReferences");
            owners.iter().any(|reference| reference["uid"] == owner.as_str())
                && (kind == "deployment" || revision.is_empty() || hash == revision)
                && rollout::runs(pod, live)
        });
        Ok(new.collect())
    }
}

fn goal_of(touched: &Touched) -> Goal {
    let call = &touched.call;
    let rolls = matches!(call.kind.as_str(), "deployment" | "statefulset" | "daemonset");
    match call.verb {
        CallVerb::Delete | CallVerb::Evict => Goal::Gone,
        CallVerb::Create if call.subresource.is_some() => Goal::None,
        _ if rolls && changes_spec(touched) => Goal::RolledOut,
        CallVerb::Create if call.kind == "pod" => Goal::Ready,
        _ => Goal::There,
    }
}

/// Whether a call changes more than metadata. A paused deployment rolls out nothing.
fn changes_spec(touched: &Touched) -> bool {
    let Some(after) = &touched.after else { return true };
    let paused = after.pointer("/spec/paused") == Some(&Value::Bool(true));
    let before = touched.before.as_ref().and_then(|before| before.get("spec"));
    !paused && before != after.get("spec")
}

/// Whether the object of a deletion is on its way, or another one has its name.
fn going(words: &str, touched: &Touched, live: &Value) -> State {
    if Some(text(live, "/metadata/uid")) == touched.uid.as_deref() {
        return State::Waiting(format!("waiting for {words} to be gone"));
    }
    State::Reached(format!("{words} is gone, and there is a new one of its name"))
}

/// Whether a pod runs, or has run to its end.
fn ready(words: &str, pod: &Value) -> State {
    match text(pod, "/status/phase") {
        "Succeeded" => State::Reached(format!("{words} has run to its end")),
        "Failed" => State::Failed(format!("{words} failed")),
        _ if is_ready(pod) => State::Reached(format!("{words} is ready")),
        _ => stuck(pod).map_or_else(
            || State::Waiting(format!("waiting for {words} to be ready")),
            State::Failed,
        ),
    }
}

/// Whether an object is as its call was to leave it.
fn there(words: &str, touched: &Touched, live: &Value) -> State {
    let new = touched.before.is_none();
    let as_meant = touched
        .after
        .as_ref()
        .is_none_or(|after| essence(after) == essence(live));
    match (new, as_meant) {
        (true, _) => State::Reached(format!("{words} is there")),
        (false, true) => State::Reached(format!("{words} is changed")),
        (false, false) => State::Reached(format!("{words} is changed, and has been changed again since")),
    }
}

/// What a pod's containers are stuck in, and the image or message that says why.
fn stuck(pod: &Value) -> Option<String> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = lists.iter().flat_map(|list| items(pod, list));
    let (status, reason) = statuses
        .map(|status| (status, text(status, "/state/waiting/reason")))
        .find(|(_, reason)| STUCK.contains(reason))?;
    let detail = match text(status, "/state/waiting/message") {
        "" => text(status, "/image"),
        message => message,
    };
    let (pod, container) = (text(pod, "/metadata/name"), text(status, "/name"));
    Some(format!(
        "pod/{pod} is in {reason}: container `{container}`: {detail}"
    ))
}

fn summary_of(step: &ApprovedStep, reached: &[String]) -> String {
    match &step.step().action {
        Action::Drain(command) => {
            let evicted = step
                .touched()
                .iter()
                .filter(|touched| touched.call.verb == CallVerb::Evict)
                .count();
            format!("{} is drained: {evicted} pods moved", command.node.0)
        }
        _ => reached.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stuck_container_is_named_with_its_reason() {
        let pod = json!({"metadata": {"name": "web-1"}, "status": {"containerStatuses": [
            {"name": "ok", "state": {"running": {}}},
            {"name": "nginx", "image": "nginx:nope", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
        let words = "pod/web-1 is in ImagePullBackOff: container `nginx`: nginx:nope";
        assert_eq!(stuck(&pod).as_deref(), Some(words));
        assert_eq!(ready("pod/web-1", &pod), State::Failed(words.to_owned()));
    }

    #[test]
    fn a_pod_is_ready_done_or_waited_for() {
        let pod = |status: Value| json!({"metadata": {"name": "p"}, "status": status});
        let conditions = json!([{"type": "Ready", "status": "True"}]);
        assert!(matches!(
            ready("p", &pod(json!({"conditions": conditions}))),
            State::Reached(_)
        ));
        assert!(matches!(
            ready("p", &pod(json!({"phase": "Succeeded"}))),
            State::Reached(_)
        ));
        assert!(matches!(
            ready("p", &pod(json!({"phase": "Failed"}))),
            State::Failed(_)
        ));
        assert!(matches!(
            ready("p", &pod(json!({"phase": "Pending"}))),
            State::Waiting(_)
        ));
    }
}
