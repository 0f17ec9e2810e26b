//! What people put around a request, and the commands that they half remember.

use sayso::plan::command::SHAPES;
use sayso::plan::rough::RoughStep;

use crate::random::Random;

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
pub fn noise(request: &str, imperative: bool, random: &mut Random) -> String {
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
    // What stands in quotes is copied, in haste or not.
    let mut quoted = false;
    let words = request.split(' ').map(|word| {
        let copied = quoted || word.starts_with(['\'', '"', '`']);
        quoted = copied && !word.trim_end_matches(['.', ',', ':']).ends_with(['\'', '"', '`']);
        match short(word) {
            _ if copied => word,
            "2" if !random.chance(20) => word,
            "" => word,
            other => other,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The command itself, as a user of kubectl types it in haste.
pub fn half_kubectl(step: &RoughStep, random: &mut Random) -> String {
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
