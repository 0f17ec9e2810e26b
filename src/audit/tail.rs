//! Where the next record goes on, and what a crash left behind.
//!
//! A crash in mid-append leaves a line without newline that does not end in a seal. Such a tail, and
//! nothing else, is explained by an [`Entry::Recovered`](super::Entry::Recovered) and stepped over. A
//! last line that ends in a newline or in a seal, and yet is no valid record, was altered: the log
//! refuses to go on from there.

use super::chain::GENESIS;
use super::record::{Record, Tear};
use super::verify::BreakReason;

/// What the next record is chained to.
#[derive(Debug, PartialEq)]
pub(super) struct Tail {
    /// The hash of the last good record.
    pub previous: String,
    /// The sequence of the next record.
    pub sequence: u64,
    /// What stands after the last good record, if the file does not end in a newline.
    pub tear: Option<Tear>,
}

impl Tail {
    fn after(record: Option<Record>, tear: Option<Tear>) -> Self {
        match record {
            Some(record) => Self {
                previous: record.hash,
                sequence: record.sequence + 1,
                tear,
            },
            None => Self {
                previous: GENESIS.into(),
                sequence: 1,
                tear,
            },
        }
    }
}

/// Finds the tail in the last bytes of a log; `whole` says that these are all of its bytes.
/// `None` means that more bytes are needed, `Err` where in them the altered line starts.
pub(super) fn find(window: &[u8], whole: bool) -> Result<Option<Tail>, usize> {
    let first_line = match (whole, window.iter().position(|byte| *byte == b'\n')) {
        (true, _) => 0,
        (false, Some(newline)) => newline + 1,
        (false, None) => return Ok(None),
    };
    let torn = !window.ends_with(b"\n");
    let mut end = if torn { window.len() } else { window.len() - 1 };
    while end > first_line {
        let start = window[first_line..end].iter().rposition(|byte| *byte == b'\n');
        let start = first_line + start.map_or(0, |newline| newline + 1);
        match Record::parse(&window[start..end]) {
            Ok(record) => {
                let tear = torn.then(|| Tear::of(window.get(end + 1..).unwrap_or_default()));
                return Ok(Some(Tail::after(Some(record), tear)));
            }
            Err(BreakReason::Malformed) if torn => end = start.saturating_sub(1),
            Err(_) => return Err(start),
        }
    }
    match (whole, window.is_empty()) {
        (true, true) => Ok(Some(Tail::after(None, None))),
        (true, false) if torn => Ok(Some(Tail::after(None, Some(Tear::of(window))))),
        (true, false) => Err(0),
        (false, _) => Ok(None),
    }
}
