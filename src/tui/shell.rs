//! Performs the app's effects and feeds events back: the only part of the face that talks to the driver.
//!
//! It is generic in what it draws on, so that a test can sit in front of it. Nothing here waits: what takes time runs as
//! a task and comes back as an event.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::app::event::{Effect, Event, News};
use super::app::{App, Settings};
use super::view;
use crate::check::Report;
use crate::driver::cockpit::{Cockpit, Start};
use crate::driver::{Advice, Face, Receipt, Usage, progress_words};
use crate::request::Request;
use crate::session::{Decision, Failure, Outcome, Stage, Wishes};

/// News of watches and logs that may wait; behind them, their senders do.
const QUEUE: usize = 64;
/// How often the clock ticks while something moves.
const BUSY: Duration = Duration::from_millis(100);
/// How often it ticks else: ages go on.
const IDLE: Duration = Duration::from_secs(1);

/// What comes to the shell.
pub enum Message {
    /// An event for the app.
    Event(Event),
    /// Another context was reached, or not.
    Switched(Box<Result<Cockpit, Failure>>),
}

/// What only the owner of the terminal can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Put a text on the clipboard.
    Copy(String),
    /// Give the terminal back until the shell says otherwise.
    Suspend,
    /// End.
    Quit,
}

/// The request in hand.
struct Running {
    stop: CancellationToken,
    decide: Sender<Decision>,
}

/// An app with everything that it needs.
pub struct Shell<B: Backend> {
    /// The app.
    pub app: App,
    /// What it is drawn on.
    pub terminal: Terminal<B>,
    cockpit: Cockpit,
    wishes: Wishes,
    sender: UnboundedSender<Message>,
    heard: UnboundedReceiver<Message>,
    stream: Sender<Event>,
    streamed: Receiver<Event>,
    running: Option<Running>,
    watching: Option<JoinHandle<()>>,
    following: Option<JoinHandle<()>>,
    outside: Vec<Outside>,
}

impl<B: Backend> Shell<B> {
    /// A shell that begins at once. `wishes` are those of every request.
    pub fn new(
        terminal: Terminal<B>,
        cockpit: Cockpit,
        settings: Settings,
        wishes: &Wishes,
        now: Timestamp,
    ) -> Shell<B> {
        let size = terminal.size().map_or((80, 24), |size| (size.width, size.height));
        let (app, effects) = App::new(settings, cockpit.place(), size, now);
        let (sender, heard) = unbounded_channel();
        let (stream, streamed) = channel(QUEUE);
        let mut shell = Shell {
            app,
            terminal,
            cockpit,
            wishes: Wishes {
                interactive: true,
                yes: false,
                ..wishes.clone()
            },
            sender,
            heard,
            stream,
            streamed,
            running: None,
            watching: None,
            following: None,
            outside: Vec::new(),
        };
        shell.perform_all(effects);
        shell
    }

    /// Waits for the next message. May be dropped and called again: no message is lost.
    pub async fn receive(&mut self) -> Option<Message> {
        tokio::select! {
            message = self.heard.recv() => message,
            event = self.streamed.recv() => event.map(Message::Event),
        }
    }

    /// A message that is there already.
    pub fn waiting(&mut self) -> Option<Message> {
        let message = self.heard.try_recv().ok();
        message.or_else(|| self.streamed.try_recv().ok().map(Message::Event))
    }

    /// Takes a message.
    pub fn take(&mut self, message: Message) {
        match message {
            Message::Event(event) => self.handle(event),
            Message::Switched(switched) => {
                let place = switched.map(|cockpit| {
                    let place = cockpit.place();
                    self.cockpit = cockpit;
                    place
                });
                self.handle(Event::Placed(place));
            }
        }
    }

    /// Lets something happen to the app, and does what it wants done.
    pub fn handle(&mut self, event: Event) {
        if matches!(event, Event::Over(_)) {
            self.running = None;
        }
        let effects = self.app.update(event);
        self.perform_all(effects);
    }

    /// Draws the app, and tells it.
    pub fn draw(&mut self, now: Timestamp) -> Result<(), B::Error> {
        let app = &self.app;
        self.terminal.draw(|frame| view::draw(app, frame))?;
        self.handle(Event::Drawn(now));
        Ok(())
    }

    /// What the owner of the terminal has to do.
    pub fn outside(&mut self) -> Vec<Outside> {
        std::mem::take(&mut self.outside)
    }

    /// How long until the clock has to tick.
    pub fn pace(&self) -> Duration {
        if self.app.is_busy() { BUSY } else { IDLE }
    }

    fn perform_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Run(request, start) => self.run(request, start),
            Effect::Decide(decision) => {
                if let Some(running) = &self.running {
                    // There is room for one: a review gets one answer.
                    let _ = running.decide.try_send(decision);
                }
            }
            Effect::Advise(report) => self.advise(*report),
            Effect::Cancel => {
                if let Some(running) = &self.running {
                    running.stop.cancel();
                }
            }
            Effect::Namespace(name) => {
                self.cockpit = self.cockpit.in_namespace(&name);
                let place = self.cockpit.place();
                let _ = self.sender.send(Message::Event(Event::Placed(Ok(place))));
            }
            Effect::Context(name) => self.switch(name),
            Effect::Copy(text) => self.outside.push(Outside::Copy(text)),
            Effect::Suspend => self.outside.push(Outside::Suspend),
            Effect::Quit => self.outside.push(Outside::Quit),
            Effect::Unfollow => stop(&mut self.following),
            effect => self.look(effect),
        }
    }

    /// Effects that only look.
    fn look(&mut self, effect: Effect) {
        let cockpit = self.cockpit.clone();
        match effect {
            Effect::Watch(id, kind, namespace) => {
                stop(&mut self.watching);
                let stream = self.stream.clone();
                self.watching = Some(tokio::spawn(async move {
                    let mut news = cockpit.watch(kind, namespace);
                    while let Some(told) = news.recv().await {
                        if stream.send(Event::Watched(id, told)).await.is_err() {
                            return;
                        }
                    }
                }));
            }
            Effect::Follow(id, log) => {
                stop(&mut self.following);
                let stream = self.stream.clone();
                self.following = Some(tokio::spawn(async move {
                    let mut lines = cockpit.follow(log);
                    while let Some(told) = lines.recv().await {
                        if stream.send(Event::Logged(id, Some(told))).await.is_err() {
                            return;
                        }
                    }
                    let _ = stream.send(Event::Logged(id, None)).await;
                }));
            }
            Effect::Read(id, page, object) => {
                self.later(async move { Event::Read(id, cockpit.page(page, &object).await) });
            }
            Effect::Containers(id, log) => {
                self.later(async move { Event::Containers(id, cockpit.containers(&log).await) });
            }
            Effect::Names => self.later(async move { Event::Names(cockpit.names().await) }),
            Effect::Contexts => self.blocking(move || Event::Contexts(cockpit.contexts())),
            Effect::Past => {
                self.blocking(move || Event::Past(cockpit.past().map_err(|error| failure(&error))));
            }
            Effect::WayBack(id) => self.blocking(move || {
                let found = cockpit.way_back(id.as_deref());
                Event::WayBack(found.map(Box::new).map_err(|error| failure(&error)))
            }),
            _ => {}
        }
    }

    fn later(&self, event: impl Future<Output = Event> + Send + 'static) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let _ = sender.send(Message::Event(event.await));
        });
    }

    fn blocking(&self, event: impl FnOnce() -> Event + Send + 'static) {
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            let _ = sender.send(Message::Event(event()));
        });
    }

    fn switch(&self, context: String) {
        let (cockpit, sender) = (self.cockpit.clone(), self.sender.clone());
        tokio::spawn(async move {
            let switched = cockpit.in_context(&context).await;
            let switched = switched.map_err(|error| failure(&error));
            let _ = sender.send(Message::Switched(Box::new(switched)));
        });
    }

    /// Has a review explained, where somebody is there to do so.
    fn advise(&self, report: Report) {
        let Some(adviser) = self.cockpit.adviser() else {
            return;
        };
        let (sender, digest) = (self.sender.clone(), report.digest.clone());
        let tell = move |text: &str| {
            let news = News::Advice(digest.clone(), text.to_owned());
            let _ = sender.send(Message::Event(Event::Under(news)));
        };
        tokio::spawn(async move {
            tell(&format!("{}\n\n", Advice::whose(&adviser.name().await)));
            match adviser.review(&report, &[], &mut |text| tell(text)).await {
                Ok(advice) => tell(&format!("\n\n{}", advice.footing())),
                Err(failure) => tell(&format!("\n\nthe adviser gave no answer: {}", failure.message)),
            }
        });
    }

    /// Runs a request as a task. Whatever becomes of the task, the app hears that the request is over.
    fn run(&mut self, request: Request, start: Start) {
        let session = self.cockpit.session(request, start, self.wishes.clone());
        let (decide, decisions) = channel(1);
        let stop = CancellationToken::new();
        let mut front = Front {
            sender: self.sender.clone(),
            decisions,
        };
        let (cockpit, token) = (self.cockpit.clone(), stop.clone());
        // On a thread of its own: the compiler cannot see that a driver's future may move between threads.
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || {
            runtime.block_on(async { Box::pin(cockpit.run(session, &mut front, token)).await })
        });
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let receipt = task.await.unwrap_or_else(|error| broken(&error));
            let _ = sender.send(Message::Event(Event::Over(Box::new(receipt))));
        });
        self.running = Some(Running { stop, decide });
    }
}

impl<B: Backend> Drop for Shell<B> {
    fn drop(&mut self) {
        stop(&mut self.watching);
        stop(&mut self.following);
    }
}

fn stop(task: &mut Option<JoinHandle<()>>) {
    if let Some(task) = task.take() {
        task.abort();
    }
}

/// The receipt of a request whose task broke.
fn broken(error: &tokio::task::JoinError) -> Receipt {
    let failure = Failure::new(format!("the request broke: {error}"))
        .with_hint("`sayso audit verify` tells whether something was begun; this is a bug worth reporting");
    Receipt {
        outcome: Outcome {
            failure: Some(failure),
            ..Outcome::nothing()
        },
        action: None,
        unrecorded: None,
        notices: Vec::new(),
        timing: std::collections::BTreeMap::new(),
        device: None,
        advice: None,
        usage: Usage::default(),
    }
}

fn failure(error: &anyhow::Error) -> Failure {
    Failure {
        message: format!("{error:#}"),
        hint: crate::driver::hint(error),
    }
}

/// The driver's view of the app: everything goes there as an event, and decisions come back.
struct Front {
    sender: UnboundedSender<Message>,
    decisions: Receiver<Decision>,
}

impl Front {
    fn tell(&self, news: News) {
        let _ = self.sender.send(Message::Event(Event::Under(news)));
    }
}

impl Face for Front {
    fn stage(&mut self, stage: Stage, detail: &str) {
        self.tell(News::Stage(stage, detail.to_owned()));
    }

    fn progress(&mut self, what: &str, done: u64, total: u64) {
        self.tell(News::Progress(progress_words(what).to_owned(), done, total));
    }

    fn pods(&mut self, pods: &[(String, String)]) {
        self.tell(News::Pods(pods.to_vec()));
    }

    fn writing(&mut self, text: &str) {
        self.tell(News::Writing(text.to_owned()));
    }

    fn read(&mut self, text: &str, notices: &[String]) {
        self.tell(News::Read(text.to_owned(), notices.to_vec()));
    }

    async fn review(&mut self, report: &Report, confidence: &[Option<f32>]) -> Decision {
        // An answer to an earlier review is none to this one.
        while self.decisions.try_recv().is_ok() {}
        self.tell(News::Review(Box::new(report.clone()), confidence.to_vec()));
        let decision = self.decisions.recv().await;
        decision.unwrap_or(Decision::Reject { reason: None })
    }
}
