//! One example: an intent in a world, its request with the noise of real ones, its steps.

use sayso::llm::prompts;
use sayso::plan::command::{Reach, SHAPES};
use sayso::plan::text::Scope;
use sayso::plan::{Focus, ParseError, Plan, Proposal, Snapshot, Step, parse, plan_pattern};

use crate::phrases::{Intent, Phrase, Piece, choose, pieces};
use crate::random::Random;
use crate::slots::Slots;
use crate::values;

/// A prompt with its answer.
pub struct Example {
    pub prompt: String,
    pub target: String,
    /// The grammar that must accept the target, where it is to be checked.
    pub pattern: Option<String>,
}

/// A request before the noise, with its answer.
struct Asked {
    request: String,
    steps: Vec<Step>,
    answer: Option<&'static str>,
    imperative: bool,
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
    let ghost = intent.lines.iter().any(|line| line.contains('{')) && random.chance(3);
    let mut asked = ask(intent, world, ghost, random)?;
    if ghost && asked.answer.is_none() {
        return None;
    }
    if intent.joins && asked.answer.is_none() && asked.imperative && random.chance(16) {
        let others: Vec<&Intent> = all.iter().filter(|other| other.joins).collect();
        let weights: Vec<usize> = others.iter().map(|other| other.weight).collect();
        let second = ask(others[random.weighted(&weights)], world, false, random)?;
        if !second.imperative || second.steps[0].scope != asked.steps[0].scope || second.steps == asked.steps
        {
            return None;
        }
        asked.request = format!("{}{}{}", asked.request, random.pick(THEN), second.request);
        asked.steps.extend(second.steps);
    }
    let request = if random.chance(4) && asked.steps.len() == 1 {
        half_kubectl(&asked.steps[0], random)
    } else {
        noise(&asked.request, asked.imperative, random)
    };
    finish(intent, &request, asked, world, check, random)
}

fn finish(
    intent: &Intent,
    request: &str,
    asked: Asked,
    world: &Snapshot,
    check: usize,
    random: &mut Random,
) -> Option<Example> {
    let focus = Focus::on(request, world);
    let target = match asked.answer {
        Some(answer) => answer.to_owned(),
        None => Plan::new(asked.steps).ok()?.to_string(),
    };
    if missing(&target, &focus).is_some() {
        return None;
    }
    let pattern = (intent.checked && random.chance(check)).then(|| plan_pattern(&focus));
    Some(Example {
        prompt: prompts::planner(request, &focus),
        target,
        pattern,
    })
}

/// The first object of a plan that is not in focus.
pub fn missing(target: &str, focus: &Focus) -> Option<String> {
    let Ok(Proposal::Plan(plan)) = parse(target) else {
        return None;
    };
    let targets = plan.steps().iter().flat_map(|step| step.action.targets());
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
    let created: Vec<String> = plan
        .steps()
        .iter()
        .filter_map(|step| step.action.creates())
        .map(|target| target.to_string())
        .collect();
    lost.into_iter().find(|name| !created.contains(name))
}

fn ask(intent: &Intent, world: &Snapshot, ghost: bool, random: &mut Random) -> Option<Asked> {
    let mut slots = Slots::new(world, ghost);
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
    let request = if ghost {
        request
    } else {
        scoped(&request, intent, &slots, &mut steps, random)
    };
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

fn read(line: &str) -> Option<Step> {
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
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
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
];

/// Names a namespace, or all of them, in the request and in every step that can carry it.
fn scoped(request: &str, intent: &Intent, slots: &Slots, steps: &mut [Step], random: &mut Random) -> String {
    if steps.is_empty()
        || steps
            .iter()
            .any(|step| step.scope != Scope::Default || step.action.shape().reach == Reach::Cluster)
    {
        return request.to_owned();
    }
    let roll = random.below(100);
    let own = slots.objects.first().map(|fact| fact.namespace.clone());
    if roll < intent.namespace {
        let namespaces = &slots.world.namespaces;
        let name = own.unwrap_or_else(|| namespaces[random.below(namespaces.len())].clone());
        if name.is_empty() || slots.objects.iter().any(|fact| fact.namespace != name) {
            return request.to_owned();
        }
        for step in steps.iter_mut() {
            step.scope = Scope::Named(name.clone());
        }
        return placed(request, &random.pick(WHERE).replace("{}", &name), slots, random);
    }
    if roll < intent.namespace + intent.everywhere
        && own.is_none()
        && steps.iter().all(|step| step.action.shape().reach == Reach::Any)
    {
        for step in steps.iter_mut() {
            step.scope = Scope::All;
        }
        return placed(request, random.pick(EVERYWHERE), slots, random);
    }
    request.to_owned()
}

/// Says a place at the end, in front, or right behind what it is the place of.
fn placed(request: &str, place: &str, slots: &Slots, random: &mut Random) -> String {
    if random.chance(7) && place.starts_with(" in") {
        return format!("{}, {request}", place.trim_start());
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

const BEFORE: &[&str] = &[
    "please ",
    "please ",
    "can you ",
    "could you ",
    "could you please ",
    "i want to ",
    "i need to ",
    "i'd like to ",
    "let's ",
    "go ahead and ",
    "hey, ",
    "pls ",
    "we need to ",
    "would you ",
    "just ",
    "now ",
    "ok, ",
    "i would like you to ",
    "hi, can you ",
    "quickly ",
    "you need to ",
    "help me ",
];
const AFTER: &[&str] = &[
    " please",
    " please",
    " pls",
    ", thanks",
    " now",
    " right now",
    " for me",
    " asap",
    "!",
    ", please",
    " thx",
    " quickly",
];

const REASON_BEFORE: &[&str] = &[
    "we expect a rush, ",
    "traffic is high, ",
    "it's late, ",
    "for the demo tomorrow: ",
    "as discussed, ",
    "after the incident: ",
    "the boss wants it: ",
    "customers are waiting, ",
    "before i forget, ",
    "next: ",
    "ok so ",
    "since nobody else does it, ",
    "one thing: ",
    "we have a sale tonight, ",
    "i have a meeting in a minute, ",
];
const REASON_AFTER: &[&str] = &[
    ", the boss wants it",
    ", we have a sale tomorrow",
    " before the demo",
    " until tomorrow",
    " for the weekend",
    ", customers are complaining",
    " as discussed",
    ", it is urgent",
    " when you get a chance",
    ", it was a mistake",
    " for now",
    " again",
    ", ok?",
    " and be quick",
    ", i am tired of it",
    " like we said",
];

/// What people put around a request.
fn noise(request: &str, imperative: bool, random: &mut Random) -> String {
    let mut text = if random.chance(6) {
        in_haste(request, random)
    } else {
        request.to_owned()
    };
    if imperative && random.chance(22) {
        text = format!("{}{text}", random.pick(BEFORE));
    }
    if imperative && random.chance(10) {
        text.push_str(random.pick(AFTER));
    }
    if imperative && random.chance(4) {
        text = format!("{}{text}", random.pick(REASON_BEFORE));
    }
    if imperative && random.chance(4) {
        text.push_str(random.pick(REASON_AFTER));
    }
    if random.chance(35) {
        text = text[..text.chars().next().map_or(0, char::len_utf8)].to_uppercase()
            + &text[text.chars().next().map_or(0, char::len_utf8)..];
    }
    if random.chance(14) && !text.ends_with(['?', '!', '.']) {
        text.push('.');
    }
    if random.chance(40) {
        text = text.trim_end_matches('?').to_owned();
    }
    text
}

/// Common words as people in a hurry write them.
fn in_haste(request: &str, random: &mut Random) -> String {
    let short = |word: &str| match word {
        "please" => "plz",
        "you" => "u",
        "the" => "teh",
        "with" => "w/",
        "and" => "n",
        "to" => "2",
        "are" => "r",
        "don't" => "dont",
        "isn't" => "isnt",
        "what's" => "whats",
        "doesn't" => "doesnt",
        "replicas" => "repl",
        "deployment" => "depl",
        "namespace" => "nspace",
        "service" => "srvc",
        "container" => "cntr",
        _ => "",
    };
    let words = request.split(' ').map(|word| match short(word) {
        "2" if !random.chance(20) => word,
        "" => word,
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The command itself, as a user of kubectl types it in haste.
fn half_kubectl(step: &Step, random: &mut Random) -> String {
    let mut line = step.to_string();
    if random.chance(50) {
        line = line.replace("deployment/", random.pick(&["deploy/", "deploy ", "deployment "]));
        line = line
            .replace("pods", random.pick(&["po", "pod", "pods"]))
            .replace("services", "svc")
            .replace("namespace/", "ns ");
    }
    if random.chance(40) {
        // Flags as they are remembered: without the sign of equality, or without the dashes.
        line = match random.below(3) {
            0 => line
                .replace("--replicas=", "--replicas ")
                .replace("--port=", "--port "),
            1 => line.replace(" --", " "),
            _ => line.replace("--image=", "--image ").replace("--tail=", "--tail "),
        };
    }
    let known = SHAPES.iter().any(|shape| line.starts_with(shape.words));
    if known && random.chance(70) {
        format!(
            "{}{line}",
            random.pick(&["kubectl ", "kubectl ", "k ", "kubctl "])
        )
    } else {
        line
    }
}
