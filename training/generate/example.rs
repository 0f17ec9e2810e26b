//! One example: an intent in a world, its request with the noise of real ones, its steps.

use sayso::llm::prompts;
use sayso::plan::command::Reach;
use sayso::plan::rough::RoughStep;
use sayso::plan::text::Scope;
use sayso::plan::{Focus, ParseError, Proposal, Rough, Snapshot, parse_rough, plan_pattern};

use crate::noise::{half_kubectl, noise};
use crate::phrases::{Intent, Phrase, Piece, choose, pieces};
use crate::random::Random;
use crate::slots::Slots;
use crate::tasks;
use crate::values;

/// A prompt with its answer.
pub struct Example {
    /// The intent, or what several are made into.
    pub intent: String,
    pub prompt: String,
    pub target: String,
    /// The grammar that must accept the target, where it is to be checked.
    pub pattern: Option<String>,
}

/// A request before the noise, with its answer.
pub struct Asked {
    pub request: String,
    pub steps: Vec<RoughStep>,
    pub answer: Option<&'static str>,
    pub imperative: bool,
}

/// How a request is to be said.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Whether objects are called by names that no object has.
    pub ghost: bool,
    /// What names stand in; each as it comes where it is empty.
    pub quote: &'static str,
    /// A number that rows and pairs of one request are written by.
    pub style: usize,
    /// Whether a namespace may be named.
    pub placed: bool,
}

impl Manner {
    fn plain(ghost: bool) -> Manner {
        Manner {
            ghost,
            quote: "",
            style: 0,
            placed: true,
        }
    }

    /// For requests of several lines: names are quoted alike throughout.
    pub fn listed(ghost: bool, random: &mut Random) -> Manner {
        Manner {
            quote: tasks::quote(random),
            style: random.below(60),
            ..Manner::plain(ghost)
        }
    }

    /// A name as this request writes it.
    pub fn mark(&self, name: &str) -> String {
        format!("{0}{name}{0}", self.quote)
    }
}

const THEN: &[&str] = &[
    " and ",
    " and ",
    " and then ",
    ", then ",
    "; ",
    ". then ",
    " and also ",
    ", and ",
    " & ",
    ", after that ",
    " + ",
    " then ",
    "; also ",
    ". Also ",
    ". Then ",
    ", plus ",
    " und ",
    " y ",
    " et ",
    " - ",
    "; and ",
    " and while you are at it ",
    " and afterwards ",
    ", finally ",
];

/// Makes an example of an intent, or nothing where this world has no place for it.
pub fn make(
    intent: &Intent,
    all: &[Intent],
    world: &Snapshot,
    check: usize,
    random: &mut Random,
) -> Option<Example> {
    if intent.joins && random.chance(8) {
        let task = (0..4).find_map(|_| tasks::composed(all, world, random))?;
        let request = task.request.clone();
        return finish("task-list", true, &request, task, world, check, random);
    }
    let ghost = intent.lines.iter().any(|line| line.contains('{')) && random.chance(3);
    let manner = if intent.phrases.iter().any(|phrase| phrase.text.contains('\n')) {
        Manner::listed(ghost, random)
    } else {
        Manner::plain(ghost)
    };
    let mut asked = ask(intent, world, &manner, random)?;
    if ghost && asked.answer.is_none() {
        return None;
    }
    if intent.joins && asked.answer.is_none() && asked.imperative && random.chance(16) {
        let others: Vec<&Intent> = all.iter().filter(|other| other.joins).collect();
        let weights: Vec<usize> = others.iter().map(|other| other.weight).collect();
        let second = ask(
            others[random.weighted(&weights)],
            world,
            &Manner::plain(false),
            random,
        )?;
        if !second.imperative
            || second.steps[0].step.scope != asked.steps[0].step.scope
            || second.steps == asked.steps
        {
            return None;
        }
        asked.request = format!("{}{}{}", asked.request, random.pick(THEN), second.request);
        asked.steps.extend(second.steps);
    }
    let request = if asked.request.contains('\n') {
        tasks::dressed(&asked.request, random)
    } else if random.chance(4) && asked.steps.len() == 1 {
        half_kubectl(&asked.steps[0], random)
    } else {
        noise(&asked.request, asked.imperative, random)
    };
    finish(
        &intent.name,
        intent.checked,
        &request,
        asked,
        world,
        check,
        random,
    )
}

fn finish(
    intent: &str,
    checked: bool,
    request: &str,
    asked: Asked,
    world: &Snapshot,
    check: usize,
    random: &mut Random,
) -> Option<Example> {
    let focus = Focus::on(request, world);
    let target = match asked.answer {
        Some(answer) => answer.to_owned(),
        None => Rough::new(asked.steps).ok()?.to_string(),
    };
    if missing(&target, &focus).is_some() || request.chars().count() > tasks::LONGEST {
        return None;
    }
    let pattern = (checked && random.chance(check)).then(|| plan_pattern(&focus.clone().copying(request)));
    Some(Example {
        intent: intent.to_owned(),
        prompt: prompts::planner(request, &focus),
        target,
        pattern,
    })
}

/// The first object of a plan that is not in focus.
pub fn missing(target: &str, focus: &Focus) -> Option<String> {
    let Ok(Proposal::Plan(draft)) = parse_rough(target) else {
        return None;
    };
    let steps = || draft.steps().iter().map(|draft| &draft.step);
    let targets = steps().flat_map(|step| step.action.targets());
    let in_focus = |kind: &str, name: &str| {
        focus
            .objects
            .iter()
            .any(|fact| fact.kind == kind && fact.name == name)
    };
    let lost: Vec<String> = targets
        .filter(|target| !in_focus(target.kind.as_str(), &target.name))
        .map(ToString::to_string)
        .collect();
    // What an earlier step of the same plan creates need not be there.
    let created: Vec<String> = steps()
        .filter_map(|step| step.action.creates())
        .map(|target| target.to_string())
        .collect();
    lost.into_iter().find(|name| !created.contains(name))
}

/// Asks for one intent, or for nothing where this world has no place for it.
pub fn ask(intent: &Intent, world: &Snapshot, manner: &Manner, random: &mut Random) -> Option<Asked> {
    let ghost = manner.ghost;
    let mut slots = Slots::new(world, manner);
    let mut steps = Vec::new();
    let mut answer = None;
    for line in &intent.lines {
        let line = fill(line, &mut slots, false, random)?;
        match line.as_str() {
            "unclear" => answer = Some("unclear"),
            "refuse" => answer = Some("refuse"),
            // A line that only draws an object for the phrases to name.
            line if line.starts_with("ignore ") => {}
            line => steps.push(read(line)?),
        }
    }
    if ghost {
        // Only a name that nothing has makes the request unclear; without one the answer stands.
        slots.haunted.then_some(())?;
        answer = Some("unclear");
    }
    let phrase = &intent.phrases[random.below(intent.phrases.len())];
    let request = said(phrase, &mut slots, random)?;
    let request = if ghost || !manner.placed {
        request
    } else {
        scoped(&request, intent, &slots, &mut steps, random)
    };
    let unnamed = |draft: &RoughStep| draft.step.scope == Scope::Default;
    if answer.is_none() && slots.is_away() && steps.iter().any(unnamed) {
        return None;
    }
    Some(Asked {
        request,
        steps,
        answer,
        imperative: phrase.imperative,
    })
}

#[expect(clippy::print_stderr, reason = "a tool for the developer at its terminal")]
fn complain(line: &str, error: &ParseError) {
    eprintln!("`{line}`: {error}");
}

fn read(line: &str) -> Option<RoughStep> {
    match line.parse() {
        Ok(step) => Some(step),
        Err(error) => {
            complain(line, &error);
            None
        }
    }
}

fn fill(text: &str, slots: &mut Slots, say: bool, random: &mut Random) -> Option<String> {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Slot(name) => {
                let filled = slots.fill(name, random)?;
                out.push_str(if say { &filled.said } else { &filled.written });
            }
        }
    }
    Some(out)
}

/// Says a phrase; now and then one of its own words has a typing error.
fn said(phrase: &Phrase, slots: &mut Slots, random: &mut Random) -> Option<String> {
    let mut text = choose(&phrase.text, random);
    if random.chance(6) {
        let words: Vec<&str> = text.split(' ').collect();
        let at = random.below(words.len());
        let wrong = if words[at].len() >= 5 && words[at].chars().all(|c| c.is_ascii_lowercase()) {
            values::mistype(words[at], random)
        } else {
            words[at].to_owned()
        };
        text = words
            .iter()
            .enumerate()
            .map(|(i, word)| if i == at { wrong.as_str() } else { word })
            .collect::<Vec<_>>()
            .join(" ");
    }
    if random.chance(5) {
        text = text.replace("the ", "").replace(" a ", " ");
    }
    let text = fill(&text, slots, true, random)?;
    let text = text.replace("the the ", "the ").replace(" the its", " its");
    let text = text.replace(" of memory of memory", " of memory");
    let lines = text
        .trim()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

const WHERE: &[&str] = &[
    " in {}",
    " in {}",
    " in the {} namespace",
    " in the {} namespace",
    " in namespace {}",
    " in ns {}",
    " from {}",
    " -n {}",
    " inside {}",
    " (namespace {})",
    " of the {} namespace",
    " over in {}",
    " namespace {}",
    ", namespace {}",
    ", namespace is {}",
    ", the one in {}",
    ", i mean the one in {}",
    " (the one in {})",
    " [{}]",
    " on the {} side",
    " within {}",
    ", that is in {}",
    " --namespace {}",
    " --namespace={}",
];
const EVERYWHERE: &[&str] = &[
    " in all namespaces",
    " in all namespaces",
    " across all namespaces",
    " everywhere",
    " in the whole cluster",
    " in every namespace",
    " cluster-wide",
    " across the cluster",
    " across namespaces",
    " -A",
    " over all namespaces",
    " from all namespaces",
    " in any namespace",
    " across the entire cluster",
    " anywhere",
    " in the cluster",
    " --all-namespaces",
    ", all namespaces",
];

/// Names a namespace, or all of them, in the request and in every step that can carry it.
fn scoped(
    request: &str,
    intent: &Intent,
    slots: &Slots,
    steps: &mut [RoughStep],
    random: &mut Random,
) -> String {
    if steps.is_empty()
        || steps.iter().any(|draft| {
            draft.step.scope != Scope::Default || draft.step.action.shape().reach == Reach::Cluster
        })
    {
        return request.to_owned();
    }
    let roll = random.below(100);
    let own = slots.objects.first().map(|fact| fact.namespace.clone());
    // Where another namespace has an object of the same name, which one is meant is most of what there is to learn.
    let named = match (slots.is_away(), slots.has_twin()) {
        (true, _) => 100,
        (_, true) if intent.namespace > 0 => 50,
        _ => intent.namespace,
    };
    if roll < named {
        let namespaces = &slots.world.namespaces;
        let name = own.unwrap_or_else(|| namespaces[random.below(namespaces.len())].clone());
        if name.is_empty() || slots.objects.iter().any(|fact| fact.namespace != name) {
            return request.to_owned();
        }
        for step in steps.iter_mut() {
            step.step.scope = Scope::Named(name.clone());
        }
        return located(request, &name, slots, random);
    }
    if roll < named + intent.everywhere
        && own.is_none()
        && steps
            .iter()
            .all(|draft| draft.step.action.shape().reach == Reach::Any)
    {
        for step in steps.iter_mut() {
            step.step.scope = Scope::All;
        }
        return placed(request, random.pick(EVERYWHERE), slots, random);
    }
    request.to_owned()
}

/// Names a namespace: beside the object as people do ("the shop's web", "web, the one in shop"), else as a place.
fn located(request: &str, name: &str, slots: &Slots, random: &mut Random) -> String {
    let own = slots.called.as_ref().filter(|said| {
        let alone = slots.objects.len() == 1 && slots.objects[0].kind != "node";
        alone && request.matches(said.as_str()).count() == 1
    });
    let Some(said) = own.filter(|_| random.chance(38)) else {
        return placed(request, &random.pick(WHERE).replace("{}", name), slots, random);
    };
    let bare = said.strip_prefix("the ").unwrap_or(said);
    let form = random.pick(BESIDE).replace("{}", name).replace("{it}", bare);
    let request = request.replacen(&format!("the {said}"), said, 1);
    request
        .replacen(said.as_str(), &form, 1)
        .replace("the the ", "the ")
}

const BESIDE: &[&str] = &[
    "{}'s {it}",
    "{}'s {it}",
    "the {it} of {}",
    "the {} {it}",
    "the {} one of {it}",
    "{it} (the one in {})",
    "{it} (the {} one)",
    "{it}, the one in {},",
    "{it}, i mean the one in {},",
    "the one in {} called {it}",
    "the {it} that lives in {}",
    "the {it} over in {}",
    "the {it} on {}",
    "{}/{it}",
    "{}: {it}",
    "{it} from {}",
    "{it} of namespace {}",
    "the {it} we have in {}",
    "{it} (not ours, the one in {})",
    "{} {it}",
];

/// Says a place at the end, in front, or right behind what it is the place of.
fn placed(request: &str, place: &str, slots: &Slots, random: &mut Random) -> String {
    if random.chance(10) && place.starts_with(" in") && !place.starts_with(" inside") {
        return format!(
            "{}{} {request}",
            place.trim_start(),
            random.pick(&[",", ",", ":"])
        );
    }
    let anchor = ["kinds", "nskinds", "new"]
        .iter()
        .find_map(|slot| slots.filled.get(*slot).map(|filled| &filled.said));
    let anchor = slots
        .called
        .as_ref()
        .or(anchor)
        .filter(|said| slots.objects.len() < 2 && request.contains(said.as_str()));
    if let Some(said) = anchor.filter(|_| random.chance(40)) {
        return request.replacen(said.as_str(), &format!("{said}{place}"), 1);
    }
    match request.strip_suffix('?') {
        Some(question) => format!("{question}{place}?"),
        None => format!("{request}{place}"),
    }
}
