//! Stop strings, which may be spread over several tokens.

/// Lets text through up to the first stop string.
#[derive(Debug, Default)]
pub(super) struct Stops {
    stops: Vec<String>,
    held: String,
}

impl Stops {
    /// Empty strings stop nothing.
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self {
            stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(),
            held: String::new(),
        }
    }

    /// Adds text; returns what can be shown now, and whether a stop string was met.
    pub(super) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()))
            .min()
        {
            let shown = self.held[..at].to_owned();
            self.held.clear();
            return (shown, true);
        }
        let keep = self
            .stops
            .iter()
            .map(|stop| beginning_at_end(&self.held, stop))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back and turned out to be no stop string.
    pub(super) fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes of the longest end of `text` that a `stop` string begins with.
fn beginning_at_end(text: &str, stop: &str) -> usize {
    let lengths = stop.char_indices().map(|(at, _)| at).skip(1);
    lengths
        .filter(|length| text.ends_with(&stop[..*length]))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stops: &[&str], tokens: &[&str]) -> (String, bool) {
        let mut filter = Stops::new(stops.iter().map(ToString::to_string).collect());
        let mut shown = String::new();
        for token in tokens {
            let (more, stopped) = filter.push(token);
            shown += &more;
            if stopped {
                return (shown, true);
            }
        }
        (shown + &filter.rest(), false)
    }

    #[test]
    fn a_stop_string_over_tokens_is_never_shown() {
        assert_eq!(
            run(&["\n\n"], &["get ", "pods\n", "\nget"]),
            ("get pods".to_owned(), true)
        );
        assert_eq!(run(&["abc", "b"], &["xab"]), ("xa".to_owned(), true));
    }

    #[test]
    fn what_only_looked_like_one_is_shown() {
        assert_eq!(run(&["\n\n"], &["a\n", "b\n"]), ("a\nb\n".to_owned(), false));
        assert_eq!(run(&["éé"], &["é", "x"]), ("éx".to_owned(), false));
        assert_eq!(run(&[""], &["a"]), ("a".to_owned(), false));
    }
}
