//! The loop: take an effect, do it, tell the session what happened.

mod planning;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::adviser::Advice;
use super::author::Author;
use super::connect::Parts;
use super::explaining;
use super::face::{Face, Usage, cluster_failure};
use super::library::as_text;
use super::reconcile::reconcile;
use crate::audit::{ActionId, Begun, Entry};
use crate::check::Evidence;
use crate::cluster::{ClusterError, Settling};
use crate::llm::{ModelIdentity, Progress};
use crate::plan::{Plan, Step};
use crate::request::Request;
use crate::session::{
    Approved, Effect, Event, Failure, Order, Outcome, RecordKind, Session, Stage, is_unsettled, to_look_at,
};

/// How long the effect of a step is watched before it counts as not settled.
const VERIFY_DEADLINE: Duration = Duration::from_secs(300);

/// The end of a request: what became of it, and what it took.
#[derive(Debug)]
pub struct Receipt {
    /// How it ended.
    pub outcome: Outcome,
    /// The audit record, where one was written.
    pub action: Option<ActionId>,
    /// Whether a record that should have been written was not.
    pub unrecorded: Option<String>,
    /// What did not go as it should, and kept nobody from an answer.
    pub notices: Vec<String>,
    /// Milliseconds by stage.
    pub timing: BTreeMap<&'static str, u64>,
    /// Tokens.
    pub usage: Usage,
    /// What the planner runs on, where it was asked and that is known.
    pub device: Option<String>,
    /// An explanation, where a model gave one.
    pub advice: Option<Advice>,
}

/// Performs effects for one request.
pub struct Driver<'a, F> {
    parts: &'a Parts,
    /// The words that the planner sees.
    request: String,
    face: &'a mut F,
    stop: CancellationToken,
    stopped: bool,
    user: String,
    action: ActionId,
    recorded: bool,
    unrecorded: Option<String>,
    notices: Vec<String>,
    model: Option<ModelIdentity>,
    usage: Usage,
    advice: Option<Advice>,
    author: Option<Author>,
    timing: BTreeMap<&'static str, u64>,
    watch: Duration,
    as_of: Option<Timestamp>,
    begun: bool,
    /// Held from the intent to its outcome, so that a crash between the two is found.
    mark: Option<Begun>,
}

impl<'a, F: Face> Driver<'a, F> {
    /// A driver for one request. Cancelling `stop` interrupts it in good order.
    pub fn new(parts: &'a Parts, face: &'a mut F, user: String, stop: CancellationToken) -> Driver<'a, F> {
        Driver {
            parts,
            request: String::new(),
            face,
            stop,
            stopped: false,
            user,
            action: ActionId::new(Uuid::now_v7()),
            recorded: false,
            unrecorded: None,
            notices: Vec::new(),
            model: None,
            usage: Usage::default(),
            advice: None,
            author: None,
            timing: BTreeMap::new(),
            watch: VERIFY_DEADLINE,
            as_of: None,
            begun: false,
            mark: None,
        }
    }

    /// Puts the plan into calls as it was done at that time, so that a plan file comes to the same calls again (a restart
    /// writes the time into the object).
    pub fn as_of(self, time: Option<Timestamp>) -> Driver<'a, F> {
        Driver { as_of: time, ..self }
    }

    /// Watches the effect of each step for so long at the most, instead of five minutes.
    pub fn watching(self, watch: Duration) -> Driver<'a, F> {
        Driver { watch, ..self }
    }

    /// Runs a session to its end.
    pub async fn run(mut self, mut session: Session) -> Receipt {
        let asked = session.request().clone();
        self.words_of(&session);
        let notices = reconcile(self.parts, &self.user).await;
        if !notices.is_empty() {
            self.face.read("", &notices);
        }
        let mut effects: VecDeque<Effect> = session.start().into();
        let mut last = Outcome::nothing();
        while let Some(effect) = effects.pop_front() {
            let started = Instant::now();
            let stage = stage_of(&effect);
            if let Effect::Finish(outcome) = effect {
                last = *outcome;
                break;
            }
            // A record that only closes a void approval is followed by an effect of its own; no event is owed for it.
            let silent = matches!(effect, Effect::Record(..)) && !effects.is_empty();
            let events = self.perform(effect, &asked).await;
            *self.timing.entry(stage).or_default() +=
                u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            if silent && events == [Event::Recorded] {
                self.action = ActionId::new(Uuid::now_v7());
                continue;
            }
            for event in events {
                effects.extend(session.handle(event));
            }
            // A request that leant on an earlier one is in full by now.
            self.words_of(&session);
        }
        self.explain(asked.text(), &last).await;
        let action = self.recorded.then_some(self.action);
        Receipt {
            outcome: last,
            action,
            unrecorded: self.unrecorded,
            notices: self.notices,
            timing: self.timing,
            usage: self.usage,
            device: self.model.and_then(|model| model.device),
            advice: self.advice,
        }
    }

    /// The words that a planner is asked for.
    fn words_of(&mut self, session: &Session) {
        let words = session.request().words();
        let explains = self.parts.adviser.is_some();
        let words = if explains { to_look_at(words) } else { words };
        words.clone_into(&mut self.request);
    }

    /// Does one effect. Applying and recording are never cut short; everything else gives way to an interruption.
    async fn perform(&mut self, effect: Effect, asked: &Request) -> Vec<Event> {
        let whole = matches!(effect, Effect::Apply(..) | Effect::Record(..));
        if whole || self.stopped {
            let event = self.dispatch(effect, asked).await;
            let interrupted = !self.stopped && self.stop.is_cancelled();
            self.stopped |= interrupted;
            return if interrupted {
                vec![Event::Interrupted, event]
            } else {
                vec![event]
            };
        }
        let stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                self.stopped = true;
                vec![Event::Interrupted]
            }
            event = self.dispatch(effect, asked) => vec![event],
        }
    }

    async fn dispatch(&mut self, effect: Effect, asked: &Request) -> Event {
        match effect {
            Effect::LookUp(question) => self.look_up(question).await,
            Effect::Retrieve => self.retrieve().await,
            Effect::Plan { focus, complaint } => self.plan(&focus, complaint).await,
            Effect::Draft(order) => self.draft(asked, &order).await,
            Effect::Read(step) => self.read(&step).await,
            Effect::Gather(plan) => self.gather(&plan).await,
            Effect::Review(report, confidence) => {
                self.face.stage(Stage::Reviewing, "");
                Event::Decided(self.face.review(&report, &confidence).await)
            }
            Effect::Record(kind, body) => self.record(kind, body).await,
            Effect::Apply(approved, index) => self.apply(&approved, index).await,
            Effect::Verify(approved, index) => self.verify(&approved, index).await,
            Effect::Finish(_) => Event::Failed(Failure::new("the end cannot be performed")),
        }
    }

    async fn retrieve(&mut self) -> Event {
        let cluster = &self.parts.cluster;
        let looking = format!("looking at {}", cluster.context().name);
        self.face.stage(Stage::Retrieving, &looking);
        let seen = cluster.snapshot().await;
        seen.map_or_else(|error| Event::Failed(cluster_failure(&error)), Event::Retrieved)
    }

    async fn gather(&mut self, plan: &Plan) -> Event {
        self.face.stage(Stage::Checking, "trying it without doing it");
        let now = Timestamp::now();
        match self.parts.cluster.gather(plan, self.as_of.unwrap_or(now)).await {
            Ok(evidence) => Event::Gathered(Evidence {
                at: Some(now),
                ..evidence
            }),
            Err(error) => Event::Failed(cluster_failure(&error)),
        }
    }

    async fn verify(&mut self, approved: &Approved, index: usize) -> Event {
        self.face.stage(Stage::Verifying, "watching it settle");
        let face = &mut *self.face;
        let mut tell = |news: &Settling| {
            face.stage(Stage::Verifying, &news.summary);
            face.pods(&news.pods);
        };
        let cluster = &self.parts.cluster;
        match cluster.verify(approved, index, self.watch, &mut tell).await {
            Ok(verified) => Event::Verified {
                settled: verified.settled,
                summary: verified.summary,
            },
            Err(error) => Event::Failed(cluster_failure(&error)),
        }
    }

    /// Looks a question up. Where somebody explains, their words come first, and what they are from behind them.
    async fn look_up(&mut self, question: String) -> Event {
        self.face.stage(Stage::Retrieving, "looking it up");
        let context = self.parts.cluster.context().name.clone();
        let (event, mut notices) = self.parts.library.look_up(question.clone(), Some(context)).await;
        let Event::Found(passages) = &event else {
            return event;
        };
        let mut text = as_text(passages);
        if let Some(adviser) = self.parts.adviser.as_ref().filter(|_| !passages.is_empty()) {
            self.face.stage(Stage::Retrieving, "asking the adviser");
            match adviser
                .answer(&question, "", passages, &mut |text| self.face.writing(text))
                .await
            {
                Ok(advice) => {
                    let sources = passages.iter().map(|passage| format!("  {}", passage.id));
                    let sources = sources.collect::<Vec<_>>().join("\n");
                    text = format!(
                        "{}\n{}\nSources:\n{sources}\n",
                        Advice::whose(&advice.model),
                        advice.text
                    );
                    notices.push(advice.footing());
                    self.usage.add(advice.usage);
                    self.advice = Some(advice);
                }
                Err(failure) => notices.push(format!("the adviser gave no answer: {}", failure.message)),
            }
        }
        self.face.read(&text, &notices);
        event
    }

    /// Explains what was read, where that was asked for and somebody is there to do so. The answer is recorded by then.
    async fn explain(&mut self, request: &str, outcome: &Outcome) {
        let material = explaining::material(request, outcome);
        let Some((adviser, material)) = self.parts.adviser.as_ref().zip(material) else {
            return;
        };
        let explained = explaining::explain(self.parts, adviser, self.face, request, &material);
        let explained = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Failure::new("interrupted")),
            explained = explained => explained,
        };
        match explained {
            Ok(advice) => {
                self.usage.add(advice.usage);
                self.advice = Some(advice);
            }
            Err(failure) => self
                .notices
                .push(format!("the adviser gave no answer: {}", failure.message)),
        }
    }

    /// Has the adviser write what was ordered; what it took is told each time.
    async fn draft(&mut self, asked: &Request, order: &Order) -> Event {
        self.face.stage(Stage::Planning, "asking the adviser");
        let Some(adviser) = &self.parts.adviser else {
            let failure = Failure::new("there is no adviser to write manifests");
            return Event::Failed(
                failure.with_hint("`sayso model use MODEL --for adviser`, or SAYSO_ADVISER, names one"),
            );
        };
        let author = self.author.get_or_insert_with(|| Author::new(adviser));
        let face = &mut *self.face;
        let mut warming = |progress: Progress| face.progress(&progress.stage, progress.done, progress.total);
        if let Err(failure) = author.warm(&mut warming).await {
            return Event::Failed(failure);
        }
        self.model = author.identity().await;
        let cluster = &self.parts.cluster;
        let drafted = author
            .draft(cluster, asked, order, &mut |text| face.writing(text))
            .await;
        self.usage = author.usage;
        self.notices.append(&mut author.notices);
        match drafted {
            Ok(draft) => {
                face.read("", &[author.footing().await]);
                Event::Drafted(draft)
            }
            Err(failure) => Event::Failed(failure),
        }
    }

    async fn apply(&mut self, approved: &Approved, index: usize) -> Event {
        let line = approved.steps().get(index).map(|step| step.step().to_string());
        self.face.stage(Stage::Applying, &line.unwrap_or_default());
        if !self.begun && !approved.is_good(Timestamp::now()) {
            return Event::NotApplied {
                receipts: Vec::new(),
                failure: Failure::new(
                    "the approval is too old: the cluster was looked at more than 15 minutes ago",
                ),
                changed: true,
                uncertain: false,
            };
        }
        self.begun = true;
        match self
            .parts
            .cluster
            .apply(approved, index, &self.action.to_string())
            .await
        {
            Ok(receipts) => Event::Applied {
                receipts: receipts.iter().map(|receipt| json!(receipt)).collect(),
            },
            Err(failure) => Event::NotApplied {
                receipts: failure.done.iter().map(|receipt| json!(receipt)).collect(),
                changed: matches!(failure.error, ClusterError::Changed { .. }),
                uncertain: failure.uncertain,
                failure: cluster_failure(&failure.error),
            },
        }
    }

    async fn read(&mut self, step: &Step) -> Event {
        self.face.stage(Stage::Reading, &step.to_string());
        match self.parts.cluster.read(step).await {
            Ok(output) => {
                self.face.read(&output.text, &output.notices);
                Event::Read {
                    text: output.text,
                    data: output.data,
                }
            }
            Err(error) => Event::Failed(cluster_failure(&error)),
        }
    }

    async fn record(&mut self, kind: RecordKind, mut body: Value) -> Event {
        self.face.stage(Stage::Recording, "");
        let context = self.parts.cluster.context();
        body["user"] = json!(self.user);
        body["context"] = json!(context.name);
        body["cluster"] =
            json!({ "server": context.server, "user": context.user, "namespace": context.namespace });
        body["model"] = self.model.as_ref().map_or(
            Value::Null,
            |model| json!({ "name": model.name, "digest": model.digest, "endpoint": model.endpoint }),
        );
        body["sayso"] = json!(env!("CARGO_PKG_VERSION"));
        let is_open = kind == RecordKind::Outcome && is_unsettled(&body);
        let action = self.action;
        let entry = match kind {
            RecordKind::Intent => Entry::Intent { action, body },
            RecordKind::Outcome => Entry::Outcome { action, body },
            RecordKind::Decision => Entry::Decision { action, body },
            RecordKind::Read => Entry::Read { action, body },
        };
        let audit = self.parts.audit.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mark = (kind == RecordKind::Intent)
                .then(|| audit.begin(action))
                .transpose()?;
            audit.append(entry, Timestamp::now()).map(|_| mark)
        });
        let failure = match written.await {
            Ok(Ok(mark)) => {
                self.recorded = true;
                match kind {
                    RecordKind::Intent => self.mark = mark,
                    // Left to be found: the next start asks the cluster what became of it.
                    _ if is_open => drop(self.mark.take()),
                    _ => self.mark.take().into_iter().for_each(Begun::end),
                }
                return Event::Recorded;
            }
            Ok(Err(error)) => Failure {
                message: error.to_string(),
                hint: error.hint().map(str::to_owned),
            },
            Err(error) => Failure::new(format!("the audit log could not be written: {error}")),
        };
        self.unrecorded = Some(failure.message.clone());
        Event::Failed(failure)
    }
}

/// Under which name an effect's time is counted.
fn stage_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::LookUp(_) | Effect::Retrieve => "retrieve",
        Effect::Plan { .. } | Effect::Draft(_) => "plan",
        Effect::Read(_) => "read",
        Effect::Gather(_) => "check",
        Effect::Review(..) => "review",
        Effect::Record(..) => "record",
        Effect::Apply(..) => "apply",
        Effect::Verify(..) => "verify",
        Effect::Finish(_) => "finish",
    }
}
