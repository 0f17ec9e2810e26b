//! What decides how much memory a context takes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gguf::Header;

/// GGUF architectures that mistral.rs 0.8 loads.
const GGUF_KNOWN: [&str; 8] = [
    "llama",
    "mistral3",
    "phi2",
    "phi3",
    "starcoder2",
    "qwen2",
    "qwen3",
    "qwen3moe",
];

/// The dimensions of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// As the file calls it: `qwen2`, `LlamaForCausalLM`.
    pub architecture: String,
    /// Numbers that the key-value cache keeps for each token, over all layers.
    pub cached_per_token: u64,
    /// Tokens that the model was made for.
    pub context: u64,
}

impl Shape {
    /// From the head of a GGUF file; nothing where it does not say enough.
    pub fn of_gguf(header: &Header) -> Option<Shape> {
        let one = |key: &str| header.numbers(key).and_then(|found| found.first().copied());
        let layers = one("block_count")?;
        let heads = one("attention.head_count")?.max(1);
        let width = one("embedding_length").unwrap_or_default() / heads;
        let keys = one("attention.key_length").unwrap_or(width);
        let values = one("attention.value_length").unwrap_or(width);
        let kept = match header.numbers("attention.head_count_kv") {
            // One number for all layers, or one for each.
            Some(several) if several.len() > 1 => {
                several.iter().fold(0, |sum: u64, n| sum.saturating_add(*n))
            }
            Some(one) => one.first()?.saturating_mul(layers),
            None => heads.saturating_mul(layers),
        };
        Some(Shape {
            architecture: header.architecture()?.to_owned(),
            cached_per_token: kept.saturating_mul(keys.saturating_add(values)),
            context: one("context_length").unwrap_or(4096),
        })
    }

    /// From `config.json`; nothing where it does not say enough.
    pub fn of_config(config: &Value) -> Option<Shape> {
        let text = config.get("text_config").unwrap_or(config);
        let number = |key: &str| text.get(key).and_then(Value::as_u64);
        let layers = number("num_hidden_layers")?;
        let heads = number("num_attention_heads")?.max(1);
        let kept = number("num_key_value_heads").unwrap_or(heads);
        let width = number("head_dim").or_else(|| Some(number("hidden_size")? / heads))?;
        let architecture = config.pointer("/architectures/0").and_then(Value::as_str);
        Some(Shape {
            architecture: architecture.unwrap_or("unknown").to_owned(),
            cached_per_token: layers
                .saturating_mul(kept)
                .saturating_mul(width)
                .saturating_mul(2),
            context: number("max_position_embeddings").unwrap_or(4096),
        })
    }

    /// Why the engine that comes with Sayso cannot load a GGUF file of this architecture, if it cannot.
    pub fn unloadable_gguf(&self) -> Option<String> {
        if GGUF_KNOWN.contains(&self.architecture.as_str()) {
            return None;
        }
        Some(format!(
            "the engine reads GGUF files of {}, and this is `{}`",
            GGUF_KNOWN.join(", "),
            self.architecture
        ))
    }
}

/// Bits for each weight of a quantization to which weights are brought while loading; 16 for what is not known.
pub(super) fn isq_bits(name: &str) -> u64 {
    let digits = name
        .chars()
        .find(char::is_ascii_digit)
        .and_then(|digit| digit.to_digit(10));
    match digits {
        // A block's scales cost about half a bit more for each weight.
        Some(bits @ 2..=8) => u64::from(bits) + 1,
        _ => 16,
    }
}
