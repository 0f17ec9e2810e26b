//! Files, environment and flags, read once into values.
//!
//! Precedence: flag, environment (`SAYSO_*`), file (`config.toml`), default. Nothing else in the house looks at the
//! environment.

mod edit;
mod model;
mod policy;
mod server;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::check::Policy;

pub use edit::{Role, set_model};
pub use model::{HubConfig, ModelChoice, ModelFile, Secret};
pub use policy::read_layer;
pub use server::{AdviceFile, AdviceLimits, Reach};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that exists and cannot be read.
    #[error("cannot read `{}`: {message}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// A file that cannot be changed.
    #[error("cannot write `{}`: {message}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// A file or variable with something in it that is not understood.
    #[error("{place}: {message}")]
    Malformed {
        /// The file or variable.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// No home folder, so there is no place for files.
    #[error(
        "there is no home folder; set HOME or XDG_STATE_HOME, XDG_DATA_HOME, XDG_CONFIG_HOME and XDG_CACHE_HOME"
    )]
    NoHome,
}

/// The environment, as a value.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Takes variables as they are; those that are not Unicode do not count.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Environment {
        Environment(variables.into_iter().collect())
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A variable that says yes or no.
    pub fn switch(&self, name: &str) -> Result<Option<bool>, ConfigError> {
        match self.get(name) {
            None => Ok(None),
            Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
            Some("0" | "false" | "no" | "off") => Ok(Some(false)),
            Some(other) => Err(ConfigError::Malformed {
                place: name.to_owned(),
                message: format!("`{other}` is neither yes nor no"),
            }),
        }
    }
}

/// Where Sayso keeps things. See the design: XDG's places, each with a folder `sayso` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// `config.toml` and `policy.toml`.
    pub config: PathBuf,
    /// The audit log.
    pub audit: PathBuf,
    /// Models.
    pub models: PathBuf,
    /// The list of documents that the user added to the knowledge base.
    pub knowledge: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// Sockets: XDG_RUNTIME_DIR where there is one, else the cache.
    pub runtime: PathBuf,
}

impl Places {
    /// Finds them from the environment.
    pub fn find(environment: &Environment) -> Result<Places, ConfigError> {
        let home = environment.get("HOME").map(PathBuf::from);
        let place = |variable: &str, default: &str| -> Result<PathBuf, ConfigError> {
            let base = match environment
                .get(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
            {
                Some(base) => base,
                None => home.as_ref().ok_or(ConfigError::NoHome)?.join(default),
            };
            Ok(base.join("sayso"))
        };
        let cache = place("XDG_CACHE_HOME", ".cache")?;
        let runtime = environment
            .get("XDG_RUNTIME_DIR")
            .map(|base| PathBuf::from(base).join("sayso"));
        Ok(Places {
            config: place("XDG_CONFIG_HOME", ".config")?,
            audit: place("XDG_STATE_HOME", ".local/state")?.join("audit"),
            models: place("XDG_DATA_HOME", ".local/share")?.join("models"),
            knowledge: place("XDG_DATA_HOME", ".local/share")?.join("knowledge"),
            runtime: runtime.unwrap_or_else(|| cache.clone()),
            cache,
        })
    }
}

/// `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// The context to use where none is named.
    pub context: Option<String>,
    /// The namespace to use where none is named.
    pub namespace: Option<String>,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// A policy file beside the organisation's and the user's own.
    pub policy: Option<PathBuf>,
    /// The ed25519 key that plans and checkpoints are signed with; one of its own without it.
    pub signing_key: Option<PathBuf>,
    /// The model that plans.
    pub model: ModelFile,
    /// The model that explains.
    pub adviser: Option<ModelFile>,
    /// What explanations may take.
    pub advice: AdviceFile,
    /// The terminal UI.
    pub tui: TuiFile,
}

/// `[tui]` of `config.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TuiFile {
    /// `dark`, `light` or `high-contrast`.
    pub theme: Option<String>,
    /// Whether the mouse wheel scrolls; a terminal's own selection then needs shift.
    pub mouse: bool,
    /// Other colours by role, as in `warn = "#ffaa00"`.
    pub colours: BTreeMap<String, String>,
    /// Other keys by place and name, as in `"table.describe" = "d"` or `["d", "f3"]`.
    pub keys: BTreeMap<String, Keys>,
}

/// One key, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// One.
    One(String),
    /// Several; none takes a default away.
    Several(Vec<String>),
}

impl Keys {
    /// All of them.
    pub fn all(&self) -> Vec<&str> {
        match self {
            Keys::One(key) => vec![key],
            Keys::Several(keys) => keys.iter().map(String::as_str).collect(),
        }
    }
}

/// How the terminal UI looks and listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TuiConfig {
    /// What the file says.
    pub file: TuiFile,
    /// `NO_COLOR` is set.
    pub plain: bool,
    /// `COLORTERM` says that the terminal has 24-bit colours.
    pub deep: bool,
}

/// What was typed that overrides the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--context`.
    pub context: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--read-only`.
    pub read_only: bool,
    /// `--model`: `embedded`, or an address with the model's name behind `#`.
    pub model: Option<String>,
}

/// Everything that was configured, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where files are.
    pub places: Places,
    /// The context to use; the kubeconfig's own without it.
    pub context: Option<String>,
    /// The namespace to use; the context's own without it.
    pub namespace: Option<String>,
    /// What may be done.
    pub policy: Policy,
    /// Whom to ask for plans.
    pub model: ModelChoice,
    /// Whom to ask for explanations, where somebody is configured.
    pub adviser: Option<ModelChoice>,
    /// What an explanation may take.
    pub advice: AdviceLimits,
    /// Where models are fetched from.
    pub hub: HubConfig,
    /// The key for servers that none is configured for: `OPENAI_API_KEY`.
    pub key: Option<Secret>,
    /// Where programs are looked for: `PATH`.
    pub path: Option<String>,
    /// Who is asking, as the operating system knows them.
    pub user: String,
    /// The key that plans and checkpoints are signed with; made when it is first needed.
    pub signing_key: PathBuf,
    /// The terminal UI.
    pub tui: TuiConfig,
}

impl Config {
    /// Reads it all.
    pub fn load(environment: &Environment, overrides: Overrides) -> Result<Config, ConfigError> {
        let places = Places::find(environment)?;
        let file: File = read_toml(&places.config.join("config.toml"))?;
        let variable = |name: &str| environment.get(name).map(str::to_owned);
        let read_only =
            overrides.read_only || environment.switch("SAYSO_READ_ONLY")?.unwrap_or(file.read_only);
        let user = variable("USER")
            .or_else(|| variable("LOGNAME"))
            .unwrap_or_else(|| "unknown".to_owned());
        let model = overrides.model.or_else(|| variable("SAYSO_MODEL"));
        let model = model::choose_model(model.as_deref(), &file.model, environment)?;
        Ok(Config {
            context: overrides
                .context
                .or_else(|| variable("SAYSO_CONTEXT"))
                .or(file.context),
            namespace: overrides
                .namespace
                .or_else(|| variable("SAYSO_NAMESPACE"))
                .or(file.namespace),
            policy: policy::load(&places, environment, file.policy.as_deref(), read_only, &user)?,
            adviser: server::choose_adviser(file.adviser.as_ref(), &model, environment)?,
            advice: file.advice.limits(),
            model,
            hub: model::hub(environment)?,
            key: variable("OPENAI_API_KEY").map(Secret::from),
            path: variable("PATH"),
            user,
            signing_key: file
                .signing_key
                .unwrap_or_else(|| places.config.join("id_ed25519")),
            tui: TuiConfig {
                file: file.tui,
                plain: environment.get("NO_COLOR").is_some(),
                deep: matches!(environment.get("COLORTERM"), Some("truecolor" | "24bit")),
            },
            places,
        })
    }
}

/// A TOML file that may be missing; one that is there must be understood, to the last key.
fn read_toml<T: Default + serde::de::DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let Some(text) = read_text(path)? else {
        return Ok(T::default());
    };
    toml::from_str(&text).map_err(|error| ConfigError::Malformed {
        place: path.display().to_string(),
        message: one_line(&error),
    })
}

/// What is wrong with a TOML text, on one line.
fn one_line(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}

/// A file's text; nothing where there is no such file.
fn read_text(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::Unreadable {
            path: path.to_owned(),
            message: error.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn flags_beat_the_environment_and_the_environment_beats_files() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".config/sayso");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(
            config.join("config.toml"),
            "context = \"file\"\nnamespace = \"file\"\n",
        )
        .unwrap();
        let home = home.path().to_str().unwrap();
        let environment = environment(&[("HOME", home), ("SAYSO_NAMESPACE", "environment")]);
        let overrides = Overrides {
            ..Overrides::default()
        };
        let loaded = Config::load(&environment, overrides).unwrap();
        assert_eq!(
            (loaded.context.as_deref(), loaded.namespace.as_deref()),
            (Some("file"), Some("environment"))
        );
        let overrides = Overrides {
            namespace: Some("flag".into()),
            ..Overrides::default()
        };
        assert_eq!(
            Config::load(&environment, overrides)
                .unwrap()
                .namespace
                .as_deref(),
            Some("flag")
        );
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_told() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".config/sayso");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("policy.toml"), "read_onyl = true\n").unwrap();
        let environment = environment(&[("HOME", home.path().to_str().unwrap())]);
        let error = Config::load(&environment, Overrides::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("policy.toml") && error.contains("read_onyl"),
            "{error}"
        );
    }

    #[test]
    fn a_policy_that_says_read_only_cannot_be_talked_out_of_it() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".config/sayso");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("policy.toml"), "read_only = true\n").unwrap();
        let environment = environment(&[("HOME", home.path().to_str().unwrap()), ("SAYSO_READ_ONLY", "no")]);
        assert!(
            Config::load(&environment, Overrides::default())
                .unwrap()
                .policy
                .read_only
        );
    }

    #[test]
    fn the_key_does_not_show_itself() {
        let environment = environment(&[("HOME", "/nowhere"), ("OPENAI_API_KEY", "sk-canary")]);
        let overrides = Overrides {
            model: Some("http://localhost:1/v1#m".into()),
            ..Overrides::default()
        };
        let config = Config::load(&environment, overrides).unwrap();
        assert!(!format!("{config:?}").contains("sk-canary"));
        assert!(
            Config::load(
                &environment,
                Overrides {
                    model: Some("gpt/4".into()),
                    ..Overrides::default()
                }
            )
            .is_err()
        );
    }
}
