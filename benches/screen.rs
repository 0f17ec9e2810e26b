//! The terminal UI on a list of 20,000 pods: a frame, a batch of changes, a key, a filter. The bar for a frame is 16 ms.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up is to stop"
)]

use divan::Bencher;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sayso::config::TuiConfig;
use sayso::driver::cockpit::{Column, Place, Row, Watched};
use sayso::tui::app::App;
use sayso::tui::app::event::{Effect, Event};
use sayso::tui::view;

const PODS: usize = 20_000;
/// What 200 changes a second are in the 100 ms for which a watch gathers them.
const CHANGES: usize = 20;
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn main() {
    divan::main();
}

fn pod(index: usize, status: &str) -> Row {
    let name = format!("web-{:05}-{:05}", index % 977, index);
    Row {
        namespace: format!("team-{}", index % 40),
        cells: vec![
            name.clone(),
            "1/1".to_owned(),
            status.to_owned(),
            (index % 7).to_string(),
            "5d".to_owned(),
        ],
        name,
        since: "1969-12-25T00:00:00Z".to_owned(),
        labels: vec![format!("app=web-{}", index % 977)],
    }
}

/// An app that shows all pods, and the number of its table.
fn app() -> (App, u64) {
    let settings = sayso::tui::settings(&TuiConfig::default(), true).unwrap();
    let (mut app, _) = App::new(settings, Place::default(), (120, 40), NOW);
    let effects = press(&mut app, KeyCode::Tab);
    let [Effect::Watch(id, ..)] = effects[..] else {
        return (app, 0);
    };
    let column = |title: &str| Column {
        title: title.to_owned(),
        is_wide: false,
    };
    let columns = ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        .map(column)
        .to_vec();
    let rows = (0..PODS).map(|index| pod(index, "Running")).collect();
    app.update(Event::Watched(id, Ok(Watched::Listed { columns, rows })));
    (app, id)
}

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

#[divan::bench(max_time = 5)]
fn frame(bencher: Bencher) {
    let (app, _) = app();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    bencher.bench_local(|| {
        terminal.draw(|frame| view::draw(&app, frame)).unwrap();
    });
}

#[divan::bench(max_time = 5)]
fn changes(bencher: Bencher) {
    let (mut app, id) = app();
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += CHANGES;
        let rows = (turn..turn + CHANGES)
            .map(|index| pod(index % PODS, "Pending"))
            .collect();
        app.update(Event::Watched(
            id,
            Ok(Watched::Changed {
                rows,
                gone: Vec::new(),
            }),
        ));
    });
}

#[divan::bench(max_time = 5)]
fn key_and_frame(bencher: Bencher) {
    let (mut app, _) = app();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    bencher.bench_local(|| {
        press(&mut app, KeyCode::Down);
        terminal.draw(|frame| view::draw(&app, frame)).unwrap();
    });
}

#[divan::bench(max_time = 5)]
fn filter_letter(bencher: Bencher) {
    let (mut app, _) = app();
    press(&mut app, KeyCode::Char('/'));
    bencher.bench_local(|| {
        press(&mut app, KeyCode::Char('7'));
        press(&mut app, KeyCode::Backspace);
    });
}
