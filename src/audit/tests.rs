//! Ten thousand edits of a log of ten thousand records: every one is found.

use std::sync::Arc;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use uuid::Uuid;

use super::chain::GENESIS;
use super::checkpoint::{Checkpoint, Found};
use super::record::{ActionId, Entry, Record};
use super::verify::Verifier;
use crate::sign::Key;

const RECORDS: u128 = 10_000;
/// The verifier's state is kept this often, so that an edit costs a few lines and not ten thousand.
const STRIDE: usize = 20;

/// The lines of a log, each with its newline, and the checkpoint over them.
fn log() -> (Vec<Vec<u8>>, Found) {
    let (mut previous, mut lines) = (GENESIS.to_owned(), Vec::new());
    for number in 0..RECORDS {
        let at = Timestamp::from_second(1_700_000_000 + i64::try_from(number).unwrap()).unwrap();
        let action = ActionId::new(Uuid::from_u128(
            0x0192_0000_0000_7000_8000_0000_0000_0000 + number / 2,
        ));
        let body = json!({"user": "ada", "steps": [{"command": format!("kubectl scale deployment/web --replicas={number}")}]});
        let entry = if number % 2 == 0 {
            Entry::Intent { action, body }
        } else {
            Entry::Outcome { action, body }
        };
        let sequence = u64::try_from(number).unwrap() + 1;
        let (record, line) = Record::write(&previous, sequence, at, &entry).unwrap();
        previous = record.hash;
        lines.push(format!("{line}\n").into_bytes());
    }
    let key = Arc::new(Key::generate("test").unwrap());
    let sequence = u64::try_from(RECORDS).unwrap();
    let checkpoint = Checkpoint::sign(&key, sequence, &previous, Timestamp::UNIX_EPOCH).unwrap();
    (lines, Found::Checkpoint(Box::new(checkpoint)))
}

/// What somebody does to a log: from line `at` on, `old` lines become `new` bytes.
struct Edit {
    what: &'static str,
    at: usize,
    old: usize,
    new: Vec<u8>,
}

fn edit(lines: &[Vec<u8>], random: &mut StdRng) -> Edit {
    let at = random.random_range(0..lines.len() - 1);
    let (line, next) = (&lines[at], &lines[at + 1]);
    let place = random.random_range(0..line.len());
    let byte: u8 = random.random_range(0..=255);
    let mut new = line.clone();
    let rest = lines.len() - at;
    let (what, old) = match random.random_range(0..9) {
        0 => {
            new[place] ^= byte.max(1);
            ("a byte was flipped", 1)
        }
        1 => {
            new.remove(place);
            ("a byte was taken out", 1)
        }
        2 => {
            new.insert(place, byte);
            ("a byte was put in", 1)
        }
        3 => {
            new.clear();
            ("a record was dropped", 1)
        }
        4 => {
            new.extend_from_slice(line);
            ("a record was doubled", 1)
        }
        5 => {
            new = [next.as_slice(), line].concat();
            ("two records changed places", 2)
        }
        6 => {
            new = [forged(line).as_slice(), line].concat();
            ("a record was made up", 1)
        }
        7 => {
            new.clear();
            ("the end was cut off", rest)
        }
        _ => {
            new.truncate(place);
            ("the end was cut off in the middle of a line", rest)
        }
    };
    Edit { what, at, old, new }
}

/// A record that is sealed as it should be, in the place of one that was there.
fn forged(line: &[u8]) -> Vec<u8> {
    let record = Record::parse(line.strip_suffix(b"\n").unwrap()).unwrap();
    let entry = Entry::Decision {
        action: record.entry.action().unwrap(),
        body: json!({"outcome": "forged"}),
    };
    let (_, line) = Record::write(&record.previous, record.sequence, record.at, &entry).unwrap();
    format!("{line}\n").into_bytes()
}

/// Whether the edited log is found broken. `states` are those of the verifier before every `STRIDE`th line.
fn is_found(lines: &[Vec<u8>], states: &[Verifier], edit: &Edit) -> bool {
    let from = edit.at / STRIDE;
    let mut verifier = states[from].clone();
    let before = lines[from * STRIDE..edit.at].concat();
    let changed = [before, edit.new.clone()].concat();
    for line in changed.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line);
    }
    // A line without its end runs into the next one: this is what a reader of the whole file would see.
    let mut after = lines[edit.at + edit.old..].iter();
    if !changed.is_empty() && !changed.ends_with(b"\n") && edit.at + edit.old < lines.len() {
        return is_found_whole(lines, states, edit);
    }
    while !verifier.is_broken() {
        match after.next() {
            Some(line) => verifier.line(line),
            None => break,
        }
    }
    !verifier.finish().intact()
}

fn is_found_whole(lines: &[Vec<u8>], states: &[Verifier], edit: &Edit) -> bool {
    let from = edit.at / STRIDE;
    let mut verifier = states[from].clone();
    let end = (edit.at + edit.old + 3).min(lines.len());
    let bytes = [
        lines[from * STRIDE..edit.at].concat(),
        edit.new.clone(),
        lines[edit.at + edit.old..end].concat(),
    ]
    .concat();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        verifier.line(line);
    }
    !verifier.finish().intact()
}

#[test]
fn every_one_of_ten_thousand_edits_is_found() {
    let (lines, checkpoint) = log();
    let mut verifier = Verifier::expecting(checkpoint, None);
    let mut states = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if index % STRIDE == 0 {
            states.push(verifier.clone());
        }
        verifier.line(line);
    }
    let whole = verifier.finish();
    assert!(
        whole.intact() && whole.vouched == Some(10_000),
        "{:?}",
        whole.breaks
    );
    let mut random = StdRng::seed_from_u64(7);
    for number in 0..10_000 {
        let edit = edit(&lines, &mut random);
        assert!(
            is_found(&lines, &states, &edit),
            "edit {number}: {} at line {}",
            edit.what,
            edit.at + 1
        );
    }
}
