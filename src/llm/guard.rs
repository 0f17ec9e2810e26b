//! Bounds on the bytes of a stream, applied before anything parses or keeps them.

use bytes::Bytes;
use reqwest::{Body, Response};

use futures::StreamExt;

use super::error::LlmError;
use super::peer::{Peer, root_cause};
use super::stream::Faults;

/// The largest event (and so the longest line) of a stream, in bytes.
const EVENT: usize = 1 << 20;
/// The most bytes of one answer. A token costs some hundred bytes on the wire, so this is far beyond any real reply.
const WIRE: usize = 64 << 20;
/// A byte order mark; parsers of event streams disagree about it, and one that we use slices it apart.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Counts what passes, and holds back byte order marks at the start.
#[derive(Debug, Default)]
struct Guard {
    /// Bytes since the last empty line.
    event: usize,
    total: usize,
    previous: u8,
    /// What may still become a mark; `None` once the real text has begun.
    held: Option<Vec<u8>>,
}

impl Guard {
    fn new() -> Self {
        Self {
            held: Some(Vec::new()),
            ..Self::default()
        }
    }

    fn admit(&mut self, piece: Bytes, peer: &Peer) -> Result<Bytes, LlmError> {
        self.total += piece.len();
        if self.total > WIRE {
            return Err(peer.too_large("a stream", WIRE));
        }
        if self.count(&piece) > EVENT {
            return Err(peer.too_large("an event", EVENT));
        }
        Ok(self.without_mark(piece))
    }

    /// The size of the largest event so far, as far as it reaches into this piece.
    fn count(&mut self, piece: &[u8]) -> usize {
        let mut largest = 0;
        for &byte in piece.iter().filter(|byte| **byte != b'\r') {
            self.event += 1;
            largest = largest.max(self.event);
            if byte == b'\n' && self.previous == b'\n' {
                self.event = 0;
            }
            self.previous = byte;
        }
        largest
    }

    fn without_mark(&mut self, piece: Bytes) -> Bytes {
        let Some(held) = &mut self.held else { return piece };
        held.extend_from_slice(&piece);
        while held.starts_with(MARK) {
            held.drain(..MARK.len());
        }
        if MARK.starts_with(held) {
            return Bytes::new();
        }
        self.held.take().map(Bytes::from).unwrap_or_default()
    }
}

/// The same response with its body under guard. What ends it early is told to `faults`, because the layers above
/// keep only the text of an error.
pub(super) fn guarded(response: Response, peer: Peer, faults: Faults) -> Response {
    let mut guard = Guard::new();
    let body = response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(|error| peer.cut(&root_cause(&error)));
        piece
            .and_then(|piece| guard.admit(piece, &peer))
            .map_err(|error| faults.tell(error))
    });
    http::Response::new(Body::wrap_stream(body)).into()
}
