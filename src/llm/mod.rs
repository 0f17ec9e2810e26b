//! The model client: prompts, constraints, one OpenAI-compatible connection, and a scripted model for tests.

pub mod prompts;
