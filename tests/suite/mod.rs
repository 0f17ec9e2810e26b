//! Every integration test, one module per area.
mod sandbox;
