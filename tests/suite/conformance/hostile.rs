//! Servers that are killed, that hang and that lie: bounded memory and time, and an error that says what happened.

use std::time::Duration;

use sayso::llm::{Constraint, Endpoint, EndpointConfig, LlmError, Model, Timeouts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{ask, config, question};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// What a server does once it was asked: pieces, how often they are repeated, and whether it then hangs.
struct Temper {
    first: Vec<u8>,
    again: Vec<u8>,
    times: usize,
    hangs: bool,
}

/// A server of raw bytes; it tells how many it got rid of.
async fn serve(temper: Temper) -> (String, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 4096];
        // To the end of the request: a connection that is closed with something unread is reset.
        let mut request = String::new();
        while !request.contains("\"top_logprobs\":2}") {
            let read = stream.read(&mut asked).await.unwrap();
            request.push_str(&String::from_utf8_lossy(&asked[..read]));
        }
        let mut sent = 0;
        if stream.write_all(&temper.first).await.is_err() {
            return sent;
        }
        for _ in 0..temper.times {
            if stream.write_all(&temper.again).await.is_err() {
                return sent;
            }
            sent += temper.again.len();
        }
        while temper.hangs && stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
        sent
    });
    (base, task)
}

async fn error_of(temper: Temper, timeouts: Timeouts) -> (LlmError, usize) {
    let (base, task) = serve(temper).await;
    let settings = EndpointConfig {
        timeouts,
        ..config(&base, "tiny", "openai", None)
    };
    let model = Model::Endpoint(Endpoint::new(settings).unwrap());
    let error = ask(&model, question("Say yes.", Constraint::None, 8))
        .await
        .unwrap_err();
    (error, task.await.unwrap())
}

fn bytes(first: &str, again: &str, times: usize) -> Temper {
    Temper {
        first: format!("{HEAD}{first}").into_bytes(),
        again: again.as_bytes().to_vec(),
        times,
        hangs: false,
    }
}

#[tokio::test]
async fn a_line_of_100_megabytes_is_left_early() {
    let line = "x".repeat(1 << 20);
    let (error, sent) = error_of(bytes("data: ", &line, 100), Timeouts::default()).await;
    assert!(
        matches!(error, LlmError::TooLarge { what: "an event", .. }),
        "{error}"
    );
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}

#[tokio::test]
async fn an_infinite_stream_ends() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"and on \"}}]}\n\n".repeat(2_000);
    let (base, task) = serve(bytes("", &text, 10_000)).await;
    let model = Model::Endpoint(Endpoint::new(config(&base, "tiny", "openai", None)).unwrap());
    let reply = ask(&model, question("Say yes.", Constraint::None, 8))
        .await
        .unwrap();
    assert!(
        reply.truncated && reply.text.len() < 8 << 10,
        "{}",
        reply.text.len()
    );
    assert!(task.await.unwrap() < 64 << 20);
    let patient = Timeouts {
        first_token: Duration::from_secs(590),
        ..Timeouts::default()
    };
    let silence = ": still here\n\n".repeat(20_000);
    let (error, _) = error_of(bytes("", &silence, 1_000), patient).await;
    assert!(
        matches!(error, LlmError::TooLarge { what: "a stream", .. }),
        "{error}"
    );
    let thinking = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n".repeat(5_000);
    let (error, _) = error_of(bytes("", &thinking, 1_000), patient).await;
    assert!(
        matches!(error, LlmError::TooLarge { what: "a stream", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_dies_or_hangs_is_told_apart() {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"kubectl del\"}}]}\n\n";
    let short = Timeouts {
        first_token: Duration::from_millis(80),
        between: Duration::from_millis(80),
        ..Timeouts::default()
    };
    let hanging = |text: &str| Temper {
        hangs: true,
        ..bytes(text, "", 0)
    };
    let cases = [
        (bytes(half, "", 0), "was cut off"),
        (bytes("", "", 0), "was cut off"),
        (
            Temper {
                first: Vec::new(),
                ..bytes("", "", 0)
            },
            "cannot reach",
        ),
        (
            Temper {
                first: b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ndata:".to_vec(),
                ..bytes("", "", 0)
            },
            "cut off",
        ),
        (
            Temper {
                first: b"\x16\x03\x01 what is this".to_vec(),
                ..bytes("", "", 0)
            },
            "cannot reach",
        ),
        (hanging(half), "gave no further text within"),
        (hanging(""), "gave no first token within"),
        (
            Temper {
                first: Vec::new(),
                ..hanging("")
            },
            "gave no first token within",
        ),
        (
            bytes("data: {\"choices\":[{\"delta\":{\"content\":[1]}}]}\n\n", "", 0),
            "not in the OpenAI form",
        ),
        (bytes("data: {]\n\n", "", 0), "not in the OpenAI form"),
    ];
    for (temper, words) in cases {
        let first = String::from_utf8_lossy(&temper.first).into_owned();
        let (error, _) = error_of(temper, short).await;
        assert!(error.to_string().contains(words), "{first:?}: {error}");
        assert!(error.to_string().contains("http://127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn usage_that_cannot_be_costs_nothing() {
    for usage in [
        "{\"prompt_tokens\":-5,\"completion_tokens\":1.5}",
        "{\"prompt_tokens\":\"many\"}",
        "[1,2]",
        "\"none\"",
        "{\"prompt_tokens\":1e400}",
        "{\"prompt_tokens\":99999999999999999999}",
    ] {
        let text = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"ok\"}},\"finish_reason\":\"stop\"}}]}}\n\ndata: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n"
        );
        let (base, _task) = serve(bytes(&text, "", 0)).await;
        let model = Model::Endpoint(Endpoint::new(config(&base, "tiny", "openai", None)).unwrap());
        match ask(&model, question("Say yes.", Constraint::None, 8)).await {
            Ok(reply) => assert_eq!(
                (reply.text.as_str(), reply.usage.prompt_tokens),
                ("ok", 0),
                "{usage}"
            ),
            // A number that no JSON reader takes.
            Err(error) => assert!(
                usage.contains("1e400") && matches!(error, LlmError::Garbled { .. }),
                "{error}"
            ),
        }
    }
}
