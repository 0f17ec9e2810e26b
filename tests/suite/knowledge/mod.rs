//! The knowledge that ships: whether it is sound, whether it is found, and which questions go to it.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "marks are shares of small numbers, and are printed"
)]

mod lint;
mod questions;
mod retrieval;
