//! Tasks with a list, as exams, tickets and runbooks have them: single requests, one a line, below a heading.

use std::collections::HashSet;

use sayso::plan::Snapshot;
use sayso::plan::command::{Action, Reach};
use sayso::plan::target::Target;
use sayso::plan::text::Scope;

use crate::example::{Asked, Manner, ask};
use crate::headings;
use crate::phrases::Intent;
use crate::random::Random;
use crate::values;

/// A request of more characters than this is no example.
pub const LONGEST: usize = 900;

/// Words that open a line which is no sentence.
const FRAGMENTS: &str = "desc del dont don't enum env gimme hard i i'd if in inside k kubectl lemme log logs ls never new \
    note ns only part pod quick rm say short soft test up";

/// Where the parts of a task are.
enum Place {
    /// Where none is named.
    Home,
    /// In a namespace that exists.
    Known(String),
    /// In one that the first step creates.
    New(String),
}

/// How the namespace of all parts is told.
#[derive(Clone, Copy, PartialEq)]
enum Telling {
    /// Each part names it.
    Each,
    /// The parts say `there` and the like.
    Pointing,
    /// A sentence in front of the list.
    Once,
}

/// A task of two to four requests for one thing each.
pub fn composed(all: &[Intent], world: &Snapshot, random: &mut Random) -> Option<Asked> {
    let place = match random.below(100) {
        0..45 => Place::Home,
        45..70 => Place::Known(random.pick(&names(world)).to_owned()),
        _ => Place::New(values::value("newns", world, random)?.written),
    };
    let manner = Manner {
        placed: false,
        ..Manner::listed(false, random)
    };
    let around = surroundings(&place, world);
    let parts = parts(all, &around, &place, &manner, random)?;
    let mut task = layout(&place, &parts, &manner, random);
    for part in parts {
        task.steps.extend(part.steps);
    }
    settle(&place, &mut task);
    Some(task)
}

fn names(world: &Snapshot) -> Vec<&str> {
    world.namespaces.iter().map(String::as_str).collect()
}

/// A mark that the names of a request stand in, or none.
pub fn quote(random: &mut Random) -> &'static str {
    match random.below(100) {
        0..42 => "`",
        42..54 => "'",
        54..58 => "\"",
        58..62 => "**",
        _ => "",
    }
}

/// What there is where the parts are.
fn surroundings(place: &Place, world: &Snapshot) -> Snapshot {
    let (Place::Known(name) | Place::New(name)) = place else {
        return world.clone();
    };
    let mut around = world.clone();
    around
        .objects
        .retain(|fact| fact.namespace.is_empty() || fact.namespace == *name);
    around.default_namespace.clone_from(name);
    around
}

fn parts(
    all: &[Intent],
    around: &Snapshot,
    place: &Place,
    manner: &Manner,
    random: &mut Random,
) -> Option<Vec<Asked>> {
    let pool: Vec<&Intent> = all.iter().filter(|intent| intent.joins).collect();
    let weights: Vec<usize> = pool.iter().map(|intent| intent.weight).collect();
    let wanted = random.weighted(&[0, 0, 40, 40, 20]) - usize::from(matches!(place, Place::New(_)));
    let mut parts: Vec<Asked> = Vec::new();
    for _ in 0..60 {
        if parts.len() == wanted.max(1) {
            break;
        }
        let intent = pool[random.weighted(&weights)];
        let last = parts.len() + 1 == wanted && random.chance(40);
        let Some(part) = ask(intent, around, manner, random) else {
            continue;
        };
        if fits(&part, place, last) && !parts.iter().any(|other| clash(other, &part)) {
            parts.push(part);
        }
    }
    (parts.len() == wanted.max(1)).then_some(parts)
}

/// Kinds that are in no namespace.
const OUTSIDE: &[&str] = &[
    "node",
    "namespace",
    "clusterrole",
    "clusterrolebinding",
    "persistentvolume",
];

/// Whether a request can be a line of a task; a look at things only as its last.
fn fits(part: &Asked, place: &Place, last: bool) -> bool {
    let first = part.request.split(' ').next().unwrap_or_default().to_lowercase();
    let sentence = part.request.is_ascii()
        && part.request.contains(' ')
        && part.request.len() < 160
        && !part.request.ends_with('?')
        && !FRAGMENTS.split_whitespace().any(|word| word == first);
    let action = |action: &Action| match place {
        Place::New(_) => action.creates().is_some() && action.targets().is_empty(),
        Place::Known(_) | Place::Home => true,
    };
    part.imperative
        && part.answer.is_none()
        && sentence
        && part.steps.iter().all(|draft| {
            let step = &draft.step;
            let inside = step.action.shape().reach != Reach::Cluster;
            let apart = |target: &Target| OUTSIDE.contains(&target.kind.as_str());
            let fitting =
                matches!(place, Place::Home) || inside && !step.action.targets().into_iter().any(apart);
            fitting && step.scope == Scope::Default && (last || step.writes()) && action(&step.action)
        })
}

/// Whether two parts are about one thing, which is no list that anybody writes.
fn clash(one: &Asked, other: &Asked) -> bool {
    let about = |asked: &Asked| -> HashSet<String> {
        let steps = asked.steps.iter().map(|draft| &draft.step.action);
        steps
            .flat_map(|action| {
                let made = action.creates().map(|made| made.name);
                let met = action.targets().into_iter().map(|target| target.name.clone());
                made.into_iter().chain(met).collect::<Vec<_>>()
            })
            .collect()
    };
    one.steps == other.steps || !about(one).is_disjoint(&about(other))
}

const MAKE: &[&str] = &[
    "create a namespace named {}",
    "create a namespace called {}",
    "create the namespace {}",
    "create a new namespace {}",
    "add a namespace {}",
    "set up a namespace named {}",
    "first create the namespace {}",
    "create the {} namespace",
];
const POINTING: &[&str] = &[
    " in it",
    " there",
    " in this namespace",
    " in that namespace",
    " in the new namespace",
    " in the namespace",
    " inside of it",
];
const EACH: &[&str] = &[
    " in the {} namespace",
    " in the {} namespace",
    " in the namespace {}",
    " in namespace {}",
    " in {}",
    " within the {} namespace",
];
const ALL_NEW: &[&str] = &[
    "All of it goes into a new namespace {}.",
    "Create a new namespace {} and in it:",
    "Create the namespace {}, then do the rest in it:",
    "Create a namespace called {} for all of the following.",
    "Everything belongs in a new namespace called {}.",
];
const ALL_KNOWN: &[&str] = &[
    "All of it is in the {} namespace.",
    "In the {} namespace:",
    "In the namespace {}, do this:",
    "Everything below is about the namespace {}.",
    "Work in the {} namespace.",
    "Namespace: {}",
    "Use the namespace {} for all of it.",
    "Do all of this in the {} namespace:",
];

/// Lays the parts out; the steps are those of the namespace alone.
fn layout(place: &Place, parts: &[Asked], manner: &Manner, random: &mut Random) -> Asked {
    let (name, telling) = match place {
        Place::Home => (String::new(), Telling::Once),
        Place::Known(name) => (
            name.clone(),
            if random.chance(55) {
                Telling::Once
            } else {
                Telling::Each
            },
        ),
        Place::New(name) => {
            let known = [Telling::Each, Telling::Each, Telling::Pointing, Telling::Once];
            (name.clone(), known[random.below(known.len())])
        }
    };
    let marked = manner.mark(&name);
    let mut front = front(random);
    let mut lines: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    if let Place::New(name) = place {
        steps.extend(format!("create namespace {name}").parse().ok());
        if telling != Telling::Once {
            lines.push(random.pick(MAKE).replace("{}", &marked));
        }
    }
    match place {
        Place::New(_) if telling == Telling::Once => front.push(random.pick(ALL_NEW).replace("{}", &marked)),
        Place::Known(_) if telling == Telling::Once => {
            front.push(random.pick(ALL_KNOWN).replace("{}", &marked));
        }
        _ => {}
    }
    let each = random.pick(EACH);
    for part in parts {
        let behind = match telling {
            Telling::Once => String::new(),
            Telling::Each => each.replace("{}", &marked),
            Telling::Pointing => random.pick(POINTING).to_owned(),
        };
        lines.push(format!("{}{behind}", part.request.trim_end_matches('.')));
    }
    Asked {
        request: written(front, &lines, random),
        steps,
        answer: None,
        imperative: false,
    }
}

/// What stands in front of the list: a title, background and an opening, each or none.
fn front(random: &mut Random) -> Vec<String> {
    let mut front = Vec::new();
    if random.chance(35) {
        front.push(headings::title(false, random).trim_end().to_owned());
    }
    if random.chance(25) {
        front.push(headings::background(random).to_owned());
    }
    if random.chance(55) {
        front.push(headings::opening(random));
    }
    front
}

/// Writes front and list, and now and then a last line that is no step.
fn written(front: Vec<String>, lines: &[String], random: &mut Random) -> String {
    let stop = if random.chance(50) { "." } else { "" };
    let bullet = if random.chance(8) { "" } else { "- " };
    let mut text = front;
    text.extend(
        lines
            .iter()
            .map(|line| format!("{bullet}{}{stop}", capital(line))),
    );
    if random.chance(30) {
        let closing = headings::closing(random).trim_end_matches('.');
        let bullet = if random.chance(60) { bullet } else { "" };
        text.push(format!(
            "{bullet}{closing}{}",
            if bullet.is_empty() { "." } else { stop }
        ));
    }
    dressed(&text.join("\n"), random)
}

fn capital(line: &str) -> String {
    let mut letters = line.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Gives the steps their namespace.
fn settle(place: &Place, task: &mut Asked) {
    let (Place::Known(name) | Place::New(name)) = place else {
        return;
    };
    for draft in &mut task.steps {
        if draft.step.action.shape().reach != Reach::Cluster {
            draft.step.scope = Scope::Named(name.clone());
        }
    }
}

/// Marks in marks, and what is left of them.
const TWICE: &[(&str, &str)] = &[
    ("'`", "`"),
    ("`'", "`"),
    ("\"`", "`"),
    ("`\"", "`"),
    ("\"'", "'"),
    ("'\"", "'"),
    ("''", "'"),
    ("\"\"", "\""),
];

/// A request of several lines as somebody else would write it: other bullets, blank lines, fewer capitals.
pub fn dressed(request: &str, random: &mut Random) -> String {
    let style = random.below(12);
    let airy = random.chance(15);
    let hurried = random.chance(7);
    let mut number = 0;
    let mut out = String::new();
    for line in request.lines().filter(|line| !line.trim().is_empty()) {
        let item = line.strip_prefix("- ");
        number = if item.is_some() { number + 1 } else { 0 };
        let text = item.unwrap_or(line);
        let text = if hurried { uncapital(text) } else { text.to_owned() };
        let bullet = match (item, style) {
            (None, _) => String::new(),
            (_, 0..=5) => "- ".to_owned(),
            (_, 6 | 7) => "* ".to_owned(),
            (_, 8 | 9) => format!("{number}. "),
            (_, 10) => format!("{number}) "),
            _ => "• ".to_owned(),
        };
        let gap = if airy && number <= 1 && !out.is_empty() {
            "\n"
        } else {
            ""
        };
        out.push_str(&format!("{gap}{bullet}{text}\n"));
    }
    // A phrase that has quotes of its own around a name that is marked.
    for (twice, once) in TWICE {
        out = out.replace(twice, once);
    }
    out.trim_end().to_owned()
}

/// Without the capital that a sentence begins with; names and abbreviations keep theirs.
fn uncapital(text: &str) -> String {
    let mut letters = text.chars();
    let plain = text
        .split(' ')
        .next()
        .is_some_and(|word| word.chars().skip(1).all(char::is_lowercase));
    match letters.next().filter(|_| plain) {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}
