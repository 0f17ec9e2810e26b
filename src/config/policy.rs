//! The layers of policy, from the files that hold them.

use std::path::{Path, PathBuf};

use super::{ConfigError, Environment, Places, read_text};
use crate::check::Policy;
use crate::check::policy::Layer;

/// The organisation's file, for everybody on the machine.
const ORGANISATION: &str = "/etc/sayso/policy.toml";

/// The files that apply where they are there, in order: the organisation's, one that is configured, the user's own.
fn files(places: &Places, configured: Option<&Path>) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from(ORGANISATION)];
    files.extend(configured.map(Path::to_owned));
    files.push(places.config.join("policy.toml"));
    files
}

/// Reads them all. A file that is configured has to be there.
pub(super) fn load(
    places: &Places,
    environment: &Environment,
    configured: Option<&Path>,
    read_only: bool,
    user: &str,
) -> Result<Policy, ConfigError> {
    let configured = environment.get("SAYSO_POLICY").map(Path::new).or(configured);
    let mut policy = Policy {
        read_only,
        user: user.to_owned(),
        ..Policy::default()
    };
    for path in files(places, configured) {
        match read_text(&path)? {
            Some(text) => policy.add(layer(&path, &text)?),
            None if Some(path.as_path()) == configured => {
                return Err(ConfigError::Unreadable {
                    path,
                    message: "there is no such file".to_owned(),
                });
            }
            None => {}
        }
    }
    Ok(policy)
}

/// One file of policy by itself, for `sayso policy test FILE`.
pub fn read_layer(path: &Path) -> Result<Layer, ConfigError> {
    let text = read_text(path)?.ok_or_else(|| ConfigError::Unreadable {
        path: path.to_owned(),
        message: "there is no such file".to_owned(),
    })?;
    layer(path, &text)
}

fn layer(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let origin = path.display().to_string();
    Layer::parse(&origin, text).map_err(|error| ConfigError::Malformed {
        place: origin.clone(),
        message: error.to_string(),
    })
}
