//! The app put through things, without a terminal, a clock or a cluster.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::event::{Effect, Event, News};
use super::review::Mode;
use super::{App, Screen, Settings};
use crate::check::{Evidence, Policy, Report, report};
use crate::config::TuiConfig;
use crate::driver::cockpit::{Column, Names, ObjectName, Place, Row, Start, Watched};
use crate::driver::{Advice, Receipt, Usage};
use crate::plan::{Proposal, parse};
use crate::session::{Decision, Ending, Failure, Outcome, Stage};
use crate::tui::view;

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn app() -> App {
    let settings: Settings = crate::tui::settings(&TuiConfig::default(), false).unwrap();
    let place = Place {
        context: "dev".into(),
        namespace: "shop".into(),
        model: "scripted".into(),
        ..Place::default()
    };
    App::new(settings, place, (80, 24), START).0
}

fn key(code: KeyCode, held: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, held))
}

fn press(app: &mut App, text: &str) -> Vec<Effect> {
    let each = text.chars().flat_map(|c| {
        let code = if c == '\n' {
            KeyCode::Enter
        } else {
            KeyCode::Char(c)
        };
        app.update(key(code, KeyModifiers::NONE))
    });
    each.collect()
}

fn hit(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(key(code, KeyModifiers::NONE))
}

fn judged(plan: &str) -> Report {
    let Ok(Proposal::Plan(plan)) = parse(plan) else {
        panic!("no plan: {plan}");
    };
    let mut judged = report(&plan, &Evidence::default(), &Policy::default());
    // What policy asks for is told by what was found out, and here nothing was.
    judged.names = ["orders", "shop"]
        .iter()
        .filter(|name| plan.to_string().contains(**name))
        .map(|name| (*name).to_owned())
        .collect();
    judged
}

fn review(app: &mut App, plan: &str) {
    app.update(Event::Under(News::Review(
        Box::new(judged(plan)),
        vec![Some(0.9)],
    )));
}

fn wait(app: &mut App, milliseconds: i64) {
    let now = app.now + SignedDuration::from_millis(milliseconds);
    app.update(Event::Tick(now));
}

/// Draws, and lets a second pass.
fn look(app: &mut App) {
    app.update(Event::Drawn(app.now));
    wait(app, 1000);
}

/// An app with a review on its screen whose keys count.
fn reviewing(plan: &str) -> App {
    let mut app = app();
    press(&mut app, "do it\n");
    review(&mut app, plan);
    look(&mut app);
    app
}

fn receipt(ending: Ending) -> Event {
    Event::Over(Box::new(Receipt {
        outcome: Outcome {
            ending,
            failure: None,
            ..Outcome::nothing()
        },
        action: None,
        unrecorded: None,
        notices: Vec::new(),
        timing: BTreeMap::new(),
        device: None,
        advice: None,
        usage: Usage::default(),
    }))
}

fn decisions(effects: &[Effect]) -> Vec<&Decision> {
    let decided = effects.iter().filter_map(|effect| match effect {
        Effect::Decide(decision) => Some(decision),
        _ => None,
    });
    decided.collect()
}

fn is_yes(decision: &Decision) -> bool {
    matches!(decision, Decision::Approve { .. } | Decision::ApproveNamed { .. })
}

fn shown(app: &App, width: u16, height: u16) -> String {
    let mut app = app.clone();
    app.update(Event::Resize(width, height));
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(&app, frame)).unwrap();
    terminal.backend().to_string()
}

const SCALE: &str = "scale deployment/web --replicas=5";

// ----- the review

#[test]
fn a_yes_is_for_the_report_that_is_shown() {
    let mut app = reviewing(SCALE);
    let effects = press(&mut app, "a");
    let digest = judged(SCALE).digest;
    assert!(matches!(decisions(&effects)[..], [Decision::Approve { digest: shown, .. }] if *shown == digest));
    assert!(app.talk.run.as_ref().unwrap().review.is_none());
    assert!(decisions(&press(&mut app, "aaa")).is_empty());
}

#[test]
fn keys_that_were_pressed_before_the_review_appeared_do_not_count() {
    let mut app = app();
    press(&mut app, "do it\n");
    review(&mut app, SCALE);
    assert!(
        decisions(&press(&mut app, "aa")).is_empty(),
        "before it was drawn"
    );
    wait(&mut app, 5000);
    assert!(
        decisions(&press(&mut app, "a")).is_empty(),
        "it is still not drawn"
    );
    app.update(Event::Drawn(app.now));
    for _ in 0..20 {
        wait(&mut app, 100);
        assert!(
            decisions(&press(&mut app, "a")).is_empty(),
            "the keyboard is not quiet"
        );
    }
    wait(&mut app, 500);
    assert_eq!(decisions(&press(&mut app, "a")).len(), 1);
}

#[test]
fn a_review_behind_another_screen_has_to_be_looked_at_again() {
    let mut app = reviewing(SCALE);
    hit(&mut app, KeyCode::Tab);
    assert!(!app.talking);
    assert!(decisions(&press(&mut app, "a")).is_empty());
    wait(&mut app, 1000);
    app.talking = true;
    assert!(decisions(&press(&mut app, "a")).is_empty());
    look(&mut app);
    assert_eq!(decisions(&press(&mut app, "a")).len(), 1);
}

#[test]
fn a_rejection_carries_its_reason() {
    let mut app = reviewing(SCALE);
    assert!(press(&mut app, "r").is_empty());
    let effects = press(&mut app, "too early, a\n");
    let reason = Some("too early, a".to_owned());
    assert_eq!(decisions(&effects), [&Decision::Reject { reason }]);
}

#[test]
fn a_step_that_is_taken_out_leads_to_another_review_not_to_a_yes() {
    let mut app = reviewing("scale deployment/web --replicas=5\nrollout restart deployment/api");
    hit(&mut app, KeyCode::Down);
    press(&mut app, " ");
    let effects = press(&mut app, "a");
    let [Decision::Edit(plan)] = decisions(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(plan.to_string(), SCALE);
}

#[test]
fn with_every_step_taken_out_there_is_nothing_to_say_yes_to() {
    let mut app = reviewing("scale deployment/web --replicas=5\nrollout restart deployment/api");
    press(&mut app, " ");
    hit(&mut app, KeyCode::Down);
    press(&mut app, " ");
    assert!(decisions(&press(&mut app, "a")).is_empty());
    press(&mut app, " ");
    assert_eq!(decisions(&press(&mut app, "a")).len(), 1);
}

#[test]
fn an_edited_plan_is_checked_again_and_a_wrong_one_is_told() {
    let mut app = reviewing(SCALE);
    press(&mut app, "e");
    hit(&mut app, KeyCode::Backspace);
    assert!(decisions(&press(&mut app, "x\n")).is_empty());
    assert!(shown(&app, 80, 24).contains("--replicas"), "the problem is shown");
    assert!(matches!(
        &app.talk.run.as_ref().unwrap().review.as_ref().unwrap().mode,
        Mode::Editing(_, Some(_))
    ));
    hit(&mut app, KeyCode::Backspace);
    let effects = press(&mut app, "4\n");
    let [Decision::Edit(plan)] = decisions(&effects)[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(plan.to_string(), "scale deployment/web --replicas=4");
}

#[test]
fn data_goes_only_when_its_name_was_typed() {
    let mut app = reviewing("delete persistentvolumeclaim/orders pod/web-1");
    assert!(decisions(&press(&mut app, "a")).is_empty());
    assert!(decisions(&press(&mut app, "order\n")).is_empty());
    assert!(decisions(&press(&mut app, "\n")).is_empty());
    app.update(Event::Paste("orders".into()));
    assert!(
        decisions(&press(&mut app, "\n")).is_empty(),
        "a paste types nothing here"
    );
    let effects = press(&mut app, "orders\n");
    assert!(is_yes(decisions(&effects)[0]));
}

#[test]
fn esc_gives_the_request_up_and_brings_it_back() {
    let mut app = reviewing(SCALE);
    assert_eq!(hit(&mut app, KeyCode::Esc), [Effect::Cancel]);
    app.update(receipt(Ending::Interrupted));
    assert_eq!(app.talk.text(), "do it");
}

// ----- the conversation

#[test]
fn one_request_at_a_time_and_what_is_typed_meanwhile_stays() {
    let mut app = app();
    assert!(matches!(press(&mut app, "one\n")[..], [Effect::Run(..)]));
    assert!(press(&mut app, "two\n").is_empty());
    assert_eq!(app.talk.text(), "two");
    app.update(receipt(Ending::Answered));
    assert!(matches!(press(&mut app, "\n")[..], [Effect::Run(..)]));
}

#[test]
fn mentions_and_kubectl_lines_become_requests() {
    let mut app = app();
    let effects = press(&mut app, "why is @pod/web-1 failing\n");
    assert!(
        matches!(&effects[..], [Effect::Run(request, Start::Words)] if request.text() == "why is pod/web-1 failing")
    );
    app.update(receipt(Ending::Answered));
    let effects = press(&mut app, "kubectl scale deployment/web --replicas=2\n");
    assert!(matches!(&effects[..], [Effect::Run(_, Start::Plan(plan))] if plan.writes()));
    app.update(receipt(Ending::Refused));
    assert!(press(&mut app, "kubectl dance\n").is_empty());
    assert!(app.remark.is_some());
}

#[test]
fn leaving_waits_for_the_request_in_hand() {
    let mut app = app();
    press(&mut app, "one\n");
    app.update(Event::Under(News::Stage(Stage::Applying, SCALE.into())));
    assert_eq!(app.update(Event::Terminate), [Effect::Cancel]);
    assert_eq!(app.update(receipt(Ending::Interrupted)), [Effect::Quit]);
}

#[test]
fn ctrl_c_stops_then_empties_then_leaves() {
    let mut app = app();
    let control = |app: &mut App| app.update(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
    press(&mut app, "one\n");
    assert_eq!(control(&mut app), [Effect::Cancel]);
    app.update(receipt(Ending::Interrupted));
    assert_eq!(app.talk.text(), "one");
    assert!(control(&mut app).is_empty() && app.talk.is_empty());
    assert!(control(&mut app).is_empty());
    assert_eq!(control(&mut app), [Effect::Quit]);
}

#[test]
fn what_the_planner_runs_on_and_its_pace_stay_in_sight() {
    let mut app = app();
    press(&mut app, "one\n");
    let Event::Over(mut told) = receipt(Ending::Answered) else {
        panic!("a receipt")
    };
    told.timing.insert("plan", 2_000);
    told.usage.completion_tokens = 26;
    told.device = Some("cpu".into());
    // What an adviser wrote is in the sum, and in no pace of the planner's.
    let advised = Usage {
        completion_tokens: 400,
        ..Usage::default()
    };
    told.usage.completion_tokens += advised.completion_tokens;
    told.advice = Some(Advice {
        text: "so".into(),
        model: "scripted".into(),
        usage: advised,
        budget: 1,
        dropped: Vec::new(),
        truncated: false,
    });
    app.update(Event::Over(told));
    assert_eq!(app.pace.as_deref(), Some(" on cpu, 13 tokens/s"));
    press(&mut app, "two\n");
    app.update(receipt(Ending::Answered));
    assert!(app.pace.is_some());
}

// ----- the cluster

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

// ----- anything at all

#[derive(Clone, Debug)]
enum Deed {
    Key(KeyCode, KeyModifiers),
    Resize(u16, u16),
    Paste(String),
    Wait(i64),
    Draw,
    Review(usize),
    Read,
    Over,
    Rows(u64),
    Names,
    Line(u64),
}

const PLANS: &[&str] = &[
    SCALE,
    "scale deployment/web --replicas=5\nrollout restart deployment/api\ndelete pod/web-1",
    "delete namespace/shop",
];

fn deed() -> impl Strategy<Value = Deed> {
    let keys = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(1),
    ]);
    let letters = prop::sample::select("aaerxc :/?ijkgGdylpsowNAO0unw@-日🦀".chars().collect::<Vec<_>>());
    let held = prop::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::CONTROL,
        KeyModifiers::ALT,
    ]);
    prop_oneof![
        6 => (letters, held.clone()).prop_map(|(c, held)| Deed::Key(KeyCode::Char(c), held)),
        4 => (keys, held).prop_map(|(code, held)| Deed::Key(code, held)),
        1 => (0_u16..140, 0_u16..50).prop_map(|(width, height)| Deed::Resize(width, height)),
        1 => "\\PC{0,12}".prop_map(Deed::Paste),
        2 => (0_i64..900).prop_map(Deed::Wait),
        3 => Just(Deed::Draw),
        1 => (0..PLANS.len()).prop_map(Deed::Review),
        1 => Just(Deed::Read),
        1 => Just(Deed::Over),
        1 => (1_u64..8).prop_map(Deed::Rows),
        1 => Just(Deed::Names),
        1 => (1_u64..8).prop_map(Deed::Line),
    ]
}

/// What a yes takes, kept by somebody who does not trust the app.
#[derive(Default)]
struct Watchman {
    plan: Option<usize>,
    quiet_since: Option<Timestamp>,
    may: bool,
}

impl Watchman {
    /// Notes what has happened: keys count once the review was on the screen and 400 ms went by without one.
    fn note(&mut self, app: &App, was_draw: bool, was_key: bool) {
        if !app.review_is_visible() {
            (self.quiet_since, self.may) = (None, false);
        } else if was_draw {
            self.quiet_since.get_or_insert(app.now);
        } else if was_key && !self.may {
            self.quiet_since = self.quiet_since.map(|_| app.now);
        }
        let quiet = self
            .quiet_since
            .map(|since| app.now.duration_since(since).as_millis());
        self.may |= quiet.is_some_and(|quiet| quiet >= 400);
    }
}

fn event(deed: Deed, now: Timestamp, plan: &mut Option<usize>) -> Event {
    match deed {
        Deed::Key(code, held) => key(code, held),
        Deed::Resize(width, height) => Event::Resize(width, height),
        Deed::Paste(text) => Event::Paste(text),
        Deed::Wait(milliseconds) => Event::Tick(now + SignedDuration::from_millis(milliseconds)),
        Deed::Draw => Event::Drawn(now),
        Deed::Review(index) => {
            *plan = Some(index);
            Event::Under(News::Review(Box::new(judged(PLANS[index])), Vec::new()))
        }
        Deed::Read => Event::Under(News::Read(
            "NAME   READY\nweb    1/2\n".repeat(40),
            vec!["a note".into()],
        )),
        Deed::Over => receipt(Ending::Done),
        Deed::Rows(id) => Event::Watched(
            id,
            Ok(Watched::Changed {
                rows: vec![Row {
                    namespace: "shop".into(),
                    name: format!("row-{id}"),
                    cells: vec!["日本".into(); 3],
                    since: String::new(),
                    labels: Vec::new(),
                }],
                gone: Vec::new(),
            }),
        ),
        Deed::Names => Event::Names(Ok(Names {
            namespaces: vec!["shop".into()],
            kinds: vec!["pods".into()],
            objects: vec![ObjectName {
                kind: "pod".into(),
                namespace: "shop".into(),
                name: "a".into(),
            }],
        })),
        Deed::Line(id) => Event::Logged(id, Some(Ok(vec!["ERROR x".repeat(40), "日本語".repeat(30)]))),
    }
}

/// Lets everything happen in turn; fails on a yes that nobody said, and on whatever panics.
fn survive(deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let mut app = app();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut watchman = Watchman::default();
    for (index, deed) in deeds.into_iter().enumerate() {
        let is_draw = matches!(deed, Deed::Draw);
        let is_review = matches!(deed, Deed::Review(_));
        let pressed = match deed {
            Deed::Key(code, held) => Some((code, held)),
            _ => None,
        };
        if let Deed::Resize(width, height) = deed {
            terminal.backend_mut().resize(width, height);
        }
        if is_draw && index % 2 == 0 {
            terminal.draw(|frame| view::draw(&app, frame)).unwrap();
        }
        let (may, plan) = (watchman.may, watchman.plan);
        let effects = app.update(event(deed, app.now, &mut watchman.plan));
        for decision in decisions(&effects) {
            let (Decision::Approve { digest, .. } | Decision::ApproveNamed { digest, .. }) = decision else {
                continue;
            };
            let plan = plan.unwrap();
            prop_assert_eq!(digest, &judged(PLANS[plan]).digest);
            let meant = match pressed {
                Some((KeyCode::Char('a'), KeyModifiers::NONE)) => plan != 2,
                // A name was typed key by key.
                Some((KeyCode::Enter, _)) => plan == 2,
                _ => false,
            };
            prop_assert!(meant && may, "yes by {pressed:?} to plan {plan}, quiet: {may}");
        }
        if is_review {
            (watchman.quiet_since, watchman.may) = (None, false);
        }
        watchman.note(&app, is_draw, pressed.is_some());
    }
    terminal.draw(|frame| view::draw(&app, frame)).unwrap();
    Ok(())
}

/// `SAYSO_FUZZ` says how many sequences are tried; without it four thousand, or fewer where the code is not optimised.
fn sequences() -> u32 {
    #[allow(clippy::disallowed_methods, reason = "a test has no other way to be told")]
    let wanted = std::env::var("SAYSO_FUZZ")
        .ok()
        .and_then(|count| count.parse().ok());
    wanted.unwrap_or(if cfg!(debug_assertions) { 500 } else { 4000 })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sequences(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_panics_or_says_yes_by_itself(deeds in prop::collection::vec(deed(), 0..50)) {
        survive(deeds)?;
    }
}
