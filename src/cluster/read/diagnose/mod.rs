//! `diagnose`: the evidence of what is wrong with an object, and what it shows, found by rules.

mod evidence;
mod findings;
mod page;
mod sweep;

use super::{ReadOutput, Reader};
use crate::cluster::ClusterError;
use crate::plan::command::Diagnose;

use evidence::Evidence;

/// `diagnose TARGET`: one line a problem first, then what was seen.
pub(super) async fn read(reader: Reader<'_>, command: &Diagnose) -> Result<ReadOutput, ClusterError> {
    let evidence = Evidence::collect(reader, &command.target.0).await?;
    let findings = findings::of(&evidence);
    let text = page::write(&evidence, &findings);
    Ok(ReadOutput::new(&text, Some(page::data(&evidence, &findings))))
}

pub(super) use sweep::read as read_all;

#[cfg(test)]
pub(super) use evidence::{Backend, Claim, LogEnd};

/// The text for evidence at hand, without a cluster.
#[cfg(test)]
pub(super) fn told(evidence: &Evidence) -> String {
    page::write(evidence, &findings::of(evidence))
}

#[cfg(test)]
pub(super) type Seen = Evidence;
