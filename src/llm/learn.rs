//! Finding out what a server keeps to: it is asked about the sea, and held to an answer that nobody would give.

use serde_json::json;

use super::ability::Finding;
use super::endpoint::Endpoint;
use super::error::LlmError;
use super::form::{Form, unwrap};
use super::types::{Constraint, Message, ModelRequest, Progress, Role};
use crate::plan::PlanGrammar;

/// What is asked.
const QUESTION: &str = "Write one short sentence about the sea.";
/// What the answer must be, and no answer is by chance.
const ODD: &str = "qx-[3-5]{4}";
/// The same for a schema.
const TOKEN: &str = "qx-4711";
/// Enough for either, with the white space that some servers put into JSON.
const TOKENS: u32 = 64;

impl Endpoint {
    /// Learns which forms of a constraint the server keeps to, where that is not known and can be remembered.
    ///
    /// # Errors
    ///
    /// When the server does not answer at all. A form that it refuses is a finding.
    pub async fn learn(&self, on_progress: &mut (dyn FnMut(Progress) + Send)) -> Result<(), LlmError> {
        if !self.memory().lasts() {
            return Ok(());
        }
        for constraint in [odd_plan(), odd_schema()] {
            if self.memory().is_settled(self.dialect(), &constraint) {
                continue;
            }
            on_progress(Progress {
                stage: "probe".to_owned(),
                done: 0,
                total: 0,
            });
            self.try_forms(&constraint).await?;
        }
        Ok(())
    }

    async fn try_forms(&self, constraint: &Constraint) -> Result<(), LlmError> {
        for form in self.memory().forms(self.dialect(), constraint) {
            let request = ModelRequest {
                messages: vec![Message::new(Role::User, QUESTION)],
                constraint: constraint.clone(),
                max_tokens: TOKENS,
                temperature: 0.0,
                best_of: 1,
            };
            let finding = match self.ask_in(form, &request).await {
                // It may have thought instead of answering, or not come to the end: nothing is learned from that.
                Ok(reply) if reply.text.trim().is_empty() || (reply.truncated && has_begun(&reply.text)) => {
                    continue;
                }
                Ok(reply) if is_odd(form, &reply.text) => Finding::Kept,
                Ok(_) => Finding::Ignored,
                Err(error) if error.may_be_about_form() => Finding::Refused,
                Err(error) => return Err(error),
            };
            self.memory().note(form, finding);
            if finding == Finding::Kept {
                break;
            }
        }
        Ok(())
    }
}

fn odd_plan() -> Constraint {
    Constraint::Plan(PlanGrammar {
        whole: ODD.to_owned(),
        line: ODD.to_owned(),
        most: 1,
    })
}

fn odd_schema() -> Constraint {
    Constraint::JsonSchema(json!({
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": [TOKEN]}},
        "required": ["answer"],
        "additionalProperties": false,
    }))
}

/// Whether a text may be the beginning of an answer as it was asked for.
fn has_begun(text: &str) -> bool {
    text.trim_start().starts_with(['{', 'q'])
}

/// Whether an answer is what only the constraint makes of it. The forms that keep no names are held to their form alone.
fn is_odd(form: Form, text: &str) -> bool {
    match form {
        Form::PlainLines => unwrap(text).is_some(),
        Form::Lines => unwrap(text).is_some_and(|line| is_odd(Form::Grammar, &line)),
        Form::Object => serde_json::from_str(text).is_ok_and(|value: serde_json::Value| value.is_object()),
        Form::Schema => {
            serde_json::from_str(text).is_ok_and(|value: serde_json::Value| value["answer"] == TOKEN)
        }
        _ => text
            .trim()
            .strip_prefix("qx-")
            .is_some_and(|rest| rest.len() == 4 && rest.chars().all(|c| ('3'..='5').contains(&c))),
    }
}
