//! The index of everything that does not ship: the user's documents, the cluster's schemas, past actions.
//!
//! It is changed in place, unit by unit; a unit is a file, an API version, an action. Each of its passages carries the
//! unit's source, name and digest as one term, so that what is indexed can be compared with what is there, and a change
//! is one commit of the search engine: whole or not at all.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use tantivy::schema::Field;
use tantivy::{Index, IndexWriter, Term};

use super::embedding::Embedding;
use super::error::KnowledgeError;
use super::schema::{Entry, Fields, VERSION, schema};
use super::shelf::Shelf;
use super::shipped::lock;
use super::words;

/// Between the parts of a unit's term.
const SEPARATOR: char = '\u{1f}';
/// Bytes of memory that indexing may take: what the search engine asks for at least, and some.
const HEAP: usize = 32 * 1024 * 1024;

/// What is indexed and forgotten as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Its name in its source.
    pub name: String,
    /// Of its content; another digest means that it must be indexed again.
    pub digest: String,
    /// Its passages.
    pub entries: Vec<Entry>,
}

/// Something that was to be brought up to date, and what came of it.
pub type Refreshed<T> = (T, Result<Change, KnowledgeError>);

/// What a change did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Units that are new or other than before.
    pub indexed: usize,
    /// Units that are as they were.
    pub unchanged: usize,
    /// Units that are gone.
    pub removed: usize,
    /// Passages of the units that were indexed.
    pub passages: usize,
}

/// Where the index lies. It is made at the first change.
pub fn place(cache: &Path) -> PathBuf {
    cache.join(format!("own-{VERSION}"))
}

/// Opens it, if there is one. One that is damaged is removed, and told of: everything in it is made again from its
/// sources.
pub fn open(cache: &Path) -> (Option<Shelf>, Option<KnowledgeError>) {
    let folder = place(cache);
    if !folder.exists() {
        return (None, None);
    }
    match Shelf::open(&folder) {
        Ok(shelf) => (Some(shelf), None),
        Err(error) => (None, Some(error)),
    }
}

/// Removes the whole index.
pub fn clear(cache: &Path) -> Result<(), KnowledgeError> {
    let folder = place(cache);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(KnowledgeError::from_io(&folder, error))
        }
        _ => Ok(()),
    }
}

/// Which units of a source are indexed, with their digests.
pub fn units(shelf: &Shelf, source: &str) -> tantivy::Result<HashMap<String, String>> {
    let terms = unit_terms(shelf, source)?;
    let parts = terms.iter().filter_map(|term| {
        let mut parts = term.split(SEPARATOR).skip(1);
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    });
    Ok(parts.collect())
}

/// Makes the index hold exactly these units of a source: indexes those that are new or changed, removes those that are
/// gone. Other processes that do the same are waited for. `whole` is false where units that are not named stay.
pub fn sync(cache: &Path, source: &str, units: &[Unit], whole: bool) -> Result<Change, KnowledgeError> {
    std::fs::create_dir_all(cache).map_err(|error| KnowledgeError::from_io(cache, error))?;
    let _lock = lock(cache, "own.lock")?;
    let folder = place(cache);
    let failed = |error: tantivy::TantivyError| KnowledgeError::from_index(&folder, &error);
    let shelf = open_or_make(&folder)?;
    let known = unit_terms(&shelf, source).map_err(failed)?;
    let wanted: HashSet<String> = units.iter().map(|unit| term_of(source, unit)).collect();
    let names: HashSet<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
    let name_of = |term: &str| term.split(SEPARATOR).nth(1).unwrap_or_default().to_owned();
    let stale: Vec<&String> = known
        .iter()
        .filter(|term| !wanted.contains(*term) && (whole || names.contains(name_of(term).as_str())))
        .collect();
    let is_fresh = |unit: &&Unit| !unit.entries.is_empty() && !known.contains(&term_of(source, unit));
    let fresh: Vec<&Unit> = units.iter().filter(is_fresh).collect();
    let change = Change {
        indexed: fresh.len(),
        unchanged: units.len() - fresh.len(),
        removed: stale
            .iter()
            .filter(|term| !names.contains(name_of(term).as_str()))
            .count(),
        passages: fresh.iter().map(|unit| unit.entries.len()).sum(),
    };
    if stale.is_empty() && fresh.is_empty() {
        return Ok(change);
    }
    write(shelf.searcher.index(), &shelf.fields, source, &stale, &fresh).map_err(failed)?;
    Ok(change)
}

/// Forgets a source.
pub fn forget(cache: &Path, source: &str) -> Result<Change, KnowledgeError> {
    if !place(cache).exists() {
        return Ok(Change::default());
    }
    sync(cache, source, &[], true)
}

fn write(
    index: &Index,
    fields: &Fields,
    source: &str,
    stale: &[&String],
    fresh: &[&Unit],
) -> tantivy::Result<()> {
    let embedding = Embedding::shipped();
    let mut writer: IndexWriter = index.writer_with_num_threads(1, HEAP)?;
    for term in stale {
        writer.delete_term(Term::from_field_text(fields.unit, term));
    }
    for unit in fresh {
        let term = term_of(source, unit);
        for entry in &unit.entries {
            writer.add_document(fields.document(entry, &term, source, &embedding))?;
        }
    }
    writer.commit()?;
    writer.wait_merging_threads()
}

/// Opens the index; makes an empty one where there is none, or a damaged one.
fn open_or_make(folder: &Path) -> Result<Shelf, KnowledgeError> {
    if let Ok(shelf) = Shelf::open(folder) {
        return Ok(shelf);
    }
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).map_err(|error| KnowledgeError::from_io(folder, error))?;
    let failed = |error| KnowledgeError::from_index(folder, &error);
    let index = Index::create_in_dir(folder, schema().0).map_err(failed)?;
    words::register(index.tokenizers());
    Shelf::of(&index).map_err(failed)
}

fn term_of(source: &str, unit: &Unit) -> String {
    format!("{source}{SEPARATOR}{}{SEPARATOR}{}", unit.name, unit.digest)
}

/// The terms of a source's units that still have a passage.
fn unit_terms(shelf: &Shelf, source: &str) -> tantivy::Result<HashSet<String>> {
    let prefix = format!("{source}{SEPARATOR}");
    living(shelf, shelf.fields.unit, &prefix)
}

/// Every source in the index.
pub fn sources(shelf: &Shelf) -> tantivy::Result<HashSet<String>> {
    living(shelf, shelf.fields.source, "")
}

/// The terms of a field that begin so, and of which a passage is left.
fn living(shelf: &Shelf, field: Field, prefix: &str) -> tantivy::Result<HashSet<String>> {
    let mut found = HashSet::new();
    for segment in shelf.searcher.segment_readers() {
        let inverted = segment.inverted_index(field)?;
        let mut terms = inverted.terms().range().ge(prefix.as_bytes()).into_stream()?;
        while terms.advance() {
            let key = terms.key();
            if !key.starts_with(prefix.as_bytes()) {
                break;
            }
            let postings = inverted
                .read_postings_from_terminfo(terms.value(), tantivy::schema::IndexRecordOption::Basic)?;
            if has_living(postings, segment) {
                found.insert(String::from_utf8_lossy(key).into_owned());
            }
        }
    }
    Ok(found)
}

fn has_living(mut postings: impl tantivy::DocSet, segment: &tantivy::SegmentReader) -> bool {
    let mut document = postings.doc();
    while document != tantivy::TERMINATED {
        if !segment.is_deleted(document) {
            return true;
        }
        document = postings.advance();
    }
    false
}
