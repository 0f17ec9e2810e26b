//! What a planner is asked, and what becomes of its reply.

use super::Driver;
use crate::driver::connect::is_trained;
use crate::driver::face::{Face, model_failure};
use crate::llm::{Constraint, Message, ModelRequest, Progress, Role, prompts};
use crate::plan::{Focus, plan_grammar};
use crate::session::{Answer, Event, Stage};

/// How many plans the trained planner may try before the likeliest counts.
const PLANS: u32 = 3;
/// The most tokens that a plan may take.
const PLAN_TOKENS: u32 = 256;

impl<F: Face> Driver<'_, F> {
    pub(super) async fn plan(&mut self, focus: &Focus, complaint: Option<(String, String)>) -> Event {
        self.face.stage(Stage::Planning, "asking the planner");
        let face = &mut *self.face;
        let warmed = self
            .parts
            .model
            .warm(&mut |progress: Progress| face.progress(&progress.stage, progress.done, progress.total))
            .await;
        if let Err(error) = warmed {
            return Event::Failed(model_failure(&error));
        }
        self.model = self.parts.model.identity().await.ok();
        self.face.stage(Stage::Planning, "planning");
        let is_trained = is_trained(&self.parts.model);
        let grammar = if is_trained {
            plan_grammar(&focus.clone().copying(&self.request))
        } else {
            plan_grammar(focus)
        };
        let request = ModelRequest {
            messages: self.messages(focus, complaint).await,
            constraint: Constraint::Plan(grammar),
            max_tokens: PLAN_TOKENS,
            temperature: 0.0,
            best_of: if is_trained { PLANS } else { 1 },
        };
        match self
            .parts
            .model
            .complete(request, &mut |text| self.face.writing(text))
            .await
        {
            Ok(reply) => {
                self.usage.add(reply.usage.into());
                let confidence = reply.line_confidence();
                let others = reply.others.into_iter();
                let others = others.map(|other| (other.text, other.logprob.exp())).collect();
                self.notices.extend(reply.notice);
                // A reply that was cut off may end in half a command that reads as a whole one.
                let text = if reply.truncated {
                    String::new()
                } else {
                    reply.text
                };
                Event::Planned(Answer {
                    text,
                    confidence,
                    others,
                    measured: is_trained,
                })
            }
            Err(error) => Event::Failed(model_failure(&error)),
        }
    }

    async fn messages(&self, focus: &Focus, complaint: Option<(String, String)>) -> Vec<Message> {
        let mut messages = Vec::new();
        if !is_trained(&self.parts.model) {
            // The embedded planner was trained without instructions; every other model needs them.
            let context = self.parts.cluster.context().name.clone();
            let library = &self.parts.library;
            let like_it = library.precedents(self.request.clone(), Some(context)).await;
            messages.push(Message::new(Role::System, prompts::planner_system(&like_it)));
        }
        messages.push(Message::new(Role::User, prompts::planner(&self.request, focus)));
        if let Some((answer, problem)) = complaint {
            messages.push(Message::new(Role::Assistant, answer));
            messages.push(Message::new(Role::User, prompts::complaint(&problem)));
        }
        messages
    }
}
