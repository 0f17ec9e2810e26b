//! The server at the other end, as it may be named and quoted: never with credentials.

use std::error::Error;

use reqwest::Url;
use secrecy::ExposeSecret;

use super::endpoint::ApiKey;
use super::error::LlmError;

/// No message of a server is quoted at greater length, in characters.
const QUOTE: usize = 300;

/// A server's name for errors, and the secret that must not appear in what is quoted from it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) key: Option<ApiKey>,
}

impl Peer {
    /// Text from the server, fit to be shown: one line, no control characters, no key, not long.
    pub(super) fn quote(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(key) = self
            .key
            .as_ref()
            .map(ExposeSecret::expose_secret)
            .filter(|key| !key.is_empty())
        {
            text = text.replace(key, "[redacted]");
        }
        let cleaned: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let cleaned = cleaned.trim();
        match cleaned.char_indices().nth(QUOTE) {
            Some((end, _)) => format!("{}...", &cleaned[..end]),
            None => cleaned.to_owned(),
        }
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> LlmError {
        LlmError::Unreachable {
            endpoint: self.name.clone(),
            reason: self.quote(&root_cause(error)),
        }
    }

    pub(super) fn cut(&self, reason: &str) -> LlmError {
        LlmError::Cut {
            endpoint: self.name.clone(),
            reason: self.quote(reason),
        }
    }

    pub(super) fn garbled(&self, reason: &str) -> LlmError {
        LlmError::Garbled {
            endpoint: self.name.clone(),
            reason: self.quote(reason),
        }
    }

    pub(super) fn too_large(&self, what: &'static str, limit: usize) -> LlmError {
        LlmError::TooLarge {
            endpoint: self.name.clone(),
            what,
            limit,
        }
    }
}

/// The innermost error: the outer ones of the HTTP stack say little, and may hold the URL with its credentials.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "no answer in time".to_owned(),
        Some(error) if error.is_connect() => "no connection".to_owned(),
        Some(_) => "the request failed".to_owned(),
        None => cause.to_string(),
    }
}

/// The address without user, password and query.
pub(super) fn public_name(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot hold credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}
