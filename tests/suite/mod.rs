//! Every integration test, one module per area.
mod audit;
#[cfg(unix)]
mod cli;
mod conformance;
#[cfg(all(unix, feature = "engine"))]
mod engine;
mod eval;
#[cfg(all(unix, feature = "engine"))]
mod formats;
mod fuzz;
mod imports;
mod knowledge;
mod ledger;
mod llm;
mod retrieval;
mod sandbox;
mod sandbox_fuzz;
mod tui;
