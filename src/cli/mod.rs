//! The shell face: arguments in, text or JSON out, an exit code at the end.

mod advise;
pub mod args;
mod audit;
mod doctor;
mod document;
pub mod eval;
mod exit;
mod face;
mod human;
mod interrupt;
mod knowledge;
mod model;
mod passages;
mod planfile;
mod policy;
mod request;
mod sandbox;
mod terminal;
mod undo;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory as _, Parser as _};

use crate::config::{Config, Environment, Overrides};
use crate::driver::Connection;
use crate::plan::asks_to_undo;
use crate::session::Wishes;
use args::{Colour, Command, Common, Output, Typed};
pub use exit::Exit;
use request::Words;

/// Opens the terminal UI. It is another face, so it comes from outside.
pub type OpenTui = fn(Config, Connection, Wishes) -> anyhow::Result<()>;

/// Runs the program: reads what was typed, does it, gives the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, tui: OpenTui) -> Exit {
    let typed = match Typed::try_parse_from(arguments) {
        Ok(typed) => typed,
        Err(error) => {
            // Help and version are errors to clap, with an exit code of 0.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    set_colour(typed.common.color);
    let is_tui = typed.command.is_none() && typed.request.is_empty() && terminal::is_whole();
    if is_tui && typed.common.output == Output::Text {
        return told(open_tui(&typed.common, tui));
    }
    log_to_stderr(typed.common.verbose);
    told(dispatch(typed))
}

fn open_tui(common: &Common, tui: OpenTui) -> anyhow::Result<Exit> {
    let wishes = Wishes {
        plan_only: common.plan_only,
        all_namespaces: common.all_namespaces,
        ..Wishes::default()
    };
    let mut config = load(common)?;
    config.tui.plain |= common.color == Colour::Never;
    tui(config, request::connection(common), wishes)?;
    Ok(Exit::Done)
}

/// The exit status, after an error was told.
fn told(result: anyhow::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(error) => {
            human::error(&error);
            exit::of_error(&error)
        }
    }
}

/// A request; one that takes the last change back is the command that does.
fn ask(common: &Common, words: String) -> anyhow::Result<Exit> {
    if asks_to_undo(&words) {
        return block_on(undo::run(common, None));
    }
    block_on(request::run(common, words))
}

fn dispatch(typed: Typed) -> anyhow::Result<Exit> {
    let common = typed.common;
    match typed.command {
        Some(Command::Completion { shell }) => {
            clap_complete::generate(shell, &mut Typed::command(), "sayso", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Some(Command::Audit { command }) => audit::run(&command, &load(&common)?, common.output),
        Some(Command::Ask { request }) => ask(&common, request.join(" ")),
        Some(Command::Plan {
            request,
            file,
            good_for,
        }) => plan(common, &Words::plan(&request), file.as_deref(), good_for),
        Some(Command::Author {
            request,
            file,
            good_for,
        }) => author(common, &Words::author(&request), file.as_deref(), good_for),
        Some(Command::Apply { file }) => block_on(planfile::apply(&common, &file)),
        Some(Command::Approve {
            file,
            signature,
            message,
        }) => block_on(planfile::approve(&common, &file, signature.as_deref(), message)),
        Some(Command::Policy { command }) => policy::run(&command, &load(&common)?, common.output),
        Some(Command::Undo { id }) => block_on(undo::run(&common, id.as_deref())),
        Some(Command::Sandbox(arguments)) => block_on(sandbox::run(&common, &arguments)),
        Some(Command::Eval {
            suite,
            only,
            all,
            at_least,
            baseline,
        }) => {
            let choice = eval::Choice {
                only,
                all,
                at_least,
                baseline,
            };
            block_on(eval::run(&common, &suite, &choice))
        }
        Some(Command::Knowledge { command }) => block_on(knowledge::run(&common, &command)),
        Some(Command::Model { command }) => block_on(model::run(&common, &command)),
        Some(Command::Doctor) => block_on(doctor::run(&common)),
        None if typed.request.is_empty() => {
            human::usage();
            Ok(Exit::Usage)
        }
        None => ask(&common, typed.request.join(" ")),
    }
}

/// Plans, and stops; where a file is named, the plan is written there.
fn plan(common: Common, words: &Words, file: Option<&Path>, good_for: jiff::Span) -> anyhow::Result<Exit> {
    let common = Common {
        plan_only: true,
        ..common
    };
    match file {
        Some(file) => block_on(planfile::write(&common, words, file, good_for)),
        None => block_on(request::run(&common, words.text.clone())),
    }
}

fn author(common: Common, words: &Words, file: Option<&Path>, good_for: jiff::Span) -> anyhow::Result<Exit> {
    match file {
        Some(_) => plan(common, words, file, good_for),
        None => block_on(request::author(&common, words)),
    }
}

fn load(common: &Common) -> anyhow::Result<Config> {
    let environment = Environment::new(
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    let overrides = Overrides {
        context: common.context.clone(),
        namespace: common.namespace.clone(),
        read_only: common.read_only,
        model: common.model.clone(),
    };
    Ok(Config::load(&environment, overrides)?)
}

fn block_on(future: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let exit = runtime.block_on(future);
    // A thread may still wait for a key that nobody will press, after Ctrl-C at the review.
    runtime.shutdown_background();
    exit
}

fn set_colour(colour: Colour) {
    match colour {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
}

fn log_to_stderr(verbose: u8) {
    let filter = match verbose {
        0 => return,
        1 => "sayso=info,warn,async_openai=off",
        _ => "sayso=debug,kube=debug,info,async_openai=off",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = subscriber.try_init();
}
