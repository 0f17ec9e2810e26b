//! `sayso sandbox`: a cluster in a box until Ctrl-C.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;

use super::args::{Common, SandboxArgs};
use super::{Exit, interrupt};
use crate::driver::sandbox::{Options, Seed, start};

/// Serves until it is told to stop.
pub async fn run(common: &Common, arguments: &SandboxArgs) -> anyhow::Result<Exit> {
    let seed = arguments.seed.clone().map_or(Seed::Shop, Seed::named);
    let state = arguments.state.clone();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let running = start(Options { address, seed, state }).await?;
    let mut out = anstream::stdout();
    if let Some(path) = &common.kubeconfig {
        std::fs::write(path, running.kubeconfig())
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        writeln!(
            out,
            "sandbox at {}; try: kubectl --kubeconfig {} get pods",
            running.url(),
            path.display()
        )?;
    } else {
        writeln!(out, "{}", running.kubeconfig().trim_end())?;
        writeln!(
            anstream::stderr(),
            "sandbox at {}; --kubeconfig FILE writes the above to a file",
            running.url()
        )?;
    }
    out.flush()?;
    interrupt::token().cancelled().await;
    running.save()?;
    running.stop().await;
    Ok(Exit::Done)
}
