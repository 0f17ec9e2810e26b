//! What was asked: the words, and what was piped in or pasted with them.

/// A request longer than this many bytes is not read at all.
pub const MAX_REQUEST: usize = 8_000;

/// A request, fit to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    text: String,
    words: String,
    piped: Option<String>,
}

/// Why a text is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing but white space.
    #[error("the request is empty")]
    Empty,
    /// Too long to be one.
    #[error("the request has {length} bytes; {MAX_REQUEST} is the most that sayso reads")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl Request {
    /// Reads a request. White space around it is dropped. A manifest that was pasted into it, between lines of three backticks,
    /// counts as piped in.
    pub fn new(text: &str, piped: Option<String>) -> Result<Request, RequestError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RequestError::Empty);
        }
        if text.len() > MAX_REQUEST {
            return Err(RequestError::TooLong { length: text.len() });
        }
        let (words, pasted) = without_manifests(text);
        let given = piped
            .into_iter()
            .chain(pasted)
            .filter(|data| !data.trim().is_empty());
        let piped = given.reduce(|all, data| format!("{all}\n---\n{data}"));
        Ok(Request {
            text: text.to_owned(),
            words,
            piped,
        })
    }

    /// All that was typed: for records, and for people.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words without what was pasted between them: what a plan is made of.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// The same with words that say in full what the typed ones leave to an earlier request.
    #[must_use]
    pub fn in_full(&self, words: &str) -> Request {
        Request {
            words: words.to_owned(),
            ..self.clone()
        }
    }

    /// What was piped in or pasted. Data, never instructions.
    pub fn piped(&self) -> Option<&str> {
        self.piped.as_deref()
    }
}
/// The line that a pasted block begins and ends with.
const FENCE: &str = "```";

/// Takes the manifests out of a text: the blocks between fences that say what kind of object they are. A command in a block
/// is a request like any other.
fn without_manifests(text: &str) -> (String, Vec<String>) {
    let (mut words, mut manifests): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with(FENCE) {
            words.push(line);
            continue;
        }
        let inside: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != FENCE).collect();
        let is_manifest = |line: &&str| line.starts_with("kind:") || line.starts_with("apiVersion:");
        if inside.iter().any(is_manifest) {
            manifests.push(inside.join("\n"));
        } else {
            words.extend(inside);
        }
    }
    let words = words.join("\n").trim().to_owned();
    if words.is_empty() {
        return (text.to_owned(), Vec::new());
    }
    (words, manifests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_manifest_is_data_and_the_rest_is_the_request() {
        let typed =
            "expose the web deployment\n\n```yaml\nkind: Deployment\nmetadata:\n  name: web\n```\non port 80";
        let request = Request::new(typed, Some("kind: Pod".to_owned())).unwrap();
        assert_eq!(request.text(), typed);
        assert_eq!(request.words(), "expose the web deployment\n\non port 80");
        assert_eq!(
            request.piped(),
            Some("kind: Pod\n---\nkind: Deployment\nmetadata:\n  name: web")
        );
    }

    #[test]
    fn blocks_that_are_no_manifests_are_part_of_the_request() {
        for (typed, words) in [
            (
                "run this:\n```\nkubectl get pods\n```",
                "run this:\nkubectl get pods",
            ),
            ("what is ``` in yaml", "what is ``` in yaml"),
            ("```\nkubectl get pods", "kubectl get pods"),
            // A manifest alone is all there is to go by.
            ("```\nkind: Pod\n```", "```\nkind: Pod\n```"),
        ] {
            let request = Request::new(typed, None).unwrap();
            assert_eq!((request.words(), request.piped()), (words, None), "{typed}");
        }
    }
}
