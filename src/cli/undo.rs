//! `sayso undo`: the way back from a recorded change, walked like any other plan.

use anyhow::{Context as _, bail};

use super::args::Common;
use super::request::{connection, converse};
use super::{Exit, interrupt, load};
use crate::driver::audit::{Action, AuditLog, Filter, actions, has_redactions};
use crate::driver::connect;
use crate::plan::Plan;
use crate::request::Request;
use crate::session::undo_steps;

/// Takes an action back: the one with that id, or the last one that changed something.
pub async fn run(common: &Common, id: Option<&str>) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let action = find(&AuditLog::at(&config.places.audit), id)?;
    let intent = action.intent().context("that action changed nothing")?;
    let outcome = action
        .outcome()
        .context("that action has no recorded outcome; look at the cluster first")?;
    let back = undo_steps(intent, outcome).map_err(anyhow::Error::msg)?;
    if back.iter().any(|step| has_redactions(&serde_json::json!(step))) {
        bail!("the values of a secret are not kept in the record, so this cannot be taken back");
    }
    let plan = Plan::new(back).context("nothing of it can be taken back")?;
    let request = Request::new(&format!("undo {}", action.id), None)?;
    let parts = connect(&config, &connection(common)).await?;
    let now = parts.cluster.context().name.clone();
    if action.context() != now {
        bail!(
            "that was done in context `{}`, and this is `{now}`; use --context",
            action.context()
        );
    }
    converse(common, &config, &parts, request, Some(plan), interrupt::token()).await
}

fn find(log: &AuditLog, id: Option<&str>) -> anyhow::Result<Action> {
    let records = match id {
        Some(id) => log.find(id)?,
        None => log.trusted_records()?.collect::<Result<_, _>>()?,
    };
    let mut found = actions(records, &Filter::default());
    found.retain(|action| action.intent().is_some());
    found.pop().context("there is no recorded change to take back")
}
