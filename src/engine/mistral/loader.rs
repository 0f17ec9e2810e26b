//! Loading a model, by the parts of which mistral.rs' own builder is made.
//!
//! The builder leaves the number type to a probe of the machine; only a loader of one's own can fix it. On a CPU it
//! is F32, so that the same prompt has the same answer everywhere; a probed F16 was not faster.

use std::num::NonZeroUsize;

use mistralrs::core::{
    AddModelConfig, EngineConfig, GGUFLoaderBuilder, GGUFSpecificConfig, Loader, NormalLoaderBuilder,
    NormalSpecificConfig,
};
use mistralrs::model_builder_trait::build_model_from_pipeline;
use mistralrs::{
    AutoDeviceMapParams, DefaultSchedulerMethod, DeviceMapSetting, Model, ModelDType, SchedulerConfig,
    TokenSource, parse_isq_value,
};

use crate::artefact::Format;
use crate::engine::files::ModelFiles;

/// What there is to compute on: `cuda`, `metal` or `cpu`.
pub(super) fn device() -> &'static str {
    match mistralrs::best_device(false) {
        Ok(device) if device.is_cuda() => "cuda",
        Ok(device) if device.is_metal() => "metal",
        _ => "cpu",
    }
}

/// Loads the weights, with the tokenizer, template and end tokens that lie beside them.
pub(super) async fn load(files: &ModelFiles, device: &str, answers: NonZeroUsize) -> anyhow::Result<Model> {
    let cpu = device == "cpu";
    let loader = loader_of(files)?;
    let best = mistralrs::best_device(cpu)?;
    let quantize = |name: &String| parse_isq_value(name, Some(&best));
    let isq = files
        .isq
        .as_ref()
        .map(quantize)
        .transpose()
        .map_err(anyhow::Error::msg)?;
    let mapping = if cpu {
        DeviceMapSetting::dummy()
    } else {
        DeviceMapSetting::Auto(AutoDeviceMapParams::default_text())
    };
    let pipeline = loader.load_model_from_hf(
        None,
        TokenSource::None,
        if cpu { &ModelDType::F32 } else { &ModelDType::Auto },
        &best,
        true,
        mapping,
        isq,
        None,
    )?;
    let scheduler = SchedulerConfig::DefaultScheduler {
        method: DefaultSchedulerMethod::Fixed(answers),
    };
    let engine = EngineConfig {
        throughput_logging_enabled: false,
        ..EngineConfig::default()
    };
    Ok(build_model_from_pipeline(pipeline, scheduler, AddModelConfig::new(engine)).await)
}

/// What reads files of this format. All are in the folder: a path that exists is never looked up on a hub.
fn loader_of(files: &ModelFiles) -> anyhow::Result<Box<dyn Loader>> {
    let folder = files.directory.to_string_lossy().into_owned();
    if files.format == Format::Gguf {
        let specific = GGUFSpecificConfig { topology: None };
        let weights = files.weights.clone();
        return Ok(GGUFLoaderBuilder::new(
            None,
            Some(folder.clone()),
            folder,
            weights,
            specific,
            false,
            None,
        )
        .build());
    }
    let first = files.weights.first().map(std::path::PathBuf::from);
    let specific = NormalSpecificConfig {
        // Its other parts are found by the name of the first.
        from_uqff: first
            .filter(|_| files.format == Format::Uqff)
            .map(|first| vec![first]),
        ..NormalSpecificConfig::default()
    };
    NormalLoaderBuilder::new(specific, None, None, Some(folder), false, None).build(None)
}
