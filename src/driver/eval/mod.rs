//! Measuring a planner: requests go the way of a user's request up to the plan; plans are graded by what they do.
//!
//! Planning happens on one shared sandbox that nothing is ever written to. A plan that writes is then done, and so is
//! the one that is right, each on a sandbox of its own (twins: the same seed), and the two are compared.

mod compare;
mod grade;
mod marks;
mod suite;
mod twin;
mod view;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::{Driver, Face, Parts};
use crate::audit::AuditLog;
use crate::check::{Policy, Report};
use crate::llm::{Model, Progress};
use crate::plan::Earlier;
use crate::plan::Snapshot;
use crate::request::Request;
use crate::sandbox::Running;
use crate::session::{Decision, Session, Stage, Wishes};
pub use compare::{Baseline, Difference};
pub use grade::{Grade, Produced};
pub use marks::{Asks, KindMarks, Mark, Marks, SURE, Spread};
pub use suite::{Case, Expectation, Place, Suite, SuiteError};

/// What is told while a suite runs.
#[derive(Debug)]
pub enum News<'a> {
    /// The model is being made ready: what is done to it, how much of it, of how much.
    Preparing(&'a str, u64, u64),
    /// A case has got its mark: its number from 1, and of how many.
    Marked(&'a Mark, usize, usize),
}

/// Asks the model every case of the suite and grades the answers. After `stop`, the cases that were not asked are left
/// out. An error means that the measuring failed, never that a case did.
pub async fn evaluate(
    model: Model,
    suite: &Suite,
    stop: &CancellationToken,
    on_news: &mut (dyn FnMut(News<'_>) + Send),
) -> anyhow::Result<Marks> {
    // Nothing of this happens to the user's clusters, so it does not belong into their record.
    let folder = tempfile::tempdir()?;
    let audit = AuditLog::open(folder.path())?;
    let mut on_progress = |progress: Progress| {
        on_news(News::Preparing(&progress.stage, progress.done, progress.total));
    };
    let warm = model.warm(&mut on_progress);
    tokio::select! {
        warmed = warm => warmed?,
        () = stop.cancelled() => anyhow::bail!("interrupted before the first case"),
    }
    let name = model.identity().await?.name;
    let mut examiner = Examiner {
        model,
        worlds: HashMap::new(),
        grader: grade::Grader::new(audit.clone()),
        audit,
        places: HashMap::new(),
        stop,
    };
    let mut marks = Vec::new();
    for case in &suite.cases {
        let mark = Box::pin(examiner.examine(case)).await?;
        if stop.is_cancelled() {
            break;
        }
        on_news(News::Marked(&mark, marks.len() + 1, suite.cases.len()));
        marks.push(mark);
    }
    for (_, running) in examiner.worlds {
        running.stop().await;
    }
    Ok(Marks::new(name, marks))
}

/// What cases share.
struct Examiner<'a> {
    model: Model,
    audit: AuditLog,
    grader: grade::Grader,
    /// By their manifests.
    worlds: HashMap<Option<PathBuf>, Running>,
    /// Connections, and what is there.
    places: HashMap<Place, (Parts, Snapshot)>,
    stop: &'a CancellationToken,
}

impl Examiner<'_> {
    async fn examine(&mut self, case: &Case) -> anyhow::Result<Mark> {
        self.visit(&case.place).await?;
        let (parts, snapshot) = &self.places[&case.place];
        let wishes = Wishes {
            plan_only: true,
            ..Wishes::default()
        };
        let mut face = Silent;
        let mut earlier = Earlier::default();
        let ask = |text: &str, earlier: &Earlier| {
            let request = Request::new(text, None)?;
            let session = Session::new(request, wishes.clone(), Policy::default());
            anyhow::Ok(session.after(earlier.clone()))
        };
        for text in &case.before {
            let driver = Driver::new(parts, &mut face, "eval".to_owned(), self.stop.clone());
            let receipt = driver.run(ask(text, &earlier)?).await;
            earlier = earlier.then(receipt.outcome.earlier(text));
        }
        let begun = Instant::now();
        let driver = Driver::new(parts, &mut face, "eval".to_owned(), self.stop.clone());
        let receipt = driver.run(ask(&case.request, &earlier)?).await;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let model_ms = receipt.timing.get("plan").copied().unwrap_or_default();
        let usage = receipt.usage;
        let confidence = receipt
            .outcome
            .confidence
            .iter()
            .copied()
            .flatten()
            .reduce(f32::min);
        let produced = Produced::of(receipt);
        let grading = self.grader.grade(&case.expect, &produced, &case.place, snapshot);
        let graded = Box::pin(grading).await;
        let (grade, note) = match graded {
            Ok(grade) => (grade, None),
            Err(error) => (Grade::Error, Some(format!("cannot be graded: {error:#}"))),
        };
        Ok(Mark {
            id: case.id.clone(),
            kind: case.kind.clone(),
            request: case.request.clone(),
            grade,
            expected: case.expect.commands(),
            produced: produced.commands(),
            note,
            confidence,
            writes: matches!(&produced, Produced::Plan(plan) if plan.writes()),
            latency_ms,
            model_ms,
            usage,
            ask: case.expect == Expectation::Ask,
        })
    }

    /// Builds the place's world and connects to it with its namespace as the one that applies, once each.
    async fn visit(&mut self, place: &Place) -> anyhow::Result<()> {
        if self.places.contains_key(place) {
            return Ok(());
        }
        if !self.worlds.contains_key(&place.world) {
            let running = twin::build(place.world.as_deref()).await?;
            self.worlds.insert(place.world.clone(), running);
        }
        let running = &self.worlds[&place.world];
        let namespace = place.namespace.as_deref();
        let parts = twin::parts(running, namespace, self.model.clone(), &self.audit).await?;
        let snapshot = parts.cluster.snapshot().await?;
        self.places.insert(place.clone(), (parts, snapshot));
        Ok(())
    }
}

/// Shows nothing and says no: what is only planned is never reviewed.
struct Silent;

impl Face for Silent {
    fn stage(&mut self, _: Stage, _: &str) {}

    fn progress(&mut self, _: &str, _: u64, _: u64) {}

    fn read(&mut self, _: &str, _: &[String]) {}

    async fn review(&mut self, _: &Report, _: &[Option<f32>]) -> Decision {
        Decision::Nobody
    }
}
