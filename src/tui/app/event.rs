//! What happens to the app, and what it wants done: data, with no behaviour.

use jiff::Timestamp;
use ratatui::crossterm::event::KeyEvent;

use crate::check::Report;
use crate::driver::cockpit::{LogOf, Names, ObjectName, Page, Past, Place, Start, Watched};
use crate::driver::{Receipt, Undo};
use crate::plan::Kind;
use crate::request::Request;
use crate::session::{Decision, Failure, Stage};

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The wheel turned so many lines, downwards if positive.
    Wheel(i16),
    /// The terminal has so many columns and rows now.
    Resize(u16, u16),
    /// It is later.
    Tick(Timestamp),
    /// What the app shows was drawn.
    Drawn(Timestamp),
    /// The request in hand goes on.
    Under(News),
    /// The request in hand is over.
    Over(Box<Receipt>),
    /// A watch has news. The number is the table's.
    Watched(u64, Result<Watched, Failure>),
    /// A page was read. The number is the page's.
    Read(u64, Result<String, Failure>),
    /// A log has lines; nothing where it ended. The number is the page's.
    Logged(u64, Option<Result<Vec<String>, Failure>>),
    /// The containers of a pod. The number is the page's.
    Containers(u64, Result<Vec<String>, Failure>),
    /// Names for completion.
    Names(Result<Names, Failure>),
    /// The contexts of the kubeconfig.
    Contexts(Result<Vec<String>, Failure>),
    /// The record.
    Past(Result<Past, Failure>),
    /// The way back from a recorded action.
    WayBack(Result<Box<Undo>, Failure>),
    /// Requests go there now.
    Placed(Result<Place, Failure>),
    /// Somebody outside wants the program to end.
    Terminate,
}

/// How the request in hand goes on.
#[derive(Debug)]
pub enum News {
    /// It is at a stage; the text is for people.
    Stage(Stage, String),
    /// Something long is so far: what, done, total.
    Progress(String, u64, u64),
    /// The pods of the rollout that is waited for: their names and states.
    Pods(Vec<(String, String)>),
    /// The model writes this piece.
    Writing(String),
    /// A read printed this, with these notices.
    Read(String, Vec<String>),
    /// Somebody has to decide.
    Review(Box<Report>, Vec<Option<f32>>),
    /// The adviser says this about the review with this digest.
    Advice(String, String),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Run a request.
    Run(Request, Start),
    /// Answer the review.
    Decide(Decision),
    /// Have the adviser explain the review in hand, where there is one.
    Advise(Box<Report>),
    /// Interrupt the request in hand, in good order.
    Cancel,
    /// Watch a kind, in every namespace where none is given, instead of what was watched.
    Watch(u64, Kind, Option<String>),
    /// Read a page about an object.
    Read(u64, Page, ObjectName),
    /// Follow a log instead of the one that was followed.
    Follow(u64, LogOf),
    /// Follow no log any more.
    Unfollow,
    /// List the containers of a pod.
    Containers(u64, LogOf),
    /// Collect names for completion.
    Names,
    /// List the contexts.
    Contexts,
    /// Read the record.
    Past,
    /// Find the way back from an action, or from the last one.
    WayBack(Option<String>),
    /// Go to another namespace.
    Namespace(String),
    /// Go to another context.
    Context(String),
    /// Put a text on the clipboard.
    Copy(String),
    /// Give the terminal back until the shell says otherwise.
    Suspend,
    /// End.
    Quit,
}
