//! Performs the session's effects and feeds their events back.
