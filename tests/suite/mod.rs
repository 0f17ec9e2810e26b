//! Every integration test, one module per area.
mod audit;
#[cfg(all(unix, feature = "engine"))]
mod engine;
mod eval;
mod imports;
mod llm;
mod sandbox;
