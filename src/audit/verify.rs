//! The whole chain, checked line by line; of an intact log no more than one line is held at a time.

use super::chain::{GENESIS, unseal};
use super::record::{ActionId, Entry, Record, Tear};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BreakReason {
    /// It is not a record.
    Malformed,
    /// It is a record that was changed after it was written.
    Altered,
    /// It does not continue the record before it: lines were dropped, inserted or moved.
    Unlinked,
    /// It explains a crash, but what stands before it is not what the crash left.
    Unexplained,
    /// The file ends in the middle of a line: a crash (the next append explains it) or a cut.
    Torn,
}

impl fmt::Display for BreakReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "it is not a record",
            Self::Altered => "it was changed after it was written",
            Self::Unlinked => "it does not follow the record before it",
            Self::Unexplained => "it explains a crash that did not leave this",
            Self::Torn => "the file ends in the middle of a line",
        })
    }
}

/// One place where the log is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Counted from 1.
    pub line: u64,
    /// Where the line starts in the file.
    pub byte_offset: u64,
    /// What is wrong.
    pub reason: BreakReason,
}

/// The result of checking a whole log. It cannot know of records that were cut off cleanly at the
/// end; keep [`Verification::head`] elsewhere to notice that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many lines are records in themselves.
    pub records: u64,
    /// Everything that is wrong, in file order.
    pub breaks: Vec<Break>,
    /// The hash of the last record; none in an empty log.
    pub head: Option<String>,
    /// Actions with an intent but neither outcome nor decision, oldest first: running now, or cut short.
    pub open_intents: Vec<ActionId>,
    /// Lines of the records that explain a crash. Not breaks, but worth a look.
    pub tears: Vec<u64>,
}

impl Verification {
    /// Whether every line is what was written, in the order in which it was written.
    pub fn intact(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// Takes the lines of a log one after the other.
#[derive(Debug, Default)]
pub(super) struct Verifier {
    result: Verification,
    line: u64,
    offset: u64,
    sequence: u64,
    open: BTreeSet<ActionId>,
    /// Lines since the last record that may turn out to be what a crash left, and their bytes.
    suspects: Vec<Break>,
    suspect_bytes: Vec<u8>,
}

impl Verifier {
    /// Takes the next line with its newline, if it has one.
    pub fn line(&mut self, bytes: &[u8]) {
        self.line += 1;
        let line = bytes.strip_suffix(b"\n");
        match Record::parse(line.unwrap_or(bytes)) {
            Ok(record) => self.record(record),
            Err(BreakReason::Malformed) => self.suspect(bytes),
            Err(reason) => self.altered(bytes, reason),
        }
        if line.is_none() {
            self.suspects.retain(|suspect| suspect.line != self.line);
            self.settle_suspects();
            self.note(BreakReason::Torn);
        }
        self.offset += bytes.len() as u64;
    }

    /// The result, after the last line.
    pub fn finish(mut self) -> Verification {
        self.settle_suspects();
        self.result.open_intents = self.open.into_iter().collect();
        self.result
    }

    fn record(&mut self, record: Record) {
        if let Entry::Recovered(tear) = &record.entry {
            self.explain(tear);
        }
        self.settle_suspects();
        let previous = self.result.head.as_deref().unwrap_or(GENESIS);
        if record.previous != previous || record.sequence != self.sequence + 1 {
            self.note(BreakReason::Unlinked);
        }
        self.track(&record.entry);
        self.result.records += 1;
        self.sequence = record.sequence;
        self.result.head = Some(record.hash);
    }

    /// Drops the suspects if this tear is exactly what they are.
    fn explain(&mut self, tear: &Tear) {
        let torn = self
            .suspect_bytes
            .strip_suffix(b"\n")
            .unwrap_or(&self.suspect_bytes);
        if Tear::of(torn) == *tear && self.suspects.is_empty() == (tear.bytes() == 0) {
            self.suspects.clear();
            self.result.tears.push(self.line);
        } else {
            self.settle_suspects();
            self.note(BreakReason::Unexplained);
        }
    }

    fn suspect(&mut self, bytes: &[u8]) {
        self.suspects.push(self.here(BreakReason::Malformed));
        self.suspect_bytes.extend_from_slice(bytes);
    }

    /// Goes on from the hash that the line claims, so that one altered line is one break.
    fn altered(&mut self, bytes: &[u8], reason: BreakReason) {
        self.settle_suspects();
        self.note(reason);
        self.sequence += 1;
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        if let Some(sealed) = unseal(line) {
            self.result.head = Some(sealed.hash.into());
        }
    }

    fn track(&mut self, entry: &Entry) {
        match entry {
            Entry::Intent { action, .. } => {
                self.open.insert(*action);
            }
            Entry::Outcome { action, .. } | Entry::Decision { action, .. } => {
                self.open.remove(action);
            }
            Entry::Read { .. } | Entry::Recovered(_) => {}
        }
    }

    fn settle_suspects(&mut self) {
        self.result.breaks.append(&mut self.suspects);
        self.suspect_bytes.clear();
    }

    fn note(&mut self, reason: BreakReason) {
        self.result.breaks.push(self.here(reason));
    }

    fn here(&self, reason: BreakReason) -> Break {
        Break {
            line: self.line,
            byte_offset: self.offset,
            reason,
        }
    }
}
