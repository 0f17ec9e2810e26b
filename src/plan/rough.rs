//! What a planner writes: the plan language, in which a number of replicas may also be relative to what runs now.
//!
//! "Two more", "halve it" and "by half" are arithmetic, and arithmetic is code's. A planner writes `--replicas=+2`, `/2` or
//! `+50%`; [`Rough::settle`] puts the number in its place before there is a plan, so that no step, review or record ever
//! holds anything but a number. Plan files have no such form; kubectl reads `--replicas=+2` as 2.

use std::fmt;
use std::str::FromStr;

use super::command::{Action, Scale};
use super::field::Value as _;
use super::focus::Focus;
use super::resolve::{Question, resolve};
use super::snapshot::Snapshot;
use super::target::{Scalable, Target};
use super::text::{Plan, Proposal, Step, read_lines};
use super::value::Count;
use super::words::ParseError;

/// How a number of replicas changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `+2`, `-2`.
    By(i64),
    /// `+50%`, `-50%`: of what runs.
    Percent(i64),
    /// `*2`.
    Times(i64),
    /// `/2`.
    Part(i64),
}

/// The expression of what stands behind `--replicas=`.
const CHANGE: &str = "[+-][1-9][0-9]{0,2}%?|[*/]([2-9]|10)";
const FLAG: &str = " --replicas=";

impl Change {
    /// What comes of a number. A part of a replica counts as a whole one, so that never more goes, nor less comes, than
    /// was said. Nothing where fewer than none would be left, or more than a count may be.
    pub fn of(self, now: u32) -> Option<u32> {
        let now = i64::from(now);
        let new = match self {
            Change::By(more) => now.checked_add(more)?,
            Change::Percent(more) => round_up(now.checked_mul(more.checked_add(100)?)?, 100),
            Change::Times(factor) => now.checked_mul(factor)?,
            Change::Part(parts) => round_up(now, parts),
        };
        u32::try_from(new).ok().filter(|new| *new <= MOST)
    }
}

/// The largest number that [`Count`] reads.
const MOST: u32 = 999_999_999;

fn round_up(amount: i64, parts: i64) -> i64 {
    amount.div_euclid(parts) + i64::from(amount.rem_euclid(parts) > 0)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::By(more) => write!(f, "{more:+}"),
            Change::Percent(more) => write!(f, "{more:+}%"),
            Change::Times(factor) => write!(f, "*{factor}"),
            Change::Part(parts) => write!(f, "/{parts}"),
        }
    }
}

impl FromStr for Change {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Change, ParseError> {
        read_change(text).ok_or_else(|| ParseError::Value {
            value: text.to_owned(),
            expected: "a change of a number, as in +2, -2, *2, /2 or +50%".to_owned(),
        })
    }
}

fn read_change(text: &str) -> Option<Change> {
    let (sign, rest) = text.split_at_checked(1)?;
    let digits = rest.strip_suffix('%').unwrap_or(rest);
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: i64 = plain.then(|| digits.parse().ok()).flatten()?;
    let percent = digits.len() < rest.len();
    match sign {
        "+" | "-" => {
            let more = if sign == "-" { -number } else { number };
            Some(if percent {
                Change::Percent(more)
            } else {
                Change::By(more)
            })
        }
        "*" if !percent => Some(Change::Times(number)),
        "/" if !percent && number > 0 => Some(Change::Part(number)),
        _ => None,
    }
}

/// A step, of which the number of replicas may still be open.
#[derive(Clone, Debug, PartialEq)]
pub struct RoughStep {
    /// The step; its number says nothing where there is a change.
    pub step: Step,
    /// How the number that runs now changes.
    pub change: Option<Change>,
}

impl FromStr for RoughStep {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<RoughStep, ParseError> {
        let Some((before, change, after)) = split_change(line) else {
            let step = line.parse()?;
            return Ok(RoughStep { step, change: None });
        };
        let step: Step = format!("{before}{FLAG}0{after}").parse()?;
        match &step.action {
            Action::Scale(scale) if scale.targets.0.len() == 1 => Ok(RoughStep {
                step,
                change: Some(change.parse()?),
            }),
            _ => Err(ParseError::Value {
                value: change.to_owned(),
                expected: Count::EXPECTED.to_owned(),
            }),
        }
    }
}

/// Splits a line around a number of replicas that begins with an operator.
fn split_change(line: &str) -> Option<(&str, &str, &str)> {
    let (before, behind) = line.split_once(FLAG)?;
    let (change, after) = behind.split_at(behind.find(' ').unwrap_or(behind.len()));
    change
        .starts_with(['+', '-', '*', '/'])
        .then_some((before, change, after))
}

impl fmt::Display for RoughStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.step.to_string();
        match &self.change {
            Some(change) => f.write_str(&line.replacen("--replicas=0", &format!("--replicas={change}"), 1)),
            None => f.write_str(&line),
        }
    }
}

/// A planner's steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Rough {
    /// The steps, in order; never empty.
    steps: Vec<RoughStep>,
}

/// Reads a whole answer of a planner, as [`super::parse`] reads a plan.
pub fn parse_rough(text: &str) -> Result<Proposal<Rough>, ParseError> {
    read_lines(text)?.try_map(Rough::new)
}

impl Rough {
    /// A rough plan of these steps.
    pub fn new(steps: Vec<RoughStep>) -> Result<Rough, ParseError> {
        Plan::new(steps.iter().map(|rough| rough.step.clone()).collect())?;
        Ok(Rough { steps })
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[RoughStep] {
        &self.steps
    }

    /// The plan, every number in its place: what an earlier step makes of the object, else what the snapshot says of it,
    /// changed as it says. What cannot be worked out is a question.
    pub fn settle(&self, snapshot: &Snapshot) -> Result<Plan, Question> {
        let mut settled: Vec<Step> = Vec::with_capacity(self.steps.len());
        for rough in &self.steps {
            let step = match (&rough.step.action, rough.change) {
                (Action::Scale(scale), Some(change)) => Step {
                    action: Action::Scale(Scale {
                        replicas: Count(new_count(&rough.step, change, snapshot, &settled)?),
                        ..scale.clone()
                    }),
                    scope: rough.step.scope.clone(),
                },
                _ => rough.step.clone(),
            };
            settled.push(step);
        }
        Plan::new(settled).map_err(|error| Question(error.to_string()))
    }
}

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

fn new_count(step: &Step, change: Change, snapshot: &Snapshot, earlier: &[Step]) -> Result<u32, Question> {
    let targets = step.action.targets();
    let target = targets[0];
    let place = place(step, snapshot)?;
    let known = earlier
        .iter()
        .rev()
        .find_map(|step| scaled(step, target, &place, snapshot));
    let live = || {
        let mut objects = snapshot.named(&target.kind, &target.name);
        objects.find(|object| object.namespace == place)?.replicas
    };
    let Some(now) = known.or_else(live) else {
        return Err(Question(format!(
            "how many replicas {target} has now is not known, so what is {change} of it? say the number that it shall have"
        )));
    };
    match change.of(now) {
        Some(new) if new != now => Ok(new),
        new => {
            let result = new.map_or("less than none or too many", |_| "no change");
            Err(Question(format!(
                "{target} has {now} replicas, and {change} of that is {result}; how many shall it have?"
            )))
        }
    }
}

/// The namespace that a step means.
fn place(step: &Step, snapshot: &Snapshot) -> Result<String, Question> {
    let alone = Plan::new(vec![step.clone()]).map_err(|error| Question(error.to_string()))?;
    let resolved = resolve(&alone, snapshot)?;
    Ok(resolved.steps()[0].namespace().unwrap_or_default().to_owned())
}

/// To how many a step scales an object.
fn scaled(step: &Step, target: &Target, wanted: &str, snapshot: &Snapshot) -> Option<u32> {
    let Action::Scale(scale) = &step.action else {
        return None;
    };
    let named = scale.targets.0.iter().any(|Scalable(own)| own == target);
    let there = named && place(step, snapshot).is_ok_and(|own| own == wanted);
    there.then_some(scale.replicas.0)
}

/// The expression of a change of what runs, for the objects in focus whose number is known; scope flags included.
pub(super) fn change_pattern(focus: &Focus, scope: &str) -> Option<String> {
    let counted = Focus {
        objects: focus
            .objects
            .iter()
            .filter(|object| object.replicas.is_some())
            .cloned()
            .collect(),
        ..Focus::default()
    };
    let targets = Scalable::pattern(&counted)?;
    Some(format!("scale ({targets}){FLAG}({CHANGE}){scope}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshot() -> Snapshot {
        serde_json::from_str(
            r#"{"namespaces": ["shop", "blog"], "default_namespace": "shop", "objects": [
                {"kind": "deployment", "namespace": "shop", "name": "web", "replicas": 3},
                {"kind": "deployment", "namespace": "blog", "name": "web", "replicas": 8},
                {"kind": "deployment", "namespace": "shop", "name": "off", "replicas": 0},
                {"kind": "deployment", "namespace": "shop", "name": "unknown"},
                {"kind": "statefulset", "namespace": "blog", "name": "db", "replicas": 2},
                {"kind": "service", "namespace": "shop", "name": "web"}]}"#,
        )
        .unwrap()
    }

    fn settled(text: &str) -> Result<String, String> {
        let Ok(Proposal::Plan(rough)) = parse_rough(text) else {
            panic!("{text}")
        };
        assert_eq!(rough.to_string(), text, "written as it was read");
        match rough.settle(&snapshot()) {
            Ok(plan) => Ok(plan.to_string()),
            Err(question) => Err(question.0),
        }
    }

    #[test]
    fn a_change_becomes_the_number() {
        for (change, number) in [
            ("+2", 5),
            ("-3", 0),
            ("*2", 6),
            ("*10", 30),
            ("/3", 1),
            ("+100%", 6),
            ("-100%", 0),
            // Parts are rounded up, growing and shrinking alike.
            ("/2", 2),
            ("+50%", 5),
            ("-50%", 2),
        ] {
            assert_eq!(
                settled(&format!("scale deployment/web --replicas={change}")),
                Ok(format!("scale deployment/web --replicas={number}")),
                "3 {change}"
            );
        }
    }

    #[test]
    fn the_object_is_the_one_that_the_step_means() {
        assert_eq!(
            settled("scale deployment/web --replicas=/2 -n blog").unwrap(),
            "scale deployment/web --replicas=4 -n blog"
        );
        assert_eq!(
            settled("scale statefulset/db --replicas=+1").unwrap(),
            "scale statefulset/db --replicas=3"
        );
        assert_eq!(
            settled("scale deployment/web --replicas=9 -n blog\nscale deployment/web --replicas=*2\nscale deployment/web --replicas=+1")
                .unwrap(),
            "scale deployment/web --replicas=9 -n blog\nscale deployment/web --replicas=6\nscale deployment/web --replicas=7"
        );
        assert_eq!(
            settled("rollout restart deployment/web\nget pods").unwrap(),
            "rollout restart deployment/web\nget pods"
        );
    }

    #[test]
    fn what_cannot_be_worked_out_is_asked() {
        for (line, part) in [
            ("scale deployment/web --replicas=-4", "less than none"),
            ("scale deployment/web --replicas=-150%", "less than none"),
            ("scale deployment/off --replicas=*2", "no change"),
            ("scale deployment/unknown --replicas=+1", "not known"),
            ("scale deployment/elsewhere --replicas=+1", "not known"),
            (
                "scale statefulset/db --replicas=+1 -n shop",
                "did you mean blog/db",
            ),
        ] {
            let question = settled(line).unwrap_err();
            assert!(question.contains(part), "{line}: {question}");
        }
    }

    #[test]
    fn only_the_number_of_one_object_may_be_relative_and_only_in_a_rough_plan() {
        for line in [
            "scale deployment/web deployment/off --replicas=+1",
            "create deployment x --image=nginx --replicas=+1",
            "scale deployment/web --replicas=+x",
            "scale deployment/web --replicas=*2%",
            "scale deployment/web --replicas=/0",
            "scale deployment/web --replicas=+99999",
            "scale deployment/web --replicas=+",
            "scale service/web --replicas=+1",
        ] {
            assert!(parse_rough(line).is_err(), "{line}");
        }
        assert!("scale deployment/web --replicas=+1".parse::<Step>().is_err());
    }

    #[test]
    fn a_change_can_be_written_where_a_number_is_known() {
        let focus = Focus::everything(&snapshot());
        let whole = regex::Regex::new(&format!("^({})$", change_pattern(&focus, "").unwrap())).unwrap();
        assert!(whole.is_match("scale deployment/web --replicas=+50%"));
        assert!(whole.is_match("scale deployment/off --replicas=/2"));
        assert!(!whole.is_match("scale deployment/unknown --replicas=+1"));
        assert!(!whole.is_match("scale deployment/web --replicas=+0"));
        let nothing = Focus::on("?", &snapshot());
        assert_eq!(change_pattern(&nothing, ""), None);
    }

    proptest! {
        #[test]
        fn every_change_that_the_grammar_has_is_read_and_written_back(text in CHANGE, now in 0_u32..2000) {
            let change: Change = text.parse().unwrap();
            prop_assert_eq!(change.to_string(), text);
            let now_wide = i64::from(now);
            let (amount, parts) = match change {
                Change::By(more) => (now_wide + more, 1),
                Change::Percent(more) => (now_wide * (100 + more), 100),
                Change::Times(factor) => (now_wide * factor, 1),
                Change::Part(parts) => (now_wide, parts),
            };
            match change.of(now).map(i64::from) {
                Some(new) => prop_assert!((new - 1) * parts < amount && amount <= new * parts, "{} {} is {}", now, change, new),
                None => prop_assert!(amount < 0, "{} {}", now, change),
            }
        }
    }
}
