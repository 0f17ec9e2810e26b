//! Every format in which a model of one's own may come, each pulled from a folder, loaded by the real engine, and asked.
//!
//! The model is made here: two layers of noise too faint to matter, and an output that says of each letter which one follows it,
//! so that it answers `ok` to everything, however it is stored.

use std::path::{Path, PathBuf};
use std::process::Command;

use mistralrs::core::{NormalLoaderBuilder, NormalSpecificConfig};
use mistralrs::{DeviceMapSetting, ModelDType, TokenSource, parse_isq_value};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;

use super::engine::{Served, content};

const WIDTH: usize = 256;
const INNER: usize = 512;
const LAYERS: usize = 2;
/// Of 64 numbers each.
const HEADS: usize = 4;
const HEADS_OF_KEYS: usize = 2;

/// What begins and ends a message.
const MARKS: [&str; 2] = ["<|im_start|>", "<|im_end|>"];

const TEMPLATE: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}\
     {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// The letters that byte-level tokenizers write for bytes, and their numbers.
fn vocabulary() -> Vec<String> {
    let mut letters: Vec<char> = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet()
        .into_iter()
        .collect();
    letters.sort_unstable();
    letters
        .into_iter()
        .map(String::from)
        .chain(MARKS.map(str::to_owned))
        .collect()
}

/// Writes the model as Hugging Face's transformers would.
fn write(folder: &Path) {
    let vocabulary = vocabulary();
    let number = |token: &str| vocabulary.iter().position(|known| known == token).unwrap();
    let text = |value: serde_json::Value| value.to_string();
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "torch_dtype": "float32",
        "vocab_size": vocabulary.len(), "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": HEADS_OF_KEYS, "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false, "eos_token_id": number(MARKS[1]),
    });
    std::fs::write(folder.join("config.json"), text(config)).unwrap();
    let added: Vec<_> = MARKS
        .iter()
        .map(|mark| {
            json!({"id": number(mark), "content": mark, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        })
        .collect();
    let numbered: serde_json::Map<_, _> = vocabulary
        .iter()
        .map(|token| (token.clone(), number(token).into()))
        .collect();
    let bytes =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let tokenizer = json!({"version": "1.0", "added_tokens": added, "pre_tokenizer": bytes, "decoder": bytes,
        "model": {"type": "BPE", "vocab": numbered, "merges": []}});
    std::fs::write(folder.join("tokenizer.json"), text(tokenizer)).unwrap();
    let settings = json!({"chat_template": TEMPLATE, "eos_token": MARKS[1]});
    std::fs::write(folder.join("tokenizer_config.json"), text(settings)).unwrap();
    write_weights(&folder.join("model.safetensors"), vocabulary.len(), &number);
}

fn write_weights(path: &Path, words: usize, number: &dyn Fn(&str) -> usize) {
    let mut random = StdRng::seed_from_u64(8);
    let mut noise = |count: usize, size: f32| -> Vec<f32> {
        let mut one = || (random.random::<f32>() - 0.5) * 2.0 * size;
        (0..count).map(|_| one()).collect()
    };
    let meanings = noise(words * WIDTH, 1.0);
    let mut output = noise(words * WIDTH, 0.01);
    let line_end = number("\u{10a}");
    for (word, next) in [
        (line_end, number("o")),
        (number("o"), number("k")),
        (number("k"), number(MARKS[1])),
    ] {
        output[next * WIDTH..][..WIDTH].copy_from_slice(&meanings[word * WIDTH..][..WIDTH]);
    }
    let head = WIDTH / HEADS;
    let mut tensors = vec![
        (
            "model.embed_tokens.weight".to_owned(),
            vec![words, WIDTH],
            meanings,
        ),
        ("model.norm.weight".to_owned(), vec![WIDTH], vec![1.0; WIDTH]),
        ("lm_head.weight".to_owned(), vec![words, WIDTH], output),
    ];
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: Vec<usize>, values: Vec<f32>| {
            tensors.push((format!("model.layers.{layer}.{name}.weight"), shape, values));
        };
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            add(norm, vec![WIDTH], vec![1.0; WIDTH]);
        }
        for (name, rows, columns) in [
            ("self_attn.q_proj", WIDTH, WIDTH),
            ("self_attn.k_proj", HEADS_OF_KEYS * head, WIDTH),
            ("self_attn.v_proj", HEADS_OF_KEYS * head, WIDTH),
            ("self_attn.o_proj", WIDTH, WIDTH),
            ("mlp.gate_proj", INNER, WIDTH),
            ("mlp.up_proj", INNER, WIDTH),
            ("mlp.down_proj", WIDTH, INNER),
        ] {
            add(name, vec![rows, columns], noise(rows * columns, 0.01));
        }
    }
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, shape, values)| {
            (
                name,
                shape,
                values.into_iter().flat_map(f32::to_le_bytes).collect(),
            )
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, path).unwrap();
}

/// Writes the model as UQFF, by mistral.rs itself.
fn write_uqff(from: &Path, to: &Path) {
    let specific = NormalSpecificConfig {
        write_uqff: Some(to.join("tiny-q8_0.uqff")),
        ..NormalSpecificConfig::default()
    };
    let model = Some(from.to_string_lossy().into_owned());
    let loader = NormalLoaderBuilder::new(specific, None, None, model, false, None)
        .build(None)
        .unwrap();
    let device = mistralrs::best_device(true).unwrap();
    let quantized = parse_isq_value("Q8_0", Some(&device)).unwrap();
    loader
        .load_model_from_hf(
            None,
            TokenSource::None,
            &ModelDType::F32,
            &device,
            true,
            DeviceMapSetting::dummy(),
            Some(quantized),
            None,
        )
        .unwrap();
}

/// Takes a model into the store of a home of its own; its folder.
fn pull(home: &Path, source: &str) -> PathBuf {
    let output = Command::new(env!("CARGO_BIN_EXE_sayso"))
        .env_clear()
        .env("HOME", home)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .args(["model", "pull", source])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{source}: {said}");
    let models = std::fs::read_dir(home.join(".local/share/sayso/models")).unwrap();
    let mut folders: Vec<PathBuf> = models
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders.remove(0)
}

fn answers_ok(source: &str) {
    let home = tempfile::tempdir().unwrap();
    let served = Served::start(&pull(home.path(), source), 900);
    let free = served.answer("scale web to 5", json!({"max_tokens": 8}));
    assert_eq!(content(&free), "ok", "{source}");
    let held = json!({"max_tokens": 8, "grammar": {"type": "regex", "value": "no|ok"}});
    assert_eq!(content(&served.answer("hello", held)), "ok", "{source}");
}

#[test]
fn models_in_every_format_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, uqff) = (folder.path().join("tiny"), folder.path().join("tiny-uqff"));
    std::fs::create_dir(&plain).unwrap();
    std::fs::create_dir(&uqff).unwrap();
    write(&plain);
    write_uqff(&plain, &uqff);
    let plain = plain.display();
    answers_ok(&plain.to_string());
    for quantized in ["Q8_0", "Q4K"] {
        answers_ok(&format!("{plain}:{quantized}"));
    }
    answers_ok(&uqff.display().to_string());
}
