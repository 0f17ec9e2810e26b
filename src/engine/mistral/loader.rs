//! Loading a GGUF file, by the parts of which mistral.rs' own builder is made.
//!
//! The builder leaves the number type to a probe of the machine; only a loader of one's own can fix it. On a CPU it
//! is F32, so that the same prompt has the same answer everywhere; a probed F16 was not faster.

use std::num::NonZeroUsize;

use mistralrs::core::{AddModelConfig, EngineConfig, GGUFLoaderBuilder, GGUFSpecificConfig};
use mistralrs::model_builder_trait::build_model_from_pipeline;
use mistralrs::{
    AutoDeviceMapParams, DefaultSchedulerMethod, DeviceMapSetting, Model, ModelDType, SchedulerConfig,
    TokenSource,
};

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
    let folder = files.directory.to_string_lossy().into_owned();
    let weights = vec![files.weights.clone()];
    let specific = GGUFSpecificConfig { topology: None };
    let loader =
        GGUFLoaderBuilder::new(None, Some(folder.clone()), folder, weights, specific, false, None).build();
    let mapping = if cpu {
        DeviceMapSetting::dummy()
    } else {
        DeviceMapSetting::Auto(AutoDeviceMapParams::default_text())
    };
    let pipeline = loader.load_model_from_hf(
        None,
        TokenSource::None,
        if cpu { &ModelDType::F32 } else { &ModelDType::Auto },
        &mistralrs::best_device(cpu)?,
        true,
        mapping,
        None,
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
