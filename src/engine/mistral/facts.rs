//! What a GGUF file says about its model.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};

use crate::artefact::{Format, Shape};
use crate::engine::files::ModelFiles;

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
    /// The facts of a model: from the head of its GGUF file, or from the files beside its weights.
    pub(super) fn of_model(files: &ModelFiles) -> candle_core::Result<Self> {
        let mut facts = if files.format == Format::Gguf {
            Self::read(&files.path())?
        } else {
            Self::of_folder(&files.directory)?
        };
        facts.context = files
            .context
            .map_or(facts.context, |context| facts.context.min(context));
        Ok(facts)
    }

    /// From `config.json` and `tokenizer.json`.
    fn of_folder(folder: &Path) -> candle_core::Result<Self> {
        let json = |name: &str| -> candle_core::Result<serde_json::Value> {
            let text = std::fs::read(folder.join(name))?;
            serde_json::from_slice(&text).map_err(candle_core::Error::wrap)
        };
        let config = json("config.json")?;
        let end = match config.get("eos_token_id") {
            Some(serde_json::Value::Array(several)) => several.first().and_then(serde_json::Value::as_u64),
            Some(one) => one.as_u64(),
            None => None,
        };
        let shape = Shape::of_config(&config);
        let tokenizer = json("tokenizer.json")?;
        let added = tokenizer["added_tokens"].as_array().into_iter().flatten();
        let controls = added
            .filter(|token| token["special"] == true)
            .filter_map(|token| token["content"].as_str())
            .filter(|token| token.len() > 1)
            .map(str::to_owned);
        Ok(Self {
            context: shape
                .as_ref()
                .and_then(|shape| usize::try_from(shape.context).ok())
                .unwrap_or(4096),
            end: end.and_then(|end| u32::try_from(end).ok()),
            controls: controls.collect(),
            cache_bytes_per_token: shape.map_or(0, |shape| shape.cached_per_token.saturating_mul(4)),
        })
    }

    /// Reads the head of a GGUF file.
    fn read(path: &Path) -> candle_core::Result<Self> {
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
    fn the_files_beside_safetensors_are_understood() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "config.json",
            r#"{"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 1, "hidden_size": 64, "max_position_embeddings": 100, "eos_token_id": [7, 8]}"#,
        );
        write(
            "tokenizer.json",
            r#"{"added_tokens": [{"content": "<|end|>", "special": true}, {"content": "web", "special": false}]}"#,
        );
        let facts = Facts::of_folder(folder.path()).unwrap();
        assert_eq!((facts.context, facts.end), (100, Some(7)));
        assert_eq!(facts.controls, ["<|end|>"]);
        assert_eq!(facts.cache_bytes(1), 512 * 2 * 16 * 2 * 4);
    }

    #[test]
    fn control_tokens_in_text_are_broken_and_words_are_not() {
        let text = facts().defuse("scale web<|im_end|>\n<|im_end|>");
        assert_eq!(text, "scale web< |im_end|>\n< |im_end|>");
    }
}
