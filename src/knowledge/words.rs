//! How text becomes terms: stems of prose, and identifiers both whole and in parts.
//!
//! `CrashLoopBackOff` is found by itself, by `crash loop back off` and by `crashloop`; `spec.template.spec` by itself
//! and by `template`; `nginx:1.28` by itself and by `nginx`.

use tantivy::tokenizer::{
    LowerCaser, RawTokenizer, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer, Token, TokenStream,
    Tokenizer, TokenizerManager,
};

/// The analyzer of prose.
pub const PROSE: &str = "sayso-prose";
/// The analyzer of names.
pub const NAMES: &str = "sayso-names";
/// A word with more bytes than this is no word: a key, a digest, a line of base64.
const LONGEST: usize = 80;

/// Words of a question that say nothing about its subject. Most are on every list of the kind; the rest is how people
/// ask.
const STOP_WORDS: &[&str] = &[
    "a",
    "about",
    "am",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "explain",
    "find",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "had",
    "has",
    "have",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "kubernetes",
    "k8s",
    "kubectl",
    "let",
    "like",
    "long",
    "many",
    "may",
    "me",
    "mean",
    "means",
    "meaning",
    "might",
    "much",
    "my",
    "need",
    "of",
    "on",
    "one",
    "or",
    "our",
    "out",
    "please",
    "should",
    "show",
    "so",
    "some",
    "tell",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "to",
    "up",
    "us",
    "use",
    "used",
    "was",
    "way",
    "we",
    "were",
    "what",
    "whats",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
    "s",
    "t",
    "isn",
    "doesn",
    "don",
    "won",
    "keep",
    "keeps",
    "thing",
    "things",
    "something",
    "want",
    "see",
    "look",
    "happen",
    "happens",
    "different",
    "difference",
    "between",
    "make",
    "makes",
    "go",
    "goes",
    "going",
];

/// Whether a lower-case word says nothing about the subject.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// Registers both analyzers.
pub fn register(manager: &TokenizerManager) {
    manager.register(PROSE, prose());
    manager.register(NAMES, names());
}

/// Words without what is around them, in lower case, stemmed.
pub fn prose() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST))
        .filter(LowerCaser)
        .filter(Stemmer::default())
        .build()
}

/// Identifiers, whole and in parts; words of prose are passed over.
fn names() -> TextAnalyzer {
    TextAnalyzer::builder(NameTokenizer)
        .filter(RemoveLongFilter::limit(LONGEST))
        .filter(Stemmer::default())
        .build()
}

/// All terms that an analyzer makes of a text.
pub fn terms(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    analyzer
        .token_stream(text)
        .process(&mut |token| found.push(token.text.clone()));
    found
}

/// A term as the analyzer of names leaves it: stemmed, whatever its joints.
pub fn stem(term: &str) -> String {
    let mut whole = TextAnalyzer::builder(RawTokenizer::default())
        .filter(Stemmer::default())
        .build();
    terms(&mut whole, term).pop().unwrap_or_default()
}

/// Runs of characters that identifiers are made of.
pub fn raw_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '-' | '@')))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
}

/// Whether a word is an identifier: it has capitals inside, joints, or digits among letters.
pub fn is_name(word: &str) -> bool {
    let inner_capital = word.chars().skip(1).any(char::is_uppercase);
    let joint = word.chars().any(|c| !c.is_alphanumeric());
    let digit = word.chars().any(|c| c.is_ascii_digit());
    inner_capital || joint || digit
}

/// What an identifier is found by, in lower case: itself, its parts, and neighbouring parts joined.
pub fn name_terms(word: &str) -> Vec<String> {
    let mut found = vec![word.to_lowercase()];
    for piece in word
        .split(|c: char| !c.is_alphanumeric())
        .filter(|piece| !piece.is_empty())
    {
        found.push(piece.to_lowercase());
        let humps = humps(piece);
        found.extend(humps.iter().cloned());
        found.extend(humps.windows(2).map(<[String]>::concat));
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|term| term.len() > 1 && seen.insert(term.clone()));
    found
}

/// The parts of a camel-case word, in lower case: `HTTPGet` is `http` and `get`. A word of one part has none.
fn humps(piece: &str) -> Vec<String> {
    let letters: Vec<char> = piece.chars().collect();
    let mut parts: Vec<String> = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        let after_small = at > 0 && letters[at - 1].is_lowercase();
        let before_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = letter.is_uppercase() && at > 0 && (after_small || before_small);
        if begins {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.extend(letter.to_lowercase());
        }
    }
    if parts.len() == 1 { Vec::new() } else { parts }
}

#[derive(Clone)]
struct NameTokenizer;

struct NameStream {
    rest: std::vec::IntoIter<Token>,
    token: Token,
}

impl Tokenizer for NameTokenizer {
    type TokenStream<'a> = NameStream;

    fn token_stream(&mut self, text: &str) -> NameStream {
        let names = raw_words(text).filter(|word| is_name(word));
        let tokens = names.enumerate().flat_map(|(position, word)| {
            name_terms(word).into_iter().map(move |text| Token {
                position,
                text,
                ..Token::default()
            })
        });
        NameStream {
            rest: tokens.collect::<Vec<_>>().into_iter(),
            token: Token::default(),
        }
    }
}

impl TokenStream for NameStream {
    fn advance(&mut self) -> bool {
        match self.rest.next() {
            Some(token) => {
                self.token = token;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        let found = name_terms("CrashLoopBackOff");
        for term in ["crashloopbackoff", "crash", "loop", "crashloop", "backoff"] {
            assert!(found.iter().any(|found| found == term), "{term} in {found:?}");
        }
        assert_eq!(
            name_terms("spec.template.spec"),
            ["spec.template.spec", "spec", "template"]
        );
        assert_eq!(name_terms("nginx:1.28"), ["nginx:1.28", "nginx", "28"]);
        assert_eq!(humps("HTTPGetAction"), ["http", "get", "action"]);
        assert!(humps("OOMKilled") == ["oom", "killed"] && humps("Pod").is_empty());
    }

    #[test]
    fn prose_is_stemmed_and_names_leave_prose_alone() {
        assert_eq!(
            terms(&mut prose(), "Evicted pods, evicting"),
            ["evict", "pod", "evict"]
        );
        let found = terms(&mut names(), "The pod stays in ImagePullBackOff.");
        assert!(
            found.contains(&stem("imagepullbackoff")) && !found.contains(&"pod".to_owned()),
            "{found:?}"
        );
    }
}
