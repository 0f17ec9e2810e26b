//! Files, environment and flags, read once into values.
