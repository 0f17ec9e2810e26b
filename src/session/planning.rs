//! From the words of a request, or a planner's text, to a plan; or to the question that has to be asked first.

use super::events::{Answer, Effect, Stage};
use super::machine::Session;
use super::outcome::{Ending, Failure};
use crate::plan::command::DiagnoseAll;
use crate::plan::said::as_said;
use crate::plan::target::Everything;
use crate::plan::{
    Action, Beyond, Kind, ObjectFact, Plan, Proposal, Scope, Snapshot, Step, asks_how_all_is, exists,
    parse_rough, resolve,
};

/// How often a plan that does not parse is sent back.
const PLAN_ATTEMPTS: u32 = 2;
/// Steps that a planner of known aim finds less likely than this are asked about: a change is not proposed, and a question about the
/// cluster that nobody asked is not answered. It is there for vague requests that a planner does not see as such: of the 466 of
/// `tests/eval/people.jsonl` and `fresh.jsonl` it takes three changes, of which one is right, and one read, which is wrong; 0.2 would
/// take two more that are right and one that is wrong.
const LEAST_CONFIDENCE: f32 = 0.03;
/// The same for changes that end what runs. In the 576 requests of four suites it takes none; "make web only reachable inside the
/// cluster" became a scale to nothing at 0.06.
const LEAST_TO_END: f32 = 0.2;
/// Other plans less likely than this are not worth a word.
const LEAST_OFFERED: f32 = 0.002;

impl Session {
    /// The plan, where the request is one: commands of the plan language, about things that the cluster has. Whoever
    /// writes `kubectl scale deploy web --replicas=5` has planned; a model could only misread it.
    pub(super) fn as_typed(&self) -> Option<Plan> {
        let Ok(Proposal::Plan(rough)) = parse_rough(self.request.words()) else {
            return None;
        };
        let plan = rough.settle(&self.snapshot).ok()?;
        let is_known = |(index, step): (usize, &Step)| {
            let earlier = &plan.steps()[..index];
            let targets = step.action.targets();
            lists_what_is_served(&step.action, &self.snapshot)
                && targets
                    .iter()
                    .all(|target| exists(target, &self.snapshot, earlier))
        };
        plan.steps().iter().enumerate().all(is_known).then_some(plan)
    }

    /// The plan, where the request asks how everything is, and about nothing by its name.
    pub(super) fn as_whole(&self) -> Option<Plan> {
        if self.request.piped().is_some() {
            return None;
        }
        let scope = asks_how_all_is(self.request.words(), &self.snapshot.namespaces)?;
        let action = Action::DiagnoseAll(DiagnoseAll { all: Everything });
        Plan::new(vec![Step { action, scope }]).ok()
    }

    /// Says that there is no plan for such a thing, and how it is done.
    pub(super) fn beyond(&mut self, beyond: &Beyond) -> Vec<Effect> {
        let failure = Failure::new(beyond.to_string()).with_hint(beyond.way_on());
        self.decide(Ending::Refused, None, Some(failure))
    }

    pub(super) fn ask_planner(&mut self, complaint: Option<(String, String)>) -> Vec<Effect> {
        self.stage = Stage::Planning;
        self.attempts += 1;
        vec![Effect::Plan {
            focus: self.focus.clone(),
            complaint,
        }]
    }

    pub(super) fn planned(&mut self, answer: &Answer) -> Vec<Effect> {
        match parse_rough(&as_said(&answer.text, self.request.words())) {
            Ok(Proposal::Plan(rough)) => {
                let each = |index| answer.confidence.get(index).copied();
                self.confidence = (0..rough.steps().len()).map(each).collect();
                match rough.settle(&self.snapshot) {
                    Ok(plan) => match self.doubt(&plan, answer) {
                        Some(question) => self.unclear(question),
                        None => self.settle_on(completed(plan, self.request.words(), &self.snapshot)),
                    },
                    Err(question) => self.unclear(question.0),
                }
            }
            Ok(Proposal::Unclear) => self.unclear(self.question()),
            Ok(Proposal::Refuse) => {
                let failure =
                    Failure::new("this is not something to do in a cluster, or too dangerous to guess at")
                        .with_hint("say what should happen to which object, as in \"scale web to 5\"");
                self.decide(Ending::Refused, None, Some(failure))
            }
            Err(error) if self.attempts < PLAN_ATTEMPTS => {
                self.ask_planner(Some((answer.text.clone(), error.to_string())))
            }
            Err(error) => {
                let failure = Failure::new(format!("the planner gave no plan that can be read: {error}"));
                self.decide(Ending::Unclear, Some(self.question()), Some(failure))
            }
        }
    }

    /// What to ask before a planner's plan is taken further: a number that was said belongs to no object, or the planner
    /// itself is far from sure of it.
    fn doubt(&self, plan: &Plan, answer: &Answer) -> Option<String> {
        let targets = plan.steps().iter().flat_map(|step| step.action.targets());
        for target in targets {
            if let Some(said) = misnumbered(self.request.words(), &target.name, &self.snapshot) {
                let like_it: Vec<&str> = self
                    .snapshot
                    .objects
                    .iter()
                    .filter(|object| object.kind == target.kind.as_str())
                    .map(|object| object.name.as_str())
                    .filter(|name| stem(name) == stem(&said))
                    .take(6)
                    .collect();
                let kind = &target.kind;
                return Some(format!(
                    "there is no {kind} called {said}; which one is meant: {}?",
                    like_it.join(", ")
                ));
            }
        }
        let is_guess = |(step, chance): (&Step, &f32)| {
            let least = if ends_what_runs(&step.action) {
                LEAST_TO_END
            } else {
                LEAST_CONFIDENCE
            };
            *chance < least
        };
        let mut rated = plan.steps().iter().zip(&answer.confidence);
        if !answer.measured || !rated.any(is_guess) {
            return None;
        }
        let mut offered = vec![self.written_out(plan)];
        let others = answer
            .others
            .iter()
            .filter(|(_, chance)| *chance >= LEAST_OFFERED);
        for (text, _) in others {
            if let Ok(Proposal::Plan(rough)) = parse_rough(text)
                && let Ok(plan) = rough.settle(&self.snapshot)
                && let written = self.written_out(&plan)
                && !offered.contains(&written)
            {
                offered.push(written);
            }
        }
        Some(match offered.as_slice() {
            [only] => format!(
                "what is to be done? {only} comes to mind, but that is a guess; say it so if it is meant"
            ),
            several => format!(
                "what is to be done? {} come to mind, but those are guesses; say the one that is meant",
                several.join(", or ")
            ),
        })
    }

    /// A plan's commands as they would be done, so that whoever means them can say them so.
    fn written_out(&self, plan: &Plan) -> String {
        let plan = completed(plan.clone(), self.request.words(), &self.snapshot);
        let plan = resolve(&plan, &self.snapshot).unwrap_or(plan);
        let commands: Vec<String> = plan.steps().iter().map(|step| format!("`{step}`")).collect();
        commands.join(", then ")
    }

    /// What to ask where the planner found no plan.
    fn question(&self) -> String {
        let names: Vec<String> = self
            .focus
            .objects
            .iter()
            .take(4)
            .map(|object| format!("{}/{}", object.kind, object.name))
            .collect();
        if names.is_empty() {
            return "what should happen, and to which object? nothing in the cluster is called that"
                .to_owned();
        }
        format!(
            "what should happen, and to which object? these come close: {}",
            names.join(", ")
        )
    }

    pub(super) fn unclear(&mut self, question: String) -> Vec<Effect> {
        self.decide(Ending::Unclear, Some(question), None)
    }
}

/// True for what stops pods or takes objects away.
fn ends_what_runs(action: &Action) -> bool {
    match action {
        Action::Drain(_) | Action::Delete(_) | Action::DeleteMatching(_) => true,
        Action::Scale(scale) => scale.replicas.0 == 0,
        _ => false,
    }
}

/// Whether every kind that a step names without an object is one that the cluster serves: `get lunch` is no command.
fn lists_what_is_served(action: &Action, snapshot: &Snapshot) -> bool {
    match action {
        Action::Get(get) => get.kinds.expanded().iter().all(|kind| snapshot.serves(kind)),
        Action::DescribeKind(describe) => snapshot.serves(&describe.kind.0),
        Action::DeleteMatching(delete) => snapshot.serves(&delete.kind.0),
        Action::Explain(explain) => {
            let kind = explain.path.0.split('.').next().and_then(Kind::read);
            kind.is_some_and(|kind| snapshot.serves(&kind))
        }
        _ => true,
    }
}

/// Adds to a planner's plan what it cannot know or left out.
fn completed(plan: Plan, request: &str, snapshot: &Snapshot) -> Plan {
    with_overwrite(with_containers(plan, request, snapshot), snapshot)
}

/// Names the container that was said where a planner left it out: "the envoy logs of payments-api" are not those of its first
/// container, and a limit for one is not for all.
fn with_containers(mut plan: Plan, request: &str, snapshot: &Snapshot) -> Plan {
    for step in plan.steps_mut() {
        if let Some(name) = container_said(step, request, snapshot) {
            step.action.narrow_to(&name);
        }
    }
    plan
}

/// Lets labels change that are there with other values: a planner sees no labels, and the review shows the old ones.
fn with_overwrite(mut plan: Plan, snapshot: &Snapshot) -> Plan {
    for step in plan.steps_mut() {
        if let Action::Label(label) = &mut step.action {
            let changes = &label.changes.0;
            let has_another = |object: &ObjectFact| {
                changes.iter().any(|change| {
                    let there = object.labels.get(&change.0.key);
                    there.is_some_and(|there| change.0.value.as_ref().is_some_and(|value| value != there))
                })
            };
            let mut objects = label
                .targets
                .0
                .iter()
                .flat_map(|target| snapshot.named(&target.0.kind, &target.0.name));
            label.overwrite |= objects.any(has_another);
        }
    }
    plan
}

/// The one container of a step's object that a request names, where it has several and the step says nothing of it.
fn container_said(step: &Step, request: &str, snapshot: &Snapshot) -> Option<String> {
    let target = step.action.targets().into_iter().next()?;
    let is_in_scope = |object: &&ObjectFact| match &step.scope {
        Scope::Named(namespace) => object.namespace == *namespace,
        _ => true,
    };
    let mut objects = snapshot.named(&target.kind, &target.name).filter(is_in_scope);
    // Namesakes with other containers: which one is meant is not known yet.
    let (object, None) = (objects.next()?, objects.next()) else {
        return None;
    };
    let names = object.containers.iter().map(|(name, _)| name);
    let mut said = names.filter(|name| **name != object.name && says_container(request, name));
    let (name, None) = (said.next()?, said.next()) else {
        return None;
    };
    // What stands in the step already was said for that: `UPSTREAM=envoy`.
    (object.containers.len() > 1 && !step.to_string().contains(name.as_str())).then(|| name.clone())
}

/// Whether a request names a container: by a name that is no word for any program, or with what it is beside it.
fn says_container(request: &str, name: &str) -> bool {
    const GENERAL: [&str; 9] = [
        "app", "api", "main", "server", "service", "web", "job", "worker", "db",
    ];
    let words: Vec<String> = request
        .split(|c: char| {
            c.is_whitespace() || matches!(c, ',' | ':' | ';' | '?' | '!' | '"' | '\'' | '`' | '(' | ')')
        })
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.iter().enumerate().any(|(at, word)| {
        let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
        let mut beside = beside.filter_map(|at| words.get(at));
        word == name
            && (!GENERAL.contains(&name)
                || beside.any(|word| matches!(word.as_str(), "container" | "sidecar" | "containers")))
    })
}

/// The word of a request that is like a name but for its number (`node-9` for `node-1`), where the name itself was not
/// said and nothing in the cluster is called so.
fn misnumbered(request: &str, name: &str, snapshot: &Snapshot) -> Option<String> {
    let words: Vec<String> = request
        .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.'))
        .map(|word| word.trim_matches(['-', '.']).to_ascii_lowercase())
        .collect();
    let is_numbered = |word: &str| stem(word).len() < word.len() && !stem(word).is_empty();
    if !is_numbered(name) || words.iter().any(|word| word == name) {
        return None;
    }
    let is_live = |word: &String| snapshot.objects.iter().any(|object| object.name == *word);
    words
        .into_iter()
        .find(|word| is_numbered(word) && stem(word) == stem(name) && !is_live(word))
}

/// A name without the number at its end.
fn stem(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
}
