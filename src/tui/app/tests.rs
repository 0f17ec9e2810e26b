//! The app put through things, without a terminal, a clock or a cluster.

mod anything;
mod tables;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::event::{Effect, Event, News};
use super::review::Mode;
use super::{App, Settings};
use crate::check::{Evidence, Policy, Report, report};
use crate::config::TuiConfig;
use crate::driver::cockpit::{Place, Start};
use crate::driver::{Advice, Receipt, Usage};
use crate::plan::{Proposal, parse};
use crate::session::{Decision, Ending, Outcome, Stage};
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
fn a_request_goes_with_what_was_asked_before_it() {
    let mut app = app();
    press(&mut app, "scale web to 5\n");
    app.update(receipt(Ending::Answered));
    let effects = press(&mut app, "restart it\n");
    assert!(
        matches!(&effects[..], [Effect::Run(request, Start::After(earlier))]
            if request.text() == "restart it" && earlier.words == "scale web to 5"),
        "{effects:?}"
    );
    app.update(receipt(Ending::Answered));
    assert_eq!(press(&mut app, "undo that\n"), [Effect::WayBack(None)]);
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
