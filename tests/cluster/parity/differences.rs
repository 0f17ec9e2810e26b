//! What a sandbox does in another way than a real cluster, and why it may.

use super::conversation::Difference;

/// A difference that is known.
pub struct Known {
    /// The conversation's name.
    pub of: &'static str,
    /// The turn, from 1, and the beginning of a place in its answer.
    pub at: (usize, &'static str),
    /// Why it is so.
    pub why: &'static str,
}

const fn known(of: &'static str, at: (usize, &'static str), why: &'static str) -> Known {
    Known { of, at, why }
}

/// All of them. One that is not met fails, too.
pub const KNOWN: &[Known] = &[known("", (0, ""), "")];

impl Known {
    /// True if this is the difference.
    pub fn is(&self, conversation: &str, difference: &Difference) -> bool {
        self.of == conversation && self.at.0 == difference.turn && difference.place.starts_with(self.at.1)
    }
}
