//! `[adviser]` and `[advice]` of `config.toml`, and how the servers of `[model]` and `[adviser]` are reached.

use std::path::PathBuf;

use serde::Deserialize;

use super::model::choose_model;
use super::{ConfigError, Environment, ModelChoice, ModelFile, Secret};

/// How a server is reached, where it is not simply there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// A program that prints the key on its first line, with its arguments; it is run once a process, before anything is asked.
    pub key_command: Vec<String>,
    /// A proxy, instead of those of the environment.
    pub proxy: Option<Secret>,
    /// A file of certificates in PEM form that count beside those of the system.
    pub ca: Option<PathBuf>,
    /// Seconds until the first text; a model may have to be loaded in that time.
    pub first_token_seconds: Option<u64>,
    /// Seconds for everything.
    pub whole_seconds: Option<u64>,
}

impl ModelFile {
    /// The part of the section that says how the server is reached.
    pub(super) fn reach(&self) -> Reach {
        Reach {
            key_command: self.key_command.clone(),
            proxy: self.proxy.clone().map(Secret::from),
            ca: self.ca.clone(),
            first_token_seconds: self.first_token_seconds,
            whole_seconds: self.whole_seconds,
        }
    }
}

/// `[advice]` of `config.toml`: what explanations may take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdviceFile {
    /// See [`AdviceLimits`].
    pub context: Option<u32>,
    /// See [`AdviceLimits`].
    pub tokens: Option<u32>,
    /// See [`AdviceLimits`].
    pub seconds: Option<u64>,
}

/// What one request may take of the adviser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdviceLimits {
    /// Tokens that the model reads and writes at once.
    pub context: u32,
    /// The most tokens that one request may take, read and written.
    pub tokens: u32,
    /// The most seconds that anybody waits for all of it.
    pub seconds: u64,
}

/// Room that every server of today gives, and an explanation that nobody waits for longer.
const DEFAULT: AdviceLimits = AdviceLimits {
    context: 8_192,
    tokens: 8_192,
    seconds: 180,
};
/// The smallest context in which an answer has room beside its question.
const SMALLEST: u32 = 2_048;
/// The address that means the planner's own server.
const PLANNER: &str = "planner";

impl AdviceFile {
    /// With what is missing filled in.
    pub(super) fn limits(&self) -> AdviceLimits {
        AdviceLimits {
            context: self.context.unwrap_or(DEFAULT.context).max(SMALLEST),
            tokens: self.tokens.unwrap_or(DEFAULT.tokens),
            seconds: self.seconds.unwrap_or(DEFAULT.seconds),
        }
    }
}

/// The adviser that was configured: by `SAYSO_ADVISER`, else in the file. None without either: nobody is asked unasked.
pub(super) fn choose_adviser(
    file: Option<&ModelFile>,
    planner: &ModelChoice,
    environment: &Environment,
) -> Result<Option<ModelChoice>, ConfigError> {
    let typed = environment.get("SAYSO_ADVISER");
    let configured = file.and_then(|file| file.stored.as_deref().or(file.endpoint.as_deref()));
    match (typed.or(configured), planner) {
        (None | Some("none"), _) => Ok(None),
        // The embedded planner knows commands and nothing else.
        (Some(PLANNER | "embedded"), ModelChoice::Embedded { .. }) | (Some("embedded"), _) => {
            Err(ConfigError::Malformed {
                place: "adviser".to_owned(),
                message: "the embedded planner cannot explain; name a server, as in http://localhost:11434/v1#llama3"
                    .to_owned(),
            })
        }
        (Some(PLANNER), model) => Ok(Some(model.clone())),
        (Some(address), _) => {
            let file = file.cloned().unwrap_or_default();
            choose_model(Some(address), &file, environment).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::environment;

    const EMBEDDED: ModelChoice = ModelChoice::Embedded { idle_seconds: 1 };

    #[test]
    fn nobody_advises_who_was_not_named() {
        let chosen = |file: &str, planner: &ModelChoice, pairs: &[(&str, &str)]| {
            let file: ModelFile = toml::from_str(file).unwrap();
            choose_adviser(Some(&file), planner, &environment(pairs))
        };
        assert_eq!(chosen("", &EMBEDDED, &[]).unwrap(), None);
        let file = "endpoint = 'http://a/v1'\nname = 'm'\nkey_command = ['pass', 'a']";
        let adviser = chosen(file, &EMBEDDED, &[]).unwrap().unwrap();
        let ModelChoice::Endpoint { name, reach, .. } = &adviser else {
            panic!("no endpoint");
        };
        assert_eq!((name.as_str(), reach.key_command.len()), ("m", 2));
        assert_eq!(
            chosen(file, &EMBEDDED, &[("SAYSO_ADVISER", "none")]).unwrap(),
            None
        );
        assert_eq!(
            chosen("", &adviser, &[("SAYSO_ADVISER", "planner")]).unwrap(),
            Some(adviser)
        );
        let same = chosen(file, &EMBEDDED, &[("SAYSO_ADVISER", "planner")]).unwrap_err();
        assert!(same.to_string().contains("cannot explain"), "{same}");
    }

    #[test]
    fn limits_have_a_floor() {
        let file: AdviceFile = toml::from_str("context = 5").unwrap();
        assert_eq!(file.limits().context, SMALLEST);
        assert_eq!(AdviceFile::default().limits(), DEFAULT);
    }

    #[test]
    fn a_proxy_with_a_password_does_not_show_itself() {
        let file: ModelFile = toml::from_str("proxy = 'http://me:canary@proxy:3128'").unwrap();
        assert!(!format!("{:?}", file.reach()).contains("canary"));
    }
}
