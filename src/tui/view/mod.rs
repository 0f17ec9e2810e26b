//! Drawing: a function of the app's state, with nothing of its own.
//!
//! Text of the cluster is made printable before it gets here, and once more on its way into a line ([`text`]).

mod audit;
mod bottom;
pub mod help;
mod page;
pub mod review;
mod status;
mod table;
pub mod talk;
pub mod text;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};

use super::app::{App, Screen};

/// Draws everything.
pub fn draw(app: &App, frame: &mut Frame) {
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [top, body, bottom] = Layout::vertical(rows).areas(frame.area());
    status::draw(app, frame, top);
    let review = app.talk.run.as_ref().and_then(|run| run.review.as_ref());
    match (app.talking, review, app.screen()) {
        (true, Some(review), _) => review::draw(app, review, frame, body),
        (true, None, _) | (false, _, None) => talk::draw(app, frame, body),
        (false, _, Some(Screen::Table(table))) => table::draw(app, table, frame, body),
        (false, _, Some(Screen::Page(page))) => page::draw(app, page, frame, body),
        (false, _, Some(Screen::Audit(record))) => audit::draw(app, record, frame, body),
    }
    bottom::draw(app, frame, bottom);
}
