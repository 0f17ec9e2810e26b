//! `sayso undo`: the way back from a recorded change, walked like any other plan.

use super::args::Common;
use super::request::{connection, converse, wishes};
use super::{Exit, interrupt, load};
use crate::driver::audit::AuditLog;
use crate::driver::{Undo, connect};

/// Takes an action back: the one with that id, or the last one that changed something.
pub async fn run(common: &Common, id: Option<&str>) -> anyhow::Result<Exit> {
    let config = load(common)?;
    let undo = Undo::find(&AuditLog::at(&config.places.audit), id)?;
    let parts = connect(&config, &connection(common)).await?;
    undo.belongs_to(&parts.cluster.context().name)?;
    let session = undo
        .clone()
        .session(undo.request()?, wishes(common), config.policy.clone());
    let (exit, _) = converse(common, &config, &parts, session, None, interrupt::token()).await?;
    Ok(exit)
}
