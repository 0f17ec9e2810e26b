//! The way back from a recorded change, found in the record and walked like any other plan.

use anyhow::{Context as _, bail, ensure};

use crate::audit::{ActionId, AuditLog, Filter, actions, has_redactions};
use crate::check::Policy;
use crate::plan::Plan;
use crate::request::{Request, RequestError};
use crate::session::{Expected, Session, Wishes, is_unsettled, way_back};

/// How to take one recorded change back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// The action.
    pub id: ActionId,
    /// The kubeconfig context that it took place in.
    pub context: String,
    plan: Plan,
    expected: Vec<Expected>,
}

impl Undo {
    /// Finds the action with that id, or its beginning or end, or the last one that changed something.
    ///
    /// # Errors
    ///
    /// There is none; it has no recorded outcome; or it has no way back.
    pub fn find(log: &AuditLog, id: Option<&str>) -> anyhow::Result<Undo> {
        let records = match id {
            Some(id) => log.find(id)?,
            None => log.trusted_records()?.collect::<Result<_, _>>()?,
        };
        let mut found = actions(records, &Filter::default());
        found.retain(|action| action.intent().is_some());
        let action = found.pop().context("there is no recorded change to take back")?;
        let intent = action.intent().context("that action changed nothing")?;
        let outcome = action
            .outcome()
            .context("that action has no recorded outcome; look at the cluster first")?;
        ensure!(
            !is_unsettled(outcome),
            "what became of a step of that action is not known yet; any request asks the cluster, as in `sayso \"list pods\"`"
        );
        let back = way_back(intent, outcome).map_err(anyhow::Error::msg)?;
        let redacted = |step| has_redactions(&serde_json::json!(step));
        if back.steps.iter().any(redacted) {
            bail!("the values of a secret are not kept in the record, so this cannot be taken back");
        }
        Ok(Undo {
            id: action.id,
            context: action.context().to_owned(),
            plan: Plan::new(back.steps).context("nothing of it can be taken back")?,
            expected: back.expected,
        })
    }

    /// Makes sure that it is taken back where it was done.
    ///
    /// # Errors
    ///
    /// It was done in another context.
    pub fn belongs_to(&self, context: &str) -> anyhow::Result<()> {
        ensure!(
            self.context == context,
            "that was done in context `{}`, and this is `{context}`; use --context",
            self.context
        );
        Ok(())
    }

    /// What it is called in the record of itself.
    ///
    /// # Errors
    ///
    /// Never, as ids are no empty words.
    pub fn request(&self) -> Result<Request, RequestError> {
        Request::new(&format!("undo {}", self.id), None)
    }

    /// The session that takes it back, with a review and a record of its own, where the world is still as the action left it.
    pub fn session(self, request: Request, wishes: Wishes, policy: Policy) -> Session {
        Session::with_undo(request, self.plan, self.expected, wishes, policy)
    }
}
