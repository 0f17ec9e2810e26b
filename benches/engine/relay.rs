//! A relay on a Unix socket that passes everything on, and notes when a prompt was handed over and answered.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// When the prompt of one command came by.
#[derive(Clone, Copy)]
pub struct Seen {
    /// Its last byte was on the way to the engine.
    pub asked: Instant,
    /// The first event of the answer came back.
    pub answered: Instant,
}

/// The relay; it lives as long as the process.
pub struct Relay {
    seen: Arc<Mutex<Option<Seen>>>,
}

impl Relay {
    /// Listens in one place, and passes on to another.
    pub fn start(place: &Path, engine: &Path) -> Relay {
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(place).unwrap();
        let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
        let relay = Relay {
            seen: Arc::clone(&seen),
        };
        let engine = engine.to_owned();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                pass(client.unwrap(), &engine, &seen);
            }
        });
        relay
    }

    /// What came by since the last look.
    pub fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap().take()
    }
}

/// Passes one connection on, each direction on a thread of its own.
fn pass(mut client: UnixStream, engine: &Path, seen: &Arc<Mutex<Option<Seen>>>) {
    let mut server = UnixStream::connect(engine).unwrap();
    let (mut back, mut forth) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    // When the last bytes of a prompt went by; nothing on connections for anything else.
    let asked: Arc<Mutex<Option<Instant>>> = Arc::default();
    let last = Arc::clone(&asked);
    std::thread::spawn(move || {
        copy(&mut client, &mut forth, |bytes| {
            let mut last = last.lock().unwrap();
            if last.is_some() || bytes.starts_with(b"POST /v1/chat/completions") {
                *last = Some(Instant::now());
            }
        });
        let _ = forth.shutdown(Shutdown::Write);
    });
    let seen = Arc::clone(seen);
    std::thread::spawn(move || {
        copy(&mut server, &mut back, |bytes| {
            let event = bytes.windows(6).any(|six| six == b"data: ");
            let mut seen = seen.lock().unwrap();
            if let (true, None, Some(asked)) = (event, *seen, *asked.lock().unwrap()) {
                *seen = Some(Seen {
                    asked,
                    answered: Instant::now(),
                });
            }
        });
        let _ = back.shutdown(Shutdown::Write);
    });
}

fn copy(from: &mut UnixStream, to: &mut UnixStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            return;
        }
        look(&buffer[..count]);
    }
}
