//! What the engine adds to mistral.rs, and how soon a second command has its prompt in the engine's hands.
//!
//! Both run in this process, in turns: mistral.rs with the planner's file, and the whole engine (its socket, its protocol,
//! its host) with the same file. So what is compared is one machine at one time, and only the ratio counts. The bar is 3 %.
//!
//! Then `sayso` is run again and again against that engine, through a relay on the socket where it looks for one, and a
//! sandbox served by this process. The bar is 100 ms from the start of the process to its prompt at the engine.
//!
//! `cargo bench --bench engine`; rounds and runs as two numbers behind `--`. The planner is made in the target's folder where
//! it is not there yet, or found in `SAYSO_BENCH_MODEL`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot be set up is to stop, and what it measures is for people"
)]

#[cfg(unix)]
mod direct;
#[cfg(unix)]
mod relay;

fn main() {
    #[cfg(unix)]
    unix::main();
}

#[cfg(unix)]
mod unix {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::direct;
    use super::relay::Relay;

    /// Set for the process in which the engine may serve without starting itself again.
    const INNER: &str = "SAYSO_ENGINE_INNER";
    /// Tokens of an answer.
    const TOKENS: usize = 64;
    /// What is asked of the planner by each command.
    const REQUEST: &str = "scale web to 5";

    pub fn main() {
        if std::env::var_os(INNER).is_none() {
            again();
        }
        let mut numbers = std::env::args().filter_map(|word| word.parse().ok());
        let rounds: usize = numbers.next().unwrap_or(15);
        let runs: usize = numbers.next().unwrap_or(20);
        let folder = tempfile::tempdir().unwrap();
        let model = model();
        let socket = serve(&model, folder.path());
        overhead(&model, &socket, rounds);
        first_prompt(folder.path(), &socket, runs);
        // The engine's threads end with the process.
        std::process::exit(0);
    }

    /// Starts this program again, as the engine does with itself: libraries look at some variables only once.
    fn again() -> ! {
        let threads = num_cpus::get_physical().min(num_cpus::get()).max(1).to_string();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(std::env::args_os().skip(1))
            .env(INNER, "1")
            .env("HF_HUB_OFFLINE", "1")
            .env("RUST_LOG", "error");
        if std::env::var_os("RAYON_NUM_THREADS").is_none() {
            command.env("RAYON_NUM_THREADS", threads);
        }
        let status = command.status().unwrap();
        std::process::exit(status.code().unwrap_or(1));
    }

    /// The folder of the planner, made where it is missing.
    fn model() -> PathBuf {
        let given = std::env::var_os("SAYSO_BENCH_MODEL").map(PathBuf::from);
        let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("planner"));
        let made = Command::new(env!("CARGO_BIN_EXE_sayso-engine"))
            .args(["prepare", "--model-dir"])
            .arg(&folder)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(
            made.success(),
            "the planner cannot be made in {}",
            folder.display()
        );
        folder
    }

    /// Serves the model in this process; gives the socket, once the model is loaded.
    fn serve(model: &Path, folder: &Path) -> PathBuf {
        let socket = folder.join("real/engine.sock");
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let (model, place) = (model.to_owned(), socket.clone());
        std::thread::spawn(move || {
            let words = ["sayso-engine", "serve", "--idle-seconds", "3600", "--model-dir"];
            let words = words.iter().map(std::ffi::OsString::from);
            let places = [model.into_os_string(), "--socket".into(), place.into_os_string()];
            let _ = sayso::engine::run(words.chain(places));
        });
        let begun = Instant::now();
        loop {
            assert!(
                begun.elapsed() < Duration::from_secs(180),
                "the engine is not ready"
            );
            std::thread::sleep(Duration::from_millis(50));
            if let Ok(stream) = UnixStream::connect(&socket)
                && request(stream, "GET", "/health", "").contains("\"ready\"")
            {
                return socket;
            }
        }
    }

    /// The whole answer to one request, head and body.
    fn request(mut stream: UnixStream, method: &str, path: &str, body: &str) -> String {
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: engine\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks the engine as a client does that shows text as it comes; gives the text and its tokens.
    fn ask(socket: &Path, prompt: &str) -> (String, usize) {
        let body = json!({"model": "planner", "messages": [{"role": "user", "content": prompt}], "max_tokens": TOKENS,
            "temperature": 0.0, "stream": true, "stream_options": {"include_usage": true}});
        let stream = UnixStream::connect(socket).unwrap();
        let answer = request(stream, "POST", "/v1/chat/completions", &body.to_string());
        let events = answer.lines().filter_map(|line| line.strip_prefix("data: "));
        let (mut text, mut tokens) = (String::new(), 0);
        for event in events.filter_map(|event| serde_json::from_str::<Value>(event).ok()) {
            text.push_str(
                event["choices"][0]["delta"]["content"]
                    .as_str()
                    .unwrap_or_default(),
            );
            let counted = event["usage"]["completion_tokens"].as_u64().unwrap_or_default();
            tokens = tokens.max(usize::try_from(counted).unwrap());
        }
        assert!(tokens > 0, "{answer}");
        (text, tokens)
    }

    /// A prompt of some 250 tokens that no other round begins like, so that no cache helps.
    fn prompt(round: usize) -> String {
        let lines = (0..12).map(|line| {
            format!(
                "deployment/web-{line} in shop x{} nginx=nginx:1.{line}\n",
                line + round
            )
        });
        format!(
            "{round} times {round}\n{}> tell about all of them",
            lines.collect::<String>()
        )
    }

    /// The same questions to both, in turns; who is first changes from round to round.
    fn overhead(model: &Path, socket: &Path, rounds: usize) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .unwrap();
        let bare = runtime.block_on(direct::load(model));
        let bare = |prompt: &str| runtime.block_on(direct::ask(&bare, prompt, TOKENS));
        let whole = |prompt: &str| ask(socket, prompt);
        let (mut direct, mut engine, mut ratios, mut same) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for round in 0..=rounds {
            let prompt = prompt(round);
            let mut times = [Duration::ZERO; 2];
            let mut answers = [(String::new(), 0), (String::new(), 0)];
            for turn in [round % 2, (round + 1) % 2] {
                let begun = Instant::now();
                answers[turn] = if turn == 0 { bare(&prompt) } else { whole(&prompt) };
                times[turn] = begun.elapsed();
            }
            // The first round warms both.
            if round == 0 {
                continue;
            }
            let each =
                |turn: usize| times[turn].as_secs_f64() / f64::from(u32::try_from(answers[turn].1).unwrap());
            ratios.push(each(1) / each(0));
            same += usize::from(answers[0] == answers[1]);
            direct.push(times[0].as_secs_f64() * 1e3);
            engine.push(times[1].as_secs_f64() * 1e3);
        }
        println!(
            "the engine over mistral.rs in one process, {rounds} rounds, {same} of them with the same text"
        );
        println!("  mistral.rs  median {:8.1} ms", median(&mut direct));
        println!("  the engine  median {:8.1} ms", median(&mut engine));
        println!(
            "  per token, median of the rounds: {:.4} (bar 1.03)",
            median(&mut ratios)
        );
    }

    /// One command after another with the model warm.
    fn first_prompt(folder: &Path, socket: &Path, runs: usize) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let cluster = runtime
            .block_on(sayso::sandbox::start(sayso::sandbox::Options::default()))
            .unwrap();
        let kubeconfig = folder.join("kubeconfig");
        std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
        let place = folder.join(format!("run/sayso/engine-{}.sock", env!("CARGO_PKG_VERSION")));
        let relay = Relay::start(&place, socket);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        for run in 0..=runs {
            let begun = Instant::now();
            let status = Command::new(env!("CARGO_BIN_EXE_sayso"))
                .args(["--plan-only", "-o", "json", REQUEST])
                .env("HOME", folder)
                .env("XDG_RUNTIME_DIR", folder.join("run"))
                .env("KUBECONFIG", &kubeconfig)
                .env_remove(INNER)
                .env_remove("SAYSO_MODEL")
                .env_remove("OPENAI_BASE_URL")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .unwrap();
            let seen = relay.seen();
            assert!(status.success(), "`sayso {REQUEST}` failed");
            let seen = seen.unwrap_or_else(|| panic!("nothing came by {}", place.display()));
            // The first one is there for the second to find everything warm.
            if run > 0 {
                asked.push((seen.asked - begun).as_secs_f64() * 1e3);
                answered.push((seen.answered - begun).as_secs_f64() * 1e3);
            }
        }
        println!("one command after another with the model warm, {runs} runs");
        let slowest = asked.iter().copied().fold(0.0, f64::max);
        println!(
            "  start to the prompt at the engine        median {:6.1} ms, slowest {slowest:.1} ms (bar 100 ms)",
            median(&mut asked)
        );
        println!(
            "  start to the first event of the answer   median {:6.1} ms",
            median(&mut answered)
        );
    }

    fn median(values: &mut [f64]) -> f64 {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
