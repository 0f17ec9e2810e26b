//! Which models there are to ask, and where they come from.

use std::path::PathBuf;

use serde::Deserialize;

use super::server::Reach;
use super::{Config, ConfigError, Environment};

/// `[model]` and `[adviser]` of `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelFile {
    /// The name of a model of this machine (`sayso model list`), or `embedded`.
    pub stored: Option<String>,
    /// Address of an OpenAI-compatible server, as in `http://localhost:11434/v1`; the embedded planner without it.
    pub endpoint: Option<String>,
    /// The model's name there.
    pub name: Option<String>,
    /// How a grammar is passed: `mistral-rs`, `vllm`, `llama-cpp`, `ollama`, `openai`.
    pub dialect: Option<String>,
    /// The variable that holds the key; `OPENAI_API_KEY` without it.
    pub key_variable: Option<String>,
    /// See [`Reach`].
    pub key_command: Vec<String>,
    /// See [`Reach`].
    pub proxy: Option<String>,
    /// See [`Reach`].
    pub ca: Option<PathBuf>,
    /// See [`Reach`].
    pub first_token_seconds: Option<u64>,
    /// See [`Reach`].
    pub whole_seconds: Option<u64>,
    /// Seconds after which the embedded engine leaves when nothing is asked.
    pub idle_seconds: Option<u64>,
    /// Tokens that prompt and answer of a model of this machine may have together.
    pub context_tokens: Option<u64>,
}

/// Which model to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// The planner that comes with Sayso.
    Embedded {
        /// After how many seconds without a request the engine leaves.
        idle_seconds: u64,
    },
    /// A model of this machine, by its name in the store.
    Stored {
        /// Its name.
        name: String,
        /// After how many seconds without a request the engine leaves.
        idle_seconds: u64,
        /// Tokens that prompt and answer may have together; as many as the model was made for without it.
        context_tokens: Option<u64>,
    },
    /// A server.
    Endpoint {
        /// Its address, up to and including `/v1`.
        url: String,
        /// The model's name there.
        name: String,
        /// How a grammar is passed.
        dialect: String,
        /// The key. Never printed: see [`Secret`].
        key: Option<Secret>,
        /// How it is reached.
        reach: Reach,
    },
}

/// A text that does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl Secret {
    /// The text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<hidden>")
    }
}

/// The hub that models are fetched from, when the user says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubConfig {
    /// Its address: `HF_ENDPOINT`, else the public one.
    pub endpoint: String,
    /// `HF_TOKEN`.
    pub token: Option<Secret>,
    /// Whether it may not be asked: `HF_HUB_OFFLINE`.
    pub offline: bool,
}

impl Config {
    /// The model that `--model` would choose with this.
    pub fn chosen(&self, typed: &str) -> Result<ModelChoice, ConfigError> {
        let mut choice = choose_model(Some(typed), &ModelFile::default(), &Environment::default())?;
        if let ModelChoice::Endpoint {
            url, key, dialect, ..
        } = &mut choice
        {
            *key = self.key_for(url);
            if let ModelChoice::Endpoint {
                url: ours,
                dialect: known,
                ..
            } = &self.model
                && ours == url
            {
                dialect.clone_from(known);
            }
        }
        Ok(choice)
    }

    /// The key for a server: its own where it is the configured one, so that no other server sees that.
    pub fn key_for(&self, address: &str) -> Option<Secret> {
        match &self.model {
            ModelChoice::Endpoint { url, key, .. } if url == address => key.clone(),
            _ => self.key.clone(),
        }
    }
}

/// How long the embedded engine waits for the next request.
const IDLE_SECONDS: u64 = 900;

/// The hub that everyone knows.
const HUB: &str = "https://huggingface.co";

pub(super) fn hub(environment: &Environment) -> Result<HubConfig, ConfigError> {
    Ok(HubConfig {
        endpoint: environment.get("HF_ENDPOINT").unwrap_or(HUB).to_owned(),
        token: environment.get("HF_TOKEN").map(|token| Secret(token.to_owned())),
        offline: environment.switch("HF_HUB_OFFLINE")?.unwrap_or_default(),
    })
}

pub(super) fn choose_model(
    typed: Option<&str>,
    file: &ModelFile,
    environment: &Environment,
) -> Result<ModelChoice, ConfigError> {
    let configured = file
        .stored
        .as_deref()
        .or(file.endpoint.as_deref())
        .or_else(|| environment.get("OPENAI_BASE_URL"));
    let chosen = typed.or(configured).unwrap_or("embedded");
    let idle_seconds = file.idle_seconds.unwrap_or(IDLE_SECONDS);
    if chosen == "embedded" {
        return Ok(ModelChoice::Embedded { idle_seconds });
    }
    if !chosen.starts_with("http://") && !chosen.starts_with("https://") {
        if chosen.contains(['/', '\\', ':', ' ']) {
            let message = format!(
                "`{chosen}` is neither `embedded`, nor a model of this machine, nor the address of a server, as in http://localhost:11434/v1#llama3; `sayso model use` takes repositories and files too"
            );
            return Err(ConfigError::Malformed {
                place: "model".to_owned(),
                message,
            });
        }
        return Ok(ModelChoice::Stored {
            name: chosen.to_owned(),
            idle_seconds,
            context_tokens: file.context_tokens,
        });
    }
    Ok(endpoint(chosen, file, environment))
}

/// A server by its address, with the model's name behind `#`.
fn endpoint(chosen: &str, file: &ModelFile, environment: &Environment) -> ModelChoice {
    let (url, name) = chosen
        .split_once('#')
        .map_or((chosen, None), |(url, name)| (url, Some(name)));
    let key = environment.get(file.key_variable.as_deref().unwrap_or("OPENAI_API_KEY"));
    ModelChoice::Endpoint {
        url: url.trim_end_matches('/').to_owned(),
        name: name.or(file.name.as_deref()).unwrap_or("default").to_owned(),
        dialect: file.dialect.clone().unwrap_or_else(|| "openai".to_owned()),
        key: key.map(|key| Secret(key.to_owned())),
        reach: file.reach(),
    }
}
