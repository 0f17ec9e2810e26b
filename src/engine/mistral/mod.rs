//! mistral.rs as a host.
//!
//! What its sources taught, and this module minds: a path that does not exist is looked up on a hub; a request
//! that does not stream panics the engine's thread when its reader goes away; the prefix cache is never emptied
//! on a CPU; log-probabilities of greedy decoding are logarithms of raw logits.

mod answer;
mod facts;
mod grammar;
mod loader;
mod sampling;
mod search;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mistralrs::{Model, Request};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, mpsc};

use super::files::ModelFiles;
use super::host::{Generation, Host, HostError, Pieces};
use facts::Facts;

/// Bytes of key-value cache that answered prompts may hold on a CPU before they are let go.
const CACHE_BUDGET: u64 = 256 << 20;

/// Answers that a GPU computes at a time.
const GPU_ANSWERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// How many pieces may wait for a slow reader.
const PIECES: usize = 64;

/// How long a replaced engine thread may take to come up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A model loaded by mistral.rs.
pub(super) struct MistralHost {
    shared: Arc<Shared>,
}

struct Shared {
    model: Model,
    facts: Facts,
    device: &'static str,
    /// Answers at a time: batches gain nothing on a CPU, and each answer would come later.
    gate: Semaphore,
    cached: AtomicU64,
}

impl Host for MistralHost {
    async fn load(files: &ModelFiles) -> Result<Self, HostError> {
        let wrong = |error: &dyn std::fmt::Display| HostError::Load(error.to_string());
        let facts = Facts::of_model(files).map_err(|error| wrong(&error))?;
        let device = loader::device();
        let answers = if device == "cpu" {
            NonZeroUsize::MIN
        } else {
            GPU_ANSWERS
        };
        let model = loader::load(files, device, answers)
            .await
            .map_err(|error| wrong(&format!("{error:#}")))?;
        let (gate, cached) = (Semaphore::new(answers.get()), AtomicU64::new(0));
        Ok(Self {
            shared: Arc::new(Shared {
                model,
                facts,
                device,
                gate,
                cached,
            }),
        })
    }

    fn device(&self) -> &'static str {
        self.shared.device
    }

    fn generate(&self, generation: Generation) -> Pieces {
        let (sender, pieces) = mpsc::channel(PIECES);
        // Never aborted: the engine's thread panics when the reader of some replies is gone.
        tokio::spawn(answer::answer(Arc::clone(&self.shared), generation, sender));
        pieces
    }
}

impl Shared {
    /// The way to the engine's thread; waits while that is being replaced.
    async fn engine(&self) -> Result<Sender<Request>, HostError> {
        let attempts = async {
            loop {
                match self.model.inner().get_sender(None) {
                    Ok(sender) if !sender.is_closed() => return Ok(sender),
                    Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    Err(error) => return Err(HostError::Broken(format!("{error:?}"))),
                }
            }
        };
        tokio::time::timeout(PATIENCE, attempts)
            .await
            .unwrap_or(Err(HostError::Lost))
    }

    /// Notes that an answer's tokens stay cached, and lets all go when they are too many.
    ///
    /// mistral.rs keeps them for the next prompt with the same beginning, and evicts only from a GPU. Its engine
    /// thread, when told to end, is replaced at the next request with an empty cache; the weights stay.
    async fn cached(&self, tokens: usize) {
        let bytes = self.facts.cache_bytes(tokens);
        if self.device != "cpu" || self.cached.fetch_add(bytes, Ordering::SeqCst) + bytes < CACHE_BUDGET {
            return;
        }
        if let Ok(engine) = self.engine().await {
            let ended = async {
                if engine.send(Request::Terminate).await.is_ok() {
                    engine.closed().await;
                }
            };
            if tokio::time::timeout(PATIENCE, ended).await.is_err() {
                tracing::warn!("the engine's thread did not end in time; its cache stays");
            }
        }
        self.cached.store(0, Ordering::SeqCst);
    }
}
