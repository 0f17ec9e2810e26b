//! Adds an adapter to a llama GGUF file, and writes the sum with every matrix in Q8_0.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Content, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::PrepareError;
use super::adapter::Adapter;
use super::tokenizer::CHAT_TEMPLATE;

/// The key-value part of a GGUF file.
pub(super) type Metadata = HashMap<String, Value>;

/// llama.cpp's number for "mostly Q8_0".
const FILE_TYPE_Q8_0: u32 = 7;

/// One of the tensors that every layer has exactly once; where it stands in the file matters for progress only.
const LAST_OF_LAYER: &str = "ffn_up.weight";

/// Writes `base` plus `adapter` to `out`, and returns the metadata that it wrote.
///
/// Matrices become Q8_0, for which candle has fast kernels and which loses next to nothing of the sum; vectors
/// (the norms) stay as they are. `on_layer` hears how many layers of how many are merged.
pub(super) fn merge(
    base: &Path,
    adapter: &Adapter,
    out: &Path,
    on_layer: &mut dyn FnMut(u64, u64),
) -> Result<Metadata, PrepareError> {
    let mut file = BufReader::new(File::open(base).map_err(|source| PrepareError::io(base, source))?);
    let mut content = Content::read(&mut file).map_err(|error| wrong(&error, base))?;
    check_targets(adapter, &content)?;
    let shape = Heads::of(&content.metadata)?;
    let mut tensors = Vec::new();
    let mut layers = 0;
    for name in in_file_order(&content) {
        let tensor = content
            .tensor(&mut file, &name, &Device::Cpu)
            .map_err(|error| wrong(&error, base))?;
        let delta = adapter.delta(target_of(&name))?;
        let merged = merge_one(tensor, delta, shape.rows_are_paired(&name))
            .map_err(|error| PrepareError::Merge(format!("`{name}`: {error}")))?;
        let finished = name.ends_with(LAST_OF_LAYER);
        tensors.push((name, merged));
        if finished {
            layers += 1;
            on_layer(layers, shape.layers);
        }
    }
    content
        .metadata
        .insert("general.file_type".to_owned(), Value::U32(FILE_TYPE_Q8_0));
    content.metadata.insert(
        "tokenizer.chat_template".to_owned(),
        Value::String(CHAT_TEMPLATE.to_owned()),
    );
    write(out, &content.metadata, &tensors)?;
    Ok(content.metadata)
}

/// A failure of candle's; it hides a full disk in its text.
fn wrong(error: &candle_core::Error, path: &Path) -> PrepareError {
    match error {
        candle_core::Error::Io(source) => PrepareError::io(path, source.kind().into()),
        other => PrepareError::Merge(other.to_string()),
    }
}

fn target_of(tensor: &str) -> &str {
    tensor.strip_suffix(".weight").unwrap_or(tensor)
}

/// An adapter for another model would silently change nothing.
fn check_targets(adapter: &Adapter, content: &Content) -> Result<(), PrepareError> {
    let missing = |target: &&str| !content.tensor_infos.contains_key(&format!("{target}.weight"));
    match adapter.targets().find(missing) {
        Some(target) => Err(PrepareError::Adapter(format!("the base has no `{target}`"))),
        None => Ok(()),
    }
}

/// Tensor names by their place in the file, so that the same input gives the same output.
fn in_file_order(content: &Content) -> Vec<String> {
    let mut names: Vec<_> = content
        .tensor_infos
        .iter()
        .map(|(name, info)| (info.offset, name.clone()))
        .collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

/// The numbers that say how attention rows are arranged.
struct Heads {
    layers: u64,
    query: usize,
    key: usize,
}

impl Heads {
    fn of(metadata: &Metadata) -> Result<Self, PrepareError> {
        let number = |key: &str| match metadata.get(&format!("llama.{key}")).map(Value::to_u64) {
            Some(Ok(number)) => Ok(number),
            _ => Err(PrepareError::Merge(format!("the base has no `llama.{key}`"))),
        };
        let small = |key: &str| -> Result<usize, PrepareError> {
            Ok(usize::try_from(number(key)?).unwrap_or(usize::MAX))
        };
        Ok(Self {
            layers: number("block_count")?,
            query: small("attention.head_count")?,
            key: small("attention.head_count_kv")?,
        })
    }

    /// How many heads' rows a llama GGUF keeps paired for its rotary embedding, in this tensor.
    fn rows_are_paired(&self, tensor: &str) -> Option<usize> {
        match target_of(tensor).rsplit('.').next() {
            Some("attn_q") => Some(self.query),
            Some("attn_k") => Some(self.key),
            _ => None,
        }
    }
}

fn merge_one(tensor: QTensor, delta: Option<Tensor>, heads: Option<usize>) -> candle_core::Result<QTensor> {
    if tensor.rank() != 2 || (delta.is_none() && tensor.dtype() == GgmlDType::Q8_0) {
        return Ok(tensor);
    }
    let mut weight = tensor.dequantize(&Device::Cpu)?;
    if let Some(mut delta) = delta {
        if let Some(heads) = heads {
            delta = pair_rows(&delta, heads)?;
        }
        weight = (weight + delta)?;
    }
    QTensor::quantize(&weight, GgmlDType::Q8_0)
}

/// Rows from "first halves, then second halves" of each head to alternating ones, as llama GGUF files have them.
fn pair_rows(rows: &Tensor, heads: usize) -> candle_core::Result<Tensor> {
    let (out, width) = rows.dims2()?;
    let half = out / heads / 2;
    rows.reshape((heads, 2, half, width))?
        .transpose(1, 2)?
        .reshape((out, width))
}

fn write(out: &Path, metadata: &Metadata, tensors: &[(String, QTensor)]) -> Result<(), PrepareError> {
    let at = |source| PrepareError::io(out, source);
    let mut metadata: Vec<_> = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    metadata.sort_by_key(|(key, _)| *key);
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .collect();
    let mut file = BufWriter::new(File::create(out).map_err(at)?);
    gguf_file::write(&mut file, &metadata, &tensors).map_err(|error| wrong(&error, out))?;
    file.flush().map_err(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::prepare::adapter::tests::file as adapter_file;

    const WIDTH: usize = 32;

    /// A model of one layer with two query heads and one key head of four rows each.
    fn base(folder: &Path) -> std::path::PathBuf {
        let quantized = |rows: usize, value: f32, dtype| {
            let tensor = Tensor::full(value, (rows, WIDTH), &Device::Cpu).unwrap();
            QTensor::quantize(&tensor, dtype).unwrap()
        };
        let norm = Tensor::full(3f32, WIDTH, &Device::Cpu).unwrap();
        let tensors = [
            ("token_embd.weight".to_owned(), quantized(2, 1.0, GgmlDType::Q8_0)),
            (
                "blk.0.attn_norm.weight".to_owned(),
                QTensor::quantize(&norm, GgmlDType::F32).unwrap(),
            ),
            (
                "blk.0.attn_q.weight".to_owned(),
                quantized(8, 1.0, GgmlDType::Q4_1),
            ),
            (
                "blk.0.ffn_up.weight".to_owned(),
                quantized(2, 1.0, GgmlDType::Q4_1),
            ),
        ];
        let metadata = Metadata::from([
            ("llama.block_count".to_owned(), Value::U32(1)),
            ("llama.attention.head_count".to_owned(), Value::U32(2)),
            ("llama.attention.head_count_kv".to_owned(), Value::U32(1)),
        ]);
        let path = folder.join("base.gguf");
        write(&path, &metadata, &tensors).unwrap();
        path
    }

    /// Adds `row` times 10 to every weight of a row.
    fn adapter(target: &str, rows: usize) -> Adapter {
        let column: Vec<f32> = (0..u8::try_from(rows).unwrap()).map(f32::from).collect();
        let (a, b) = (format!("{target}.lora_a"), format!("{target}.lora_b"));
        let tensors: [(&str, &[usize], &[f32]); 2] =
            [(&a, &[1, WIDTH], &[1.0; WIDTH]), (&b, &[rows, 1], &column)];
        Adapter::parse(&adapter_file("10", &tensors)).unwrap()
    }

    fn merged(adapter: &Adapter) -> Result<(tempfile::TempDir, Content, File), PrepareError> {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.gguf");
        let mut layers = Vec::new();
        merge(&base(folder.path()), adapter, &out, &mut |done, total| {
            layers.push((done, total));
        })?;
        assert_eq!(layers, [(1, 1)]);
        let mut file = File::open(out).unwrap();
        let content = Content::read(&mut file).unwrap();
        Ok((folder, content, file))
    }

    fn first_column(content: &Content, file: &mut File, name: &str) -> Vec<f32> {
        let tensor = content.tensor(file, name, &Device::Cpu).unwrap();
        assert_eq!(tensor.dtype(), GgmlDType::Q8_0, "{name}");
        let rows = tensor.dequantize(&Device::Cpu).unwrap().to_vec2::<f32>().unwrap();
        rows.iter().map(|row| row[0].round()).collect()
    }

    #[test]
    fn query_rows_are_paired_head_by_head() {
        let (_folder, content, mut file) = merged(&adapter("blk.0.attn_q", 8)).unwrap();
        let rows = first_column(&content, &mut file, "blk.0.attn_q.weight");
        assert_eq!(rows, [1.0, 21.0, 11.0, 31.0, 41.0, 61.0, 51.0, 71.0]);
    }

    #[test]
    fn other_rows_keep_their_order_and_norms_their_type() {
        let (_folder, content, mut file) = merged(&adapter("blk.0.ffn_up", 2)).unwrap();
        assert_eq!(
            first_column(&content, &mut file, "blk.0.ffn_up.weight"),
            [1.0, 11.0]
        );
        assert_eq!(first_column(&content, &mut file, "blk.0.attn_q.weight"), [1.0; 8]);
        assert_eq!(
            content.tensor_infos["blk.0.attn_norm.weight"].ggml_dtype,
            GgmlDType::F32
        );
        assert_eq!(
            content.metadata["tokenizer.chat_template"].to_string().unwrap(),
            CHAT_TEMPLATE
        );
    }

    #[test]
    fn an_adapter_for_another_model_is_refused() {
        let error = merged(&adapter("blk.7.attn_q", 8)).unwrap_err();
        assert!(matches!(error, PrepareError::Adapter(_)), "{error}");
        let error = merged(&adapter("blk.0.attn_q", 6)).unwrap_err();
        assert!(matches!(error, PrepareError::Merge(_)), "{error}");
    }

    #[test]
    fn the_same_input_gives_the_same_file() {
        let write_once = || {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out.gguf");
            merge(
                &base(folder.path()),
                &adapter("blk.0.attn_q", 8),
                &out,
                &mut |_, _| {},
            )
            .unwrap();
            std::fs::read(out).unwrap()
        };
        assert_eq!(write_once(), write_once());
    }
}
