//! Actions for other programs. The evidence is the log itself; these are views of it.

use super::replay::Action;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// What begins a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One action, flat, with its bodies.
#[derive(Serialize)]
struct Line<'a> {
    action: String,
    at: String,
    user: &'a str,
    context: &'a str,
    verdict: &'a str,
    commands: Vec<&'a str>,
    intent: Option<&'a Value>,
    decision: Option<&'a Value>,
    outcome: Option<&'a Value>,
}

/// Writes one JSON object a line: `action`, `at`, `user`, `context`, `verdict`, `commands`, and the
/// bodies `intent`, `decision` and `outcome` or null.
pub fn json_lines(actions: &[Action], mut out: impl Write) -> io::Result<()> {
    for action in actions {
        let line = Line {
            action: action.id.to_string(),
            at: action.at.to_string(),
            user: action.user(),
            context: action.context(),
            verdict: action.verdict(),
            commands: action.commands(),
            intent: action.intent(),
            decision: action.decision(),
            outcome: action.outcome(),
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a table with the columns `action,at,user,context,verdict,commands`, the commands one a line
/// in their cell. A cell that a spreadsheet would run as a formula gets an apostrophe in front.
pub fn csv(actions: &[Action], out: impl Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["action", "at", "user", "context", "verdict", "commands"])?;
    for action in actions {
        let (id, at, commands) = (
            action.id.to_string(),
            action.at.to_string(),
            action.commands().join("\n"),
        );
        let cells = [
            &id,
            &at,
            action.user(),
            action.context(),
            action.verdict(),
            &commands,
        ];
        table.write_record(cells.map(harmless))?;
    }
    table.flush()
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA) {
        format!("'{cell}")
    } else {
        cell.into()
    }
}
