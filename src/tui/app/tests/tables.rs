//! The tables of the cluster: filtered, moved, asked about, deleted from, and what the cluster says in them.

use super::*;
use crate::driver::cockpit::{Column, Row, Watched};
use crate::session::Failure;
use crate::tui::app::Screen;

fn pods(app: &mut App) {
    let effects = hit(app, KeyCode::Tab);
    let [Effect::Watch(id, ..)] = effects[..] else {
        panic!("{effects:?}");
    };
    let column = |title: &str| Column {
        title: title.into(),
        is_wide: false,
    };
    let row = |name: &str| Row {
        namespace: "shop".into(),
        name: name.into(),
        cells: vec![name.into(), "Running".into()],
        since: "1970-01-01T00:00:00Z".into(),
        labels: Vec::new(),
    };
    let news = Watched::Listed {
        columns: vec![column("NAME"), column("STATUS")],
        rows: vec![row("api-1"), row("web-1")],
    };
    app.update(Event::Watched(id, Ok(news)));
}

#[test]
fn deleting_from_a_table_is_a_request_with_a_review() {
    let mut app = app();
    pods(&mut app);
    press(&mut app, "j");
    let effects = app.update(key(KeyCode::Char('d'), KeyModifiers::CONTROL));
    let [Effect::Run(_, Start::Plan(plan))] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(plan.to_string(), "delete pod/web-1 -n shop");
    assert!(app.talking);
}

#[test]
fn asking_about_a_row_puts_it_into_the_line() {
    let mut app = app();
    pods(&mut app);
    press(&mut app, "a");
    assert_eq!((app.talking, app.talk.text().as_str()), (true, "@pod/api-1"));
}

#[test]
fn filters_work_while_they_are_typed_and_esc_takes_them_away() {
    let mut app = app();
    pods(&mut app);
    press(&mut app, "/web");
    assert!(!shown(&app, 80, 24).contains("api-1"));
    press(&mut app, "\n");
    hit(&mut app, KeyCode::Esc);
    assert!(shown(&app, 80, 24).contains("api-1"));
    hit(&mut app, KeyCode::Esc);
    assert!(app.talking);
}

#[test]
fn a_change_of_namespace_moves_what_is_watched() {
    let mut app = app();
    pods(&mut app);
    assert_eq!(press(&mut app, ":ns blog\n"), [Effect::Namespace("blog".into())]);
    let place = Place {
        namespace: "blog".into(),
        ..app.place.clone()
    };
    let effects = app.update(Event::Placed(Ok(place)));
    assert!(matches!(&effects[..], [Effect::Watch(_, _, Some(namespace))] if namespace == "blog"));
    assert!(
        !shown(&app, 80, 24).contains("api-1"),
        "nothing of the old place stays"
    );
}

#[test]
fn a_kind_is_shown_here_elsewhere_or_everywhere() {
    let mut app = app();
    pods(&mut app);
    let here = app.place.namespace.clone();
    for (typed, place) in [
        (":deploy\n", Some(here)),
        (":deploy blog\n", Some("blog".into())),
        (":deploy all\n", None),
        (":deploy -A\n", None),
    ] {
        let effects = press(&mut app, typed);
        assert!(
            matches!(&effects[..], [Effect::Watch(_, _, namespace)] if *namespace == place),
            "{typed}: {effects:?}"
        );
    }
    assert_eq!(press(&mut app, ":deploy a/b\n"), []);
}

#[test]
fn news_for_a_table_that_is_gone_are_dropped() {
    let mut app = app();
    pods(&mut app);
    let before = shown(&app, 80, 24);
    app.update(Event::Watched(
        999,
        Ok(Watched::Listed {
            columns: Vec::new(),
            rows: Vec::new(),
        }),
    ));
    assert_eq!(shown(&app, 80, 24), before);
}

#[test]
fn what_a_cluster_says_cannot_steer_the_terminal() {
    let mut app = app();
    press(&mut app, "list\n");
    app.update(Event::Under(News::Read(
        "NAME\nweb\u{1b}[2J\u{202e}evil\n".into(),
        vec!["\u{9b}31m".into()],
    )));
    app.update(Event::Under(News::Writing("\u{1b}]0;owned\u{7}get pods".into())));
    let screen = shown(&app, 80, 24);
    assert!(
        !screen.contains('\u{1b}') && !screen.contains('\u{202e}') && !screen.contains('\u{9b}'),
        "{screen}"
    );
}

#[test]
fn failures_of_a_watch_are_told_in_place_of_the_rows() {
    let mut app = app();
    let effects = press(&mut app, ":widgets\n");
    let [Effect::Watch(id, ..)] = effects[..] else {
        panic!("{effects:?}");
    };
    app.update(Event::Watched(
        id,
        Err(Failure::new("the cluster has no resource `widgets`")),
    ));
    assert!(shown(&app, 80, 24).contains("no resource `widgets`"));
    assert!(matches!(app.screen(), Some(Screen::Table(_))));
}
