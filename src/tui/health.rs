//! What a cell says about how something is.

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Nothing is said about it.
    Plain,
    /// It is well.
    Good,
    /// It deserves a second look.
    Warn,
    /// It is wrong.
    Bad,
}

const GOOD: &[&str] = &[
    "Running",
    "Ready",
    "Active",
    "Bound",
    "Completed",
    "Complete",
    "Succeeded",
    "Normal",
    "done",
    "answered",
];
const WARN: &[&str] = &[
    "Pending",
    "ContainerCreating",
    "PodInitializing",
    "Terminating",
    "Warning",
    "Unknown",
    "Suspended",
    "SchedulingDisabled",
    "refused",
    "unclear",
    "interrupted",
];
const BAD: &[&str] = &[
    "Failed",
    "Error",
    "BackOff",
    "ErrImagePull",
    "OOMKilled",
    "NotReady",
    "Evicted",
    "Lost",
    "CreateContainerConfigError",
    "denied",
    "failed",
];

/// What a cell's words say: states of pods, nodes, claims and jobs, `1/2`, and outcomes.
pub fn health(cell: &str) -> Health {
    // Names and numbers, of which there are most, end here.
    let Some(first) = cell.bytes().next() else {
        return Health::Plain;
    };
    if first.is_ascii_digit() {
        return if unready(cell) {
            Health::Warn
        } else {
            Health::Plain
        };
    }
    let has = |words: &[&str]| words.iter().any(|word| cell.contains(word));
    let is = |word: &&str| {
        cell.strip_prefix(*word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
    };
    if has(BAD) {
        Health::Bad
    } else if has(WARN) {
        Health::Warn
    } else if GOOD.iter().any(is) {
        Health::Good
    } else {
        Health::Plain
    }
}

/// `1/2`: fewer than wanted.
fn unready(cell: &str) -> bool {
    let numbers = cell
        .split_once('/')
        .and_then(|(have, want)| Some((have.parse::<u32>().ok()?, want.parse::<u32>().ok()?)));
    numbers.is_some_and(|(have, want)| have < want)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_trouble_are_trouble() {
        assert_eq!(health("CrashLoopBackOff"), Health::Bad);
        assert_eq!(health("Ready,SchedulingDisabled"), Health::Warn);
        assert_eq!(health("NotReady"), Health::Bad);
        assert_eq!(health("Running"), Health::Good);
        assert_eq!((health("1/2"), health("2/2")), (Health::Warn, Health::Plain));
        assert_eq!((health("web-1"), health("")), (Health::Plain, Health::Plain));
    }
}
