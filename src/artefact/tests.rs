use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::choose::{choose, companions};
use super::fit::{Need, loaded};
use super::machine::Gpu;
use super::pull::name_of;
use super::*;

/// The bytes of a GGUF head.
#[derive(Default)]
struct Head {
    count: u64,
    bytes: Vec<u8>,
}

impl Head {
    fn key(mut self, key: &str, kind: u32) -> Head {
        self.count += 1;
        self.bytes.extend((key.len() as u64).to_le_bytes());
        self.bytes.extend(key.as_bytes());
        self.bytes.extend(kind.to_le_bytes());
        self
    }

    fn text(self, key: &str, text: &str) -> Head {
        let mut head = self.key(key, 8);
        head.bytes.extend((text.len() as u64).to_le_bytes());
        head.bytes.extend(text.as_bytes());
        head
    }

    fn number(self, key: &str, number: u32) -> Head {
        let mut head = self.key(key, 4);
        head.bytes.extend(number.to_le_bytes());
        head
    }

    fn numbers(self, key: &str, numbers: &[i32]) -> Head {
        let mut head = self.key(key, 9);
        head.bytes.extend(5u32.to_le_bytes());
        head.bytes.extend((numbers.len() as u64).to_le_bytes());
        for number in numbers {
            head.bytes.extend(number.to_le_bytes());
        }
        head
    }

    fn done(self) -> Vec<u8> {
        let mut all = b"GGUF\x03\0\0\0".to_vec();
        all.extend(0u64.to_le_bytes());
        all.extend(self.count.to_le_bytes());
        all.extend(self.bytes);
        all
    }
}

fn llama() -> Head {
    Head::default()
        .text("general.architecture", "llama")
        .number("general.file_type", 15)
        .number("llama.block_count", 32)
        .number("llama.attention.head_count", 32)
        .number("llama.attention.head_count_kv", 8)
        .number("llama.embedding_length", 4096)
        .number("llama.context_length", 8192)
}

#[test]
fn the_head_of_a_file_tells_its_shape() {
    let bytes = llama()
        .numbers("tokenizer.ggml.token_type", &[1, 3, -1])
        .text("tokenizer.chat_template", "{{ messages }}")
        .done();
    let header = Header::read(bytes.as_slice()).unwrap();
    assert!(header.whole);
    assert_eq!(header.quantization(), Some("Q4_K_M"));
    let shape = Shape::of_gguf(&header).unwrap();
    // 32 layers, 8 heads for keys and values, 128 wide, both.
    assert_eq!((shape.cached_per_token, shape.context), (32 * 8 * 128 * 2, 8192));
    assert_eq!(shape.unloadable_gguf(), None);
    assert_eq!(header.template_sha256().unwrap().len(), 64);
    let other = llama().numbers("tokenizer.ggml.token_type", &[1, 3, 1]).done();
    let other = Header::read(other.as_slice()).unwrap();
    assert_ne!(header.tokenizer_sha256(), other.tokenizer_sha256());
}

#[test]
fn every_layer_may_keep_its_own_number_of_heads() {
    let bytes = Head::default()
        .text("general.architecture", "gemma3n")
        .number("gemma3n.block_count", 3)
        .number("gemma3n.attention.head_count", 8)
        .numbers("gemma3n.attention.head_count_kv", &[1, 2, 4])
        .number("gemma3n.attention.key_length", 100)
        .number("gemma3n.attention.value_length", 50)
        .done();
    let shape = Shape::of_gguf(&Header::read(bytes.as_slice()).unwrap()).unwrap();
    assert_eq!(shape.cached_per_token, 7 * 150);
    assert!(shape.unloadable_gguf().unwrap().contains("gemma3n"));
}

#[test]
fn a_head_that_is_cut_off_anywhere_is_read_as_far_as_it_goes_and_never_further() {
    let bytes = llama().text("tokenizer.chat_template", "{{ messages }}").done();
    for end in 4..bytes.len() {
        let header = Header::read(&bytes[..end]).unwrap();
        assert!(!header.whole, "{end}");
    }
    assert!(Shape::of_gguf(&Header::read(&bytes[..bytes.len() - 20]).unwrap()).is_some());
}

#[test]
fn a_head_with_absurd_claims_is_refused_without_taking_memory() {
    let huge = u64::MAX.to_le_bytes();
    let mut claims = b"GGUF\x03\0\0\0".to_vec();
    claims.extend(0u64.to_le_bytes());
    let mut entries = claims.clone();
    entries.extend(huge);
    assert!(Header::read(entries.as_slice()).unwrap_err().contains("entries"));
    claims.extend(1u64.to_le_bytes());
    claims.extend(huge);
    assert!(Header::read(claims.as_slice()).unwrap_err().contains("bytes"));
    assert!(Header::read(&b"PK\x03\x04 a zip file"[..]).is_err());
    assert!(Header::read(&b"GGUF\x01\0\0\0"[..]).is_err());
}

#[test]
fn a_config_tells_the_same() {
    let config = json!({
        "architectures": ["Qwen2ForCausalLM"], "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2, "hidden_size": 896, "max_position_embeddings": 32768,
    });
    let shape = Shape::of_config(&config).unwrap();
    assert_eq!((shape.cached_per_token, shape.context), (24 * 2 * 64 * 2, 32768));
    let nested = json!({ "architectures": ["X"], "text_config": config });
    assert_eq!(
        Shape::of_config(&nested).unwrap().cached_per_token,
        shape.cached_per_token
    );
    assert_eq!(Shape::of_config(&json!({})), None);
}

fn files(names: &[(&str, u64)]) -> Vec<(String, u64)> {
    names
        .iter()
        .map(|(name, size)| ((*name).to_owned(), *size))
        .collect()
}

#[test]
fn the_models_of_a_repository_are_told_apart() {
    let found = variants(&files(&[
        ("README.md", 1),
        ("qwen-7b-instruct-q4_k_m-00002-of-00002.gguf", 3),
        ("qwen-7b-instruct-q4_k_m-00001-of-00002.gguf", 4),
        ("qwen-7b-instruct-q8_0.gguf", 9),
        ("mmproj-f16.gguf", 2),
        ("BF16/qwen-7b-instruct-BF16.gguf", 20),
    ]));
    let summary: Vec<(&str, usize, u64)> = found
        .iter()
        .map(|variant| (variant.name.as_str(), variant.weights.len(), variant.bytes))
        .collect();
    assert_eq!(summary, [("BF16", 1, 20), ("Q4_K_M", 2, 7), ("Q8_0", 1, 9)]);
    assert_eq!(found[1].weights[0], "qwen-7b-instruct-q4_k_m-00001-of-00002.gguf");
    assert_eq!(choose("x", &found, None).unwrap().variant.name, "Q4_K_M");
    assert_eq!(choose("x", &found, Some("q8_0")).unwrap().variant.bytes, 9);
    let error = choose("x", &found, Some("Q2_K")).unwrap_err();
    assert_eq!(error.hint().unwrap(), "it has `:BF16`, `:Q4_K_M`, `:Q8_0`");
}

#[test]
fn floating_point_can_be_quantized_while_loading_and_copies_are_left_out() {
    let listing = files(&[
        ("config.json", 1),
        ("consolidated.safetensors", 10),
        ("model-00001-of-00002.safetensors", 5),
        ("model-00002-of-00002.safetensors", 5),
        ("adapter_model.safetensors", 1),
        ("tokenizer.json", 1),
    ]);
    let found = variants(&listing);
    assert_eq!((found.len(), found[0].bytes), (1, 10));
    let choice = choose("x", &found, Some("q4_k")).unwrap();
    assert_eq!(choice.isq.as_deref(), Some("Q4K"));
    assert!(choose("x", &found, Some("Q4_K_M")).is_err());
    assert_eq!(
        companions("x", Format::Safetensors, &listing).unwrap(),
        ["config.json", "tokenizer.json"]
    );
    assert!(companions("x", Format::Safetensors, &listing[..5]).is_err());
}

#[test]
fn the_rest_of_a_quantized_model_goes_with_it() {
    let found = variants(&files(&[
        ("phi-q4k-0.uqff", 5),
        ("phi-q4k-1.uqff", 4),
        ("phi-q8_0.uqff", 9),
        ("residual.safetensors", 2),
    ]));
    let summary: Vec<(&str, usize, u64)> = found
        .iter()
        .map(|variant| (variant.name.as_str(), variant.weights.len(), variant.bytes))
        .collect();
    assert_eq!(summary, [("Q4K", 3, 11), ("Q8_0", 2, 11)]);
}

#[test]
fn what_is_typed_is_understood() {
    let hub = |text: &str| match Source::parse(text) {
        Ok(Source::Hub(name)) => (name.repository, name.revision, name.variant),
        other => panic!("{other:?}"),
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        hub("Qwen/Qwen2.5-0.5B-GGUF"),
        ("Qwen/Qwen2.5-0.5B-GGUF".into(), None, None)
    );
    assert_eq!(
        hub("hf:a/b@refs/pr/1:Q4_K_M"),
        ("a/b".into(), some("refs/pr/1"), some("Q4_K_M"))
    );
    assert_eq!(hub("a/b:x.gguf"), ("a/b".into(), None, some("x.gguf")));
    for path in ["./a.gguf", "/models/a", "../a", "a.gguf", "~/a"] {
        assert!(matches!(Source::parse(path), Ok(Source::Path(_))), "{path}");
    }
    assert!(matches!(
        Source::parse("http://localhost:1/v1#m"),
        Ok(Source::Endpoint(_))
    ));
    assert_eq!(Source::parse("qwen-q4"), Ok(Source::Name("qwen-q4".into())));
    for wrong in [
        "",
        "a b",
        "a/b/c",
        "a/..",
        "hf:..",
        "a/b@",
        "a/b:../../x",
        "-x",
        "a/b@../x",
    ] {
        assert!(Source::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn names_are_short_and_say_the_quantization() {
    assert_eq!(
        name_of("Qwen/Qwen2.5-0.5B-Instruct-GGUF", "Q4_K_M", None),
        "qwen2.5-0.5b-instruct-q4_k_m"
    );
    assert_eq!(name_of("a/model-q8_0", "Q8_0", None), "model-q8_0");
    assert_eq!(name_of("Qwen/Qwen3-4B", "safetensors", None), "qwen3-4b");
    assert_eq!(
        name_of("Qwen/Qwen3-4B", "safetensors", Some("Q4K")),
        "qwen3-4b-q4k"
    );
}

fn shape() -> Shape {
    Shape {
        architecture: "llama".into(),
        cached_per_token: 32 * 8 * 128 * 2,
        context: 131_072,
    }
}

fn gpu(free: u64) -> Gpu {
    Gpu {
        name: "X".into(),
        driver: "550.1".into(),
        total: free,
        free,
        compute: "9.0".into(),
    }
}

#[test]
fn memory_is_weights_cache_and_what_is_besides() {
    let need = Need::of(4_000_000_000, Some(&shape()), 4096, Device::Gpu);
    assert_eq!((need.cache, need.working), (65_536 * 2 * 4096, 400_000_000));
    assert_eq!(
        Need::of(4_000_000_000, Some(&shape()), 4096, Device::Cpu).cache,
        2 * need.cache
    );
    assert_eq!(Need::of(1, Some(&shape()), 1 << 40, Device::Cpu).tokens, 131_072);
    assert_eq!(loaded(16, Format::Safetensors, Some("Q4K"), Device::Gpu), 5);
    assert_eq!(loaded(16, Format::Safetensors, None, Device::Cpu), 32);
    assert_eq!(loaded(16, Format::Gguf, None, Device::Cpu), 16);
}

#[test]
fn what_does_not_fit_is_answered_with_what_does() {
    let machine = Machine {
        gpus: vec![gpu(3 << 30), gpu(3 << 30)],
        free: 64 << 30,
        ..Machine::default()
    };
    let device = Device::of(&machine, true);
    assert_eq!((device, Device::of(&machine, false)), (Device::Gpu, Device::Cpu));
    let others: BTreeMap<String, u64> = [
        ("Q2_K", 2 << 30),
        ("Q4_K_M", 4 << 30),
        ("Q6_K", 6 << 30),
        ("BF16", 14 << 30),
    ]
    .map(|(name, size)| (name.to_owned(), size))
    .into();
    let verdict = judge(8 << 30, Some(&shape()), 4096, device, &machine, others.iter());
    let advice = verdict.advice.clone().unwrap();
    assert!(!verdict.fits);
    assert!(advice.contains(":Q4_K_M") && advice.contains(":Q2_K"), "{advice}");
    assert!(!advice.contains(":Q6_K") && !advice.contains("BF16"), "{advice}");
    let error = verdict.refuse("m").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`m` needs about 10.0 GB and the GPU has 6.4 GB free"
    );

    let long = judge(
        4 << 30,
        Some(&shape()),
        65_536,
        device,
        &machine,
        BTreeMap::new().iter(),
    );
    assert!(long.advice.unwrap().contains("8192 tokens"));
    let hopeless = judge(
        80 << 30,
        Some(&shape()),
        4096,
        device,
        &machine,
        BTreeMap::new().iter(),
    );
    assert!(hopeless.advice.unwrap().contains("use a server"));
    assert!(judge(4 << 30, Some(&shape()), 4096, device, &machine, others.iter()).fits);
}

#[test]
fn a_machine_that_says_nothing_is_not_in_the_way() {
    let verdict = judge(
        1 << 40,
        None,
        4096,
        Device::Cpu,
        &Machine::default(),
        BTreeMap::new().iter(),
    );
    assert!(verdict.fits);
}

/// A store with one registered GGUF file, whose place is returned too.
fn registered() -> (tempfile::TempDir, Stored) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny-Q4_K_M.gguf");
    std::fs::write(&file, llama().done()).unwrap();
    let store = Store::new(&folder.path().join("models"));
    let stored = register(&store, &file, None, &mut |_| {}).unwrap();
    (folder, stored)
}

/// The bytes that a check had to read.
fn hashed(stored: &Stored, again: bool) -> Result<u64, ArtefactError> {
    let mut steps = 0;
    stored
        .manifest
        .verify(&stored.folder, again, &mut |step| steps = steps.max(step.done))?;
    Ok(steps)
}

#[test]
fn a_check_is_remembered_until_a_file_changes() {
    let (folder, stored) = registered();
    assert_eq!(stored.name, "tiny-q4_k_m");
    let size = stored.manifest.bytes();
    assert_eq!(
        hashed(&stored, false).unwrap(),
        0,
        "the stamp of the registration"
    );
    assert_eq!(hashed(&stored, true).unwrap(), size);
    std::fs::remove_file(stored.folder.join(".verified.json")).unwrap();
    assert_eq!(hashed(&stored, false).unwrap(), size, "without a stamp");
    assert_eq!(hashed(&stored, false).unwrap(), 0);

    let file = folder.path().join("tiny-Q4_K_M.gguf");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000_000);
    std::fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let error = hashed(&stored, false).unwrap_err();
    assert!(
        matches!(error, ArtefactError::Changed { .. }) && error.to_string().contains("sha256"),
        "{error}"
    );
    std::fs::write(&file, b"GGUF").unwrap();
    assert!(
        hashed(&stored, false)
            .unwrap_err()
            .to_string()
            .contains("bytes instead of")
    );
    std::fs::remove_file(&file).unwrap();
    assert!(hashed(&stored, false).is_err());
}

#[test]
fn the_digest_is_that_of_the_manifest_file() {
    let (_folder, stored) = registered();
    let path = stored.folder.join("manifest.json");
    let digest = format!("sha256:{}", sha256_of(&path, &mut |_| {}).unwrap());
    assert_eq!(
        (digest.clone(), stored.manifest.digest()),
        (stored.digest.clone(), digest)
    );
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("\"schema\": 2", "\"schema\": 1"),
        ("\"tiny-Q4_K_M.gguf\": {", "\"../../etc/passwd\": {"),
        ("\"weights\": [\n    \"tiny-Q4_K_M.gguf\"\n  ]", "\"weights\": []"),
    ] {
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        assert!(
            matches!(
                Manifest::read(&stored.folder),
                Err(ArtefactError::Manifest { .. })
            ),
            "{to}"
        );
    }
}

#[test]
fn a_wish_stands_behind_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let phi = folder.path().join("phi");
    std::fs::create_dir(&phi).unwrap();
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        std::fs::write(phi.join(name), "{}").unwrap();
    }
    std::fs::write(phi.join("model.safetensors"), "weights").unwrap();
    let store = Store::new(&folder.path().join("models"));
    let wish = |wish: &str| PathBuf::from(format!("{}{wish}", phi.display()));
    let plain = register(&store, &phi, None, &mut |_| {}).unwrap();
    assert_eq!(
        (plain.name.as_str(), plain.manifest.isq.as_deref()),
        ("phi", None)
    );
    let quantized = register(&store, &wish(":q4k"), Some("phi-q4k"), &mut |_| {}).unwrap();
    assert_eq!(quantized.manifest.isq.as_deref(), Some("Q4K"));
    assert_ne!(quantized.digest, plain.digest);
    // Another wish is another model, and needs another name.
    let taken = register(&store, &wish(":Q8_0"), Some("phi-q4k"), &mut |_| {}).unwrap_err();
    assert!(matches!(taken, ArtefactError::Taken { .. }), "{taken}");
    assert!(register(&store, &wish(":huge"), Some("huge"), &mut |_| {}).is_err());
    // What is called so is no wish.
    std::fs::rename(&phi, wish(":Q4K")).unwrap();
    let called = register(&store, &wish(":Q4K"), Some("called"), &mut |_| {}).unwrap();
    assert_eq!(called.manifest.isq, None);
}

#[test]
fn a_local_model_stays_where_it_is() {
    let (folder, stored) = registered();
    let store = Store::new(&folder.path().join("models"));
    let file = folder.path().join("tiny-Q4_K_M.gguf");
    let again = register(&store, &file, None, &mut |_| {}).unwrap();
    assert_eq!(again, stored);
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("a-Q8_0.gguf"), llama().done()).unwrap();
    let taken = register(&store, &other, Some("tiny-q4_k_m"), &mut |_| {}).unwrap_err();
    assert!(matches!(taken, ArtefactError::Taken { .. }), "{taken}");
    let planner = register(&store, &other, Some("planner"), &mut |_| {}).unwrap_err();
    assert!(matches!(planner, ArtefactError::Taken { .. }), "{planner}");
    store.remove(&stored.name).unwrap();
    assert!(file.exists());
    assert_eq!(store.entries(), []);
    assert!(matches!(store.remove("../x"), Err(ArtefactError::Unknown { .. })));
}
