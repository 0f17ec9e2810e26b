//! The files beside the weights: tokenizer, chat template, end tokens.
//!
//! mistral.rs would build a tokenizer from the GGUF file, with another model's rule for splitting words; that
//! gives this model token sequences that it never saw in training. So the real rule is written down here.

use std::path::Path;
use std::str::FromStr;

use candle_core::quantized::gguf_file::Value as Gguf;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

use super::PrepareError;
use super::merge::Metadata;

/// The template that the adapter was trained with: the base's own, less the system message that it adds.
pub(super) const CHAT_TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
     {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Either of them ends a text.
const END_TOKENS: [&str; 2] = ["<|im_end|>", "<|endoftext|>"];

/// GGUF's mark for an ordinary token; all others are special.
const ORDINARY: i32 = 1;

/// Writes `tokenizer.json`, `generation_config.json` and `chat_template.jinja` into a folder.
pub(super) fn write(metadata: &Metadata, folder: &Path) -> Result<(), PrepareError> {
    let vocabulary = Vocabulary::of(metadata)?;
    let tokenizer = vocabulary.tokenizer().to_string();
    Tokenizer::from_str(&tokenizer).map_err(|error| PrepareError::Tokenizer(error.to_string()))?;
    let ends = END_TOKENS.map(|token| vocabulary.id(token));
    if ends.contains(&None) {
        return Err(PrepareError::Tokenizer("the base lacks an end token".to_owned()));
    }
    let generation = json!({"eos_token_id": ends, "bos_token_id": vocabulary.id("<|im_start|>")}).to_string();
    for (name, text) in [
        ("tokenizer.json", tokenizer.as_str()),
        ("generation_config.json", &generation),
        ("chat_template.jinja", CHAT_TEMPLATE),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| PrepareError::io(&path, source))?;
    }
    Ok(())
}

/// The tokens of a GGUF file, by their number.
struct Vocabulary<'a> {
    tokens: Vec<&'a str>,
    special: Vec<bool>,
    merges: Vec<&'a str>,
}

impl<'a> Vocabulary<'a> {
    fn of(metadata: &'a Metadata) -> Result<Self, PrepareError> {
        let list = |key: &str| match metadata.get(&format!("tokenizer.ggml.{key}")).map(Gguf::to_vec) {
            Some(Ok(list)) => Ok(list.as_slice()),
            _ => Err(PrepareError::Tokenizer(format!("the base has no list `{key}`"))),
        };
        let texts = |key| -> Result<Vec<&str>, PrepareError> {
            Ok(list(key)?
                .iter()
                .filter_map(|value| value.to_string().ok())
                .map(String::as_str)
                .collect())
        };
        let special = list("token_type")?
            .iter()
            .map(|value| !matches!(value, Gguf::I32(ORDINARY)))
            .collect();
        let vocabulary = Self {
            tokens: texts("tokens")?,
            special,
            merges: texts("merges")?,
        };
        if vocabulary.tokens.len() != vocabulary.special.len() {
            return Err(PrepareError::Tokenizer(
                "tokens and their types differ in number".to_owned(),
            ));
        }
        Ok(vocabulary)
    }

    fn id(&self, token: &str) -> Option<usize> {
        self.tokens.iter().position(|known| *known == token)
    }

    /// The tokenizer in the format of the `tokenizers` library: digits one by one, then byte-level BPE.
    fn tokenizer(&self) -> Value {
        let specials = self
            .tokens
            .iter()
            .zip(&self.special)
            .enumerate()
            .filter(|(_, (_, special))| **special);
        let added: Vec<Value> = specials
            .map(|(id, (token, _))| {
                json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": true})
            })
            .collect();
        let vocabulary: serde_json::Map<_, _> = self
            .tokens
            .iter()
            .enumerate()
            .map(|(id, token)| ((*token).to_owned(), json!(id)))
            .collect();
        let byte_level =
            json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let digits = json!({"type": "Digits", "individual_digits": true});
        json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
            "post_processor": null, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                      "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                      "ignore_merges": false, "vocab": vocabulary, "merges": self.merges},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let tokens = [
            "<|endoftext|>",
            "<|im_start|>",
            "<|im_end|>",
            "g",
            "e",
            "t",
            "Ġ",
            "1",
            "2",
            "ge",
            "get",
            "12",
        ];
        let text = |text: &str| Gguf::String(text.to_owned());
        let types = (0..tokens.len())
            .map(|id| Gguf::I32(if id < 3 { 3 } else { 1 }))
            .collect();
        Metadata::from([
            (
                "tokenizer.ggml.tokens".to_owned(),
                Gguf::Array(tokens.iter().map(|token| text(token)).collect()),
            ),
            ("tokenizer.ggml.token_type".to_owned(), Gguf::Array(types)),
            (
                "tokenizer.ggml.merges".to_owned(),
                Gguf::Array(vec![text("g e"), text("ge t"), text("1 2")]),
            ),
        ])
    }

    #[test]
    fn words_merge_digits_do_not_and_specials_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        write(&metadata(), folder.path()).unwrap();
        let tokenizer = Tokenizer::from_file(folder.path().join("tokenizer.json")).unwrap();
        let ids = |text: &str| tokenizer.encode(text, true).unwrap().get_ids().to_vec();
        assert_eq!(ids("get 12<|im_end|>"), [10, 6, 7, 8, 2]);
        assert_eq!(tokenizer.decode(&[10, 6, 7, 8, 2], true).unwrap(), "get 12");
        let generation = std::fs::read_to_string(folder.path().join("generation_config.json")).unwrap();
        assert_eq!(generation, r#"{"eos_token_id":[2,0],"bos_token_id":1}"#);
    }

    #[test]
    fn a_base_without_merges_is_refused() {
        let mut metadata = metadata();
        metadata.remove("tokenizer.ggml.merges");
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            write(&metadata, folder.path()),
            Err(PrepareError::Tokenizer(_))
        ));
    }
}
