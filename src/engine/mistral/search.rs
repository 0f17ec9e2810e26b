//! The search for the answer that is likeliest as a whole.

use super::sampling::Walk;

/// Answers as probable as this are taken as they are.
const SURE: f32 = 0.6;
/// Tokens less probable than this share of the chosen one begin no other answer.
const LEAST: f32 = 0.02;

/// Answers that were computed, and where others leave them.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Natural logarithm of the likeliest answer's probability.
    best: Option<f32>,
    /// Beginnings that were not followed yet, with what bounds the probability of every answer that begins so.
    open: Vec<(f32, Vec<u32>)>,
}

impl Search {
    /// Takes an answer whose first `begun` tokens were given. The natural logarithm of its probability, or nothing where it
    /// could not begin so.
    pub(super) fn add(&mut self, walk: &Walk, begun: usize) -> Option<f32> {
        if walk.refused {
            return None;
        }
        let mut sum = 0.0;
        let mut tokens = Vec::new();
        for (at, step) in walk.steps.iter().enumerate() {
            // What leaves the given beginning is open already, from the answer that it was taken from.
            let others = step.others.iter().filter(|_| at >= begun);
            for (other, logprob) in others.filter(|(_, logprob)| *logprob > step.logprob + LEAST.ln()) {
                self.open
                    .push((sum + logprob, [tokens.as_slice(), &[*other]].concat()));
            }
            sum += step.logprob;
            tokens.push(step.token);
        }
        self.best = Some(self.best.map_or(sum, |best| best.max(sum)));
        Some(sum)
    }

    /// The most promising beginning that could still lead to something likelier, or nothing where the search is over.
    pub(super) fn next(&mut self) -> Option<Vec<u32>> {
        let best = self.best.unwrap_or(f32::NEG_INFINITY);
        if best > SURE.ln() {
            return None;
        }
        self.open.retain(|(bound, _)| *bound > best);
        let most = (0..self.open.len()).max_by(|a, b| self.open[*a].0.total_cmp(&self.open[*b].0))?;
        Some(self.open.swap_remove(most).1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sampling::Step;
    use super::*;

    fn walk(steps: &[(u32, f32, &[(u32, f32)])]) -> Walk {
        let steps = steps.iter().map(|(token, chance, others)| Step {
            token: *token,
            logprob: chance.ln(),
            others: others
                .iter()
                .map(|(other, chance)| (*other, chance.ln()))
                .collect(),
        });
        let mut walk = Walk::default();
        walk.steps.extend(steps);
        walk
    }

    #[test]
    fn the_likeliest_whole_wins() {
        let mut search = Search::default();
        // The first token looks best, and leads into a corner.
        let corner = walk(&[(1, 0.5, &[(2, 0.4), (3, 0.1)]), (9, 0.05, &[(8, 0.0001)])]);
        assert!(search.add(&corner, 0).is_some());
        assert_eq!(search.next(), Some(vec![2]));
        let better = search.add(&walk(&[(2, 0.4, &[(1, 0.5)]), (7, 0.9, &[(6, 0.1)])]), 1);
        assert!(better.is_some_and(|logprob| (logprob.exp() - 0.36).abs() < 1e-5));
        // 3 can lead to 0.1 at the most, 2-6 to 0.04; 0.36 is found.
        assert_eq!(search.next(), None);
    }

    #[test]
    fn what_is_sure_or_refused_opens_nothing() {
        let mut search = Search::default();
        search.add(&walk(&[(1, 0.7, &[(2, 0.3)])]), 0);
        assert_eq!(search.next(), None);
        let mut search = Search::default();
        search.add(&walk(&[(1, 0.2, &[(2, 0.8)])]), 0);
        assert_eq!(search.next(), Some(vec![2]));
        let mut refused = walk(&[(1, 0.2, &[(4, 0.5)])]);
        refused.refused = true;
        assert_eq!(search.add(&refused, 1), None);
        assert_eq!(search.next(), None);
    }
}
