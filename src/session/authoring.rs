//! Manifests that the adviser writes: asked for, read, tried, and sent back with what was wrong.

use super::events::{Effect, Order, Stage};
use super::machine::{Origin, Session};
use super::outcome::{Ending, Failure};
use crate::check::Problem;
use crate::plan::wanted::{wanted_kinds, wanted_namespace};
use crate::plan::{Draft, Kind};

/// How often manifests are asked for: once, and twice more with what was wrong.
const DRAFTS: u32 = 3;

/// What to ask where no kind is named and none was chosen.
const WHICH: &str = "which kind of object should it be? name it, as in \"a NetworkPolicy that ...\"";

/// What a request wants written, where it begins with `author`: the way in where nothing but requests can be typed.
pub fn to_author(request: &str) -> Option<&str> {
    let rest = request.trim().strip_prefix("author ")?.trim();
    (!rest.is_empty()).then_some(rest)
}

impl Session {
    /// Asks for what the request wants, once it is known what there is.
    pub(super) fn order(&mut self) -> Vec<Effect> {
        let kinds = wanted_kinds(self.request.words(), &self.snapshot);
        if kinds.iter().any(is_secret) {
            let failure = Failure::new("a Secret is not written by a model: its values would go through it")
                .with_hint("as in: sayso \"create a secret called login with password=...\"");
            return self.decide(Ending::Refused, None, Some(failure));
        }
        self.ask_author(Order {
            kinds,
            namespace: wanted_namespace(self.request.words(), &self.snapshot),
            focus: self.focus.clone(),
            complaint: None,
        })
    }

    fn ask_author(&mut self, order: Order) -> Vec<Effect> {
        self.stage = Stage::Planning;
        self.attempts += 1;
        self.origin = Origin::Drafted(Box::new(order.clone()));
        vec![Effect::Draft(Box::new(order))]
    }

    /// A draft is a plan if it is what was asked for; nothing else of it counts.
    pub(super) fn drafted(&mut self, draft: &Draft) -> Vec<Effect> {
        let Origin::Drafted(order) = &mut self.origin else {
            return self.failed(Failure::new("manifests came that nobody asked for"));
        };
        if draft.wanted.is_empty() {
            return self.decide(Ending::Unclear, Some(WHICH.to_owned()), None);
        }
        order.kinds = draft.wanted.iter().map(|wanted| wanted.kind.clone()).collect();
        order.complaint = Some((draft.text.clone(), String::new()));
        if order.kinds.iter().any(is_secret) {
            let failure = Failure::new("a Secret is not written by a model: its values would go through it");
            return self.decide(Ending::Refused, None, Some(failure));
        }
        match draft.plan(&order.namespace) {
            Ok(plan) => self.settle_on(plan),
            Err(problem) => self.complain(problem),
        }
    }

    /// Sends a draft back that the server would not take. Nothing where nobody could mend it, or nobody wrote it.
    pub(super) fn send_back(&mut self, problem: &Problem) -> Option<Vec<Effect>> {
        // A conflict is about who owns a field, and not about what was written.
        let mendable = match problem {
            Problem::Rejected { code, .. } => *code != 409,
            Problem::Impossible { .. } => true,
            _ => false,
        };
        let drafted = matches!(self.origin, Origin::Drafted(_));
        (mendable && drafted).then(|| self.complain(format!("the server says: {}", problem.message())))
    }

    fn complain(&mut self, problem: String) -> Vec<Effect> {
        let Origin::Drafted(order) = &self.origin else {
            return self.failed(Failure::new(problem));
        };
        if self.attempts < DRAFTS {
            let text = order
                .complaint
                .as_ref()
                .map_or_else(String::new, |(text, _)| text.clone());
            let order = Order {
                complaint: Some((text, problem)),
                ..(**order).clone()
            };
            return self.ask_author(order);
        }
        let failure = Failure::new(format!(
            "the adviser wrote nothing that can be used, {DRAFTS} times; the last one: {problem}"
        ))
        .with_hint("say more exactly what it should be, or use a larger model as the adviser");
        self.decide(Ending::Unclear, None, Some(failure))
    }
}

fn is_secret(kind: &Kind) -> bool {
    kind.is("secret")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Event, Wishes};
    use super::*;
    use crate::check::{Evidence, Policy, StepEvidence};
    use crate::plan::{Snapshot, Wanted};
    use crate::request::Request;

    const GOOD: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}"#;

    fn ordered(words: &str) -> (Session, Vec<Effect>) {
        let request = Request::new(words, None).unwrap();
        let mut session = Session::author(request, Wishes::default(), Policy::default());
        assert_eq!(session.start(), [Effect::Retrieve]);
        let effects = session.handle(Event::Retrieved(Snapshot {
            default_namespace: "shop".to_owned(),
            ..Snapshot::default()
        }));
        (session, effects)
    }

    fn draft(text: &str, kind: &str) -> Event {
        let wanted = Wanted {
            kind: Kind::read(kind).unwrap(),
            api_version: "v1".to_owned(),
            type_name: "ConfigMap".to_owned(),
            namespaced: true,
            schema: json!({"type": "object"}),
            outlines: Vec::new(),
        };
        Event::Drafted(Draft {
            text: text.to_owned(),
            truncated: false,
            wanted: vec![wanted],
        })
    }

    fn tried(problem: Problem) -> Event {
        let step = StepEvidence {
            problem: Some(problem),
            ..StepEvidence::default()
        };
        Event::Gathered(Evidence {
            steps: vec![step],
            ..Evidence::default()
        })
    }

    fn rejected(code: u16) -> Event {
        tried(Problem::Rejected {
            code,
            reason: "Invalid".to_owned(),
            message: "no such thing".to_owned(),
        })
    }

    fn complaint(effects: &[Effect]) -> Option<String> {
        match effects {
            [Effect::Draft(order)] => order.complaint.clone().map(|(_, problem)| problem),
            _ => None,
        }
    }

    fn ending(session: &mut Session, effects: &[Effect]) -> Ending {
        assert!(matches!(effects, [Effect::Record(..)]), "{effects:?}");
        match session.handle(Event::Recorded).as_slice() {
            [Effect::Finish(outcome)] => outcome.ending,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_draft_is_asked_for_three_times_at_the_most() {
        let (mut session, effects) = ordered("write a configmap");
        let [Effect::Draft(order)] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(
            (order.kinds.len(), order.namespace.as_str(), &order.complaint),
            (1, "shop", &None)
        );
        let effects = session.handle(draft("no", "configmap"));
        assert!(complaint(&effects).unwrap().contains("no manifest"));
        assert!(matches!(
            session.handle(draft(GOOD, "configmap")).as_slice(),
            [Effect::Gather(_)]
        ));
        let effects = session.handle(rejected(422));
        assert_eq!(complaint(&effects).unwrap(), "the server says: no such thing");
        session.handle(draft(GOOD, "configmap"));
        let effects = session.handle(rejected(422));
        assert_eq!(ending(&mut session, &effects), Ending::Unclear);
    }

    #[test]
    fn what_no_author_could_mend_ends_it_at_once() {
        let conflict = || rejected(409);
        let forbidden = || {
            tried(Problem::Forbidden {
                message: "no".to_owned(),
            })
        };
        for problem in [conflict(), forbidden()] {
            let (mut session, _) = ordered("write a configmap");
            session.handle(draft(GOOD, "configmap"));
            let effects = session.handle(problem);
            assert_eq!(ending(&mut session, &effects), Ending::Failed);
        }
    }

    #[test]
    fn secrets_and_nothing_in_particular_are_not_written() {
        let (mut session, effects) = ordered("write a secret");
        assert_eq!(ending(&mut session, &effects), Ending::Refused);
        let (mut session, _) = ordered("something");
        let effects = session.handle(draft(GOOD, "secret"));
        assert_eq!(ending(&mut session, &effects), Ending::Refused);
        let (mut session, _) = ordered("something");
        let effects = session.handle(Event::Drafted(Draft::default()));
        assert_eq!(ending(&mut session, &effects), Ending::Unclear);
    }
}
