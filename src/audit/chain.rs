//! How lines are hashed. Nothing here knows JSON, so a verifier needs only SHA-256 and a byte slice.
//!
//! A line is `CONTENT,"hash":"HEX"}`: the record's JSON object with the hash as its last field.
//! `HEX` is the lower-case SHA-256 of `sayso-audit-v1`, a newline, the previous line's `HEX`, a
//! newline, and the bytes of `CONTENT` exactly as they stand in the file (without the comma before
//! `"hash"`). So there is no canonical form to agree on: the bytes written are the bytes hashed. The
//! version string keeps these hashes apart from any other use of SHA-256, and changes with the format.

use sha2::{Digest, Sha256};

/// The version string that starts what is hashed.
pub const DOMAIN: &str = "sayso-audit-v1";
/// What the first record names as its previous hash: 64 zeros.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const BEFORE_HASH: &[u8] = b",\"hash\":\"";
const HASH_LENGTH: usize = 64;
const AFTER_HASH: &[u8] = b"\"}";

/// The hash of a record with this content, after a record with the hash `previous`, in lower-case hex.
pub fn hash(previous: &str, content: &[u8]) -> String {
    let mut hasher = Sha256::new();
    for part in [DOMAIN.as_bytes(), b"\n", previous.as_bytes(), b"\n", content] {
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

/// The plain SHA-256 of some bytes, in lower-case hex, as used to name what a crash left behind.
pub fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The line (without newline) for a record's content: its JSON object without the closing brace.
pub fn seal(previous: &str, content: &str) -> String {
    format!("{content},\"hash\":\"{}\"}}", hash(previous, content.as_bytes()))
}

/// A line taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// What the hash was taken over.
    pub content: &'a [u8],
    /// The hash that the line claims.
    pub hash: &'a str,
}

/// Takes a line apart, or says that it does not end as every complete record ends. What a crash
/// leaves of a record never does, since the seal is written last.
pub fn unseal(line: &[u8]) -> Option<Sealed<'_>> {
    let rest = line.strip_suffix(AFTER_HASH)?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HASH_LENGTH)?)?;
    let content = rest.strip_suffix(BEFORE_HASH)?;
    let is_hex = hash.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let hash = std::str::from_utf8(hash).ok()?;
    is_hex.then_some(Sealed { content, hash })
}
