//! The audit log: an append-only chain of records, written before and after every change.
