//! Every integration test, one module per area.
mod audit;
mod llm;
mod sandbox;
