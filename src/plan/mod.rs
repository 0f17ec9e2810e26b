//! The plan language: typed steps that are written, checked and shown as kubectl commands.
