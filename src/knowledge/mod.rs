//! The knowledge base: what ships, what the user added, what the cluster says of itself, what was done before.
//!
//! | file | what it does |
//! |---|---|
//! | [`page`] | Markdown with front matter, taken apart into sections; pure |
//! | [`words`] | text as terms: stems, identifiers whole and in parts; pure |
//! | [`embedding`] | text as a vector, from a table that ships; pure |
//! | [`schema`], [`shelf`] | what an index holds; one that is open |
//! | [`shipped`], [`own`] | the two indexes: one that is built once, one that is changed in place |
//! | [`search`] | words and vectors, fused by rank |
//! | [`answer`] | from a question to the few passages that answer it |
//! | [`documents`], [`explain`], [`memory`] | the user's files, the cluster's schemas, past actions, as units of `own` |

pub mod answer;
pub mod documents;
pub mod embedding;
pub mod error;
pub mod explain;
pub mod memory;
pub mod own;
pub mod page;
pub mod schema;
pub mod search;
pub mod shelf;
pub mod shipped;
pub mod thesaurus;
pub mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::session::Passage;
pub use documents::{Documents, Source};
pub use embedding::Embedding;
pub use error::KnowledgeError;
pub use own::{Change, Unit};
pub use search::{Hit, Mode, Query, Weights};
use shelf::Shelf;

/// Everything that can be searched, as it was when it was opened.
pub struct Knowledge {
    cache: PathBuf,
    shelves: Vec<Shelf>,
    embedding: Embedding,
    /// What did not go as it should, and does not keep anybody from an answer.
    pub notices: Vec<KnowledgeError>,
}

impl Knowledge {
    /// Opens it in its folder of the cache; builds the index of what ships, if it is not there.
    pub fn open(cache: &Path) -> Result<Knowledge, KnowledgeError> {
        let (shipped, in_memory) = shipped::open(cache)?;
        let (own, damaged) = own::open(cache);
        Ok(Knowledge {
            cache: cache.to_owned(),
            shelves: [Some(shipped), own].into_iter().flatten().collect(),
            embedding: Embedding::shipped(),
            notices: in_memory.into_iter().chain(damaged).collect(),
        })
    }

    /// Passages that fit, best first. Of the clusters' schemas only those of `context` are looked at.
    pub fn search(&self, query: &Query, context: Option<&str>) -> Result<Vec<Hit>, KnowledgeError> {
        let shelves: Vec<&Shelf> = self.shelves.iter().collect();
        let without = self.other_clusters(context)?;
        let query = Query {
            without: &without,
            ..query.clone()
        };
        search::search(&shelves, &self.embedding, &query).map_err(|error| self.failed(&error))
    }

    /// The few passages that answer a question, best first; none where nothing is about it.
    pub fn answer(&self, question: &str, context: Option<&str>) -> Result<Vec<Hit>, KnowledgeError> {
        let hits = self.search(&Query::new(question, answer::CANDIDATES), context)?;
        Ok(answer::choose(question, hits))
    }

    /// The passages in it: those that ship, and the others.
    pub fn sizes(&self) -> (u64, u64) {
        let of = |number: usize| self.shelves.get(number).map_or(0, Shelf::len);
        (of(0), of(1))
    }

    /// How many passages there are of each source; those that ship are of the source `sayso`.
    pub fn counts(&self) -> Result<BTreeMap<String, u64>, KnowledgeError> {
        let mut counts = BTreeMap::from([("sayso".to_owned(), self.sizes().0)]);
        if let Some(own) = self.shelves.get(1) {
            let sources = own::sources(own).map_err(|error| self.failed(&error))?;
            for source in sources {
                let count = own.count(&source).map_err(|error| self.failed(&error))?;
                counts.insert(source, count);
            }
        }
        Ok(counts)
    }

    /// Every passage that does not ship.
    pub fn own_passages(&self) -> Result<Vec<Passage>, KnowledgeError> {
        self.shelves.get(1).map_or(Ok(Vec::new()), |own| {
            own.passages().map_err(|error| self.failed(&error))
        })
    }

    /// Sources of schemas that are not of this context.
    fn other_clusters(&self, context: Option<&str>) -> Result<Vec<String>, KnowledgeError> {
        let Some(own) = self.shelves.get(1) else {
            return Ok(Vec::new());
        };
        let mut sources = own::sources(own).map_err(|error| self.failed(&error))?;
        let this = context.map(explain::source);
        sources.retain(|source| explain::is_source(source) && Some(source) != this.as_ref());
        Ok(sources.into_iter().collect())
    }

    fn failed(&self, error: &tantivy::TantivyError) -> KnowledgeError {
        KnowledgeError::from_index(&self.cache, error)
    }
}
