//! The local model server: hosts mistral.rs and speaks the OpenAI chat protocol on a private socket.
