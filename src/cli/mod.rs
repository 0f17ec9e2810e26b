//! The shell face: arguments in, text or JSON out, an exit code at the end.
