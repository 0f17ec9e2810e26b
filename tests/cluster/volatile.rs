//! What differs between two runs of the same: identifiers, times, generated names, addresses.

use regex::Regex;

/// Patterns with what stands for their matches.
pub struct Volatile(Vec<(Regex, &'static str)>);

impl Volatile {
    /// What is volatile everywhere, then what else is in one kind of text.
    pub fn and(own: &[(&str, &'static str)]) -> Volatile {
        const UID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
        const TIME: &str = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)";
        // The letters of generated names.
        const SET: &str = r"-[bcdfghjklmnpqrstvwxz2456789]{8,10}\b";
        const SET_POD: &str = r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b";
        const ADDRESS: &str = r"\b10\.\d+\.\d+\.\d+\b";
        let everywhere = [
            (UID, "UID"),
            (TIME, "TIME"),
            (SET_POD, "-SET-POD"),
            (SET, "-SET"),
            (ADDRESS, "ADDRESS"),
        ];
        let all = everywhere.iter().chain(own);
        Volatile(
            all.map(|(pattern, name)| (Regex::new(pattern).unwrap(), *name))
                .collect(),
        )
    }

    /// Text without it.
    pub fn leave_out(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (pattern, name)| {
            pattern.replace_all(&text, *name).into_owned()
        })
    }
}
