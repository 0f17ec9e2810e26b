//! Searching: by words (BM25 over several fields), by sense (vectors), and by both, fused by rank.

use std::collections::{HashMap, HashSet};

use tantivy::collector::TopDocs;
use tantivy::query::{self, Bm25StatisticsProvider, BooleanQuery, BoostQuery, Occur, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, Searcher, Term};

use super::embedding::Embedding;
use super::shelf::Shelf;
use super::thesaurus::related;
use super::words::{self, is_name, is_stop_word, name_terms, raw_words, stem};
use crate::plan::Kind;
use crate::session::{Origin, Passage};

/// By what to search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Words alone.
    Words,
    /// Vectors alone.
    Vectors,
    /// Both.
    #[default]
    Fused,
}

/// How much each part counts.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Title and tags.
    pub title: f32,
    /// Heading of the section.
    pub heading: f32,
    /// The section.
    pub text: f32,
    /// Identifiers, wherever they stand.
    pub names: f32,
    /// Symptoms.
    pub symptoms: f32,
    /// How people ask for it.
    pub asked: f32,
    /// Words that pages use for what was said, against what was said.
    pub related: f32,
    /// What the rest of a page adds to each of its passages.
    pub page: f32,
    /// Worked examples, against pages that explain.
    pub examples: f32,
    /// Pages of the cluster's own schemas, against those that were written for people.
    pub schemas: f32,
    /// The ranking by vectors, against that by words.
    pub vectors: f32,
}

impl Default for Weights {
    /// Chosen on `training/knowledge.jsonl` and the even questions of the tests; their odd ones judge the choice.
    fn default() -> Weights {
        Weights {
            title: 0.75,
            heading: 1.0,
            text: 1.0,
            names: 0.8,
            symptoms: 1.25,
            asked: 1.0,
            related: 0.6,
            page: 0.1,
            examples: 0.4,
            schemas: 0.8,
            vectors: 1.0,
        }
    }
}

/// What to look for.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// Words of a person.
    pub text: &'a str,
    /// How many passages to give.
    pub limit: usize,
    /// By what.
    pub mode: Mode,
    /// Sources (see [`super::own`]) that are left out.
    pub without: &'a [String],
    /// How much each part counts.
    pub weights: Weights,
}

impl<'a> Query<'a> {
    /// By words and vectors, in everything.
    pub fn new(text: &'a str, limit: usize) -> Query<'a> {
        Query {
            text,
            limit,
            mode: Mode::default(),
            without: &[],
            weights: Weights::default(),
        }
    }
}

/// A passage that was found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Hit {
    /// The passage.
    #[serde(flatten)]
    pub passage: Passage,
    /// How well it fits; comes from ranks, and is only good for comparing hits of one search.
    pub score: f32,
}

/// Where a passage is: the number of its shelf, and its place there.
type Place = (usize, DocAddress);

/// Of each ranking so many are fused.
const DEPTH: usize = 100;
/// Of each index so many are compared by words.
const WIDTH: usize = 200;
/// The constant of reciprocal rank fusion: how little the very first ranks differ.
const RANK_CONSTANT: f32 = 20.0;

/// Searches all shelves as if they were one.
pub fn search(shelves: &[&Shelf], embedding: &Embedding, query: &Query) -> tantivy::Result<Vec<Hit>> {
    let by_words = match query.mode {
        Mode::Vectors => Vec::new(),
        _ => by_words(shelves, query)?,
    };
    let by_vectors = match query.mode {
        Mode::Words => Vec::new(),
        _ => by_vectors(shelves, embedding, query),
    };
    let fused = fuse(&[(&by_words, 1.0), (&by_vectors, query.weights.vectors)]);
    let hits = fused.into_iter().filter_map(|((shelf, address), score)| {
        let passage = shelves[shelf].passage(address)?;
        let score = score * favour(&passage, &query.weights);
        Some(Hit { passage, score })
    });
    let mut hits: Vec<Hit> = hits.collect();
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    hits.truncate(query.limit);
    Ok(hits)
}

/// Some pages answer a question better than others that say the same words.
fn favour(passage: &Passage, weights: &Weights) -> f32 {
    match passage.origin {
        Origin::Shipped if passage.id.starts_with("examples/") => weights.examples,
        Origin::Cluster => weights.schemas,
        _ => 1.0,
    }
}

/// Reciprocal rank fusion: a passage gets a share of each ranking's weight by its place there.
fn fuse(rankings: &[(&[Place], f32)]) -> Vec<(Place, f32)> {
    let mut scores: HashMap<Place, f32> = HashMap::new();
    for (ranking, weight) in rankings {
        for (rank, place) in ranking.iter().enumerate() {
            #[allow(clippy::cast_precision_loss, reason = "ranks are small")]
            let share = weight / (RANK_CONSTANT + 1.0 + rank as f32);
            *scores.entry(*place).or_default() += share;
        }
    }
    let mut fused: Vec<_> = scores.into_iter().collect();
    fused.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    fused.truncate(DEPTH);
    fused
}

fn by_words(shelves: &[&Shelf], query: &Query) -> tantivy::Result<Vec<Place>> {
    let terms = Terms::of(query.text);
    let together = Together(shelves.iter().map(|shelf| &shelf.searcher).collect());
    let mut all: Vec<(f32, Place)> = Vec::new();
    for (number, shelf) in shelves.iter().enumerate() {
        let own = number > 0;
        let words = terms.query(shelf, &query.weights, if own { query.without } else { &[] });
        let collector = TopDocs::with_limit(WIDTH).order_by_score();
        let found = shelf
            .searcher
            .search_with_statistics_provider(&words, &collector, &together)?;
        all.extend(
            found
                .into_iter()
                .map(|(score, address)| (score, (number, address))),
        );
    }
    lift(&mut all, shelves, query.weights.page);
    all.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    all.truncate(DEPTH);
    Ok(all.into_iter().map(|(_, place)| place).collect())
}

/// Adds to each passage a part of what the others of its page got: a page that says it in several sections is more about
/// it than one that says it in passing. The second counts half of the first, and so on, so that length alone is no merit.
fn lift(all: &mut [(f32, Place)], shelves: &[&Shelf], weight: f32) {
    all.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let numbers: Vec<u64> = all
        .iter()
        .map(|(_, (shelf, address))| shelves[*shelf].page(*address))
        .collect();
    let mut pages: HashMap<u64, (f32, f32)> = HashMap::new();
    for ((score, _), number) in all.iter().zip(&numbers) {
        let (sum, share) = pages.entry(*number).or_insert((0.0, 1.0));
        *sum += score * *share;
        *share /= 2.0;
    }
    for ((score, _), number) in all.iter_mut().zip(&numbers) {
        *score += weight * pages.get(number).map_or(0.0, |(sum, _)| *sum);
    }
}

fn by_vectors(shelves: &[&Shelf], embedding: &Embedding, query: &Query) -> Vec<Place> {
    let vector = embedding.quantized(query.text);
    if vector.iter().all(|byte| *byte == 0) {
        return Vec::new();
    }
    let mut all: Vec<(f32, Place)> = Vec::new();
    for (number, shelf) in shelves.iter().enumerate() {
        let near = shelf.nearest(&vector, DEPTH).into_iter();
        let kept = near.filter(|(_, address)| number == 0 || !shelf.is_of(*address, query.without));
        all.extend(kept.map(|(score, address)| (score, (number, address))));
    }
    all.sort_by(|one, other| other.0.total_cmp(&one.0));
    all.truncate(DEPTH);
    all.into_iter().map(|(_, place)| place).collect()
}

/// The statistics of several indexes as of one, so that scores can be compared.
struct Together<'a>(Vec<&'a Searcher>);

impl Bm25StatisticsProvider for Together<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.0.iter().map(|one| one.total_num_tokens(field)).sum()
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.0.iter().map(|one| one.total_num_docs()).sum()
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.0.iter().map(|one| one.doc_freq(term)).sum()
    }
}

/// What the words of a question are looked up as.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// Stems, for fields of prose.
    pub(super) stems: Vec<String>,
    /// Identifiers and their parts, for the field of names.
    names: Vec<String>,
    /// Stems that pages use for what was said.
    related: Vec<String>,
    /// All telling words as one name.
    pub(super) whole: String,
}

impl Terms {
    /// Takes a question apart. Where it has nothing but stop words, they count.
    pub(super) fn of(text: &str) -> Terms {
        let all: Vec<&str> = raw_words(text).collect();
        let telling: Vec<Option<&str>> = all
            .iter()
            .map(|word| Some(*word).filter(|word| !is_stop_word(&word.to_lowercase())))
            .collect();
        let telling = if telling.iter().all(Option::is_none) {
            all.into_iter().map(Some).collect()
        } else {
            telling
        };
        let joined: String = telling.iter().copied().flatten().collect();
        let mut terms = Terms {
            whole: stem(&joined.to_lowercase()),
            related: related(text),
            ..Terms::default()
        };
        for word in telling.iter().flatten() {
            let parts = words::terms(&mut words::prose(), word);
            terms
                .stems
                .extend(parts.into_iter().filter(|part| !is_stop_word(part)));
            terms.add_name(word);
        }
        // `pod disruption budget` is `poddisruptionbudget` too.
        for several in [2, 3] {
            for window in telling.windows(several) {
                let joined: Option<String> = window.iter().copied().collect();
                if let Some(joined) = joined {
                    terms.add_alias(&joined.to_lowercase());
                    terms.names.push(stem(&joined.to_lowercase()));
                }
            }
        }
        for list in [&mut terms.stems, &mut terms.names] {
            let mut seen = HashSet::new();
            list.retain(|term| !term.is_empty() && seen.insert(term.clone()));
        }
        terms
    }

    /// Whether one word of the question is a short name of this kind.
    pub(super) fn is_alias_of(&self, kind: &str) -> bool {
        let named = |stem: &String| Kind::read(stem).and_then(|kind| kind.builtin());
        let stands = |stem: &String| named(stem).is_some_and(|builtin| words::stem(builtin.singular) == kind);
        self.stems.len() == 1 && self.stems.iter().any(stands)
    }

    /// Whether a stem is part of a longer name of the question, or a short one for a kind, that stands there.
    pub(super) fn stands_for(&self, stem: &str, there: &HashSet<String>) -> bool {
        let aliased = Kind::read(stem).and_then(|kind| kind.builtin());
        let by_alias = aliased.is_some_and(|builtin| there.contains(&words::stem(builtin.singular)));
        by_alias
            || self
                .names
                .iter()
                .any(|name| name.len() > stem.len() && name.contains(stem) && there.contains(name))
    }

    fn add_name(&mut self, word: &str) {
        let parts = if is_name(word) {
            name_terms(word)
        } else {
            vec![word.to_lowercase()]
        };
        self.names.extend(parts.iter().map(|part| stem(part)));
        self.add_alias(&word.to_lowercase());
    }

    /// `pvc` is a `persistentvolumeclaim`.
    fn add_alias(&mut self, word: &str) {
        if let Some(builtin) = Kind::read(word).and_then(|kind| kind.builtin()) {
            self.names.push(stem(builtin.singular));
        }
    }

    fn query(&self, shelf: &Shelf, weights: &Weights, without: &[String]) -> BooleanQuery {
        let fields = shelf.fields;
        let prose = [
            (fields.title, weights.title),
            (fields.heading, weights.heading),
            (fields.text, weights.text),
            (fields.symptoms, weights.symptoms),
            (fields.asked, weights.asked),
        ];
        let mut clauses: Vec<(Occur, Box<dyn query::Query>)> = Vec::new();
        for stem in &self.stems {
            clauses.extend(prose.map(|(field, weight)| (Occur::Should, boosted(field, stem, weight))));
        }
        let names = self
            .names
            .iter()
            .map(|name| (Occur::Should, boosted(fields.names, name, weights.names)));
        clauses.extend(names);
        for stem in self.related.iter().filter(|stem| !self.stems.contains(stem)) {
            let all = prose.into_iter().chain([(fields.names, weights.names)]);
            clauses.extend(
                all.map(|(field, weight)| (Occur::Should, boosted(field, stem, weight * weights.related))),
            );
        }
        for source in without {
            let term = Term::from_field_text(fields.source, source);
            clauses.push((
                Occur::MustNot,
                Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
            ));
        }
        BooleanQuery::new(clauses)
    }
}

fn boosted(field: Field, text: &str, weight: f32) -> Box<dyn query::Query> {
    let term = Term::from_field_text(field, text);
    Box::new(BoostQuery::new(
        Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
        weight,
    ))
}
