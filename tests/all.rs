//! The one integration binary.
mod suite;
