//! One request from words to receipt, as a pure state machine.
