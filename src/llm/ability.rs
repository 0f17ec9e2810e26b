//! What a server was found to keep to, remembered by address, model and dialect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::dialect::Dialect;
use super::form::Form;
use super::types::Constraint;

/// What came of one form at one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It was asked for what no model would say, and said it.
    Kept,
    /// It took the constraint and did not keep to it.
    Ignored,
    /// It refused the request.
    Refused,
}

/// All findings about one server, as they are kept in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Abilities {
    /// The server, for people who look at the file.
    endpoint: String,
    model: String,
    dialect: String,
    /// Another release asks again.
    sayso: String,
    forms: BTreeMap<Form, Finding>,
    /// Whether the user was told that the server keeps to nothing.
    told: bool,
}

/// The memory of one server. Without a folder it lasts as long as the process.
#[derive(Debug)]
pub(super) struct Memory {
    path: Option<PathBuf>,
    abilities: Mutex<Abilities>,
}

impl Memory {
    /// Opens what is known. A file that cannot be read is as good as none: it is made again.
    pub(super) fn open(folder: Option<&Path>, endpoint: &str, model: &str, dialect: Dialect) -> Memory {
        let fresh = Abilities {
            endpoint: endpoint.to_owned(),
            model: model.to_owned(),
            dialect: dialect.to_string(),
            sayso: env!("CARGO_PKG_VERSION").to_owned(),
            ..Abilities::default()
        };
        let name = hex::encode(&Sha256::digest(format!("{endpoint}\0{model}\0{dialect}"))[..12]);
        let path = folder.map(|folder| folder.join(format!("{name}.json")));
        let known = path
            .as_ref()
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice::<Abilities>(&bytes).ok())
            .filter(|known| {
                (&known.endpoint, &known.model, &known.sayso) == (&fresh.endpoint, &fresh.model, &fresh.sayso)
            });
        Memory {
            path,
            abilities: Mutex::new(known.unwrap_or(fresh)),
        }
    }

    /// Whether what is learned lasts, so that learning pays.
    pub(super) fn lasts(&self) -> bool {
        self.path.is_some()
    }

    /// The forms worth trying, best first: the one that the server keeps to, and what has not failed.
    pub(super) fn forms(&self, dialect: Dialect, constraint: &Constraint) -> Vec<Form> {
        let known = &self.lock().forms;
        let kept = |form: &&Form| known.get(form) == Some(&Finding::Kept);
        let open = |form: &&Form| !known.contains_key(form);
        let all = dialect.forms(constraint);
        let first = all.iter().filter(kept);
        first.chain(all.iter().filter(open)).copied().collect()
    }

    /// Whether there is nothing to learn about this kind of constraint any more.
    pub(super) fn is_settled(&self, dialect: Dialect, constraint: &Constraint) -> bool {
        let known = &self.lock().forms;
        let all = dialect.forms(constraint);
        all.iter().any(|form| known.get(form) == Some(&Finding::Kept))
            || all.iter().all(|form| known.contains_key(form))
    }

    /// Whether the server was found to keep to this form.
    pub(super) fn keeps(&self, form: Form) -> bool {
        self.lock().forms.get(&form) == Some(&Finding::Kept)
    }

    /// Keeps a finding, and writes it down where it lasts.
    pub(super) fn note(&self, form: Form, finding: Finding) {
        self.change(|abilities| {
            abilities.forms.insert(form, finding);
        });
    }

    /// Keeps a refusal for this process alone: it may have been about this one constraint.
    pub(super) fn avoid(&self, form: Form) {
        self.lock().forms.insert(form, Finding::Refused);
    }

    /// Whether the user is still to be told; from now on they are not.
    pub(super) fn tell_once(&self) -> bool {
        let told = self.lock().told;
        if !told {
            self.change(|abilities| abilities.told = true);
        }
        !told
    }

    fn change(&self, change: impl FnOnce(&mut Abilities)) {
        let mut abilities = self.lock();
        change(&mut abilities);
        let Some(path) = &self.path else { return };
        if let Err(error) = write(path, &abilities) {
            tracing::info!("what the model server can do was not written down: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Abilities> {
        self.abilities.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the file beside its place and moves it there, so that nobody reads half of it.
fn write(path: &Path, abilities: &Abilities) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&file, abilities)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let open = |model| Memory::open(Some(folder.path()), "http://here/v1", model, Dialect::Vllm);
        let plan = Constraint::Plan(crate::plan::PlanGrammar::default());
        let first = open("a");
        assert_eq!(
            first.forms(Dialect::Vllm, &plan),
            [Form::Structured, Form::Guided, Form::Lines]
        );
        first.note(Form::Structured, Finding::Ignored);
        assert!(!first.is_settled(Dialect::Vllm, &plan));
        first.note(Form::Guided, Finding::Kept);
        assert!(first.tell_once() && !first.tell_once());
        let again = open("a");
        assert!(again.is_settled(Dialect::Vllm, &plan) && !again.tell_once());
        assert_eq!(again.forms(Dialect::Vllm, &plan), [Form::Guided, Form::Lines]);
        assert_eq!(
            open("b").forms(Dialect::Vllm, &plan).len(),
            3,
            "another model is another server"
        );
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Memory::open(Some(folder.path()), "e", "m", Dialect::OpenAi);
        open().note(Form::Lines, Finding::Kept);
        let file = std::fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        std::fs::write(&file, "{\"forms\":").unwrap();
        let again = open();
        assert!(again.lock().forms.is_empty());
        again.note(Form::Schema, Finding::Refused);
        assert_eq!(open().lock().forms.len(), 1);
    }
}
