//! The face of `sayso` on a terminal: a conversation, and a cluster to look at beside it.
//!
//! [`app`] is a pure machine, [`view`] draws it, [`shell`] performs its effects, `terminal` owns the terminal, and
//! [`keymap`] and [`theme`] are data.

pub mod app;
mod health;
pub mod keymap;
pub mod shell;
mod terminal;
pub mod theme;
pub mod view;

use crate::config::{Config, ConfigError, TuiConfig};
use crate::driver::Connection;
use crate::driver::cockpit::Cockpit;
use crate::session::Wishes;
use app::Settings;
use keymap::KeyMap;
use theme::Theme;

/// Opens the terminal UI, and comes back when somebody leaves it. `wishes` are those of every request.
pub fn run(config: Config, connection: Connection, wishes: Wishes) -> anyhow::Result<()> {
    let settings = settings(&config.tui, wishes.all_namespaces)?;
    let mouse = config.tui.file.mouse;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(async move {
        let cockpit = Cockpit::open(config, connection).await?;
        terminal::run(cockpit, settings, wishes, mouse).await
    });
    // Reading a key blocks a thread that nobody will wake.
    runtime.shutdown_background();
    result
}

/// What the configuration says of keys and colours; a mistake in it is told before anything begins.
pub fn settings(config: &TuiConfig, all_namespaces: bool) -> Result<Settings, ConfigError> {
    let malformed = |message: String| ConfigError::Malformed {
        place: "config.toml".to_owned(),
        message,
    };
    let file = &config.file;
    let theme = Theme::new(file.theme.as_deref(), &file.colours, config.plain, config.deep);
    Ok(Settings {
        keys: KeyMap::new(&file.keys).map_err(|error| malformed(error.to_string()))?,
        theme: theme.map_err(|error| malformed(error.to_string()))?,
        all_namespaces,
    })
}
