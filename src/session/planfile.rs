//! A plan as a file: made by one person, checked again and applied by another, or in CI.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::check::{Bound, Report};
use crate::plan::{Plan, Step};
use crate::sign;

/// What the first line of a file says it is.
pub const VERSION: &str = "plan/v1";
/// A file longer than this many bytes is not read.
pub const MAX_FILE: usize = 1024 * 1024;

/// Why a plan file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is no plan file.
    #[error("this is no plan file: {0}")]
    Malformed(String),
    /// It was made by a version that writes something else.
    #[error("this plan file is of the kind `{0}`, and `{VERSION}` is the one that sayso reads")]
    Version(String),
    /// It is not what was written.
    #[error("the plan file was altered after it was made")]
    Altered,
    /// Its time is over, or has not come.
    #[error("the plan was good until {0}")]
    Expired(Timestamp),
    /// A signature in it does not count.
    #[error("the approval of {by} does not count: {why}")]
    Signature {
        /// Whose it claims to be.
        by: String,
        /// Why not.
        why: String,
    },
}

impl PlanFileError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            PlanFileError::Signature { .. } => "take that approval out of the file, or have it signed again",
            _ => "make it again with `sayso plan REQUEST -f FILE`",
        }
    }
}

/// One more person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Who, as they call themselves. The key counts, not the name.
    pub by: String,
    /// When, by their clock.
    pub at: Timestamp,
    /// Their public key.
    pub key: String,
    /// Over [`PlanFile::message`], in OpenSSH's format.
    pub signature: String,
}

/// A plan file, in the order in which it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`VERSION`].
    pub sayso: String,
    /// Tells plan files apart: each is applied once.
    pub id: String,
    /// The words that it was made from.
    pub request: String,
    /// Who made it.
    pub author: String,
    /// When the cluster was looked at.
    pub created: Timestamp,
    /// Until when it may be applied.
    pub expires: Timestamp,
    /// Name of the context where it was made; others may call it something else.
    pub context: String,
    /// UID of `kube-system`: which cluster it is for.
    pub cluster: Option<String>,
    /// The commands.
    pub steps: Vec<String>,
    /// What they touch, as it was.
    pub targets: Vec<Bound>,
    /// [`Report::substance`] of the review.
    pub digest: String,
    /// SHA-256 over everything above.
    pub seal: String,
    /// Approvals by others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Signed>,
}

impl PlanFile {
    /// A file for a plan that was checked. Nothing where the report was made without a cluster.
    pub fn new(
        id: String,
        request: &str,
        author: &str,
        report: &Report,
        expires: Timestamp,
    ) -> Option<PlanFile> {
        let mut file = PlanFile {
            sayso: VERSION.to_owned(),
            id,
            request: request.to_owned(),
            author: author.to_owned(),
            created: report.place.at?,
            expires,
            context: report.place.context.clone(),
            cluster: report.place.cluster.clone(),
            steps: report.steps.iter().map(|step| step.step.by_hand()).collect(),
            targets: report.place.targets.clone(),
            digest: report.substance.clone(),
            seal: String::new(),
            approvals: Vec::new(),
        };
        file.seal = file.compute_seal();
        Some(file)
    }

    /// Reads one, and checks that it is what was written.
    pub fn read(text: &str) -> Result<PlanFile, PlanFileError> {
        if text.len() > MAX_FILE {
            return Err(PlanFileError::Malformed(format!(
                "it is longer than {MAX_FILE} bytes"
            )));
        }
        let file: PlanFile = serde_saphyr::from_str(text).map_err(|error| {
            let words = error.to_string();
            PlanFileError::Malformed(words.lines().next().unwrap_or_default().to_owned())
        })?;
        if file.sayso != VERSION {
            return Err(PlanFileError::Version(file.sayso));
        }
        if file.seal != file.compute_seal() {
            return Err(PlanFileError::Altered);
        }
        Ok(file)
    }

    /// The file's text.
    pub fn write(&self) -> Result<String, PlanFileError> {
        let body =
            serde_saphyr::to_string(self).map_err(|error| PlanFileError::Malformed(error.to_string()))?;
        Ok(format!(
            "# A plan of sayso. `sayso apply FILE` checks it against the cluster again, shows it, and asks.\n{body}"
        ))
    }

    /// Its steps, typed.
    pub fn plan(&self) -> Result<Plan, PlanFileError> {
        let malformed = |error: crate::plan::ParseError| PlanFileError::Malformed(error.to_string());
        let steps = self.steps.iter().map(|line| {
            let line = line
                .strip_prefix("kubectl sayso ")
                .or(line.strip_prefix("kubectl "))
                .unwrap_or(line);
            line.parse::<Step>()
        });
        let steps = steps.collect::<Result<Vec<_>, _>>().map_err(malformed)?;
        Plan::new(steps).map_err(malformed)
    }

    /// Whether its time is now.
    pub fn check_time(&self, now: Timestamp) -> Result<(), PlanFileError> {
        let slack = jiff::SignedDuration::from_mins(5);
        let early = self
            .created
            .checked_sub(slack)
            .is_ok_and(|earliest| now < earliest);
        if now > self.expires || early {
            return Err(PlanFileError::Expired(self.expires));
        }
        Ok(())
    }

    /// What an approver signs.
    pub fn message(&self) -> Vec<u8> {
        format!("sayso-plan-v1\n{}\n", self.seal).into_bytes()
    }

    /// Who approved it besides whoever applies it: each of `trusted` keys counts once, `own` not at all.
    ///
    /// # Errors
    ///
    /// An approval in the file that does not count: it is told rather than passed over.
    pub fn signers(&self, trusted: &[String], own: Option<&str>) -> Result<Vec<String>, PlanFileError> {
        let mut keys: Vec<&String> = Vec::new();
        for approval in &self.approvals {
            let wrong = |why: String| PlanFileError::Signature {
                by: approval.by.clone(),
                why,
            };
            sign::verify(&approval.key, sign::PLAN, &self.message(), &approval.signature)
                .map_err(|error| wrong(error.to_string()))?;
            let known = trusted.iter().find(|key| sign::is_same_key(key, &approval.key));
            let Some(known) = known else {
                return Err(wrong("policy does not name its key".to_owned()));
            };
            let is_own = own.is_some_and(|own| sign::is_same_key(own, known));
            if !is_own && !keys.iter().any(|key| sign::is_same_key(key, known)) {
                keys.push(known);
            }
        }
        Ok(keys.into_iter().map(|key| sign::owner(key)).collect())
    }

    /// What is not as it was when the plan was made: one clause each, none where it may be applied.
    pub fn moved(&self, report: &Report) -> Vec<String> {
        if self.cluster != report.place.cluster
            || (self.cluster.is_none() && self.context != report.place.context)
        {
            return vec![format!(
                "it was made for another cluster (context {})",
                self.context
            )];
        }
        if self.digest == report.substance {
            return Vec::new();
        }
        let now = &report.place.targets;
        let mut moved: Vec<String> = Vec::new();
        for was in &self.targets {
            match now.iter().find(|target| target.object == was.object) {
                None => moved.push(format!("{} is no longer touched by it", was.object)),
                Some(is) if is.is_same(was) => {}
                Some(is) if is.uid != was.uid => moved.push(format!("{} is not the same object", was.object)),
                Some(_) => moved.push(format!("{} changed", was.object)),
            }
        }
        let new = now
            .iter()
            .filter(|is| self.targets.iter().all(|was| was.object != is.object));
        moved.extend(new.map(|is| format!("{} would be touched too", is.object)));
        if moved.is_empty() {
            moved.push("it would send something else than what was reviewed".to_owned());
        }
        moved.dedup();
        moved
    }

    fn compute_seal(&self) -> String {
        let sealed = (
            (&self.sayso, &self.id, &self.request, &self.author),
            (&self.created, &self.expires, &self.context, &self.cluster),
            (&self.steps, &self.targets, &self.digest),
        );
        // Plain structs of strings: writing them as JSON cannot fail.
        hex::encode(Sha256::digest(serde_json::to_vec(&sealed).unwrap_or_default()))
    }
}
