//! The regular expression of every plan that one request may get.

use super::command::{Reach, SHAPES, Shape};
use super::focus::{Focus, any_of};
use super::rough::change_pattern;

/// How many steps a model may write in one plan.
pub const MAX_STEPS: usize = 6;

/// The words with which a planner says that it has no plan.
pub const NO_PLAN: [&str; 2] = ["unclear", "refuse"];

/// A regular expression, without anchors and look-around, for the text of a plan about what is in focus.
///
/// Everything it matches is read by [`super::parse_rough`]. It is one expression on purpose: engines that split a grammar
/// into tokens of their own prefer the longest, which made `get pods` unreachable beside `get pods/web`. A plan that
/// begins with a step that creates may go on to name, under any of the names that the request says, what it created.
pub fn plan_pattern(focus: &Focus) -> String {
    let more = MAX_STEPS - 1;
    let step = step_pattern(focus);
    let known = format!("({})|({step})(\\n({step})){{0,{more}}}", NO_PLAN.join("|"));
    if focus.said.is_empty() {
        return known;
    }
    let first = any_shape(focus, is_creating);
    let later = step_pattern(&focus.with_imagined());
    format!("{known}|({first})(\\n({later})){{1,{more}}}")
}

/// The language of a plan, in the forms that servers take: as one text, and line by line.
///
/// Both come from the same commands. A list of lines cannot say that a name is known only behind the step that creates
/// it, so [`PlanGrammar::line`] allows a little more; what comes back is parsed and checked in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanGrammar {
    /// [`plan_pattern`]: the whole text, lines joined by line ends.
    pub whole: String,
    /// The expression of each line.
    pub line: String,
    /// The most lines.
    pub most: usize,
}

/// Both forms for what is in focus.
pub fn plan_grammar(focus: &Focus) -> PlanGrammar {
    let step = if focus.said.is_empty() {
        step_pattern(focus)
    } else {
        step_pattern(&focus.with_imagined())
    };
    PlanGrammar {
        whole: plan_pattern(focus),
        line: format!("{}|{step}", NO_PLAN.join("|")),
        most: MAX_STEPS,
    }
}

/// The expression of one step, a change of what runs included.
pub fn step_pattern(focus: &Focus) -> String {
    let change = change_pattern(focus, &scope_pattern(Reach::Namespace, focus));
    let steps = [Some(any_shape(focus, |_| true)), change];
    steps.into_iter().flatten().collect::<Vec<_>>().join("|")
}

fn any_shape(focus: &Focus, fits: impl Fn(&Shape) -> bool) -> String {
    let shapes = SHAPES.iter().filter(|shape| fits(shape));
    let steps: Vec<String> = shapes.filter_map(|shape| scoped(shape, focus)).collect();
    steps.join("|")
}

/// Whether a command brings something into being that later steps can name.
fn is_creating(shape: &Shape) -> bool {
    shape.words == "run" || shape.words == "expose" || shape.words.starts_with("create ")
}

/// The expression of one command with its scope flags, or nothing where the cluster has no candidate for it.
pub(super) fn scoped(shape: &Shape, focus: &Focus) -> Option<String> {
    let command = shape.pattern(focus)?;
    Some(insert_scope(&command, &scope_pattern(shape.reach, focus)))
}

/// The expression of the scope flags.
fn scope_pattern(reach: Reach, focus: &Focus) -> String {
    let namespaces = any_of(focus.namespaces.iter().cloned());
    match (reach, namespaces) {
        (Reach::Cluster, _) | (Reach::Namespace, None) => String::new(),
        (Reach::Namespace, Some(names)) => format!("( -n ({names}))?"),
        (Reach::Any, Some(names)) => format!("( -n ({names})| -A)?"),
        (Reach::Any, None) => "( -A)?".to_owned(),
    }
}

/// Puts the scope in front of ` -- `, behind which everything belongs to the container.
fn insert_scope(command: &str, scope: &str) -> String {
    match command.find("( -- ").or_else(|| command.find("( --(")) {
        Some(at) => format!("{}{scope}{}", &command[..at], &command[at..]),
        None => format!("{command}{scope}"),
    }
}
