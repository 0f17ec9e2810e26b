//! Talking to the person at the terminal, who may not be at standard input.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _};

/// More than this is not read from a pipe: 8 MiB.
const PIPE_LIMIT: u64 = 8 * 1024 * 1024;

/// Whether somebody is there to be asked: both ends of a conversation are a terminal.
pub fn somebody_is_there() -> bool {
    std::io::stderr().is_terminal() && open().is_some()
}

/// Whether standard input and output are both a terminal, so that a screen can be drawn and keys can be read.
pub fn is_whole() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Reads one line from the terminal, even where standard input is a pipe. Nothing at its end (Ctrl-D) or on an error.
pub fn read_line() -> Option<String> {
    let mut line = String::new();
    let length = BufReader::new(open()?).read_line(&mut line).ok()?;
    (length > 0).then(|| line.trim().to_owned())
}

/// Throws away what was typed before now, so that no key pressed earlier answers a question asked later.
pub fn forget_typed() {
    #[cfg(unix)]
    if let Some(terminal) = open() {
        let _ = rustix::termios::tcflush(&terminal, rustix::termios::QueueSelector::IFlush);
    }
}

fn open() -> Option<File> {
    let path = if cfg!(windows) { "CONIN$" } else { "/dev/tty" };
    OpenOptions::new()
        .read(true)
        .open(path)
        .ok()
        .filter(std::io::IsTerminal::is_terminal)
}

/// What was piped in, if anything was; bytes that are no text are replaced.
pub fn piped() -> Option<String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return None;
    }
    let mut bytes = Vec::new();
    input.lock().take(PIPE_LIMIT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
