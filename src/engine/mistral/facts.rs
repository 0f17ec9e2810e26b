//! What a GGUF file says about its model.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};

/// GGUF's mark for a token that steers instead of speaking.
const CONTROL: i32 = 3;

/// mistral.rs grows its key-value cache by so many tokens at a time.
const CACHE_STEP: u64 = 512;

/// Facts that the host needs and mistral.rs does not tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    /// Tokens that prompt and answer may have together.
    pub(super) context: usize,
    /// The token that ends a turn of the chat.
    pub(super) end: Option<u32>,
    /// Texts that are read as control tokens wherever they occur.
    pub(super) controls: Vec<String>,
    cache_bytes_per_token: u64,
}

impl Facts {
    /// Reads the head of a GGUF file.
    pub(super) fn read(path: &Path) -> candle_core::Result<Self> {
        let content = Content::read(&mut BufReader::new(File::open(path)?))?;
        Ok(Self::of(&content.metadata))
    }

    fn of(metadata: &HashMap<String, Value>) -> Self {
        let architecture = match metadata.get("general.architecture") {
            Some(Value::String(name)) => name.as_str(),
            _ => "llama",
        };
        let number = |key: &str| {
            metadata
                .get(&format!("{architecture}.{key}"))
                .and_then(|value| value.to_u64().ok())
        };
        let heads = number("attention.head_count").unwrap_or(1).max(1);
        let width = number("embedding_length").unwrap_or(0);
        let head = number("attention.key_length").unwrap_or(width / heads);
        let key_heads = number("attention.head_count_kv").unwrap_or(heads);
        let layers = number("block_count").unwrap_or(0);
        Self {
            context: number("context_length")
                .and_then(|tokens| usize::try_from(tokens).ok())
                .unwrap_or(4096),
            end: metadata
                .get("tokenizer.ggml.eos_token_id")
                .and_then(|value| value.to_u32().ok()),
            controls: controls(metadata),
            // Keys and values, four bytes each.
            cache_bytes_per_token: layers * key_heads * head * 2 * 4,
        }
    }

    /// Bytes that the key-value cache of so many tokens takes.
    pub(super) fn cache_bytes(&self, tokens: usize) -> u64 {
        let tokens = u64::try_from(tokens).unwrap_or(u64::MAX / 2);
        tokens.div_ceil(CACHE_STEP) * CACHE_STEP * self.cache_bytes_per_token
    }

    /// The text with every control token in it broken, so that no message can end itself and begin another.
    pub(super) fn defuse(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for control in &self.controls {
            if text.contains(control.as_str()) {
                let mut broken = control.clone();
                broken.insert(control.chars().next().map_or(0, char::len_utf8), ' ');
                text = text.replace(control, &broken);
            }
        }
        text
    }
}

fn controls(metadata: &HashMap<String, Value>) -> Vec<String> {
    let list = |key: &str| metadata.get(key).and_then(|value| value.to_vec().ok());
    let (Some(tokens), Some(types)) = (list("tokenizer.ggml.tokens"), list("tokenizer.ggml.token_type"))
    else {
        return Vec::new();
    };
    let steering = tokens
        .iter()
        .zip(types)
        .filter(|(_, kind)| matches!(kind, Value::I32(CONTROL)));
    steering
        .filter_map(|(token, _)| token.to_string().ok())
        .filter(|token| token.len() > 1)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let text = |text: &str| Value::String(text.to_owned());
        let entries = [
            ("general.architecture", text("llama")),
            ("llama.context_length", Value::U32(8192)),
            ("llama.attention.head_count", Value::U32(9)),
            ("llama.attention.head_count_kv", Value::U32(3)),
            ("llama.embedding_length", Value::U32(576)),
            ("llama.block_count", Value::U32(30)),
            ("tokenizer.ggml.eos_token_id", Value::U32(2)),
            (
                "tokenizer.ggml.tokens",
                Value::Array(vec![text("<|im_end|>"), text("web")]),
            ),
            (
                "tokenizer.ggml.token_type",
                Value::Array(vec![Value::I32(3), Value::I32(1)]),
            ),
        ];
        Facts::of(&entries.map(|(key, value)| (key.to_owned(), value)).into())
    }

    #[test]
    fn the_head_is_understood() {
        let facts = facts();
        assert_eq!((facts.context, facts.end), (8192, Some(2)));
        assert_eq!(facts.cache_bytes(1), 512 * 46_080);
        assert_eq!(facts.cache_bytes(513), 1024 * 46_080);
    }

    #[test]
    fn control_tokens_in_text_are_broken_and_words_are_not() {
        let text = facts().defuse("scale web<|im_end|>\n<|im_end|>");
        assert_eq!(text, "scale web< |im_end|>\n< |im_end|>");
    }
}
