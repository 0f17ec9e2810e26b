//! Two runs of one suite side by side: what got better and what got worse.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::grade::Grade;
use super::marks::Marks;

/// An earlier run, as `sayso eval -o json` printed it. Only the names and grades of its cases count.
#[derive(Clone, Debug, Deserialize)]
pub struct Baseline {
    /// The model that was asked then.
    pub model: String,
    cases: Vec<Remembered>,
}

#[derive(Clone, Debug, Deserialize)]
struct Remembered {
    id: String,
    grade: Grade,
}

/// What differs between an earlier run and this one, in the cases that both have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The model of the earlier run.
    pub model: String,
    /// Cases that both have.
    pub shared: usize,
    /// Of these, right in the earlier run.
    pub right_before: usize,
    /// Of these, right now.
    pub right_now: usize,
    /// Cases that are right now and were not.
    pub better: Vec<String>,
    /// Cases that were right and are not now.
    pub worse: Vec<String>,
}

impl Baseline {
    /// Reads what an earlier run printed.
    pub fn read(text: &str) -> Result<Baseline, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Compares this run with the earlier one.
    pub fn difference(&self, marks: &Marks) -> Difference {
        let before: HashMap<&str, bool> = self
            .cases
            .iter()
            .map(|case| (case.id.as_str(), case.grade == Grade::Right))
            .collect();
        let mut difference = Difference {
            model: self.model.clone(),
            shared: 0,
            right_before: 0,
            right_now: 0,
            better: Vec::new(),
            worse: Vec::new(),
        };
        for mark in &marks.cases {
            let Some(was) = before.get(mark.id.as_str()).copied() else {
                continue;
            };
            let is = mark.grade == Grade::Right;
            difference.shared += 1;
            difference.right_before += usize::from(was);
            difference.right_now += usize::from(is);
            match (was, is) {
                (false, true) => difference.better.push(mark.id.clone()),
                (true, false) => difference.worse.push(mark.id.clone()),
                _ => {}
            }
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::eval::marks::tests::mark;

    #[test]
    fn only_cases_that_both_runs_have_are_compared() {
        let earlier = r#"{"model": "old", "right": 2, "cases": [{"id": "a", "grade": "right", "kind": "k"},
            {"id": "b", "grade": "wrong-plan"}, {"id": "gone", "grade": "right"}, {"id": "d", "grade": "right"}]}"#;
        let cases = [
            ("a", Grade::Error),
            ("b", Grade::Right),
            ("new", Grade::Right),
            ("d", Grade::Right),
        ];
        let marks = cases.map(|(id, grade)| {
            let mut one = mark("k", grade, false, 1);
            id.clone_into(&mut one.id);
            one
        });
        let difference = Baseline::read(earlier)
            .unwrap()
            .difference(&Marks::new("new".to_owned(), marks.to_vec()));
        assert_eq!(
            (difference.shared, difference.right_before, difference.right_now),
            (3, 2, 2)
        );
        assert_eq!(
            (difference.better, difference.worse),
            (vec!["b".to_owned()], vec!["a".to_owned()])
        );
        assert_eq!(difference.model, "old");
    }
}
