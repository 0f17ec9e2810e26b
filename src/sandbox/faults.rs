//! Faults that tests inject into the wire: an answer that fails, comes late, or never comes.

use std::time::Duration;

/// What a matching request meets instead of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultAnswer {
    /// A `Status` with this HTTP code; nothing is done.
    Status(u16),
    /// The real answer, this much later.
    Delay(Duration),
    /// No answer as long as the client waits.
    Hang,
    /// The connection breaks in the middle of the answer.
    Close,
    /// It is done, and no answer comes as long as the client waits.
    Lose,
    /// It is done, and the connection breaks in the middle of the answer.
    Cut,
}

/// Makes the next `times` requests that match meet `answer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP method in capitals; empty for any.
    pub method: String,
    /// A part of the path with its query; empty for any.
    pub path_contains: String,
    /// What the request meets.
    pub answer: FaultAnswer,
    /// How many requests meet it.
    pub times: u32,
}

/// The faults still to be met, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>, u64);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The answer for this request, used up by one.
    pub(super) fn meet(&mut self, method: &str, path: &str) -> Option<FaultAnswer> {
        self.0.retain(|fault| fault.times > 0);
        let fits = |fault: &&mut Fault| {
            (fault.method.is_empty() || fault.method == method) && path.contains(&fault.path_contains)
        };
        let fault = self.0.iter_mut().find(fits)?;
        fault.times -= 1;
        self.1 += 1;
        Some(fault.answer)
    }

    /// Forgets those that are left.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many requests have met one.
    pub(super) fn met(&self) -> u64 {
        self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_met_as_often_as_asked() {
        let mut faults = Faults::default();
        let answer = FaultAnswer::Status(429);
        faults.add(Fault {
            method: "PATCH".into(),
            path_contains: "/scale".into(),
            answer,
            times: 2,
        });
        assert_eq!(faults.meet("GET", "/a/scale"), None);
        assert_eq!(faults.meet("PATCH", "/a/scale?x=y"), Some(answer));
        assert_eq!(faults.meet("PATCH", "/a/scale"), Some(answer));
        assert_eq!(faults.meet("PATCH", "/a/scale"), None);
        faults.add(Fault {
            method: String::new(),
            path_contains: String::new(),
            answer,
            times: 1,
        });
        faults.clear();
        assert_eq!((faults.meet("GET", "/a"), faults.met()), (None, 2));
    }
}
