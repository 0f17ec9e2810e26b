//! Streams that were damaged on the way: whatever they are, there is an answer or an error, and no panic.
//!
//! `SAYSO_STREAMS` says how many; some thousands without it.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sayso::llm::{Constraint, Model, Scripted, ScriptedReply};

use super::question;

/// Whole streams, as servers send them.
const STREAMS: [&str; 4] = [
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"get \"},\"logprobs\":{\"content\":[{\"token\":\"get \",\"logprob\":-0.1,\"top_logprobs\":[{\"token\":\"a\",\"logprob\":-3.0}]}]}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"pods\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
    "\u{feff}: hello\r\n\r\nevent: message\r\nid: 7\r\nretry: 10\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"{\\\"plan\\\":[\\\"get pods\\\"]}\"},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\\ude00\"},\"logprobs\":{\"token\":\"x\",\"logprob\":-0.5,\"top_logprobs\":[{\"token\":7,\"logprob\":-0.5}]},\"finish_reason\":\"length\"}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n",
];

/// Pieces that mean something somewhere.
const PIECES: [&[u8]; 14] = [
    b"\n\n",
    b"\r",
    b"data:",
    b"[DONE]",
    b"{",
    b"}]",
    b"\"",
    b"\\u",
    b"null",
    b"-1e309",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    b"99999999999999999999",
];

/// A stream with up to six places changed.
fn damaged(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = STREAMS[random.random_range(0..STREAMS.len())].as_bytes().to_vec();
    for _ in 0..random.random_range(0..7) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(0..20)).min(bytes.len());
        match random.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = PIECES[random.random_range(0..PIECES.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            _ => {}
        }
    }
    bytes
}

#[test]
fn damaged_streams_never_panic() {
    let count: u64 = std::env::var("SAYSO_STREAMS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(4_000);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut whole, mut broken) = (0, 0);
    for seed in 0..count {
        let bytes = damaged(&mut StdRng::seed_from_u64(seed));
        let model = Model::Scripted(Scripted::new([ScriptedReply::Bytes(bytes.clone())]));
        let mut shown = String::new();
        // On this very thread: a panic anywhere below ends the test.
        let reply = runtime.block_on(model.complete(
            question("Say yes.", Constraint::None, 64),
            &mut |text| {
                shown.push_str(text);
            },
        ));
        match reply {
            Ok(reply) => {
                assert_eq!(reply.text, shown, "seed {seed}: what counts is what was shown");
                whole += 1;
            }
            Err(error) => {
                let words = error.to_string();
                assert!(
                    words.len() < 700 && !words.chars().any(char::is_control),
                    "seed {seed}: {words:?}"
                );
                broken += 1;
            }
        }
    }
    eprintln!("{count} streams: {whole} answers, {broken} errors");
    assert!(whole > 0 && broken > 0, "{whole} answers, {broken} errors");
}
