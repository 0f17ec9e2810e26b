//! The regular expression of every plan that one request may get.

use super::command::{Reach, SHAPES, Shape};
use super::focus::{Focus, any_of};

/// How many steps a model may write in one plan.
pub const MAX_STEPS: usize = 6;

/// The words with which a planner says that it has no plan.
pub const NO_PLAN: [&str; 2] = ["unclear", "refuse"];

/// A regular expression, without anchors and look-around, for the text of a plan about what is in focus.
///
/// Everything it matches is read by [`super::parse`]. It is one expression on purpose: engines that split a grammar
/// into tokens of their own prefer the longest, which made `get pods` unreachable beside `get pods/web`.
pub fn plan_pattern(focus: &Focus) -> String {
    let step = step_pattern(focus);
    format!(
        "({})|({step})(\\n({step})){{0,{}}}",
        NO_PLAN.join("|"),
        MAX_STEPS - 1
    )
}

/// The expression of one step.
pub fn step_pattern(focus: &Focus) -> String {
    let steps: Vec<String> = SHAPES.iter().filter_map(|shape| scoped(shape, focus)).collect();
    steps.join("|")
}

fn scoped(shape: &Shape, focus: &Focus) -> Option<String> {
    let command = shape.pattern(focus)?;
    let namespaces = any_of(focus.namespaces.iter().cloned());
    let scope = match (shape.reach, namespaces) {
        (Reach::Cluster, _) | (Reach::Namespace, None) => String::new(),
        (Reach::Namespace, Some(names)) => format!("( -n ({names}))?"),
        (Reach::Any, Some(names)) => format!("( -n ({names})| -A)?"),
        (Reach::Any, None) => "( -A)?".to_owned(),
    };
    Some(insert_scope(&command, &scope))
}

/// Puts the scope in front of ` -- `, behind which everything belongs to the container.
fn insert_scope(command: &str, scope: &str) -> String {
    match command.find("( -- ").or_else(|| command.find("( --(")) {
        Some(at) => format!("{}{scope}{}", &command[..at], &command[at..]),
        None => format!("{command}{scope}"),
    }
}
