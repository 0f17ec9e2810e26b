//! What was typed for a model: a repository, a path, an address, a name.

use std::path::PathBuf;

use super::error::ArtefactError;

/// A repository on the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubName {
    /// `owner/name`.
    pub repository: String,
    /// A branch, a tag or a commit, behind `@`; `main` without it.
    pub revision: Option<String>,
    /// Which of its models, behind `:`: a quantization such as `Q4_K_M`, or the name of a file.
    pub variant: Option<String>,
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The planner that comes with Sayso.
    Embedded,
    /// A repository on the hub.
    Hub(HubName),
    /// A file or folder of this machine.
    Path(PathBuf),
    /// An OpenAI-compatible server; the model's name there stands behind `#`.
    Endpoint(String),
    /// A model of the store, by its name.
    Name(String),
}

impl Source {
    /// Reads what was typed.
    ///
    /// A path begins with `/`, `./`, `../` or `~`, or ends in `.gguf`; a repository is `hf:` or `owner/name`; what
    /// has no slash is a name.
    pub fn parse(text: &str) -> Result<Source, ArtefactError> {
        if text == "embedded" {
            return Ok(Source::Embedded);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Source::Endpoint(text.to_owned()));
        }
        if let Some(rest) = text.strip_prefix("hf:") {
            return hub(rest).map(Source::Hub);
        }
        let first = text.split(['/', '\\']).next().unwrap_or_default();
        let looks_local = matches!(first, "" | "." | ".." | "~") && !text.is_empty();
        let is_file = text.to_ascii_lowercase().ends_with(".gguf") && !text.contains(':');
        if looks_local || is_file {
            return Ok(Source::Path(PathBuf::from(text)));
        }
        if text.contains('/') {
            return hub(text).map(Source::Hub);
        }
        if is_name(text) {
            return Ok(Source::Name(text.to_owned()));
        }
        Err(wrong(text, "it has characters that no name has"))
    }
}

fn hub(text: &str) -> Result<HubName, ArtefactError> {
    let (front, variant) = match text.split_once(':') {
        Some((front, variant)) => (front, Some(variant)),
        None => (text, None),
    };
    let (repository, revision) = match front.split_once('@') {
        Some((repository, revision)) => (repository, Some(revision)),
        None => (front, None),
    };
    let parts: Vec<&str> = repository.split('/').collect();
    if parts.len() != 2 || !parts.iter().all(|part| is_name(part)) {
        return Err(wrong(text, "a repository is `owner/name`"));
    }
    let odd = |part: &str| part.is_empty() || part.split('/').any(|part| !is_name(part));
    if revision.is_some_and(odd) {
        return Err(wrong(text, "what stands behind `@` is no revision"));
    }
    if variant.is_some_and(odd) {
        return Err(wrong(text, "what stands behind `:` is no quantization or file"));
    }
    Ok(HubName {
        repository: repository.to_owned(),
        revision: revision.map(str::to_owned),
        variant: variant.map(str::to_owned),
    })
}

fn wrong(text: &str, reason: &str) -> ArtefactError {
    ArtefactError::Source {
        text: super::error::quote(text),
        reason: reason.to_owned(),
    }
}

/// Whether a text can be the name of a model, an owner or a file: no separators, no leading dot or dash.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    text.len() <= 200
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a path inside a repository can be made under a folder of ours: relative, and never upwards.
pub(super) fn is_inner_path(text: &str) -> bool {
    !text.is_empty() && text.split('/').all(|part| is_name(part) && part != "..")
}
