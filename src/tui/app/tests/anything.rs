//! Anything at all, in any order: nothing panics, and nothing says yes by itself.

use proptest::prelude::*;

use super::*;
use crate::driver::cockpit::{Names, ObjectName, Row, Watched};

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
