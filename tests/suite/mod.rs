//! Every integration test, one module per area.
mod audit;
#[cfg(unix)]
mod cli;
#[cfg(all(unix, feature = "engine"))]
mod engine;
mod eval;
mod imports;
mod llm;
mod sandbox;
