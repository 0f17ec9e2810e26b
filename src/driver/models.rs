//! The models that a user has, can have, and uses.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::connect::engine_command;
use crate::artefact::{
    ArtefactError, Device, Entry, Hub, HubSettings, Machine, Manifest, Store, Stored, Verdict,
};
use crate::config::{Config, ModelChoice, ModelFile, Role, set_model};
use crate::llm::{ApiKey, Dialect, LlmError};

/// Tokens that memory is estimated for where nobody says.
pub const TOKENS: u64 = 4096;
/// How long the hub may send nothing.
const STALL: Duration = Duration::from_secs(60);
/// How long a server may take to name its models, and the engine to say what it is.
const ANSWER: Duration = Duration::from_secs(5);
/// The most that is read of a server's list, in bytes.
const LIST: usize = 1 << 20;

/// One line of `sayso model list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The name to use it by.
    pub name: String,
    /// `embedded`, `stored`, `server`, `partial` or `broken`.
    pub state: &'static str,
    /// What it is used for.
    pub roles: Vec<&'static str>,
    /// Bytes on disk.
    pub bytes: Option<u64>,
    /// The quantization of its weights.
    pub quantization: Option<String>,
    /// Its licence, as the source names it.
    pub license: Option<String>,
    /// Where it comes from.
    pub source: Option<String>,
    /// Of its manifest.
    pub digest: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// What the engine's program says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineFacts {
    /// Where it is.
    pub program: PathBuf,
    /// Its version.
    pub version: String,
    /// What was built in besides the processor: `cuda`, `cudnn`, `flash-attn`, `metal`.
    pub features: Vec<String>,
}

impl EngineFacts {
    /// Whether it can compute on a GPU.
    pub fn has_gpu(&self) -> bool {
        self.features
            .iter()
            .any(|name| matches!(name.as_str(), "cuda" | "metal"))
    }
}

/// The store of this user.
pub fn store(config: &Config) -> Store {
    Store::new(&config.places.models)
}

/// The hub of this user.
pub fn hub(config: &Config) -> Result<Hub, ArtefactError> {
    Hub::new(HubSettings {
        endpoint: config.hub.endpoint.clone(),
        token: config
            .hub
            .token
            .as_ref()
            .map(|token| ApiKey::from(token.reveal().to_owned())),
        offline: config.hub.offline,
        stall: STALL,
    })
}

/// Everything there is: the planner that comes with Sayso, the models of the store, and configured servers.
pub fn list(config: &Config) -> Vec<Listed> {
    let mut all = vec![embedded(config)];
    all.extend(
        store(config)
            .entries()
            .into_iter()
            .map(|entry| listed(config, entry)),
    );
    for choice in [Some(&config.model), config.adviser.as_ref()]
        .into_iter()
        .flatten()
    {
        let Some(server) = server(config, choice) else {
            continue;
        };
        if !all.iter().any(|other| other.name == server.name) {
            all.push(server);
        }
    }
    all
}

/// What a model of this name is used for.
pub fn roles(config: &Config, is_it: impl Fn(&ModelChoice) -> bool) -> Vec<&'static str> {
    let adviser = config.adviser.as_ref().is_some_and(&is_it);
    let both = [(is_it(&config.model), "planner"), (adviser, "adviser")];
    both.into_iter()
        .filter_map(|(is, role)| is.then_some(role))
        .collect()
}

fn nothing(name: &str, state: &'static str) -> Listed {
    Listed {
        name: name.to_owned(),
        state,
        roles: Vec::new(),
        bytes: None,
        quantization: None,
        license: None,
        source: None,
        digest: None,
        problem: None,
    }
}

fn described(manifest: &Manifest, digest: String, listed: Listed) -> Listed {
    Listed {
        bytes: Some(manifest.bytes()),
        quantization: manifest.isq.clone().or_else(|| manifest.quantization.clone()),
        license: manifest.license.clone(),
        source: Some(manifest.source.clone()),
        digest: Some(digest),
        ..listed
    }
}

fn embedded(config: &Config) -> Listed {
    let mut row = nothing("embedded", "embedded");
    row.roles = roles(config, |choice| matches!(choice, ModelChoice::Embedded { .. }));
    match Manifest::read(&config.places.models.join("planner")) {
        Ok(Some((manifest, digest))) => described(&manifest, digest, row),
        _ => Listed {
            source: Some("comes with Sayso, made at first use".to_owned()),
            ..row
        },
    }
}

fn listed(config: &Config, entry: Entry) -> Listed {
    let used = |name: &str| {
        roles(
            config,
            |choice| matches!(choice, ModelChoice::Stored { name: used, .. } if used == name),
        )
    };
    match entry {
        Entry::Whole(stored) => Listed {
            roles: used(&stored.name),
            ..described(
                &stored.manifest,
                stored.digest.clone(),
                nothing(&stored.name, "stored"),
            )
        },
        Entry::Partial(name, bytes) => Listed {
            bytes: Some(bytes),
            problem: Some("broken off; pull it again to go on".to_owned()),
            ..nothing(&name, "partial")
        },
        Entry::Broken(name, error) => Listed {
            roles: used(&name),
            problem: Some(error.to_string()),
            ..nothing(&name, "broken")
        },
    }
}

fn server(config: &Config, choice: &ModelChoice) -> Option<Listed> {
    let ModelChoice::Endpoint { url, name, .. } = choice else {
        return None;
    };
    Some(Listed {
        roles: roles(config, |other| other == choice),
        ..nothing(&format!("{}#{name}", public(url)), "server")
    })
}

/// An address without the password that may be in it.
pub fn public(url: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(url) else {
        return "(not an address)".to_owned();
    };
    // Both only fail for addresses that have neither.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// Makes a model the one for these roles, in the user's file. An adviser that is no model of its own is taken out by
/// naming the planner that comes with Sayso for it, which does not explain.
pub fn choose(config: &Config, roles: &[Role], model: &ModelFile) -> anyhow::Result<PathBuf> {
    let path = config.places.config.join("config.toml");
    for role in roles {
        set_model(&path, *role, model)?;
    }
    Ok(path)
}

/// Fails for a way to take grammars that Sayso does not know.
pub fn check_dialect(name: &str) -> Result<(), LlmError> {
    name.parse::<Dialect>().map(drop)
}

/// The models that a server names; nothing where it does not list them.
pub async fn served(url: &str, key: Option<&str>) -> anyhow::Result<Vec<String>> {
    let address = format!("{}/models", url.trim_end_matches('/'));
    let parsed = reqwest::Url::parse(&address).context("the address of the server makes no sense")?;
    let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    if matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        builder = builder.no_proxy();
    }
    if parsed.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    let mut request = builder.build()?.get(parsed).timeout(ANSWER);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let mut response = request.send().await.map_err(|error| {
        anyhow::anyhow!(
            "cannot reach the model server at `{}`: {}",
            public(url),
            cause(&error)
        )
    })?;
    if !response.status().is_success() {
        anyhow::bail!(
            "the model server at `{}` answered with status {}",
            public(url),
            response.status().as_u16()
        );
    }
    let mut page = Vec::new();
    while let Some(piece) = response.chunk().await? {
        page.extend_from_slice(&piece);
        anyhow::ensure!(
            page.len() <= LIST,
            "the list of models of `{}` is too large",
            public(url)
        );
    }
    let page: serde_json::Value = serde_json::from_slice(&page).unwrap_or_default();
    let names = page["data"].as_array().into_iter().flatten();
    Ok(names
        .filter_map(|model| model["id"].as_str().map(str::to_owned))
        .collect())
}

fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Whether a model of the store fits, for as many tokens as are wished for or configured.
pub fn judge(config: &Config, stored: &Stored, tokens: Option<u64>) -> Verdict {
    let (machine, device) = place(config);
    stored.judge(tokens.unwrap_or(TOKENS), device, &machine)
}

/// The machine, and where on it models compute.
pub fn place(config: &Config) -> (Machine, Device) {
    let path = config.path.as_ref().map(OsStr::new);
    let machine = Machine::look(path);
    let has_gpu = engine_facts(config).is_some_and(|facts| facts.has_gpu());
    let device = Device::of(&machine, has_gpu);
    (machine, device)
}

/// What the engine says of itself; nothing where there is none, or it is older than the question.
pub fn engine_facts(config: &Config) -> Option<EngineFacts> {
    let (program, arguments) = engine_command().ok()?;
    let program = which::which_in(&program, config.path.as_ref(), Path::new(".")).ok()?;
    let said = answer_of(&program, &arguments)?;
    let facts: EngineFacts = serde_json::from_slice(&said).ok()?;
    Some(EngineFacts { program, ..facts })
}

fn answer_of(program: &Path, arguments: &[OsString]) -> Option<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments)
        .arg("about")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + ANSWER;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Some(child.wait_with_output().ok()?.stdout),
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            _ => return None,
        }
    }
    // It was only asked; what it does instead is not waited for.
    let _ = child.kill();
    let _ = child.wait();
    None
}
