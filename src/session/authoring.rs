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
        let kinds = wanted_kinds(self.request.text(), &self.snapshot);
        if kinds.iter().any(is_secret) {
            let failure = Failure::new("a Secret is not written by a model: its values would go through it")
                .with_hint("as in: sayso \"create a secret called login with password=...\"");
            return self.decide(Ending::Refused, None, Some(failure));
        }
        self.ask_author(Order {
            kinds,
            namespace: wanted_namespace(self.request.text(), &self.snapshot),
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
