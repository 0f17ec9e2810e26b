//! Whether questions find the pages that answer them, by those of `tests/eval/questions.jsonl`. What is asked for each page
//! (`asked:` in its front matter) was written, and the vectors were tuned, without them in sight.

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use sayso::knowledge::{Knowledge, Mode, Query, Weights};
use serde::Deserialize;

static KNOWLEDGE: LazyLock<(tempfile::TempDir, Knowledge)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let knowledge = Knowledge::open(folder.path()).unwrap();
    (folder, knowledge)
});

#[derive(Deserialize)]
struct Asked {
    question: String,
    pages: Vec<String>,
}

fn suite(file: &str) -> Vec<Asked> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Shares of 1: how many of the right pages are among the first five, how often one at least is, how often the very
/// first is right, and the normalised discounted gain of the first ten.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    recall: f64,
    any: f64,
    first: f64,
    gain: f64,
}

fn pages(question: &str, mode: Mode, weights: Weights) -> Vec<String> {
    let query = Query {
        mode,
        weights,
        ..Query::new(question, 100)
    };
    let hits = KNOWLEDGE.1.search(&query, None).unwrap();
    let mut seen = HashSet::new();
    let pages = hits.into_iter().map(|hit| hit.passage.page().to_owned());
    pages.filter(|page| seen.insert(page.clone())).collect()
}

fn measure(suite: &[Asked], mode: Mode, weights: Weights) -> Marks {
    let mut sum = Marks::default();
    for asked in suite {
        let found = pages(&asked.question, mode, weights);
        let right = |page: &&String| asked.pages.contains(page);
        let five = found.iter().take(5).filter(right).count();
        let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let gain: f64 = found
            .iter()
            .take(10)
            .enumerate()
            .filter(|(_, page)| right(page))
            .map(|(rank, _)| discount(rank))
            .sum();
        let best: f64 = (0..asked.pages.len().min(10)).map(discount).sum();
        sum.recall += five as f64 / asked.pages.len() as f64;
        sum.any += f64::from(u8::from(five > 0));
        sum.first += f64::from(u8::from(
            found.first().is_some_and(|page| asked.pages.contains(page)),
        ));
        sum.gain += gain / best;
    }
    let count = suite.len() as f64;
    Marks {
        recall: sum.recall / count,
        any: sum.any / count,
        first: sum.first / count,
        gain: sum.gain / count,
    }
}

fn told(name: &str, marks: Marks) {
    println!(
        "{name:28} recall@5 {:5.1}%  any@5 {:5.1}%  first {:5.1}%  nDCG@10 {:.3}",
        marks.recall * 100.0,
        marks.any * 100.0,
        marks.first * 100.0,
        marks.gain
    );
}

/// The bar that retrieval is held to: what was reached, less a little for a page that is written anew.
#[test]
fn questions_find_their_pages() {
    let suite = suite("tests/eval/questions.jsonl");
    assert!(suite.len() >= 250);
    let all = [
        ("words", Mode::Words),
        ("vectors", Mode::Vectors),
        ("fused", Mode::Fused),
    ];
    let marks = all.map(|(name, mode)| {
        let marks = measure(&suite, mode, Weights::default());
        told(name, marks);
        marks
    });
    let [words, _, fused] = marks;
    assert!(fused.recall >= 0.89 && fused.gain >= 0.85, "{fused:?}");
    assert!(
        fused.recall + 0.005 >= words.recall,
        "vectors do harm: {fused:?}, {words:?}"
    );
}

type Knob = fn(&mut Weights) -> &mut f32;

const KNOBS: [(&str, Knob); 9] = [
    ("title", |weights| &mut weights.title),
    ("heading", |weights| &mut weights.heading),
    ("names", |weights| &mut weights.names),
    ("symptoms", |weights| &mut weights.symptoms),
    ("asked", |weights| &mut weights.asked),
    ("examples", |weights| &mut weights.examples),
    ("related", |weights| &mut weights.related),
    ("page", |weights| &mut weights.page),
    ("vectors", |weights| &mut weights.vectors),
];

/// For choosing weights: `cargo test --test all tune -- --ignored --nocapture`. It sees the questions for training alone.
#[test]
#[ignore = "prints how weights do; nothing can be wrong with that"]
fn tune() {
    let own = suite("training/knowledge.jsonl");
    let plain = Weights::default();
    told("vectors", measure(&own, Mode::Vectors, plain));
    let both = |name: &str, weights: Weights| {
        for (kind, mode) in [("words", Mode::Words), ("fused", Mode::Fused)] {
            told(&format!("{name} {kind}"), measure(&own, mode, weights));
        }
    };
    both("plain", plain);
    for (name, knob) in KNOBS {
        for factor in [0.0, 0.5, 2.0, 4.0] {
            let mut weights = plain;
            *knob(&mut weights) *= factor;
            both(&format!("{name} {factor}"), weights);
        }
    }
}
