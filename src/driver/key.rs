//! The key of a model server, from the program that keeps it.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::llm::ApiKey;

/// How long the program may take; somebody may have to type a passphrase.
const PATIENCE: Duration = Duration::from_secs(60);
/// No key is longer, in bytes.
const LONGEST: u64 = 16 << 10;

/// Runs the program, with no shell between, and takes the first line that it prints. What it prints is in no error.
pub(super) fn from_command(command: &[String]) -> anyhow::Result<ApiKey> {
    let Some((program, arguments)) = command.split_first() else {
        bail!("`key_command` is empty");
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{program}` for the model's key"))?;
    let (sender, printed) = channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = stdout.take(LONGEST).read_to_string(&mut text);
            let _ = sender.send(read.map(|_| text));
        });
    }
    let Ok(text) = printed.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        bail!("`{program}` gave no key within {} s", PATIENCE.as_secs());
    };
    let text = text
        .ok()
        .with_context(|| format!("`{program}` printed no text"))?;
    // One that goes on printing is not waited for.
    let _ = child.kill();
    let _ = child.wait();
    let key = text.lines().next().unwrap_or_default().trim();
    if key.is_empty() {
        bail!("`{program}` printed no key");
    }
    Ok(ApiKey::from(key.to_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn run(script: &str) -> anyhow::Result<ApiKey> {
        from_command(&["sh".to_owned(), "-c".to_owned(), script.to_owned()])
    }

    #[test]
    fn the_first_line_is_the_key() {
        assert_eq!(run("echo '  sk-1 '; echo more").unwrap().expose_secret(), "sk-1");
        assert_eq!(
            run("echo sk-2; exec yes").unwrap().expose_secret(),
            "sk-2",
            "it goes on printing"
        );
    }

    #[test]
    fn without_a_key_it_says_so() {
        assert_eq!(run("exit 3").unwrap_err().to_string(), "`sh` printed no key");
        assert!(run("printf '\\377'").unwrap_err().to_string().contains("no text"));
        let absent = from_command(&["/nowhere/at-all".to_owned()]).unwrap_err();
        assert!(absent.to_string().contains("cannot run `/nowhere/at-all`"));
    }
}
