//! The adviser: a model that explains, from passages and objects that it is given, within a budget.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use super::connect::model_of;
use super::face::{Usage, model_failure};
use crate::audit::redact;
use crate::check::{Inverse, Report};
use crate::config::{AdviceLimits, Config};
use crate::llm::advice::{AdviserPrompt, adviser};
use crate::llm::{Constraint, Model, ModelReply, ModelRequest};
use crate::session::{Failure, Passage};

/// What is asked of a plan that waits for a yes.
const OF_A_PLAN: &str = "What does this plan do, step by step, what could go wrong with it, and how is it taken back? Explain it to the person who is about to approve it.";
/// Lines of a step's diff that an explanation sees.
const DIFF_LINES: usize = 120;

/// A model that explains.
#[derive(Debug, Clone)]
pub struct Adviser {
    model: Model,
    limits: AdviceLimits,
}

/// An explanation, in the words of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The words. Whoever shows them says whose they are.
    pub text: String,
    /// The model's name.
    pub model: String,
    /// What it took.
    pub usage: Usage,
    /// What it was allowed to take, in tokens.
    pub budget: u32,
    /// What was left out of its material for want of room.
    pub dropped: Vec<String>,
    /// Whether the words end in the middle.
    pub truncated: bool,
}

impl Advice {
    /// Whose words these are, in front of them.
    pub fn whose(model: &str) -> String {
        format!("In the words of the model `{model}`, which may be wrong:")
    }

    /// What it took and what it did not see, behind them.
    pub fn footing(&self) -> String {
        let taken = self
            .usage
            .prompt_tokens
            .saturating_add(self.usage.completion_tokens);
        let mut text = format!("{taken} of {} tokens", self.budget);
        if taken > self.budget {
            text.push_str(" (the server counts more than it was asked for)");
        }
        if self.truncated {
            text.push_str("; cut off at its limit");
        }
        if !self.dropped.is_empty() {
            let _ = write!(text, "; not seen for want of room: {}", self.dropped.join(", "));
        }
        text
    }
}

impl Adviser {
    /// The adviser that was configured, if one was.
    pub fn configured(config: &Config) -> anyhow::Result<Option<Adviser>> {
        let model = config.adviser.as_ref().map(|choice| model_of(config, choice));
        Ok(model.transpose()?.map(|model| Adviser::new(model, config.advice)))
    }

    /// One that asks this model.
    pub fn new(model: Model, limits: AdviceLimits) -> Adviser {
        Adviser { model, limits }
    }

    /// The model, and what one request may take of it.
    pub(super) fn parts(&self) -> (Model, AdviceLimits) {
        (self.model.clone(), self.limits)
    }

    /// The model's name.
    pub async fn name(&self) -> String {
        self.model
            .identity()
            .await
            .map_or_else(|_| "adviser".to_owned(), |identity| identity.name)
    }

    /// Explains a plan that waits for a yes.
    pub async fn review(
        &self,
        report: &Report,
        passages: &[Passage],
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Advice, Failure> {
        self.answer(OF_A_PLAN, &plan_text(report), passages, on_text)
            .await
    }

    /// Answers a question about objects that were read or piped in, which may be none, from passages. `on_text` sees the words
    /// as they come.
    pub async fn answer(
        &self,
        question: &str,
        objects: &str,
        passages: &[Passage],
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Advice, Failure> {
        let texts = [question, objects];
        let cleaned = without_secrets(
            texts
                .into_iter()
                .chain(passages.iter().map(|passage| &*passage.text)),
        );
        let passages: Vec<Passage> = passages
            .iter()
            .zip(&cleaned[texts.len()..])
            .map(|(passage, text)| Passage {
                text: text.clone(),
                ..passage.clone()
            })
            .collect();
        let prompt = adviser(
            &cleaned[0],
            &cleaned[1],
            &passages,
            self.limits.context.min(self.limits.tokens),
        );
        let patience = Duration::from_secs(self.limits.seconds);
        let name = self.name().await;
        match timeout(patience, self.ask(&prompt, on_text)).await {
            Ok(Ok(reply)) if reply.text.trim().is_empty() => {
                Err(Failure::new(format!("`{name}` said nothing")))
            }
            Ok(Ok(reply)) => Ok(Advice {
                text: reply.text,
                model: name,
                usage: reply.usage.into(),
                budget: self.limits.tokens,
                dropped: prompt.dropped,
                truncated: reply.truncated,
            }),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(
                Failure::new(format!("`{name}` was not done within {} s", patience.as_secs()))
                    .with_hint("`seconds` in `[advice]` of config.toml gives it longer"),
            ),
        }
    }

    async fn ask(
        &self,
        prompt: &AdviserPrompt,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, Failure> {
        let request = ModelRequest {
            messages: prompt.messages.clone(),
            constraint: Constraint::None,
            max_tokens: prompt.max_tokens,
            temperature: 0.0,
            best_of: 1,
        };
        let reply = self.model.complete(request, on_text).await;
        reply.map_err(|error| model_failure(&error))
    }
}

/// A plan as the review shows it: commands, reasons, differences and the way back.
fn plan_text(report: &Report) -> String {
    let mut text = String::new();
    for (index, step) in report.steps.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", index + 1, step.step.by_hand());
        for reason in &step.reasons {
            let _ = writeln!(text, "   note: {}", reason.text);
        }
        for inverse in &step.inverse {
            let _ = match inverse {
                Inverse::Step(step) => writeln!(text, "   to take it back: {}", step.by_hand()),
                Inverse::None(reason) => writeln!(text, "   no way back: {reason}"),
            };
        }
        for line in step.diff.lines().take(DIFF_LINES) {
            let _ = writeln!(text, "   {line}");
        }
    }
    text
}

/// The same texts without secret values, as the audit log would have them: found in one, they go from all.
pub(super) fn without_secrets<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all = Value::from_iter(texts);
    redact(&mut all);
    let cleaned = all.as_array().into_iter().flatten();
    cleaned
        .map(|text| text.as_str().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::{Scripted, ScriptedReply};
    use crate::session::Origin;

    const LIMITS: AdviceLimits = AdviceLimits {
        context: 4_096,
        tokens: 4_096,
        seconds: 60,
    };

    fn passage(text: &str) -> Passage {
        Passage {
            id: "user/notes#a".to_owned(),
            title: "Notes".to_owned(),
            heading: "A".to_owned(),
            text: text.to_owned(),
            origin: Origin::User,
            source: "/notes.md".to_owned(),
            version: "1".to_owned(),
        }
    }

    #[tokio::test]
    async fn words_come_as_they_are_written_and_are_counted() {
        let reply = ModelReply {
            text: "It is a kill [1].".to_owned(),
            usage: crate::llm::Usage {
                prompt_tokens: u32::MAX,
                completion_tokens: 7,
            },
            ..ModelReply::default()
        };
        let script = Scripted::new([ScriptedReply::Reply(reply)]);
        let adviser = Adviser::new(Model::Scripted(script.clone()), LIMITS);
        let mut shown = String::new();
        let advice = adviser
            .answer("what is 137?", "", &[passage("137 is a kill")], &mut |text| {
                shown.push_str(text);
            })
            .await
            .unwrap();
        assert_eq!(
            (advice.text.as_str(), shown.as_str()),
            ("It is a kill [1].", "It is a kill [1].")
        );
        assert!(
            advice.footing().contains("counts more than it was asked for"),
            "{}",
            advice.footing()
        );
        let asked = &script.requests()[0];
        assert!(asked.max_tokens <= 1_024 && asked.messages[1].content.contains("| 137 is a kill"));
    }

    #[tokio::test]
    async fn secrets_reach_no_prompt() {
        let script = Scripted::new(["ok"]);
        let adviser = Adviser::new(Model::Scripted(script.clone()), LIMITS);
        let manifest = "apiVersion: v1\nkind: Secret\nstringData:\n  password: canary-in-a-manifest\n";
        let question = "explain create secret generic login --from-literal=password=canary-in-a-flag please";
        let passages = [passage(manifest), passage("we use canary-in-a-flag everywhere")];
        adviser
            .answer(question, "", &passages, &mut |_| {})
            .await
            .unwrap();
        let sent = format!("{:?}", script.requests());
        assert!(
            !sent.contains("canary-in-a-manifest") && !sent.contains("canary-in-a-flag"),
            "{sent}"
        );
        assert!(sent.contains("<redacted"), "{sent}");
    }

    #[tokio::test]
    async fn it_is_waited_for_no_longer_than_allowed() {
        let none = AdviceLimits { seconds: 0, ..LIMITS };
        let adviser = Adviser::new(Model::Scripted(Scripted::new([ScriptedReply::Hang])), none);
        let failure = adviser.answer("why?", "", &[], &mut |_| {}).await.unwrap_err();
        assert_eq!(failure.message, "`scripted` was not done within 0 s");
        assert!(failure.hint.unwrap().contains("`seconds`"));
        let silent = Adviser::new(Model::Scripted(Scripted::new([" "])), LIMITS);
        assert_eq!(
            silent
                .answer("why?", "", &[], &mut |_| {})
                .await
                .unwrap_err()
                .message,
            "`scripted` said nothing"
        );
    }
}
