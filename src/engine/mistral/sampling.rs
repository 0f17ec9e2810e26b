//! Choosing a token.
//!
//! mistral.rs decodes greedily over what this returns, so the choice is made here: probabilities in which the
//! chosen token is the likeliest. That gives seeds, which mistral.rs has none of, and true log-probabilities.

use std::sync::{Mutex, PoisonError};

use mistralrs::{CustomLogitsProcessor, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Turns logits into probabilities, and decides.
pub(super) struct Chooser {
    temperature: f64,
    top_p: f64,
    dice: Mutex<StdRng>,
}

impl Chooser {
    /// Temperature 0 is greedy; without a seed, one comes from the operating system.
    pub(super) fn new(temperature: f64, top_p: f64, seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        Self {
            temperature,
            top_p,
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    fn choose(&self, logits: &[f32]) -> Vec<f32> {
        if self.temperature < 1e-6 {
            return softmax(logits, 1.0);
        }
        let mut chances = softmax(logits, self.temperature);
        let throw: f64 = self.dice.lock().unwrap_or_else(PoisonError::into_inner).random();
        let chosen = draw(&chances, self.top_p, throw);
        let limit = chances[chosen];
        for (token, chance) in chances.iter_mut().enumerate() {
            if token != chosen && *chance >= limit {
                *chance = limit * 0.999;
            }
        }
        chances
    }
}

impl CustomLogitsProcessor for Chooser {
    fn apply(&self, logits: &Tensor, _context: &[u32]) -> mistralrs::Result<Tensor> {
        let chances = self.choose(&logits.to_vec1::<f32>()?);
        let count = chances.len();
        Tensor::from_vec(chances, count, logits.device())
    }
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
        let chances = Chooser::new(0.0, 1.0, None).choose(&[0.0, 3f32.ln(), f32::NEG_INFINITY]);
        assert!((chances[0] - 0.25).abs() < 1e-6 && (chances[1] - 0.75).abs() < 1e-6);
        assert!(chances[2].abs() < f32::EPSILON);
    }

    #[test]
    fn a_seed_repeats_itself_and_forbidden_tokens_never_come() {
        let logits = [1.0, 1.0, 0.5, f32::NEG_INFINITY, 0.9];
        let run = |seed| {
            let chooser = Chooser::new(1.0, 1.0, Some(seed));
            (0..200)
                .map(|_| best(&chooser.choose(&logits)))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let seen = run(7);
        assert!([0, 1, 2, 4].iter().all(|token| seen.contains(token)) && !seen.contains(&3));
    }

    #[test]
    fn top_p_cuts_the_tail() {
        assert_eq!(draw(&[0.1, 0.6, 0.3], 0.5, 0.999), 1);
        assert_eq!(draw(&[0.1, 0.6, 0.3], 0.9, 0.999), 2);
        assert_eq!(draw(&[0.1, 0.6, 0.3], 1.0, 0.999), 0);
    }
}
