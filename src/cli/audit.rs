//! `sayso audit`: the record, listed, shown, verified, exported.

use std::io::Write as _;

use anyhow::Context as _;
use jiff::{Span, Timestamp, Zoned};

use super::args::{AuditCommand, ExportForm, Output};
use super::document::print;
use super::{Exit, human};
use crate::config::Config;
use crate::driver::audit::{Action, AuditError, AuditLog, Filter, Record, actions, export};

/// Runs one of them. Reading a record never writes one.
pub fn run(command: &AuditCommand, config: &Config, output: Output) -> anyhow::Result<Exit> {
    let log = trusting(AuditLog::at(&config.places.audit), config);
    match command {
        AuditCommand::List {
            since,
            user,
            object,
            verdict,
        } => {
            let filter = Filter {
                since: since
                    .as_deref()
                    .map(|text| moment(text, &Zoned::now()))
                    .transpose()?,
                user: user.clone(),
                object: object.clone(),
                verdict: verdict.clone(),
            };
            list(&actions(all(&log)?, &filter), output)
        }
        AuditCommand::Show { id } => show(&log, id, output),
        AuditCommand::Verify => verify(&log, output),
        AuditCommand::Export { form } => {
            let all = actions(all(&log)?, &Filter::default());
            match form {
                ExportForm::Json => export::json_lines(&all, std::io::stdout())?,
                ExportForm::Csv => export::csv(&all, std::io::stdout())?,
                ExportForm::Otlp => export::otlp(&all, std::io::stdout())?,
            }
            Ok(Exit::Done)
        }
    }
}

/// Where there is a key of ours, only checkpoints of that key count.
fn trusting(log: AuditLog, config: &Config) -> AuditLog {
    match crate::sign::load(&config.signing_key) {
        Ok(Some(key)) => log.trusting(key.public()),
        _ => log,
    }
}

/// Every record that can be trusted by itself; a log that was never begun has none.
fn all(log: &AuditLog) -> anyhow::Result<Vec<Record>> {
    match log.trusted_records() {
        Err(AuditError::Missing { .. }) => Ok(Vec::new()),
        records => Ok(records?.collect::<Result<_, _>>()?),
    }
}

fn list(found: &[Action], output: Output) -> anyhow::Result<Exit> {
    if output != Output::Text {
        let records: Vec<_> = found.iter().flat_map(|action| &action.records).collect();
        print(&records, output)?;
        return Ok(Exit::Done);
    }
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["TIME", "ID", "USER", "OUTCOME", "COMMAND"]);
    for action in found {
        let commands: Vec<String> = action.commands().into_iter().map(human::printable).collect();
        let time = action.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let id = action.id.short();
        table.add_row([
            time,
            id,
            human::printable(action.user()),
            action.verdict().to_owned(),
            commands.join("; "),
        ]);
    }
    let _ = writeln!(anstream::stdout(), "{}", human::table(&table));
    Ok(Exit::Done)
}

fn show(log: &AuditLog, id: &str, output: Output) -> anyhow::Result<Exit> {
    let records = log.find(id)?;
    print(
        &records,
        if output == Output::Json {
            Output::Json
        } else {
            Output::Yaml
        },
    )?;
    Ok(Exit::Done)
}

fn verify(log: &AuditLog, output: Output) -> anyhow::Result<Exit> {
    let verification = log.verify()?;
    let exit = if verification.intact() {
        Exit::Done
    } else {
        Exit::Failed
    };
    if output != Output::Text {
        print(&verification, output)?;
        return Ok(exit);
    }
    let mut out = anstream::stdout();
    for found in &verification.breaks {
        writeln!(
            out,
            "broken at line {} (byte {}): {}",
            found.line, found.byte_offset, found.reason
        )?;
    }
    for open in &verification.open_intents {
        writeln!(out, "note: action {open} was begun and has no recorded outcome")?;
    }
    if let Some(sequence) = verification.vouched.filter(|_| verification.intact()) {
        writeln!(out, "a signed checkpoint vouches for {sequence} records")?;
    }
    let state = if verification.intact() { "intact" } else { "BROKEN" };
    writeln!(
        out,
        "{state}: {} records in {}",
        verification.records,
        log.path().display()
    )?;
    Ok(exit)
}

/// A span back from now, or a date.
fn moment(text: &str, now: &Zoned) -> anyhow::Result<Timestamp> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(now.checked_sub(span)?.timestamp());
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return Ok(date.to_zoned(now.time_zone().clone())?.timestamp());
    }
    text.parse()
        .with_context(|| format!("`{text}` is neither a span such as 2h or 7d nor a date such as 2026-01-31"))
}
