//! Sayso turns what you say into Kubernetes changes that you can read first.
//!
//! The house, from the inside out; `tests/suite/imports.rs` holds every file to it:
//!
//! | module | what lives there | may import |
//! |---|---|---|
//! | [`request`], [`plan`] | what was asked; the typed commands and their grammar | nothing of ours |
//! | [`sign`] | keys and signatures | nothing of ours |
//! | [`check`] | plan + evidence + policy -> a report with a verdict | `request`, `plan` |
//! | [`session`] | one request from words to receipt, as events and effects | `request`, `plan`, `check`, `sign` |
//! | [`llm`], [`cluster`], [`audit`], [`knowledge`] | one kind of effect each | the five above, never each other |
//! | [`artefact`] | models as artefacts: source, manifest, store, what fits | nothing of ours |
//! | [`config`] | files, environment and flags, read once into values | `request`, `plan`, `check` |
//! | [`driver`] | performs effects, feeds events back | all above |
//! | [`engine`], [`sandbox`] | servers of ours | `config`, `plan`; `engine` also `artefact` |
//! | [`cli`] | a face: arguments in, text or JSON out | the words, `session`, `config`, `driver` |
//! | [`tui`] | a face: a terminal full of conversation and cluster | the words, `session`, `config`, `driver` |

pub mod artefact;
pub mod audit;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod driver;
pub mod engine;
pub mod knowledge;
pub mod llm;
pub mod plan;
pub mod request;
pub mod sandbox;
pub mod session;
pub mod sign;
pub mod tui;
