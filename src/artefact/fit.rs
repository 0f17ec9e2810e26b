//! Whether a model fits, said before it is loaded.

use serde::Serialize;

use super::error::ArtefactError;
use super::machine::{Machine, gigabytes};
use super::manifest::Format;
use super::shape::{Shape, isq_bits};

/// The least that is taken for what is computed on the way, in bytes.
const WORKING_LEAST: u64 = 256 << 20;
/// The same as a share of the weights: one part in so many.
const WORKING_SHARE: u64 = 10;
/// Contexts that are proposed where the one asked for does not fit.
const CONTEXTS: [u64; 6] = [32_768, 16_384, 8192, 4096, 2048, 1024];

/// Where a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// On the processor: the cache has four bytes for each number.
    Cpu,
    /// On all GPUs together: two bytes.
    Gpu,
}

impl Device {
    /// What will be used: GPUs where there are some and the engine was built for them.
    pub fn of(machine: &Machine, engine_has_gpu: bool) -> Device {
        let usable = machine.gpus.iter().any(|gpu| gpu.obstacle().is_none());
        if engine_has_gpu && usable {
            Device::Gpu
        } else {
            Device::Cpu
        }
    }

    /// Memory that is free there.
    pub fn free(self, machine: &Machine) -> u64 {
        match self {
            Device::Cpu => machine.free,
            Device::Gpu => machine.gpu_free(),
        }
    }

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Device::Cpu => "this machine",
            Device::Gpu => "the GPU",
        }
    }
}

/// Memory that a model needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The weights.
    pub weights: u64,
    /// The key-value cache of one conversation.
    pub cache: u64,
    /// What is computed on the way: a tenth of the weights, and 256 MiB at least. A rule of thumb.
    pub working: u64,
    /// For how many tokens.
    pub tokens: u64,
}

impl Need {
    /// Of weights with this many bytes, for so many tokens; a model whose shape is not known counts without its cache.
    pub fn of(weights: u64, shape: Option<&Shape>, tokens: u64, device: Device) -> Need {
        let tokens = shape.map_or(tokens, |shape| tokens.min(shape.context.max(1)));
        let width = if device == Device::Cpu { 4 } else { 2 };
        let per_token = shape.map_or(0, |shape| shape.cached_per_token);
        Need {
            weights,
            cache: per_token.saturating_mul(tokens).saturating_mul(width),
            working: WORKING_LEAST.max(weights / WORKING_SHARE),
            tokens,
        }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights
            .saturating_add(self.cache)
            .saturating_add(self.working)
    }
}

/// What the weights take once they are loaded, in bytes.
pub(super) fn loaded(bytes: u64, format: Format, isq: Option<&str>, device: Device) -> u64 {
    match (format, isq) {
        (Format::Safetensors, Some(isq)) => bytes / 16 * isq_bits(isq),
        // Two bytes for each number on disk become four: the engine computes in F32 on a processor.
        (Format::Safetensors, None) if device == Device::Cpu => bytes.saturating_mul(2),
        _ => bytes,
    }
}

/// Whether a model fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What it needs.
    pub need: Need,
    /// Where.
    pub device: Device,
    /// What is free there, in bytes; 0 where that is not known.
    pub free: u64,
    /// Whether it fits; what is not known is believed to.
    pub fits: bool,
    /// What would fit, where it does not.
    pub advice: Option<String>,
}

impl Verdict {
    /// The error that says so, where it does not fit.
    pub fn refuse(&self, name: &str) -> Result<(), ArtefactError> {
        if self.fits {
            return Ok(());
        }
        Err(ArtefactError::NoFit {
            name: name.to_owned(),
            device: self.device.name().to_owned(),
            needed: self.need.total(),
            free: self.free,
            advice: self.advice.clone().unwrap_or_default(),
        })
    }
}

/// Judges weights of this size. `others` are models of the same source with their sizes.
pub fn judge<'a>(
    weights: u64,
    shape: Option<&Shape>,
    tokens: u64,
    device: Device,
    machine: &Machine,
    others: impl Iterator<Item = (&'a String, &'a u64)>,
) -> Verdict {
    let (need, free) = (Need::of(weights, shape, tokens, device), device.free(machine));
    let fits = free == 0 || need.total() <= free;
    let mut verdict = Verdict {
        need,
        device,
        free,
        fits,
        advice: None,
    };
    if !fits {
        verdict.advice = Some(advice(&verdict, shape, others));
    }
    verdict
}

fn advice<'a>(
    verdict: &Verdict,
    shape: Option<&Shape>,
    others: impl Iterator<Item = (&'a String, &'a u64)>,
) -> String {
    let need = |weights: u64, tokens: u64| Need::of(weights, shape, tokens, verdict.device).total();
    let mut smaller: Vec<(&String, u64)> = others
        .map(|(name, size)| (name, *size))
        .filter(|(_, size)| *size < verdict.need.weights && need(*size, verdict.need.tokens) <= verdict.free)
        .collect();
    smaller.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut ways: Vec<String> = smaller
        .iter()
        .take(3)
        .map(|(name, size)| format!("`:{name}` of the same repository ({})", gigabytes(*size)))
        .collect();
    let shorter = CONTEXTS.iter().find(|tokens| {
        **tokens < verdict.need.tokens && need(verdict.need.weights, **tokens) <= verdict.free
    });
    if let Some(tokens) = shorter {
        ways.push(format!("a context of {tokens} tokens (--tokens {tokens})"));
    }
    if ways.is_empty() {
        let room = verdict.free.saturating_sub(WORKING_LEAST) / (WORKING_SHARE + 1) * WORKING_SHARE;
        return format!(
            "nothing of this source fits: look for a model with less than {} of weights, or use a server: `sayso model use http://...`",
            gigabytes(room)
        );
    }
    format!("what would fit: {}", ways.join("; "))
}
