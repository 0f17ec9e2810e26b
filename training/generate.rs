//! Makes the planner's training data: prompts as the product renders them, with typed steps as answers.
//!
//! `generate --seed N --count N [--check PERCENT] [--tables NAME,NAME]` writes JSON lines of `prompt`, `target` and `intent`, in so many of a
//! hundred cases with the `pattern` of the grammar, for `check.py`;
//! `generate --dev FILE --worlds FILE` renders hand-written requests in the same form.

#[path = "generate/amounts.rs"]
mod amounts;
#[path = "generate/changes.rs"]
mod changes;
#[path = "generate/commands.rs"]
mod commands;
#[path = "generate/example.rs"]
mod example;
#[path = "generate/facts.rs"]
mod facts;
#[path = "generate/fields.rs"]
mod fields;
#[path = "generate/headings.rs"]
mod headings;
#[path = "generate/mentions.rs"]
mod mentions;
#[path = "generate/noise.rs"]
mod noise;
#[path = "generate/phrases.rs"]
mod phrases;
#[path = "generate/random.rs"]
mod random;
#[path = "generate/slots.rs"]
mod slots;
#[path = "generate/tasks.rs"]
mod tasks;
#[path = "generate/times.rs"]
mod times;
#[path = "generate/values.rs"]
mod values;
#[path = "generate/world.rs"]
mod world;

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use anyhow::{Context, Result, bail};
use sayso::llm::prompts;
use sayso::plan::{Focus, Snapshot, parse_rough};
use serde_json::{Value, json};

use crate::random::Random;

const TABLES: [(&str, &str); 11] = [
    ("read", include_str!("phrases/read.txt")),
    ("change", include_str!("phrases/change.txt")),
    ("create", include_str!("phrases/create.txt")),
    ("none", include_str!("phrases/none.txt")),
    ("people", include_str!("phrases/people.txt")),
    ("idioms", include_str!("phrases/idioms.txt")),
    ("forms", include_str!("phrases/forms.txt")),
    ("ask", include_str!("phrases/ask.txt")),
    ("exam", include_str!("phrases/exam.txt")),
    ("words", include_str!("phrases/words.txt")),
    ("tasks", include_str!("phrases/tasks.txt")),
];

fn main() -> Result<()> {
    let options: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = options.iter().position(|word| word == name)?;
        options.get(at + 1).cloned()
    };
    if let (Some(dev), Some(worlds)) = (option("--dev"), option("--worlds")) {
        return render_dev(&dev, &worlds);
    }
    let number = |name: &str, default: u64| option(name).map_or(Ok(default), |text| text.parse());
    let (seed, count, check) = (
        number("--seed", 1)?,
        number("--count", 1000)?,
        number("--check", 0)?,
    );
    let tables = option("--tables").unwrap_or_else(|| TABLES.map(|(name, _)| name).join(","));
    generate(seed, usize::try_from(count)?, usize::try_from(check)?, &tables)
}

fn generate(seed: u64, count: usize, check: usize, tables: &str) -> Result<()> {
    let wanted = TABLES
        .iter()
        .filter(|(name, _)| tables.split(',').any(|table| table == *name));
    let intents: Vec<_> = wanted.flat_map(|(_, table)| phrases::read(table)).collect();
    let weights: Vec<usize> = intents.iter().map(|intent| intent.weight).collect();
    let mut random = Random(seed);
    let mut seen = HashSet::new();
    let mut out = std::io::stdout().lock();
    let (mut made, mut tried) = (0, BTreeMap::<String, (usize, usize)>::new());
    let mut snapshot = world::world(&mut random);
    let mut rounds = 0;
    while made < count {
        rounds += 1;
        if rounds % 6 == 0 {
            snapshot = world::world(&mut random);
        }
        let intent = &intents[random.weighted(&weights)];
        let entry = tried.entry(intent.name.clone()).or_default();
        entry.0 += 1;
        // What some worlds have no place for would else be rarer than its weight says.
        let example = (0..6).find_map(|_| example::make(intent, &intents, &snapshot, check, &mut random));
        let Some(example) = example else {
            continue;
        };
        if !seen.insert((example.prompt.clone(), example.target.clone())) {
            continue;
        }
        entry.1 += 1;
        made += 1;
        let mut line = json!({"prompt": example.prompt, "target": example.target, "intent": example.intent});
        if let Some(pattern) = example.pattern {
            line["pattern"] = pattern.into();
        }
        writeln!(out, "{line}")?;
    }
    for (name, (tried, made)) in tried {
        if made * 6 < tried {
            writeln!(std::io::stderr(), "{name}: {made} of {tried}")?;
        }
    }
    Ok(())
}

/// Renders the prompts of hand-written requests and writes their answers canonically.
fn render_dev(requests: &str, worlds: &str) -> Result<()> {
    let worlds: BTreeMap<String, Snapshot> = serde_json::from_str(&std::fs::read_to_string(worlds)?)?;
    let mut out = std::io::stdout().lock();
    for line in std::fs::read_to_string(requests)?.lines() {
        let example: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let text = |key: &str| {
            example[key]
                .as_str()
                .with_context(|| format!("`{key}` is missing in {line}"))
        };
        let world = worlds.get(text("world")?).context("no such world")?;
        let focus = Focus::on(text("request")?, world);
        let also: Vec<String> = example["also"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let target = canonical(text("expected")?)?;
        if let Some(missing) = example::missing(&target, &focus) {
            bail!("{missing} is not in focus: {line}");
        }
        let also = also
            .iter()
            .map(|text| canonical(text))
            .collect::<Result<Vec<_>>>()?;
        let prompt = prompts::planner(text("request")?, &focus);
        writeln!(
            out,
            "{}",
            json!({"prompt": prompt, "target": target, "also": also, "intent": text("intent")?})
        )?;
    }
    Ok(())
}

fn canonical(text: &str) -> Result<String> {
    use sayso::plan::Proposal;
    Ok(match parse_rough(text).with_context(|| text.to_owned())? {
        Proposal::Plan(draft) => draft.to_string(),
        Proposal::Unclear => "unclear".to_owned(),
        Proposal::Refuse => "refuse".to_owned(),
    })
}
