//! Every integration test, one module per area.

#[cfg(all(unix, feature = "engine"))]
mod engine;
