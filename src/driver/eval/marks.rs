//! The marks of a whole suite, and what they took.

use serde::Serialize;

use super::grade::Grade;
use crate::driver::Usage;

/// One case with its mark.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// The case's name.
    pub id: String,
    /// What it is about.
    pub kind: String,
    /// The words.
    pub request: String,
    /// What became of them.
    pub grade: Grade,
    /// The first of what is right, a command a line.
    pub expected: Vec<String>,
    /// What came, the same way.
    pub produced: Vec<String>,
    /// Why it could not be graded.
    pub note: Option<String>,
    /// Milliseconds from the words to the checked plan.
    pub latency_ms: u64,
    /// Of these, what the model took.
    pub model_ms: u64,
    /// Tokens.
    pub usage: Usage,
    /// The planner's confidence in its least sure step, from 0 to 1, where it told.
    pub confidence: Option<f32>,
    /// Whether what came changes the cluster.
    pub writes: bool,
    /// Whether a question was the right answer.
    #[serde(skip)]
    pub ask: bool,
}

/// Marks of one kind of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindMarks {
    /// The kind.
    pub kind: String,
    /// Cases of it.
    pub total: usize,
    /// Right ones among them.
    pub right: usize,
}

/// How questions and refusals were dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Asks {
    /// Cases in which asking is right.
    pub expected: usize,
    /// Of these, those in which it was done.
    pub right: usize,
    /// Of these, those that were planned for.
    pub planned_wrongly: usize,
    /// Cases with a plan in which it was asked or refused all the same.
    pub asked_wrongly: usize,
}

/// A confidence from which on people stop reading closely.
pub const SURE: f32 = 0.9;

/// Median and 95th percentile in milliseconds, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// Half of all took no longer.
    pub median: u64,
    /// 95 of 100 took no longer.
    pub p95: u64,
}

/// What a suite came to.
#[derive(Clone, Debug, Serialize)]
pub struct Marks {
    /// The model that was asked.
    pub model: String,
    /// Cases that were asked.
    pub total: usize,
    /// Right ones among them.
    pub right: usize,
    /// By kind, in the suite's order.
    pub kinds: Vec<KindMarks>,
    /// Questions and refusals.
    pub asks: Asks,
    /// Wrong changes that were proposed with a confidence of [`SURE`] or more: the mistakes that matter most.
    pub sure_wrong_writes: usize,
    /// From the words to the checked plan.
    pub latency_ms: Spread,
    /// The model's part of that.
    pub model_ms: Spread,
    /// Mean number of tokens that a request's prompts took.
    pub prompt_tokens: f64,
    /// Mean number of tokens that were answered.
    pub completion_tokens: f64,
    /// Every case.
    pub cases: Vec<Mark>,
}

impl Marks {
    /// Adds it all up.
    pub fn new(model: String, cases: Vec<Mark>) -> Marks {
        let right = |mark: &&Mark| mark.grade == Grade::Right;
        let mean = |of: fn(&Mark) -> u32| {
            let sum: f64 = cases.iter().map(|mark| f64::from(of(mark))).sum();
            let count = u32::try_from(cases.len())
                .map_or(f64::INFINITY, f64::from)
                .max(1.0);
            (sum / count * 10.0).round() / 10.0
        };
        Marks {
            model,
            total: cases.len(),
            right: cases.iter().filter(right).count(),
            kinds: by_kind(&cases),
            asks: asks(&cases),
            sure_wrong_writes: cases.iter().filter(|mark| mark.is_surely_wrong()).count(),
            latency_ms: spread(cases.iter().map(|mark| mark.latency_ms)),
            model_ms: spread(cases.iter().map(|mark| mark.model_ms)),
            prompt_tokens: mean(|mark| mark.usage.prompt_tokens),
            completion_tokens: mean(|mark| mark.usage.completion_tokens),
            cases,
        }
    }
}

impl Mark {
    fn is_surely_wrong(&self) -> bool {
        self.writes
            && matches!(self.grade, Grade::WrongPlan | Grade::PlannedWrongly)
            && self.confidence.is_some_and(|confidence| confidence >= SURE)
    }
}

fn by_kind(cases: &[Mark]) -> Vec<KindMarks> {
    let mut kinds: Vec<KindMarks> = Vec::new();
    for mark in cases {
        let right = usize::from(mark.grade == Grade::Right);
        match kinds.iter_mut().find(|kind| kind.kind == mark.kind) {
            Some(kind) => {
                kind.total += 1;
                kind.right += right;
            }
            None => kinds.push(KindMarks {
                kind: mark.kind.clone(),
                total: 1,
                right,
            }),
        }
    }
    kinds
}

fn asks(cases: &[Mark]) -> Asks {
    let count = |wanted: Grade, ask: bool| {
        cases
            .iter()
            .filter(|mark| mark.ask == ask && mark.grade == wanted)
            .count()
    };
    Asks {
        expected: cases.iter().filter(|mark| mark.ask).count(),
        right: count(Grade::Right, true),
        planned_wrongly: count(Grade::PlannedWrongly, true),
        asked_wrongly: count(Grade::AskedWrongly, false),
    }
}

/// Nearest rank: the smallest of the values that so many per cent of them do not exceed.
fn spread(values: impl Iterator<Item = u64>) -> Spread {
    let mut sorted: Vec<u64> = values.collect();
    sorted.sort_unstable();
    let rank = |percent: usize| {
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    };
    Spread {
        median: rank(50),
        p95: rank(95),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn mark(kind: &str, grade: Grade, ask: bool, latency_ms: u64) -> Mark {
        Mark {
            id: "id".to_owned(),
            kind: kind.to_owned(),
            request: "r".to_owned(),
            grade,
            expected: Vec::new(),
            produced: Vec::new(),
            note: None,
            confidence: Some(SURE),
            writes: true,
            latency_ms,
            model_ms: latency_ms / 2,
            usage: Usage {
                prompt_tokens: 100,
                completion_tokens: u32::try_from(latency_ms).unwrap(),
            },
            ask,
        }
    }

    #[test]
    fn marks_are_counted_by_kind_and_by_what_was_asked() {
        let cases = vec![
            mark("scale", Grade::Right, false, 1),
            mark("ask", Grade::Right, true, 2),
            mark("scale", Grade::WrongPlan, false, 3),
            mark("scale", Grade::AskedWrongly, false, 4),
            mark("ask", Grade::PlannedWrongly, true, 5),
            mark("ask", Grade::Error, true, 6),
        ];
        let marks = Marks::new("m".to_owned(), cases);
        assert_eq!((marks.total, marks.right), (6, 2));
        let kind = |kind: &str, total, right| KindMarks {
            kind: kind.to_owned(),
            total,
            right,
        };
        assert_eq!(marks.kinds, [kind("scale", 3, 1), kind("ask", 3, 1)]);
        assert_eq!(
            marks.asks,
            Asks {
                expected: 3,
                right: 1,
                planned_wrongly: 1,
                asked_wrongly: 1
            }
        );
        assert_eq!(marks.sure_wrong_writes, 2);
        assert_eq!(marks.latency_ms, Spread { median: 3, p95: 6 });
        assert!((marks.prompt_tokens - 100.0).abs() < 1e-9 && (marks.completion_tokens - 3.5).abs() < 1e-9);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(spread(1..=100), Spread { median: 50, p95: 95 });
        assert_eq!(spread(std::iter::once(7)), Spread { median: 7, p95: 7 });
        assert_eq!(spread(std::iter::empty()), Spread::default());
    }
}
