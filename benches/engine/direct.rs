//! mistral.rs as a program would use it that has nothing else around it: the same file, loaded the same way.

use std::num::NonZeroUsize;
use std::path::Path;

use mistralrs::core::{AddModelConfig, EngineConfig, GGUFLoaderBuilder, GGUFSpecificConfig, Loader};
use mistralrs::model_builder_trait::build_model_from_pipeline;
use mistralrs::{
    AutoDeviceMapParams, Constraint, DefaultSchedulerMethod, DeviceMapSetting, Model, ModelDType,
    NormalRequest, Request, RequestLike, Response, SamplingParams, SchedulerConfig, TextMessageRole,
    TextMessages, TokenSource,
};
use tokio::sync::mpsc;

/// Loads the only GGUF file of a folder.
pub async fn load(folder: &Path) -> Model {
    let cpu = match mistralrs::best_device(false) {
        Ok(device) => !device.is_cuda() && !device.is_metal(),
        Err(_) => true,
    };
    let weights = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.ends_with(".gguf"))
        .unwrap();
    let place = folder.to_string_lossy().into_owned();
    let specific = GGUFSpecificConfig { topology: None };
    let loader: Box<dyn Loader> = GGUFLoaderBuilder::new(
        None,
        Some(place.clone()),
        place,
        vec![weights],
        specific,
        false,
        None,
    )
    .build();
    let best = mistralrs::best_device(cpu).unwrap();
    let mapping = if cpu {
        DeviceMapSetting::dummy()
    } else {
        DeviceMapSetting::Auto(AutoDeviceMapParams::default_text())
    };
    let number = if cpu { ModelDType::F32 } else { ModelDType::Auto };
    let pipeline = loader
        .load_model_from_hf(None, TokenSource::None, &number, &best, true, mapping, None, None)
        .unwrap();
    let scheduler = SchedulerConfig::DefaultScheduler {
        method: DefaultSchedulerMethod::Fixed(NonZeroUsize::MIN),
    };
    let engine = EngineConfig {
        throughput_logging_enabled: false,
        ..EngineConfig::default()
    };
    build_model_from_pipeline(pipeline, scheduler, AddModelConfig::new(engine)).await
}

/// Asks it, and waits for the whole answer, as a stream; gives its text and its tokens.
pub async fn ask(model: &Model, prompt: &str, tokens: usize) -> (String, usize) {
    let (response, mut chunks) = mpsc::channel(64);
    let request = NormalRequest {
        messages: TextMessages::new()
            .add_message(TextMessageRole::User, prompt)
            .take_messages(),
        sampling_params: SamplingParams {
            temperature: Some(0.0),
            max_len: Some(tokens),
            ..SamplingParams::deterministic()
        },
        response,
        return_logprobs: false,
        is_streaming: true,
        id: 0,
        constraint: Constraint::None,
        suffix: None,
        tools: None,
        tool_choice: None,
        logits_processors: None,
        return_raw_logits: false,
        web_search_options: None,
        model_id: None,
        truncate_sequence: false,
    };
    let engine = model.inner().get_sender(None).unwrap();
    assert!(
        engine.send(Request::Normal(Box::new(request))).await.is_ok(),
        "it is gone"
    );
    let (mut text, mut count) = (String::new(), 0);
    while let Some(response) = chunks.recv().await {
        let Response::Chunk(chunk) = response else {
            panic!("mistral.rs did not answer");
        };
        let exact = chunk.usage.map(|usage| usage.completion_tokens);
        for choice in chunk.choices {
            count += 1;
            text.push_str(choice.delta.content.as_deref().unwrap_or_default());
            if choice.finish_reason.is_some() {
                return (text, exact.unwrap_or_default().max(count));
            }
        }
    }
    (text, count)
}
