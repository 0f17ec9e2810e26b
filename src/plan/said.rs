//! What a request says that new things may be called and made from. A small planner copies; where it may write anything, it
//! mends what it copies (`deploybot` becomes `deploymentbot`). Where it may only write what was said, it cannot.

mod commands;

use std::collections::BTreeSet;

pub use commands::Commands;

use super::snapshot::ObjectFact;
use super::value::{is_image, is_label};

/// Names, images and commands that can be read out of a request, and the objects that it leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sayable {
    /// What something new may be called; empty where anything may be said.
    pub names: Vec<String>,
    /// What it may be made from; empty where anything may be said.
    pub images: Vec<String>,
    /// What its containers may run.
    pub commands: Commands,
}

/// How many neighbouring words may make up a name, as in "the smtp login secret" for `smtp-login`.
const NEIGHBOURS: usize = 3;
/// Words without a digit that stand for a version.
const VERSIONS: [&str; 8] = [
    "latest", "stable", "alpine", "slim", "edge", "canary", "nightly", "main",
];
/// More words of that kind are no versions of one image.
const MOST_VERSIONS: usize = 8;

impl Sayable {
    /// Reads them out of a request.
    pub fn of(request: &str, objects: &[ObjectFact]) -> Sayable {
        let words = words(request);
        Sayable {
            names: names(&words, objects),
            images: images(&words, objects),
            commands: Commands::of(request),
        }
    }
}

/// The words without what is around them.
fn words(request: &str) -> Vec<&str> {
    let is_between = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '=' | '?' | '!' | '*'
            )
    };
    let trimmed = request
        .split(is_between)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    trimmed.filter(|word| !word.is_empty()).collect()
}

fn names(words: &[&str], objects: &[ObjectFact]) -> Vec<String> {
    let mut names = BTreeSet::new();
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    for (at, word) in lower.iter().enumerate() {
        // Of an image, its last part without the tag is a name.
        names.extend(word.split(['/', ':', '@', '.']).map(str::to_owned));
        names.extend((1..=NEIGHBOURS).filter_map(|count| Some(lower.get(at..at + count)?.join("-"))));
    }
    for object in objects {
        names.extend(["", "-now", "-manual"].map(|end| format!("{}{end}", object.name)));
    }
    let is_name = |name: &String| is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase());
    names.into_iter().filter(is_name).collect()
}

fn images(words: &[&str], objects: &[ObjectFact]) -> Vec<String> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let said = lower.iter().map(String::as_str).chain(words.iter().copied());
    let running = objects.iter().flat_map(|object| &object.containers);
    let repositories = running.map(|(_, image)| without_tag(image));
    let mut images: BTreeSet<String> = said.chain(repositories).map(str::to_owned).collect();
    let is_version = |word: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        word.chars().all(plain) && (word.contains(|c: char| c.is_ascii_digit()) || VERSIONS.contains(word))
    };
    let versions: Vec<&str> = words
        .iter()
        .copied()
        .filter(is_version)
        .take(MOST_VERSIONS)
        .collect();
    let mut tags: BTreeSet<String> = versions.iter().map(|tag| (*tag).to_owned()).collect();
    tags.extend(versions.windows(2).map(|pair| pair.join("-")));
    let bare: Vec<String> = images
        .iter()
        .filter(|image| without_tag(image) == image.as_str())
        .cloned()
        .collect();
    for image in bare {
        images.extend(tags.iter().map(|tag| format!("{image}:{tag}")));
    }
    images
        .into_iter()
        .filter(|image| {
            is_image(image) && image.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
        .collect()
}

/// Writes the pairs of a planner's text as the request writes them: `API_KEY=x` where the planner has `api_key=x`.
pub fn as_said(text: &str, request: &str) -> String {
    let words =
        request.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '`' | '(' | ')'));
    let is_pair = |word: &&str| {
        word.split_once('=')
            .is_some_and(|(key, value)| !key.is_empty() && !value.is_empty())
    };
    let pairs = words
        .map(|word| word.trim_end_matches(['.', '?', '!']))
        .filter(is_pair);
    pairs.fold(text.to_owned(), |text, pair| {
        let found = text.to_ascii_lowercase().find(&pair.to_ascii_lowercase());
        match found {
            // Lower case of ASCII is as long, so the place is the same.
            Some(at) => format!("{}{pair}{}", &text[..at], &text[at + pair.len()..]),
            None => text,
        }
    })
}

/// An image without its tag; the colon of a port is none.
pub fn without_tag(image: &str) -> &str {
    let at = image.rfind(':').filter(|at| !image[*at..].contains('/'));
    at.map_or(image, |at| &image[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sayable(request: &str) -> Sayable {
        let web = ObjectFact {
            kind: "deployment".into(),
            name: "web".into(),
            containers: vec![("web".into(), "registry:5000/shop/web:1.27".into())],
            ..ObjectFact::default()
        };
        Sayable::of(request, &[web])
    }

    #[test]
    fn names_are_what_was_said() {
        for (request, name) in [
            ("create a deployment called `mailer`", "mailer"),
            ("new deployment: name=Mailer, image=nginx", "mailer"),
            ("service account deploybot and a token for it", "deploybot"),
            ("store the smtp login as a secret", "smtp-login"),
            ("run ghcr.io/acme/tester:3 as a pod", "tester"),
            ("run web now", "web-now"),
        ] {
            assert!(sayable(request).names.contains(&name.to_owned()), "{request}");
        }
        let names = sayable("service account deploybot").names;
        assert!(!names.contains(&"deploymentbot".to_owned()), "{names:?}");
        assert!(names.iter().all(|name| is_label(name)), "{names:?}");
    }

    #[test]
    fn pairs_are_written_as_they_were_said() {
        let request = "a Secret s with the pairs `API_KEY=LmLH` and mode=Fast.";
        let text = "create secret generic s --from-literal=api_key=lmlh --from-literal=mode=fast";
        assert_eq!(
            as_said(text, request),
            "create secret generic s --from-literal=API_KEY=LmLH --from-literal=mode=Fast"
        );
        for request in ["", "= a= =b", "a secret s", "café=Ü", "x=y"] {
            assert_eq!(as_said(text, request), text, "{request}");
        }
    }

    #[test]
    fn images_are_made_of_what_was_said_and_what_runs() {
        for (request, image) in [
            ("deploy ghcr.io/acme/mailer:3 as mailer", "ghcr.io/acme/mailer:3"),
            ("roll web to 1.28-alpine.", "registry:5000/shop/web:1.28-alpine"),
            (
                "web to the newest, which is 1.28, alpine",
                "registry:5000/shop/web:1.28-alpine",
            ),
            ("a pod from Busybox 1.36", "busybox:1.36"),
            ("run 'nginx' as test", "nginx"),
            ("web: image=localhost:5000/a:v2", "localhost:5000/a:v2"),
        ] {
            assert!(sayable(request).images.contains(&image.to_owned()), "{request}");
        }
        assert!(
            sayable("deploy nginx:1.27")
                .images
                .iter()
                .all(|image| is_image(image))
        );
    }
}
