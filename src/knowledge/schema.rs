//! What the index holds of a passage.

use sha2::{Digest as _, Sha256};
use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use super::embedding::Embedding;
use super::words::{NAMES, PROSE};
use crate::plan::Kind;
use crate::session::Passage;

/// Raised when an index of before cannot be read, or would find other things than one built now.
pub const VERSION: u32 = 2;

/// A passage with what it is found by.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The passage.
    pub passage: Passage,
    /// Kinds that it is about.
    pub kinds: Vec<String>,
    /// Fields, as `explain` takes them.
    pub fields: Vec<String>,
    /// Exact strings of status, events and logs.
    pub symptoms: Vec<String>,
    /// Other words for it.
    pub tags: Vec<String>,
    /// How people ask for its page.
    pub asked: Vec<String>,
    /// Whether it is the one of its page that keeps the vectors of what is asked.
    pub leads: bool,
}

/// The fields of the index.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Source, file and digest: see [`super::own`].
    pub unit: Field,
    /// The source alone, to leave some out.
    pub source: Field,
    /// Title and tags, as prose.
    pub title: Field,
    /// The section's heading, as prose.
    pub heading: Field,
    /// The section, as prose.
    pub text: Field,
    /// Identifiers of all of them.
    pub names: Field,
    /// Symptoms, as prose.
    pub symptoms: Field,
    /// How people ask for it, as prose.
    pub asked: Field,
    /// The passage itself, as JSON.
    pub passage: Field,
    /// A number for its page, to see what belongs together.
    pub page: Field,
    /// Its vector, eight numbers in each value.
    pub vector: Field,
    /// The vectors of what is asked for its page, one behind the other, in the first passage of the page alone.
    pub asked_vectors: Field,
}

/// The schema, and its fields.
pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let analyzed = |analyzer: &str| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(analyzer)
                .set_index_option(IndexRecordOption::WithFreqs),
        )
    };
    let fields = Fields {
        unit: builder.add_text_field("unit", STRING),
        source: builder.add_text_field("source", STRING),
        title: builder.add_text_field("title", analyzed(PROSE)),
        heading: builder.add_text_field("heading", analyzed(PROSE)),
        text: builder.add_text_field("text", analyzed(PROSE)),
        names: builder.add_text_field("names", analyzed(NAMES)),
        symptoms: builder.add_text_field("symptoms", analyzed(PROSE)),
        asked: builder.add_text_field("asked", analyzed(PROSE)),
        passage: builder.add_text_field("passage", STORED),
        page: builder.add_u64_field("page", FAST),
        vector: builder.add_u64_field("vector", FAST),
        asked_vectors: builder.add_u64_field("asked_vectors", FAST),
    };
    (builder.build(), fields)
}

impl Fields {
    /// An entry as a document of the index. `unit` and `source` say where it belongs; both may be empty.
    pub fn document(
        &self,
        entry: &Entry,
        unit: &str,
        source: &str,
        embedding: &Embedding,
    ) -> TantivyDocument {
        let passage = &entry.passage;
        let mut document = TantivyDocument::default();
        document.add_text(self.unit, unit);
        document.add_text(self.source, source);
        document.add_text(self.title, &passage.title);
        document.add_text(self.title, entry.tags.join(" "));
        document.add_text(self.heading, &passage.heading);
        document.add_text(self.text, &passage.text);
        document.add_text(self.names, names(entry));
        document.add_text(self.symptoms, entry.symptoms.join("\n"));
        document.add_text(self.asked, entry.asked.join("\n"));
        document.add_text(self.passage, serde_json::to_string(passage).unwrap_or_default());
        let words = format!("{}. {}. {}", passage.title, passage.heading, passage.text);
        document.add_u64(self.page, page_number(passage.page()));
        add_vector(&mut document, self.vector, &embedding.quantized(&words));
        for question in entry.asked.iter().filter(|_| entry.leads) {
            add_vector(&mut document, self.asked_vectors, &embedding.quantized(question));
        }
        document
    }
}

fn add_vector(document: &mut TantivyDocument, field: Field, vector: &[u8]) {
    for eight in vector.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..eight.len()].copy_from_slice(eight);
        document.add_u64(field, u64::from_le_bytes(bytes));
    }
}

/// A number for a page's id: equal for equal ids, and hardly ever for others.
fn page_number(page: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(page).into();
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Everything in which identifiers may stand. Kinds are put so that they count as identifiers, whatever their case.
fn names(entry: &Entry) -> String {
    let passage = &entry.passage;
    let mut all = vec![
        passage.title.clone(),
        passage.heading.clone(),
        passage.text.clone(),
    ];
    all.extend(entry.symptoms.iter().cloned());
    all.extend(entry.fields.iter().cloned());
    for kind in &entry.kinds {
        all.push(format!("{kind}.kind"));
        all.extend(Kind::read(kind).and_then(|kind| {
            let builtin = kind.builtin()?;
            Some(
                builtin
                    .short
                    .iter()
                    .map(|short| format!("{short}.kind"))
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        }));
    }
    all.join("\n")
}
