//! An index that is open for searching.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use tantivy::collector::{Count, DocSetCollector};
use tantivy::columnar::Column;
use tantivy::directory::{Directory, MmapDirectory, RamDirectory};
use tantivy::query::{AllQuery, TermQuery};
use tantivy::schema::{IndexRecordOption, Value as _};
use tantivy::tokenizer::TokenizerManager;
use tantivy::{DocAddress, DocSet as _, Index, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::embedding::nearness;
use super::error::KnowledgeError;
use super::schema::{Entry, Fields, schema};
use super::{Embedding, words};
use crate::session::Passage;

/// An index with more passages than this is searched by words alone: comparing a question with each vector would take
/// longer than the search.
const VECTOR_LIMIT: u64 = 100_000;
/// Bytes of memory that an indexing thread may take before it writes a segment.
const HEAP: usize = 64 * 1024 * 1024;
/// An index with more bytes than this is not read to its end, to see whether it is whole, each time it is opened.
const CHECK_LIMIT: u64 = 32 * 1024 * 1024;

/// An index that is open for searching: what was in it when it was opened.
pub struct Shelf {
    /// The search engine's view of it.
    pub searcher: Searcher,
    /// Its fields.
    pub fields: Fields,
    vectors: OnceLock<Vectors>,
}

impl Shelf {
    /// Opens the index in a folder. One that is damaged, or of another schema, is an error.
    pub fn open(folder: &Path) -> Result<Shelf, KnowledgeError> {
        let failed = |error| KnowledgeError::from_index(folder, &error);
        let index = Index::open_in_dir(folder).map_err(failed)?;
        let (expected, _) = schema();
        if index.schema() != expected {
            return Err(KnowledgeError::Index {
                path: folder.to_owned(),
                message: "it is of another schema".to_owned(),
            });
        }
        if size(folder) <= CHECK_LIMIT {
            let damaged = index.validate_checksum().map_err(failed)?;
            if let Some(file) = damaged.iter().next() {
                return Err(KnowledgeError::Index {
                    path: folder.to_owned(),
                    message: format!("`{}` is damaged", file.display()),
                });
            }
        }
        Shelf::of(&index).map_err(failed)
    }

    /// Searches an index.
    pub fn of(index: &Index) -> tantivy::Result<Shelf> {
        words::register(index.tokenizers());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let reader: tantivy::IndexReader = reader;
        Ok(Shelf {
            searcher: reader.searcher(),
            fields: schema().1,
            vectors: OnceLock::new(),
        })
    }

    /// The passages in it.
    pub fn len(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads a passage.
    pub fn passage(&self, address: DocAddress) -> Option<Passage> {
        let document: TantivyDocument = self.searcher.doc(address).ok()?;
        let text = document.get_first(self.fields.passage)?.as_str()?;
        serde_json::from_str(text).ok()
    }

    /// How many passages a source has.
    pub fn count(&self, source: &str) -> tantivy::Result<u64> {
        let term = Term::from_field_text(self.fields.source, source);
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        Ok(self.searcher.search(&query, &Count)? as u64)
    }

    /// Every passage.
    pub fn passages(&self) -> tantivy::Result<Vec<Passage>> {
        let all = self.searcher.search(&AllQuery, &DocSetCollector)?;
        Ok(all
            .into_iter()
            .filter_map(|address| self.passage(address))
            .collect())
    }

    /// The number of a passage's page.
    pub fn page(&self, address: DocAddress) -> u64 {
        let columns = self.searcher.segment_reader(address.segment_ord).fast_fields();
        columns
            .u64("page")
            .ok()
            .and_then(|column| column.first(address.doc_id))
            .unwrap_or_default()
    }

    /// Whether a passage is of one of these sources.
    pub fn is_of(&self, address: DocAddress, sources: &[String]) -> bool {
        let segment = self.searcher.segment_reader(address.segment_ord);
        let has = |source: &String| {
            let term = Term::from_field_text(self.fields.source, source);
            let postings = segment
                .inverted_index(self.fields.source)
                .and_then(|index| Ok(index.read_postings(&term, IndexRecordOption::Basic)?));
            let Ok(Some(mut postings)) = postings else {
                return false;
            };
            postings.seek(address.doc_id) == address.doc_id
        };
        sources.iter().any(has)
    }

    /// The passages nearest to a vector, nearest first, with how near they are: about from -1 to 1. A passage is as near as
    /// the nearest of its own text and of what is asked for its page; its own text decides among those of a page.
    pub fn nearest(&self, vector: &[u8], limit: usize) -> Vec<(f32, DocAddress)> {
        let vectors = self.vectors.get_or_init(|| self.load().unwrap_or_default());
        let of_page = |asked: &Vec<u8>| {
            let each = asked.chunks_exact(vector.len().max(1));
            each.map(|one| nearness(vector, one)).max().unwrap_or(i32::MIN)
        };
        let asked: HashMap<u64, i32> = vectors
            .asked
            .iter()
            .map(|(page, asked)| (*page, of_page(asked)))
            .collect();
        let near = |passage: &Embedded| {
            let own = nearness(vector, &passage.vector);
            let best = asked.get(&passage.page).map_or(own, |asked| own.max(*asked));
            unit(best) + OWN_SHARE * unit(own)
        };
        let each = vectors.passages.iter();
        let mut all: Vec<_> = each.map(|passage| (near(passage), passage.address)).collect();
        let nearer = |one: &(f32, DocAddress), other: &(f32, DocAddress)| other.0.total_cmp(&one.0);
        if all.len() > limit {
            all.select_nth_unstable_by(limit, nearer);
            all.truncate(limit);
        }
        all.sort_by(nearer);
        all
    }

    fn load(&self) -> tantivy::Result<Vectors> {
        let mut all = Vectors::default();
        if self.len() > VECTOR_LIMIT {
            return Ok(all);
        }
        for (ordinal, segment) in (0..).zip(self.searcher.segment_readers()) {
            let columns = segment.fast_fields();
            let (own, asked) = (columns.u64("vector")?, columns.u64("asked_vectors")?);
            let pages = columns.u64("page")?;
            for document in segment.doc_ids_alive() {
                let bytes = |column: &Column<u64>| -> Vec<u8> {
                    let values = column.values_for_doc(document);
                    values.flat_map(u64::to_le_bytes).collect()
                };
                let page = pages.first(document).unwrap_or_default();
                let questions = bytes(&asked);
                if !questions.is_empty() {
                    all.asked.insert(page, questions);
                }
                all.passages.push(Embedded {
                    address: DocAddress::new(ordinal, document),
                    page,
                    vector: bytes(&own),
                });
            }
        }
        Ok(all)
    }
}

/// How much a passage's own text counts beside what is asked for its page.
const OWN_SHARE: f32 = 0.1;

/// The vectors of an index.
#[derive(Default)]
struct Vectors {
    passages: Vec<Embedded>,
    /// By the number of the page: one vector behind the other.
    asked: HashMap<u64, Vec<u8>>,
}

struct Embedded {
    address: DocAddress,
    page: u64,
    vector: Vec<u8>,
}

/// The product of two quantized vectors as that of unit vectors.
#[allow(clippy::cast_precision_loss, reason = "at most 127 * 127 * dimensions")]
fn unit(product: i32) -> f32 {
    product as f32 / (127.0 * 127.0)
}

/// Builds an index of entries that stays as it is: in a folder that exists and is empty, or in memory.
pub fn build(folder: Option<&Path>, entries: &[Entry], embedding: &Embedding) -> tantivy::Result<Index> {
    let (schema, fields) = schema();
    let manager = TokenizerManager::default();
    words::register(&manager);
    let builder = Index::builder().schema(schema).tokenizers(manager);
    let directory: Box<dyn Directory> = match folder {
        Some(folder) => Box::new(MmapDirectory::open(folder)?),
        None => Box::new(RamDirectory::create()),
    };
    let mut writer = builder.single_segment_index_writer(directory, HEAP)?;
    for entry in entries {
        writer.add_document(fields.document(entry, "", "", embedding))?;
    }
    writer.finalize()
}

/// Bytes of all files in a folder.
pub fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}
