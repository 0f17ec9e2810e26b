//! `sayso doctor`: what Sayso needs, and how it is.

use std::io::Write as _;

use serde_json::json;

use super::args::{Common, Output};
use super::document::print;
use super::request::connection;
use super::{Exit, human, load};
use crate::driver::doctor::{Check, State, examine};

/// Looks at everything; exits 1 where something fails.
pub async fn run(common: &Common) -> anyhow::Result<Exit> {
    let checks = examine(&load(common)?, &connection(common)).await;
    let worst = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    match common.output {
        Output::Text => table(&checks),
        output => print(&json!({ "state": worst, "checks": checks }), output)?,
    }
    Ok(if worst == State::Fail {
        Exit::Failed
    } else {
        Exit::Done
    })
}

fn table(checks: &[Check]) {
    let mut out = anstream::stdout();
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or_default();
    for check in checks {
        let pad = if check.state == State::Ok { "  " } else { "" };
        let (name, detail) = (&check.name, human::printable(&check.detail));
        let _ = writeln!(out, "{}{pad}  {name:width$}  {detail}", human::state(check.state));
        if let Some(hint) = &check.hint {
            let _ = writeln!(out, "{:width$}        {}", "", human::hint(hint));
        }
    }
}
