//! Questions about how everything is, which name no object: "is anything broken?"

use super::Scope;

/// Words that change nothing about such a question; the namespace that applies is meant anyway.
const FILLERS: [&str; 44] = [
    "a",
    "about",
    "and",
    "any",
    "are",
    "at",
    "can",
    "currently",
    "do",
    "does",
    "for",
    "here",
    "hey",
    "hi",
    "if",
    "in",
    "is",
    "just",
    "know",
    "look",
    "looks",
    "me",
    "my",
    "now",
    "of",
    "on",
    "our",
    "please",
    "quick",
    "right",
    "s",
    "see",
    "show",
    "tell",
    "the",
    "there",
    "this",
    "today",
    "we",
    "whether",
    "with",
    "you",
    "your",
    "ns",
];
/// Words for every namespace.
const EVERYWHERE: [&str; 7] = [
    "anywhere",
    "cluster",
    "entire",
    "everywhere",
    "namespaces",
    "somewhere",
    "whole",
];
/// Words that may stand before a phrase.
const OPENERS: [&str; 4] = ["all", "check", "what", "which"];
/// Each is a row of words, with alternatives, that the rest has to be.
const PHRASES: [&[&[&str]]; 8] = [
    &[ALL, BAD],
    &[&["what", "whats"], BAD],
    &[&["all", "everything", "things"], GOOD],
    &[&["healthy", "unhealthy"]],
    &[&[
        "problem", "problems", "trouble", "issue", "issues", "outage", "outages",
    ]],
    &[&["health"], &["check", "overview", "report", "status"]],
    &[&["health", "healthcheck"]],
    &[&["how"], &["all", "everything", "things"]],
];
const ALL: &[&str] = &["all", "anything", "everything", "something", "things"];
const BAD: &[&str] = &[
    "amiss",
    "broke",
    "broken",
    "burning",
    "crashing",
    "down",
    "failed",
    "failing",
    "unhealthy",
    "wrong",
];
const GOOD: &[&str] = &[
    "alright", "fine", "good", "green", "healthy", "ok", "okay", "well", "working",
];

/// Where everything is to be looked at, if that is all that a request asks. One word that it does not know makes it another question,
/// for a planner.
pub fn asks_how_all_is(request: &str, namespaces: &[String]) -> Option<Scope> {
    let lower = request.to_lowercase();
    let mut scope = Scope::Default;
    let mut is_placed = false;
    let mut words = Vec::new();
    for word in lower.split(|c: char| !c.is_alphanumeric() && c != '-') {
        if EVERYWHERE.contains(&word) {
            (scope, is_placed) = (Scope::All, true);
        } else if namespaces.iter().any(|name| name == word) {
            (scope, is_placed) = (Scope::Named(word.to_owned()), true);
        } else if word == "namespace" {
            is_placed = true;
        } else if !word.is_empty() && !FILLERS.contains(&word) {
            words.push(word);
        }
    }
    let (first, rest) = words.split_first()?;
    let says = |words: &[&str], phrase: &[&[&str]]| {
        phrase.len() == words.len() && words.iter().zip(phrase).all(|(word, any)| any.contains(word))
    };
    let is_said =
        |phrase: &&[&[&str]]| says(&words, phrase) || (OPENERS.contains(first) && says(rest, phrase));
    let is_of_place = || is_placed && words.len() == 1 && (GOOD.contains(first) || BAD.contains(first));
    (PHRASES.iter().any(is_said) || is_of_place()).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: &str) -> Option<Scope> {
        asks_how_all_is(request, &["shop".to_owned(), "blog".to_owned()])
    }

    #[test]
    fn a_question_about_everything_is_known_by_its_words() {
        for request in [
            "is anything broken?",
            "what's broken",
            "What is wrong here?",
            "is everything ok?",
            "anything failing right now",
            "are there any problems in this namespace",
            "health check please",
            "check health",
            "any issues?",
            "what issues are there",
            "how is everything",
            "all good?",
        ] {
            assert_eq!(asked(request), Some(Scope::Default), "{request}");
        }
        assert_eq!(
            asked("is anything broken in shop?"),
            Some(Scope::Named("shop".into()))
        );
        assert_eq!(asked("is the whole cluster healthy"), Some(Scope::All));
        assert_eq!(asked("is my cluster ok"), Some(Scope::All));
        assert_eq!(asked("is this namespace fine?"), Some(Scope::Default));
        assert_eq!(asked("what's wrong with the cluster"), Some(Scope::All));
    }

    #[test]
    fn one_that_says_more_is_another() {
        for request in [
            "it's broken",
            "ok",
            "is it down?",
            "is web broken?",
            "what is running",
            "is anything pending anywhere?",
            "fix everything",
            "delete everything",
            "scale everything down",
            "any problems with cart?",
            "stop everything in blog",
            "",
            "shop",
            "what is in the cluster",
        ] {
            assert_eq!(asked(request), None, "{request}");
        }
    }
}
