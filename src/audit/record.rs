//! What a record says, and how it becomes a line and is read back.

use super::AuditError;
use super::chain::{self, fingerprint};
use super::verify::BreakReason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// Names one thing that was asked for; its intent, decision and outcome carry the same one.
/// Ids made from version 7 UUIDs sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActionId(Uuid);

impl ActionId {
    /// The caller mints the UUID (version 7), so that randomness enters as a value.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The last twelve characters: the random part, so the part to show and to type.
    /// [`AuditLog::find`](super::AuditLog::find) takes it.
    pub fn short(&self) -> String {
        self.to_string().split_off(24)
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl TryFrom<String> for ActionId {
    type Error = uuid::Error;
    fn try_from(text: String) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl From<ActionId> for String {
    fn from(id: ActionId) -> Self {
        id.to_string()
    }
}

/// Names one record: its action's id, a dot, and its sequence (`recovered.7` where there is no action).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(String);

impl RecordId {
    fn new(action: Option<ActionId>, sequence: u64) -> Self {
        match action {
            Some(action) => Self(format!("{action}.{sequence}")),
            None => Self(format!("recovered.{sequence}")),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What happened. Bodies are redacted on the way into the log (see [`super::redact()`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Entry {
    /// What is about to be done; on disk before the first write to the cluster.
    Intent {
        /// Whose intent.
        action: ActionId,
        /// Request, context, user, model, plan, evidence, approval.
        body: Value,
    },
    /// What came of an intent.
    Outcome {
        /// Whose outcome.
        action: ActionId,
        /// Per step: request, response, object before and after.
        body: Value,
    },
    /// Rejected, denied or refused: nothing was applied.
    Decision {
        /// Whose decision.
        action: ActionId,
        /// Who decided, and why.
        body: Value,
    },
    /// Something was read and nothing could change.
    Read {
        /// Whose read.
        action: ActionId,
        /// What was asked and read.
        body: Value,
    },
    /// A crash left an unfinished line before this record. Only the log itself writes these.
    Recovered(Tear),
}

impl Entry {
    /// The action that this belongs to; none for what the log itself wrote.
    pub fn action(&self) -> Option<ActionId> {
        match self {
            Self::Intent { action, .. }
            | Self::Outcome { action, .. }
            | Self::Decision { action, .. }
            | Self::Read { action, .. } => Some(*action),
            Self::Recovered(_) => None,
        }
    }

    /// What the caller recorded; none for what the log itself wrote.
    pub fn body(&self) -> Option<&Value> {
        match self {
            Self::Intent { body, .. }
            | Self::Outcome { body, .. }
            | Self::Decision { body, .. }
            | Self::Read { body, .. } => Some(body),
            Self::Recovered(_) => None,
        }
    }

    pub(super) fn body_mut(&mut self) -> Option<&mut Value> {
        match self {
            Self::Intent { body, .. }
            | Self::Outcome { body, .. }
            | Self::Decision { body, .. }
            | Self::Read { body, .. } => Some(body),
            Self::Recovered(_) => None,
        }
    }
}

/// What a crash left between the last good record and a [`Entry::Recovered`]: those bytes stay in
/// the file as they are, and this tells them from bytes that someone put there later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tear {
    bytes: u64,
    sha256: String,
}

impl Tear {
    pub(super) fn of(torn: &[u8]) -> Self {
        Self {
            bytes: torn.len() as u64,
            sha256: fingerprint(torn),
        }
    }

    /// How many bytes were left, not counting the newline that was added; 0 if a record was
    /// complete but for its newline.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Counted from 1, without gaps.
    pub sequence: u64,
    /// The action and the sequence in one word.
    pub id: RecordId,
    /// When, by the clock of the machine that wrote it.
    pub at: Timestamp,
    /// The hash of the record before it, or [`chain::GENESIS`].
    pub previous: String,
    /// What happened.
    pub entry: Entry,
    /// Seals everything above, and through `previous` every record before it.
    pub hash: String,
}

/// A record before its hash is known, in the order in which its fields are written.
#[derive(Serialize)]
struct Unsealed<'a> {
    sequence: u64,
    id: &'a RecordId,
    at: Timestamp,
    previous: &'a str,
    entry: &'a Entry,
}

impl Record {
    /// The record and its line (without newline). What could not be read back is refused.
    pub(super) fn write(
        previous: &str,
        sequence: u64,
        at: Timestamp,
        entry: &Entry,
    ) -> Result<(Record, String), AuditError> {
        let id = RecordId::new(entry.action(), sequence);
        let json = serde_json::to_string(&Unsealed {
            sequence,
            id: &id,
            at,
            previous,
            entry,
        })
        .map_err(|error| AuditError::Unrecordable {
            because: error.to_string(),
        })?;
        let line = chain::seal(previous, json.strip_suffix('}').unwrap_or(&json));
        let record = Record::parse(line.as_bytes()).map_err(|_| AuditError::Unrecordable {
            because: "it could not be read back, so it is probably nested too deeply".into(),
        })?;
        Ok((record, line))
    }

    /// Reads a line (without newline) and checks it against its own hash: [`BreakReason::Malformed`]
    /// if it does not even end like a record, else [`BreakReason::Altered`] if anything in it changed.
    pub fn parse(line: &[u8]) -> Result<Record, BreakReason> {
        let sealed = chain::unseal(line).ok_or(BreakReason::Malformed)?;
        let record: Record = serde_json::from_slice(line).map_err(|_| BreakReason::Altered)?;
        if chain::hash(&record.previous, sealed.content) == sealed.hash {
            Ok(record)
        } else {
            Err(BreakReason::Altered)
        }
    }
}
