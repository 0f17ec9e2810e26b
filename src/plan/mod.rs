//! The plan language: typed steps that are written, checked and shown as kubectl commands.
//!
//! [`command`] has the table of commands (its rows are read by `shape`); [`field`] says how a value occurs in one; [`value`] and [`target`] are the
//! values. Reading, writing and the grammar ([`grammar`]) all come from these types, so they cannot drift apart.

pub mod beyond;
pub mod command;
pub mod draft;
pub mod field;
pub mod focus;
pub mod follow;
pub mod grammar;
mod json;
mod keyed;
pub mod kind;
mod made;
pub mod printable;
pub mod resolve;
pub mod rough;
pub mod said;
mod shape;
pub mod snapshot;
pub mod target;
pub mod text;
pub mod value;
pub mod wanted;
pub mod whole;
pub mod words;

#[cfg(test)]
mod tests;

pub use beyond::Beyond;
pub use command::{Action, Effect};
pub use draft::{Draft, Wanted, drop_server_fields};
pub use focus::Focus;
pub use follow::{Earlier, Followed, asks_to_undo, leans_back};
pub use grammar::{MAX_STEPS, PlanGrammar, plan_grammar, plan_pattern};
pub use kind::Kind;
pub use printable::{is_hidden, printable};
pub use resolve::{Question, exists, resolve};
pub use rough::{Rough, parse_rough};
pub use snapshot::{CustomKind, ObjectFact, Snapshot};
pub use target::Target;
pub use text::{Plan, Proposal, Scope, Step, parse};
pub use whole::asks_how_all_is;
pub use words::ParseError;
