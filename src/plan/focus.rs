//! The part of a snapshot that a request is about: what the prompt shows and the grammar allows.

use std::collections::BTreeSet;

use super::kind::{BUILTINS, Kind};
use super::said::Sayable;
use super::snapshot::{ObjectFact, Snapshot};

/// The names that a plan for one request may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Focus {
    /// Objects, best match first.
    pub objects: Vec<ObjectFact>,
    /// Every namespace.
    pub namespaces: Vec<String>,
    /// Names that the request says and nothing bears yet: what a plan's first step may create and later ones name.
    pub said: Vec<String>,
    /// What new things may be called and made from, where only what was said counts.
    pub sayable: Sayable,
    /// Every kind, in the plural.
    pub kinds: Vec<String>,
    /// The namespace that applies where none is named.
    pub default_namespace: String,
}

/// How many objects a prompt shows at the most.
pub const FOCUS_LIMIT: usize = 8;

/// Words that say nothing about which object is meant.
const STOP_WORDS: &[&str] = &[
    "the", "and", "for", "with", "all", "from", "what", "why", "how", "is", "are", "in", "on", "of", "to",
    "a", "an", "my", "me", "show", "get", "list", "give", "please", "set", "new", "that", "this", "it",
    "its", "now", "can", "you", "image", "replicas", "scale", "delete", "create", "pods", "port", "label",
    "app", "cluster", "running", "latest",
];

/// Words that stand where a name could, and are none.
const LITTLE_WORDS: &[&str] = &[
    "it",
    "them",
    "there",
    "case",
    "order",
    "total",
    "parallel",
    "every",
    "each",
    "any",
    "which",
    "here",
    "one",
    "two",
    "three",
    "four",
    "five",
    "ten",
    "half",
    "then",
    "also",
    "has",
    "have",
    "should",
    "be",
    "run",
    "runs",
    "using",
    "use",
    "by",
    "at",
    "up",
    "or",
    "as",
    "but",
    "not",
    "only",
    "make",
    "add",
    "put",
    "deploy",
    "start",
    "expose",
    "name",
    "named",
    "called",
    "want",
    "need",
    "we",
    "us",
    "our",
    "your",
    "just",
    "so",
    "after",
    "before",
    "when",
    "same",
    "let",
    "call",
    "give",
    "will",
    "was",
    "do",
    "does",
    "if",
    "out",
    "off",
    "old",
    "more",
    "minutes",
    "hours",
    "seconds",
    "memory",
    "cpu",
    "version",
    "container",
    "containers",
    "resource",
    "value",
    "type",
    "into",
    "inside",
    "within",
];

impl Focus {
    /// Takes the whole snapshot: for models with room, and for tests of the grammar.
    pub fn everything(snapshot: &Snapshot) -> Focus {
        Focus {
            objects: snapshot.objects.clone(),
            ..Focus::without_objects(snapshot)
        }
    }

    /// Takes the objects that a request's words lead to, best first, at most [`FOCUS_LIMIT`].
    ///
    /// A word leads to an object by its name (whole, as a part between dashes, or with a typing error), by the value
    /// of one of its labels, or by the name of one of its images. Pods that a controller made are only found by their
    /// own name: people mean the controller.
    pub fn on(request: &str, snapshot: &Snapshot) -> Focus {
        Focus::best(request, snapshot, FOCUS_LIMIT)
    }

    /// The same with another limit: for models with more room, and for measuring what a limit costs.
    pub fn best(request: &str, snapshot: &Snapshot, limit: usize) -> Focus {
        let words = request_words(request);
        let said: Vec<Said> = words.iter().map(|word| Said::read(word)).collect();
        let mut scored: Vec<(u32, &ObjectFact)> = snapshot
            .objects
            .iter()
            .map(|object| (score(object, &said, snapshot), object))
            .filter(|(score, _)| *score > 0)
            .collect();
        scored.sort_by_key(|(score, object)| (std::cmp::Reverse(*score), rank(object)));
        let best = scored.first().map_or(0, |(score, _)| *score);
        let objects = scored
            .into_iter()
            .filter(|(score, _)| *score * 3 >= best)
            .take(limit);
        let mut focus = Focus::without_objects(snapshot);
        focus.objects = objects.map(|(_, object)| object.clone()).collect();
        focus.namespaces.extend(said_namespaces(&words, snapshot));
        focus.said = said_names(&words, snapshot);
        focus.namespaces.sort();
        focus.namespaces.dedup();
        focus
    }

    /// The same where new names and images are only what the request says: for a planner that was trained to copy them. What
    /// knows more of the world than the request says may name things as it likes.
    pub fn copying(mut self, request: &str) -> Focus {
        self.sayable = Sayable::of(request, &self.objects);
        self
    }

    /// Puts the objects of a piped manifest first (`kubectl get pod x -o yaml | sayso "why does this not start?"`).
    /// Only names that the cluster knows count; everything else of the text is data for an answer, not for a plan.
    pub fn add_piped(&mut self, piped: &str, snapshot: &Snapshot) {
        let mut found: Vec<ObjectFact> = Vec::new();
        let value_of = |line: &str, key: &str| {
            line.strip_prefix(key)
                .map(|value| value.trim().trim_matches(['"', '\'', ',']).to_owned())
        };
        let (mut kind, mut last) = (None, String::new());
        for line in piped.lines() {
            kind = value_of(line, "kind:")
                .and_then(|kind| Kind::read(&kind))
                .or(kind);
            if let Some(namespace) = value_of(line, "  namespace:") {
                found.retain(|object| object.name != last || object.namespace == namespace);
            }
            let Some((name, kind)) = value_of(line, "  name:").zip(kind.as_ref()) else {
                continue;
            };
            found.extend(snapshot.named(kind, &name).cloned());
            last = name;
        }
        found.retain(|object| !self.objects.contains(object));
        found.truncate(FOCUS_LIMIT);
        self.objects.splice(0..0, found);
    }

    fn without_objects(snapshot: &Snapshot) -> Focus {
        let builtin = BUILTINS.iter().map(|kind| kind.plural.to_owned());
        let custom = snapshot.custom_kinds.iter().map(|kind| kind.plural.clone());
        let kinds: BTreeSet<String> = builtin.chain(custom).collect();
        Focus {
            objects: Vec::new(),
            said: Vec::new(),
            sayable: Sayable::default(),
            namespaces: snapshot.namespaces.clone(),
            kinds: kinds.into_iter().collect(),
            default_namespace: snapshot.default_namespace.clone(),
        }
    }

    /// The focus of steps that follow a creating one: every name that the request says could be an object's or a
    /// namespace's by then.
    pub(super) fn with_imagined(&self) -> Focus {
        let mut focus = self.clone();
        focus.objects.extend(super::made::imagined(&self.said));
        focus.namespaces.extend(self.said.iter().cloned());
        focus
    }

    /// Alternatives of the targets of some kinds.
    pub(super) fn of_kinds(&self, kinds: &[&str]) -> Option<String> {
        let matching = self
            .objects
            .iter()
            .filter(|object| kinds.contains(&object.kind.as_str()));
        any_of(matching.map(|object| format!("{}/{}", object.kind, object.name)))
    }

    /// Names of all containers.
    pub(super) fn containers(&self) -> impl Iterator<Item = String> + '_ {
        self.objects
            .iter()
            .flat_map(|object| object.containers.iter().map(|(name, _)| name.clone()))
    }
}

/// A regular expression for exactly these texts, or nothing for none.
pub(super) fn any_of(texts: impl Iterator<Item = String>) -> Option<String> {
    let unique: BTreeSet<String> = texts.map(|text| regex_syntax::escape(&text)).collect();
    (!unique.is_empty()).then(|| unique.into_iter().collect::<Vec<_>>().join("|"))
}

/// The request's words in lower case, without what is around them.
fn request_words(request: &str) -> Vec<String> {
    let separators = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';' | '"' | '\'' | '`' | '(' | ')' | '?' | '!' | '/' | '='
            )
    };
    let trimmed = request
        .split(separators)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
    trimmed
        .map(|word| word.strip_suffix("'s").map(str::to_owned).unwrap_or(word))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Names where a request says a namespace: one that is about to be created, or one that does not exist. The latter must
/// be sayable too, or a planner that may only name others would name one of them.
fn said_namespaces(words: &[String], snapshot: &Snapshot) -> Vec<String> {
    let beside = |word: &str| matches!(word, "namespace" | "ns" | "namespaces" | "n");
    let before = |word: &str| matches!(word, "in" | "into" | "inside" | "within");
    let passed = |word: &str| {
        beside(word)
            || matches!(
                word,
                "called" | "named" | "name" | "the" | "a" | "new" | "of" | "in" | "for" | "and"
            )
    };
    let mut said = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if beside(word) || before(word) {
            said.extend(words[index + 1..].iter().find(|word| !passed(word)));
        }
        if beside(word) {
            said.extend(words[..index].last().filter(|word| !passed(word)));
        }
    }
    // A name with a typing error means the namespace that it resembles.
    let mistyped = |word: &str| {
        let close = |name: &String| name.len() > 3 && strsim::damerau_levenshtein(name, word) == 1;
        snapshot.namespaces.iter().any(close)
    };
    said.into_iter()
        .filter(|word| is_new_name(word) && !mistyped(word))
        .cloned()
        .collect()
}

/// How many names that nothing bears a grammar has room for.
const SAID_LIMIT: usize = 12;

/// Names that a request says for what it wants created: first those that it says behind `called` and the like or that
/// look made up, then any other word that could be one.
fn said_names(words: &[String], snapshot: &Snapshot) -> Vec<String> {
    let names = |word: &str| matches!(word, "called" | "named" | "name" | "as" | "namespace" | "names");
    let mut said: Vec<(bool, String)> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let name = word.split([':', '@']).next().unwrap_or(word);
        if !is_new_name(name) || said.iter().any(|(_, other)| other == name) {
            continue;
        }
        let of_a_kind =
            |word: &String| names(word) || Kind::read(word).is_some_and(|kind| kind.builtin().is_some());
        let marked =
            words[..index].last().is_some_and(of_a_kind) || words.get(index + 1).is_some_and(of_a_kind);
        said.push((!(marked || name.contains('-')), name.to_owned()));
    }
    said.retain(|(_, name)| {
        !snapshot
            .objects
            .iter()
            .any(|object| object.kind == "namespace" && object.name == *name)
    });
    said.sort_by_key(|(plain, _)| *plain);
    said.into_iter().map(|(_, name)| name).take(SAID_LIMIT).collect()
}

/// Whether a word could be the name of something new.
fn is_new_name(word: &str) -> bool {
    word.len() > 1
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && super::value::is_label(word)
        && !STOP_WORDS.contains(&word)
        && !LITTLE_WORDS.contains(&word)
        && Kind::read(word).is_none_or(|kind| kind.builtin().is_none())
}

/// A word of the request with what is asked of it for every object.
struct Said<'a> {
    word: &'a str,
    kind: Option<Kind>,
    /// Says nothing about which object is meant.
    empty: bool,
}

impl<'a> Said<'a> {
    fn read(word: &'a str) -> Said<'a> {
        Said {
            word,
            kind: Kind::read(word),
            empty: word.len() < 3 || STOP_WORDS.contains(&word),
        }
    }

    fn names_builtin(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.builtin().is_some())
    }
}

/// How strongly words lead to an object; 0 for not at all.
fn score(object: &ObjectFact, words: &[Said], snapshot: &Snapshot) -> u32 {
    let name = words
        .iter()
        .map(|said| name_score(&object.name, said))
        .max()
        .unwrap_or(0);
    let attributes = if is_generated(object) {
        0
    } else {
        attribute_score(object, words)
    };
    let found = name.max(attributes);
    if found == 0 || (is_generated(object) && found < 90) {
        return 0;
    }
    let kind = Kind::read(&object.kind);
    let says_kind = words
        .iter()
        .any(|said| said.word.len() > 1 && said.kind.is_some() && said.kind == kind);
    let says_namespace = words.iter().any(|said| said.word == object.namespace);
    let at_home = object.namespace == snapshot.default_namespace;
    found + u32::from(says_kind) * 12 + u32::from(says_namespace) * 10 + u32::from(at_home) * 4
}

/// How well one word names an object: whole 100, a part of it 60, a word that continues it 50, a typing error 40.
fn name_score(name: &str, said: &Said) -> u32 {
    let word = said.word;
    if name == word {
        return 100;
    }
    if said.empty || said.names_builtin() {
        return 0;
    }
    let singular = word.strip_suffix('s').unwrap_or(word);
    let parts: Vec<&str> = name.split(['-', '.']).collect();
    if parts
        .iter()
        .any(|part| *part == word || part.strip_suffix('s').unwrap_or(part) == singular)
    {
        return 60;
    }
    if word.len() >= 4
        && parts
            .iter()
            .any(|part| part.len() >= 3 && (part.starts_with(word) || word.starts_with(*part)))
    {
        return 50;
    }
    let slack = 1 + usize::from(word.len() > 7);
    let close = |part: &str| {
        part.len() >= 4
            && part.len().abs_diff(word.len()) <= slack
            && strsim::damerau_levenshtein(part, word) <= slack
    };
    if word.len() >= 4 && (close(name) || parts.iter().any(|part| close(part))) {
        40
    } else {
        0
    }
}

/// How well words name an object by its labels and images.
fn attribute_score(object: &ObjectFact, words: &[Said]) -> u32 {
    let images = object
        .containers
        .iter()
        .filter_map(|(_, image)| image.rsplit('/').next())
        .map(|image| image.split([':', '@']).next().unwrap_or(image));
    let labels = object.labels.values().map(String::as_str);
    let hit = |text: &str| {
        words
            .iter()
            .any(|said| !said.empty && said.word.eq_ignore_ascii_case(text))
    };
    if labels.into_iter().chain(images).any(hit) {
        30
    } else {
        0
    }
}

/// What people do not mean unless they say its whole name: a pod or replica set that a controller named, which ends in a
/// generated part, and what every namespace or cluster has.
fn is_generated(object: &ObjectFact) -> bool {
    let everywhere = ["kube-root-ca.crt", "kubernetes"];
    let generated = |part: &str| part.len() >= 5 && part.chars().any(|c| c.is_ascii_digit());
    match object.kind.as_str() {
        "pod" => object
            .name
            .rsplit('-')
            .next()
            .is_some_and(|part| part.len() == 5 || part.parse::<u32>().is_ok()),
        "replicaset" => object.name.rsplit('-').next().is_some_and(generated),
        "configmap" | "service" => everywhere.contains(&object.name.as_str()),
        _ => false,
    }
}

/// Order among equals: what people mean most often comes first.
fn rank(object: &ObjectFact) -> (usize, String, String) {
    (
        kind_rank(&object.kind),
        object.namespace.clone(),
        object.name.clone(),
    )
}

/// The place of a kind in the order in which people mean it when they say a bare name.
pub fn kind_rank(kind: &str) -> usize {
    let order = [
        "deployment",
        "statefulset",
        "daemonset",
        "cronjob",
        "job",
        "service",
        "node",
        "pod",
    ];
    let position = order.iter().position(|known| *known == kind);
    position.unwrap_or(order.len())
}
