//! Finding out what a plan would do, without doing it: its calls, who may make them, and what the server says of them.

mod access;
mod notes;
mod trial;

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;

use super::connect::Cluster;
use super::error::ClusterError;
use super::json::text;
use super::lower::{Draft, Lowered, Lowering, Made, Refused, will_make};
use crate::check::{Evidence, StepEvidence, Touched};
use crate::plan::{Plan, Step};
use access::Asked;

/// How many questions are asked of the server at once.
const AT_ONCE: usize = 8;

/// What steps of one plan share while they are looked into.
struct Gathering<'a> {
    cluster: &'a Cluster,
    now: Timestamp,
    /// For each step, the earlier one that makes what it needs, counted from one.
    needs: Vec<Option<usize>>,
    asked: Mutex<Asked>,
}

impl Cluster {
    /// Looks into every write step of a plan; reads get empty evidence. Changes nothing. What stands in the way of a
    /// step is part of the evidence; an error means that the cluster could not be asked.
    pub async fn gather(&self, plan: &Plan, now: Timestamp) -> Result<Evidence, ClusterError> {
        let gathering = Gathering {
            cluster: self,
            now,
            needs: needs_of(plan.steps(), &self.context.namespace),
            asked: Mutex::default(),
        };
        let (cluster, steps) = tokio::join!(self.identity(), gathering.steps(plan.steps()));
        Ok(Evidence {
            context: self.context.name.clone(),
            cluster: cluster?,
            at: None,
            steps: steps?,
        })
    }

    /// UID of `kube-system`; nothing where it may not be read.
    pub async fn identity(&self) -> Result<Option<String>, ClusterError> {
        match self.fetch("/api/v1/namespaces/kube-system").await {
            Ok(namespace) => {
                Ok(Some(text(&namespace, "/metadata/uid").to_owned()).filter(|uid| !uid.is_empty()))
            }
            Err(ClusterError::Api { code: 403 | 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Gathering<'_> {
    /// Steps that need nothing of earlier ones at the same time; then the others, in order.
    async fn steps(&self, steps: &[Step]) -> Result<Vec<StepEvidence>, ClusterError> {
        let nothing = Made::new();
        let alone = steps.iter().enumerate().map(|(index, step)| {
            let nothing = &nothing;
            async move {
                match self.needs[index] {
                    None => self.step(index, step, nothing).await,
                    Some(_) => Ok(StepEvidence::default()),
                }
            }
        });
        let mut evidence: Vec<StepEvidence> = stream::iter(alone).buffered(AT_ONCE).try_collect().await?;
        for (index, step) in steps.iter().enumerate() {
            if self.needs[index].is_some() {
                let made = made_by(&evidence[..index]);
                evidence[index] = self.step(index, step, &made).await?;
            }
        }
        Ok(evidence)
    }

    async fn step(&self, index: usize, step: &Step, made: &Made) -> Result<StepEvidence, ClusterError> {
        if !step.writes() {
            return Ok(StepEvidence::default());
        }
        let namespace = step
            .namespace()
            .unwrap_or(&self.cluster.context.namespace)
            .to_owned();
        let lowering = Lowering {
            cluster: self.cluster,
            namespace,
            now: self.now,
            made,
        };
        match lowering.lower(step).await {
            Ok(lowered) => self.look_into(index, step, lowered).await,
            Err(Refused::Problem(problem)) => Ok(StepEvidence {
                problem: Some(problem),
                ..StepEvidence::default()
            }),
            Err(Refused::Failed(error)) => Err(error),
        }
    }

    async fn look_into(
        &self,
        index: usize,
        step: &Step,
        lowered: Lowered,
    ) -> Result<StepEvidence, ClusterError> {
        let mut notes = lowered.notes;
        notes.extend(notes::of_step(self.cluster, step, &lowered.drafts).await?);
        let trials = lowered.drafts.into_iter().map(|draft| self.draft(index, draft));
        let trials: Vec<trial::Trial> = stream::iter(trials).buffered(AT_ONCE).try_collect().await?;
        let mut evidence = StepEvidence::default();
        for trial in trials {
            evidence.problem = evidence.problem.or(trial.problem);
            notes.extend(trial.note);
            evidence.touched.push(trial.touched);
        }
        notes.extend(notes::around(self.cluster, &evidence.touched).await?);
        for note in notes {
            if !evidence.notes.contains(&note) {
                evidence.notes.push(note);
            }
        }
        Ok(evidence)
    }

    async fn draft(&self, index: usize, draft: Draft) -> Result<trial::Trial, ClusterError> {
        let access = access::ask(self.cluster, &self.asked, &draft.call);
        if let Some(step) = self.needs[index] {
            let access = access.await?;
            return Ok(trial::untried(draft, access, step));
        }
        let (access, tried) = tokio::join!(access, trial::send(self.cluster, &draft));
        Ok(trial::conclude(draft, access?, tried?))
    }
}

/// For each step, the number of the earlier step that makes something it names or is in.
fn needs_of(steps: &[Step], default_namespace: &str) -> Vec<Option<usize>> {
    let place = |step: &Step| step.namespace().unwrap_or(default_namespace).to_owned();
    let makes: Vec<_> = steps
        .iter()
        .map(|step| will_make(&step.action, &place(step)))
        .collect();
    let needs = steps.iter().enumerate().map(|(index, step)| {
        let namespace = place(step);
        makes[..index].iter().position(|made| {
            made.as_ref().is_some_and(|made| {
                let inside = made.0 == "namespace" && made.2 == namespace;
                inside || names(step, &namespace, made)
            })
        })
    });
    needs.map(|needed| needed.map(|index| index + 1)).collect()
}

/// Whether a step names an object.
fn names(step: &Step, namespace: &str, made: &(String, String, String)) -> bool {
    let (kind, place, name) = made;
    let here = place.is_empty() || place == namespace;
    let named = step
        .action
        .targets()
        .iter()
        .any(|target| target.kind.is(kind) && target.name == *name);
    let by_reference = match &step.action {
        crate::plan::Action::CreateToken(command) => kind == "serviceaccount" && command.account.0 == *name,
        _ => false,
    };
    here && (named || by_reference)
}

/// The objects that earlier steps make, as the dry run showed them.
fn made_by(evidence: &[StepEvidence]) -> Made {
    let touched = evidence.iter().flat_map(|step| &step.touched);
    touched
        .filter(|touched| touched.before.is_none())
        .filter_map(|touched| {
            let namespace = touched.call.namespace.clone().unwrap_or_default();
            let object = touched.after.clone().or_else(|| touched.call.body.clone())?;
            Some((
                (touched.call.kind.clone(), namespace, touched.call.name.clone()),
                without_identity(object),
            ))
        })
        .collect()
}

/// A dry run makes up a UID that the real object will not have.
fn without_identity(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("uid");
        metadata.shift_remove("resourceVersion");
    }
    object
}

impl trial::Trial {
    fn of(draft: Draft) -> trial::Trial {
        let field = |pointer: &str| {
            let before = draft.before.as_ref()?;
            Some(text(before, pointer).to_owned()).filter(|text| !text.is_empty())
        };
        let touched = Touched {
            uid: field("/metadata/uid"),
            resource_version: field("/metadata/resourceVersion"),
            access: None,
            after: None,
            pods: draft.pods.unwrap_or_default(),
            // An object that does not exist yet has no state to go back to.
            before: draft
                .before
                .filter(|before| !text(before, "/metadata/uid").is_empty()),
            call: draft.call,
        };
        trial::Trial {
            touched,
            problem: None,
            note: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(lines: &[&str]) -> Vec<Option<usize>> {
        let steps: Vec<Step> = lines.iter().map(|line| line.parse().unwrap()).collect();
        needs_of(&steps, "shop")
    }

    #[test]
    fn a_step_needs_the_one_that_makes_its_object_or_namespace() {
        let plan = [
            "create namespace demo",
            "create deployment api --image=nginx -n demo",
            "expose deployment/api --port=80 -n demo",
            "scale deployment/api --replicas=2",
        ];
        assert_eq!(needs(&plan), [None, Some(1), Some(1), None]);
        let plan = [
            "create deployment api --image=nginx",
            "scale deployment/api --replicas=2",
        ];
        assert_eq!(needs(&plan), [None, Some(1)]);
        let plan = ["create serviceaccount bot", "create token bot"];
        assert_eq!(needs(&plan), [None, Some(1)]);
    }
}
