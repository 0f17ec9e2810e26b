//! The questions: requests with the plans that are right.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::plan::{Plan, Proposal, parse};
use crate::request::Request;

/// A suite that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A line that is no case.
    #[error("line {line} is no case: {why}")]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing to ask.
    #[error("there is no case in the suite")]
    Empty,
}

/// What is right.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// To ask back, or to turn it down.
    Ask,
    /// Any of these plans.
    Plans(Vec<Plan>),
}

/// Where a request is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Manifests of the cluster; the shop without them.
    pub world: Option<PathBuf>,
    /// The namespace that applies where none is named; the sandbox's own without it.
    pub namespace: Option<String>,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What it is about; marks are given by it.
    pub kind: String,
    /// What was asked before it in the same conversation.
    pub before: Vec<String>,
    /// The words.
    pub request: String,
    /// Where.
    pub place: Place,
    /// What is right.
    pub expect: Expectation,
}

/// Requests with what is right for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// Never empty.
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    kind: String,
    #[serde(default)]
    before: Vec<String>,
    request: String,
    expect: Vec<String>,
    #[serde(default)]
    also: Vec<Vec<String>>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    world: Option<PathBuf>,
    /// Whose words these are, where they are not ours.
    #[serde(default, rename = "source")]
    _source: Option<String>,
}

impl Suite {
    /// Reads JSON lines; blank ones are passed over. With `only`, takes the cases whose id contains it.
    pub fn read(text: &str, only: Option<&str>) -> Result<Suite, SuiteError> {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let cases = lines.map(|(index, line)| {
            let malformed = |why: String| SuiteError::Malformed { line: index + 1, why };
            let line: Line = serde_json::from_str(line).map_err(|error| malformed(error.to_string()))?;
            line.case().map_err(malformed)
        });
        let mut cases: Vec<Case> = cases.collect::<Result<_, _>>()?;
        cases.retain(|case| only.is_none_or(|part| case.id.contains(part)));
        if cases.is_empty() {
            return Err(SuiteError::Empty);
        }
        Ok(Suite { cases })
    }

    /// Finds the worlds that cases name: `worlds/NAME.yaml` in a folder, that of the suite.
    pub fn beside(mut self, folder: &Path) -> Suite {
        for world in self.cases.iter_mut().filter_map(|case| case.place.world.as_mut()) {
            *world = folder.join("worlds").join(&*world).with_extension("yaml");
        }
        self
    }
}

impl Line {
    fn case(self) -> Result<Case, String> {
        for text in self.before.iter().chain([&self.request]) {
            Request::new(text, None).map_err(|error| error.to_string())?;
        }
        let mut all = vec![self.expect];
        all.extend(self.also);
        let proposals = all
            .iter()
            .map(|lines| parse(&lines.join("\n")).map_err(|error| error.to_string()));
        let mut plans = Vec::new();
        for proposal in proposals {
            match proposal? {
                Proposal::Plan(plan) => plans.push(plan),
                Proposal::Unclear | Proposal::Refuse if all.len() == 1 => {}
                Proposal::Unclear | Proposal::Refuse => {
                    return Err("a request is to be planned or to be asked about, not both".to_owned());
                }
            }
        }
        let expect = if plans.is_empty() {
            Expectation::Ask
        } else {
            Expectation::Plans(plans)
        };
        Ok(Case {
            id: self.id,
            kind: self.kind,
            before: self.before,
            request: self.request,
            place: Place {
                world: self.world,
                namespace: self.namespace,
            },
            expect,
        })
    }
}

impl Expectation {
    /// The first of what is right, a command a line; `unclear` where asking is.
    pub fn commands(&self) -> Vec<String> {
        match self {
            Expectation::Ask => vec!["unclear".to_owned()],
            Expectation::Plans(plans) => plans.first().map(commands).unwrap_or_default(),
        }
    }
}

/// The commands of a plan.
pub(super) fn commands(plan: &Plan) -> Vec<String> {
    plan.steps().iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_with_its_other_right_plans() {
        let line = r#"{"id": "a", "kind": "scale", "request": "r", "expect": ["scale deploy/web --replicas=5"], "also": [["scale deploy/web --replicas=5 -n shop"]], "namespace": "shop"}"#;
        let suite = Suite::read(&format!("\n{line}\n"), None).unwrap();
        let Expectation::Plans(plans) = &suite.cases[0].expect else {
            panic!("{suite:?}")
        };
        assert_eq!(plans.len(), 2);
        assert_eq!(
            suite.cases[0].expect.commands(),
            ["scale deployment/web --replicas=5"]
        );
        assert_eq!(suite.cases[0].place.namespace.as_deref(), Some("shop"));
        assert_eq!(suite.cases[0].place.world, None);
    }

    #[test]
    fn a_world_lies_beside_its_suite() {
        let line = r#"{"id": "a", "kind": "k", "request": "r", "expect": ["get pods"], "world": "exam", "source": "them"}"#;
        let suite = Suite::read(line, None).unwrap().beside(Path::new("suites"));
        assert_eq!(
            suite.cases[0].place.world.as_deref(),
            Some(Path::new("suites/worlds/exam.yaml"))
        );
    }

    #[test]
    fn unclear_and_refuse_both_mean_asking() {
        for word in ["unclear", "refuse"] {
            let line = format!(r#"{{"id": "a", "kind": "ask", "request": "r", "expect": ["{word}"]}}"#);
            assert_eq!(
                Suite::read(&line, None).unwrap().cases[0].expect,
                Expectation::Ask
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = [
            r#"{"id": "a", "kind": "k", "request": "r", "expect": ["scael web"]}"#,
            r#"{"id": "a", "kind": "k", "request": "r", "expect": []}"#,
            r#"{"id": "a", "kind": "k", "request": "r", "expect": ["unclear"], "also": [["get pods"]]}"#,
            r#"{"id": "a", "kind": "k", "request": "r", "expected": ["get pods"]}"#,
        ];
        for line in wrong {
            let error = Suite::read(&format!("\n{line}"), None).unwrap_err().to_string();
            assert!(error.starts_with("line 2 is no case"), "{error}");
        }
        let right = r#"{"id": "a", "kind": "k", "request": "r", "expect": ["get pods"]}"#;
        assert!(matches!(Suite::read(right, Some("b")), Err(SuiteError::Empty)));
    }
}
