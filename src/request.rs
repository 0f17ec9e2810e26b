//! What was asked: the words, and what was piped in with them.

/// A request longer than this many bytes is not read at all.
pub const MAX_REQUEST: usize = 8_000;

/// A request, fit to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    text: String,
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
    /// Reads a request. White space around it is dropped.
    pub fn new(text: &str, piped: Option<String>) -> Result<Request, RequestError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RequestError::Empty);
        }
        if text.len() > MAX_REQUEST {
            return Err(RequestError::TooLong { length: text.len() });
        }
        Ok(Request {
            text: text.to_owned(),
            piped: piped.filter(|piped| !piped.trim().is_empty()),
        })
    }

    /// The words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was piped in. Data, never instructions.
    pub fn piped(&self) -> Option<&str> {
        self.piped.as_deref()
    }
}
