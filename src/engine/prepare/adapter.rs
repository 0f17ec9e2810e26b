//! Our weights: a LoRA adapter in a safetensors file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use super::PrepareError;

/// The adapter that ships.
const EMBEDDED: &[u8] = include_bytes!("../../../assets/planner/adapter.safetensors");

/// A parsed adapter. The change of a weight is `scale * b @ a`.
#[derive(Debug, Clone)]
pub(super) struct Adapter {
    /// Of the file, in hex.
    pub(super) sha256: String,
    scale: f64,
    tensors: HashMap<String, Tensor>,
}

impl Adapter {
    /// The embedded adapter, or that of a file.
    pub(super) fn load(file: Option<&Path>) -> Result<Self, PrepareError> {
        let bytes = match file {
            None => Cow::Borrowed(EMBEDDED),
            Some(path) => std::fs::read(path)
                .map_err(|source| PrepareError::io(path, source))?
                .into(),
        };
        Self::parse(&bytes)
    }

    /// Understands the bytes of a safetensors file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, PrepareError> {
        let wrong = |reason: String| PrepareError::Adapter(reason);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| wrong(error.to_string()))?;
        let scale = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get("scale")?.parse().ok())
            .filter(|scale: &f64| scale.is_finite())
            .ok_or_else(|| wrong("its metadata has no number `scale`".to_owned()))?;
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            sha256: hex::encode(Sha256::digest(bytes)),
            scale,
            tensors,
        })
    }

    /// The weights that it changes, as GGUF names without `.weight`.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(|key| {
            key.strip_suffix(".lora_a")
                .or_else(|| key.strip_suffix(".lora_b"))
                .unwrap_or(key)
        })
    }

    /// The change of one weight `[out, in]` in F32, rows in the order of the training framework.
    pub(super) fn delta(&self, target: &str) -> Result<Option<Tensor>, PrepareError> {
        let part = |suffix: &str| self.tensors.get(&format!("{target}.{suffix}"));
        match (part("lora_a"), part("lora_b")) {
            (None, None) => Ok(None),
            (Some(a), Some(b)) => {
                let product = product(a, b, self.scale);
                product
                    .map(Some)
                    .map_err(|error| PrepareError::Adapter(format!("`{target}`: {error}")))
            }
            _ => Err(PrepareError::Adapter(format!(
                "`{target}` has only one of its two factors"
            ))),
        }
    }
}

fn product(a: &Tensor, b: &Tensor, scale: f64) -> candle_core::Result<Tensor> {
    b.to_dtype(DType::F32)?.matmul(&a.to_dtype(DType::F32)?)? * scale
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A safetensors file of these F32 tensors.
    pub(in super::super) fn file(scale: &str, tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, data)| data.iter().flat_map(|x| x.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
            let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), bytes);
            (name.to_string(), view.unwrap())
        });
        let metadata = HashMap::from([("scale".to_owned(), scale.to_owned())]);
        safetensors::serialize(views, Some(metadata)).unwrap()
    }

    #[test]
    fn a_delta_is_the_scaled_product() {
        let bytes = file(
            "2.0",
            &[
                ("blk.0.ffn_up.lora_a", &[1, 2], &[1.0, 10.0]),
                ("blk.0.ffn_up.lora_b", &[3, 1], &[1.0, 2.0, 3.0]),
            ],
        );
        let adapter = Adapter::parse(&bytes).unwrap();
        let delta = adapter
            .delta("blk.0.ffn_up")
            .unwrap()
            .unwrap()
            .to_vec2::<f32>()
            .unwrap();
        assert_eq!(delta, [[2.0, 20.0], [4.0, 40.0], [6.0, 60.0]]);
        assert!(adapter.delta("blk.0.ffn_down").unwrap().is_none());
    }

    #[test]
    fn half_a_pair_and_a_missing_scale_are_errors() {
        let adapter = Adapter::parse(&file("1", &[("x.lora_a", &[1, 1], &[1.0])])).unwrap();
        assert!(adapter.delta("x").is_err());
        assert!(Adapter::parse(&file("much", &[("x.lora_a", &[1, 1], &[1.0])])).is_err());
        assert!(Adapter::parse(b"nonsense").is_err());
    }

    #[test]
    fn the_embedded_adapter_is_whole() {
        let adapter = Adapter::load(None).unwrap();
        for target in adapter.targets() {
            assert!(adapter.delta(target).unwrap().is_some(), "{target}");
        }
    }
}
