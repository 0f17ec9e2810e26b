//! Owns the terminal: takes it, gives it back whatever happens, and turns what is typed into events.

use std::io::{self, Stdout, Write as _};
use std::panic;
use std::sync::Once;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event as Typed,
    EventStream, MouseEventKind,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc::{Receiver, channel};

use super::app::Settings;
use super::app::event::Event;
use super::shell::{Outside, Shell};
use crate::driver::cockpit::Cockpit;
use crate::session::Wishes;

/// Lines that the wheel turns at once.
const WHEEL: i16 = 3;

/// The terminal while it is ours. Dropping it gives it back.
struct Taken {
    mouse: bool,
}

impl Taken {
    fn take(mouse: bool) -> io::Result<Taken> {
        enable_raw_mode()?;
        let taken = Taken { mouse };
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        if mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.mouse {
            let _ = execute!(io::stdout(), DisableMouseCapture);
        }
        give_back();
    }
}

fn give_back() {
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic of the thread that draws gives the terminal back before it tells; one of any other thread says nothing on
/// the screen: its task fails, and the app tells that.
fn mind_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let drawing = thread::current().id();
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == drawing {
                give_back();
                usual(info);
            } else {
                tracing::error!("{info}");
            }
        }));
    });
}

/// Signals that are told to the app.
enum Signal {
    /// SIGTERM, SIGHUP.
    End,
    /// SIGTSTP, as `kill` sends it; the key comes as a key.
    Stop,
}

#[cfg(unix)]
fn signals() -> io::Result<Receiver<Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = channel(4);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut stop = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?;
    tokio::spawn(async move {
        loop {
            let heard = tokio::select! {
                _ = terminate.recv() => Signal::End,
                _ = hangup.recv() => Signal::End,
                _ = stop.recv() => Signal::Stop,
            };
            if sender.send(heard).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

#[cfg(not(unix))]
fn signals() -> io::Result<Receiver<Signal>> {
    let (sender, receiver) = channel(1);
    tokio::spawn(async move {
        sender.closed().await;
    });
    Ok(receiver)
}

/// Stops the whole job, as the shell's Ctrl-Z does, and comes back when it goes on.
fn stop_job() {
    #[cfg(unix)]
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
}

/// Runs the app on the terminal until somebody leaves.
pub async fn run(cockpit: Cockpit, settings: Settings, wishes: Wishes, mouse: bool) -> anyhow::Result<()> {
    mind_panics();
    let mut signals = signals()?;
    let mut taken = Some(Taken::take(mouse)?);
    let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let mut shell = Shell::new(terminal, cockpit, settings, &wishes, Timestamp::now());
    let mut keys = EventStream::new();
    let mut typing = true;
    loop {
        // Where the terminal is gone there is nothing to draw on, and a request in hand still comes to its end.
        let drawn = shell.draw(Timestamp::now());
        if drawn.is_err() && !shell.app.leaving {
            shell.handle(Event::Terminate);
        }
        let pace = shell.pace();
        tokio::select! {
            biased;
            typed = keys.next(), if typing => {
                if let Some(Ok(typed)) = typed {
                    tell(&mut shell, typed);
                } else {
                    typing = false;
                    shell.handle(Event::Terminate);
                }
            }
            Some(signal) = signals.recv() => match signal {
                Signal::End => shell.handle(Event::Terminate),
                Signal::Stop => suspend(&mut shell, &mut taken, mouse)?,
            },
            message = shell.receive() => message.into_iter().for_each(|message| shell.take(message)),
            () = tokio::time::sleep(pace) => {}
        }
        while let Some(Some(Ok(typed))) = keys.next().now_or_never().filter(|_| typing) {
            tell(&mut shell, typed);
        }
        while let Some(message) = shell.waiting() {
            shell.take(message);
        }
        shell.handle(Event::Tick(Timestamp::now()));
        for outside in shell.outside() {
            match outside {
                Outside::Quit => return Ok(()),
                Outside::Suspend => suspend(&mut shell, &mut taken, mouse)?,
                Outside::Copy(text) => copy(&text)?,
            }
        }
    }
}

type Screen = Shell<CrosstermBackend<Stdout>>;

fn tell(shell: &mut Screen, typed: Typed) {
    let event = match typed {
        Typed::Key(key) => Event::Key(key),
        Typed::Paste(text) => Event::Paste(text),
        Typed::Resize(width, height) => Event::Resize(width, height),
        Typed::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Event::Wheel(-WHEEL),
            MouseEventKind::ScrollDown => Event::Wheel(WHEEL),
            _ => return,
        },
        Typed::FocusGained | Typed::FocusLost => return,
    };
    shell.handle(event);
}

/// Gives the terminal back, stops, and takes it again when the shell lets the job go on.
fn suspend(shell: &mut Screen, taken: &mut Option<Taken>, mouse: bool) -> io::Result<()> {
    drop(taken.take());
    stop_job();
    *taken = Some(Taken::take(mouse)?);
    let size = shell.terminal.size()?;
    shell.handle(Event::Resize(size.width, size.height));
    // Everything is drawn anew. (`clear` would ask the terminal where its cursor is, and the answer would go astray.)
    shell.terminal.resize(size.into())
}

/// Asks the terminal to put a text on the clipboard (OSC 52).
fn copy(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    write!(out, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
    out.flush()
}
