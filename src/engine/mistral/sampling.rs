//! Choosing a token.
//!
//! mistral.rs decodes greedily over what this returns, so the choice is made here: probabilities in which the
//! chosen token is the likeliest. That gives seeds, which mistral.rs has none of, true log-probabilities, and a way to
//! follow: an answer can be computed again from any of its tokens on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mistralrs::{CustomLogitsProcessor, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Turns logits into probabilities, and decides.
pub(super) struct Chooser {
    temperature: f64,
    top_p: f64,
    dice: Mutex<StdRng>,
    /// Tokens that the answer is to begin with.
    forced: Vec<u32>,
    walk: Mutex<Walk>,
}

/// The way that an answer took.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Its tokens, the one that ended it included.
    pub(super) steps: Vec<Step>,
    /// Whether it was to begin with a token that the constraint forbids.
    pub(super) refused: bool,
    /// How long the context was at the last step.
    length: usize,
    /// Every token's probability at the last step, without any constraint.
    chances: Vec<f32>,
}

/// One token of an answer, and what else could have stood there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) token: u32,
    /// Natural logarithm of its probability among all tokens.
    pub(super) logprob: f32,
    /// Other likely tokens, likeliest first. Those that the constraint forbids are among them where the chosen one was the
    /// free choice too.
    pub(super) others: Vec<(u32, f32)>,
}

/// How many other tokens a step remembers.
const OTHERS: usize = 4;

impl Chooser {
    /// Temperature 0 is greedy; without a seed, one comes from the operating system.
    pub(super) fn new(temperature: f64, top_p: f64, seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        Self {
            temperature,
            top_p,
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
            forced: Vec::new(),
            walk: Mutex::default(),
        }
    }

    /// The same for an answer that begins with these tokens.
    pub(super) fn beginning_with(self, forced: Vec<u32>) -> Self {
        Self { forced, ..self }
    }

    /// What was chosen so far.
    pub(super) fn walk(&self) -> MutexGuard<'_, Walk> {
        self.walk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Probabilities in which the chosen token is the likeliest. mistral.rs asks twice where the first choice is one that
    /// the constraint forbids, the second time with logits of minus infinity for all of that kind.
    fn choose(&self, logits: &[f32], length: usize) -> Vec<f32> {
        if self.temperature >= 1e-6 {
            return self.throw(logits);
        }
        let mut walk = self.walk();
        let is_second = walk.length == length && !walk.steps.is_empty();
        let mut chances = if is_second {
            walk.steps.pop();
            let allowed = logits.iter().zip(&walk.chances);
            allowed
                .map(|(logit, chance)| if logit.is_finite() { *chance } else { 0.0 })
                .collect()
        } else {
            walk.length = length;
            walk.chances = softmax(logits, 1.0);
            walk.chances.clone()
        };
        let likely = likeliest(&chances, OTHERS + 1);
        let forced = self.forced.get(walk.steps.len()).copied();
        let is_open = |token: &u32| chances.get(*token as usize).is_some_and(|chance| *chance > 0.0);
        let chosen = forced.filter(is_open).unwrap_or(likely[0]);
        walk.refused |= is_second && forced.is_some_and(|token| token != chosen);
        let logprob = |token: u32| chances[token as usize].max(f32::MIN_POSITIVE).ln();
        let others = likely.iter().filter(|token| **token != chosen);
        let step = Step {
            token: chosen,
            logprob: logprob(chosen),
            others: others.map(|token| (*token, logprob(*token))).collect(),
        };
        walk.steps.push(step);
        below(&mut chances, chosen as usize);
        chances
    }

    fn throw(&self, logits: &[f32]) -> Vec<f32> {
        let mut chances = softmax(logits, self.temperature);
        let throw: f64 = self.dice.lock().unwrap_or_else(PoisonError::into_inner).random();
        let chosen = draw(&chances, self.top_p, throw);
        below(&mut chances, chosen);
        chances
    }
}

impl CustomLogitsProcessor for Chooser {
    fn apply(&self, logits: &Tensor, context: &[u32]) -> mistralrs::Result<Tensor> {
        let chances = self.choose(&logits.to_vec1::<f32>()?, context.len());
        let count = chances.len();
        Tensor::from_vec(chances, count, logits.device())
    }
}

/// Puts every other token below the chosen one.
fn below(chances: &mut [f32], chosen: usize) {
    let limit = chances[chosen];
    for (token, chance) in chances.iter_mut().enumerate() {
        if token != chosen && *chance >= limit {
            *chance = limit * 0.999;
        }
    }
}

/// The likeliest tokens, at least one.
fn likeliest(chances: &[f32], count: usize) -> Vec<u32> {
    let mut best: Vec<usize> = Vec::with_capacity(count + 1);
    for (token, chance) in chances.iter().enumerate() {
        let at = best.partition_point(|other| chances[*other] >= *chance);
        if at < count {
            best.insert(at, token);
            best.truncate(count);
        }
    }
    best.into_iter()
        .filter_map(|token| u32::try_from(token).ok())
        .collect()
}

/// A token that mistral.rs forbids has a logit of minus infinity, and gets no chance.
#[allow(clippy::cast_possible_truncation)] // Chances are no more precise than logits.
fn softmax(logits: &[f32], temperature: f64) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits
        .iter()
        .map(|logit| (f64::from(logit - most) / temperature).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| (power / sum) as f32).collect()
}

/// The token that a throw in 0..1 falls on, among the likeliest that make up `top_p` together.
fn draw(chances: &[f32], top_p: f64, throw: f64) -> usize {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_unstable_by(|a, b| chances[*b].total_cmp(&chances[*a]));
    let mut sum = 0.0;
    let enough = order.iter().position(|token| {
        sum += f64::from(chances[*token]);
        sum >= top_p
    });
    order.truncate(enough.map_or(order.len(), |last| last + 1));
    let mut left = throw * order.iter().map(|token| f64::from(chances[*token])).sum::<f64>();
    for token in &order {
        left -= f64::from(chances[*token]);
        if left < 0.0 {
            return *token;
        }
    }
    order.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(chances: &[f32]) -> usize {
        (0..chances.len())
            .max_by(|a, b| chances[*a].total_cmp(&chances[*b]))
            .unwrap()
    }

    #[test]
    fn greedy_gives_true_probabilities() {
        let chances = Chooser::new(0.0, 1.0, None).choose(&[0.0, 3f32.ln(), f32::NEG_INFINITY], 1);
        assert!((chances[0] - 0.25).abs() < 1e-6 && (chances[1] - 0.75).abs() < 1e-6);
        assert!(chances[2].abs() < f32::EPSILON);
    }

    #[test]
    fn a_seed_repeats_itself_and_forbidden_tokens_never_come() {
        let logits = [1.0, 1.0, 0.5, f32::NEG_INFINITY, 0.9];
        let run = |seed| {
            let chooser = Chooser::new(1.0, 1.0, Some(seed));
            (0..200)
                .map(|at| best(&chooser.choose(&logits, at)))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let seen = run(7);
        assert!([0, 1, 2, 4].iter().all(|token| seen.contains(token)) && !seen.contains(&3));
    }

    #[test]
    fn the_walk_knows_what_else_could_have_stood_there() {
        let chooser = Chooser::new(0.0, 1.0, None);
        let logits = [0.0, 3f32.ln(), 4f32.ln()];
        assert_eq!(best(&chooser.choose(&logits, 5)), 2);
        // Forbidden: asked again, and the probability stays that among all tokens.
        assert_eq!(best(&chooser.choose(&[0.0, 3f32.ln(), f32::NEG_INFINITY], 5)), 1);
        chooser.choose(&logits, 6);
        let walk = chooser.walk();
        let tokens: Vec<u32> = walk.steps.iter().map(|step| step.token).collect();
        assert_eq!((tokens, walk.refused), (vec![1, 2], false));
        assert!((walk.steps[0].logprob.exp() - 0.375).abs() < 1e-6);
        assert_eq!(walk.steps[1].others[0].0, 1);
    }

    #[test]
    fn an_answer_may_have_to_begin_with_tokens() {
        let chooser = Chooser::new(0.0, 1.0, None).beginning_with(vec![0, 2]);
        let logits = [0.0, 3f32.ln(), 2f32.ln()];
        assert_eq!(best(&chooser.choose(&logits, 1)), 0);
        assert_eq!(best(&chooser.choose(&logits, 2)), 2);
        assert!(!chooser.walk().refused);
        assert_eq!(best(&chooser.choose(&[0.0, 3f32.ln(), f32::NEG_INFINITY], 2)), 1);
        assert!(chooser.walk().refused);
    }

    #[test]
    fn top_p_cuts_the_tail() {
        assert_eq!(draw(&[0.1, 0.6, 0.3], 0.5, 0.999), 1);
        assert_eq!(draw(&[0.1, 0.6, 0.3], 0.9, 0.999), 2);
        assert_eq!(draw(&[0.1, 0.6, 0.3], 1.0, 0.999), 0);
    }
}
