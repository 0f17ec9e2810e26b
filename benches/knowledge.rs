//! The knowledge base: how long a question takes, on what ships and on many generated passages; how long indexing takes.
//!
//! `SAYSO_BENCH_PASSAGES` says how many passages are generated (1,000,000 for the bar; fewer without it). What is not a
//! time, sizes and the 99th percentile, is printed first.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench that cannot be set up is to stop, and prints"
)]

use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use divan::Bencher;
use sayso::knowledge::schema::Entry;
use sayso::knowledge::{Knowledge, Mode, Query, Unit, own, shelf, shipped};
use sayso::session::{Origin, Passage};

const QUESTIONS: &[&str] = &[
    "what is a PodDisruptionBudget",
    "how do I see why a claim is pending",
    "pod keeps restarting with exit code 137",
    "ImagePullBackOff private registry",
    "why does the autoscaler not scale down after the peak",
    "deployment.spec.strategy.rollingUpdate.maxSurge",
    "names do not resolve in the pod",
    "drain a node without losing traffic",
];
/// Words of the generated passages: frequent ones first, as in any language.
const WORDS: usize = 50_000;
const A_UNIT: usize = 500;

fn count() -> usize {
    std::env::var("SAYSO_BENCH_PASSAGES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000)
}

static SHIPPED: LazyLock<(tempfile::TempDir, Knowledge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let knowledge = Knowledge::open(folder.path()).unwrap();
    (folder, knowledge)
});

static GENERATED: LazyLock<(tempfile::TempDir, Knowledge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let mut dice = Dice(7);
    for chunk in 0..count().div_ceil(100_000) {
        let units = 100_000.min(count() - chunk * 100_000).div_ceil(A_UNIT);
        let units: Vec<Unit> = (0..units)
            .map(|number| unit(&format!("{chunk}-{number}"), A_UNIT, &mut dice))
            .collect();
        own::sync(folder.path(), "user:bench", &units, false).unwrap();
    }
    let taken = begun.elapsed();
    let bytes = shelf::size(&own::place(folder.path()));
    println!(
        "generated: {} passages, {} MB on disk, indexed in {taken:.1?}",
        count(),
        bytes / 1_000_000
    );
    let knowledge = Knowledge::open(folder.path()).unwrap();
    (folder, knowledge)
});

/// Numbers that look like chance, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A word by Zipf's law: the one at rank r comes about as often as 1 / r.
    fn word(&mut self) -> String {
        let share = self.roll() as f64 / u64::MAX as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and WORDS"
        )]
        let rank = (WORDS as f64).powf(share) as usize;
        let known = [
            "pod",
            "node",
            "service",
            "claim",
            "pending",
            "restart",
            "image",
            "drain",
            "volume",
            "deployment",
        ];
        known
            .get(rank.wrapping_sub(20) / 7)
            .filter(|_| rank >= 20 && rank.is_multiple_of(7))
            .map_or_else(|| format!("word{rank}"), |word| (*word).to_owned())
    }
}

fn unit(name: &str, passages: usize, dice: &mut Dice) -> Unit {
    let entries = (0..passages).map(|number| {
        let text: Vec<String> = (0..80).map(|_| dice.word()).collect();
        let passage = Passage {
            id: format!("user/bench/{name}#{number}"),
            title: text[..4].join(" "),
            heading: text[4..6].join(" "),
            text: text.join(" "),
            origin: Origin::User,
            source: name.to_owned(),
            version: "1".to_owned(),
        };
        Entry {
            passage,
            kinds: Vec::new(),
            fields: Vec::new(),
            symptoms: Vec::new(),
            asked: Vec::new(),
            leads: false,
            tags: Vec::new(),
        }
    });
    Unit {
        name: name.to_owned(),
        digest: "1".to_owned(),
        entries: entries.collect(),
    }
}

fn main() {
    for (name, (folder, knowledge)) in [("shipped", &*SHIPPED), ("generated", &*GENERATED)] {
        for (kind, mode) in [("words", Mode::Words), ("fused", Mode::Fused)] {
            percentiles(&format!("{name} {kind}"), knowledge, mode);
        }
        let bytes = shelf::size(&shipped::place(folder.path()));
        println!("{name}: what ships takes {} kB on disk", bytes / 1_000);
    }
    divan::main();
}

fn percentiles(name: &str, knowledge: &Knowledge, mode: Mode) {
    let ask = |question: &str| {
        knowledge
            .search(
                &Query {
                    mode,
                    ..Query::new(question, 10)
                },
                None,
            )
            .unwrap()
    };
    ask(QUESTIONS[0]);
    let mut times: Vec<_> = (0..50)
        .flat_map(|_| QUESTIONS)
        .map(|question| {
            let begun = Instant::now();
            divan::black_box(ask(question));
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{name}: p50 {:.2?}, p99 {:.2?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
}

#[divan::bench(args = QUESTIONS, max_time = 2)]
fn question_on_what_ships(bencher: Bencher, question: &str) {
    let knowledge = &SHIPPED.1;
    bencher.bench_local(|| knowledge.search(&Query::new(question, 10), None).unwrap());
}

#[divan::bench(args = QUESTIONS, max_time = 2)]
fn question_on_generated(bencher: Bencher, question: &str) {
    let knowledge = &GENERATED.1;
    bencher.bench_local(|| knowledge.search(&Query::new(question, 10), None).unwrap());
}

#[divan::bench(sample_count = 5)]
fn build_what_ships(bencher: Bencher) {
    bencher
        .with_inputs(|| tempfile::tempdir().unwrap())
        .bench_local_values(|folder| {
            Knowledge::open(folder.path()).unwrap();
            folder
        });
}

#[divan::bench(sample_count = 20)]
fn open_what_ships(bencher: Bencher) {
    let folder: &Path = SHIPPED.0.path();
    bencher.bench_local(|| Knowledge::open(folder).unwrap());
}

#[divan::bench(sample_count = 20)]
fn add_one_file(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let (mut dice, mut number) = (Dice(9), 0);
    let many: Vec<Unit> = (0..20)
        .map(|number| unit(&format!("old-{number}"), 50, &mut dice))
        .collect();
    own::sync(folder.path(), "user:bench", &many, true).unwrap();
    bencher
        .with_inputs(|| {
            number += 1;
            unit(&format!("new-{number}"), 8, &mut dice)
        })
        .bench_local_values(|unit| own::sync(folder.path(), "user:bench", &[unit], false).unwrap());
}
