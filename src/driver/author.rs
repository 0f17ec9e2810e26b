//! Manifests in the words of the adviser: kinds with their schemas from the cluster, one answer after another within one
//! budget of tokens and time.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::adviser::{Adviser, without_secrets};
use super::face::{Usage, cluster_failure, model_failure};
use crate::cluster::Cluster;
use crate::config::AdviceLimits;
use crate::llm::author::{AuthorPrompt, Material, author, objects, which_kind};
use crate::llm::{Constraint, Message, Model, ModelIdentity, ModelReply, ModelRequest, Progress};
use crate::plan::draft::answer_schema;
use crate::plan::{Draft, Kind, Wanted};
use crate::request::Request;
use crate::session::{Failure, Order};

/// With fewer tokens than this left, nothing is asked any more.
const LEAST: u32 = 1_024;
/// A token is at the least so many bytes, where a server does not count.
const TOKEN: usize = 4;

/// Whoever writes the manifests of one request.
#[derive(Debug)]
pub(super) struct Author {
    model: Model,
    limits: AdviceLimits,
    /// When the time of the whole request is over.
    deadline: Instant,
    /// Tokens that were taken so far, by the server's count or by the bytes, whichever is more.
    spent: u32,
    asked: u32,
    wanted: Vec<Wanted>,
    dropped: Vec<String>,
    /// What the server was found not to keep to.
    pub notices: Vec<String>,
    /// Tokens as the server counted them.
    pub usage: Usage,
}

impl Author {
    /// One for a request that begins now.
    pub fn new(adviser: &Adviser) -> Author {
        let (model, limits) = adviser.parts();
        Author {
            model,
            limits,
            deadline: Instant::now() + Duration::from_secs(limits.seconds),
            spent: 0,
            asked: 0,
            wanted: Vec::new(),
            dropped: Vec::new(),
            notices: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// Which model it is, for the record.
    pub async fn identity(&self) -> Option<ModelIdentity> {
        self.model.identity().await.ok()
    }

    /// Gets the model ready, within the time of the request.
    pub async fn warm(&self, on_progress: &mut (dyn FnMut(Progress) + Send)) -> Result<(), Failure> {
        let warmed = timeout_at(self.deadline, self.model.warm(on_progress)).await;
        warmed
            .map_err(|_| self.late())?
            .map_err(|error| model_failure(&error))
    }

    /// One more draft of what was ordered.
    pub async fn draft(
        &mut self,
        cluster: &Cluster,
        request: &Request,
        order: &Order,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Draft, Failure> {
        if self.wanted.is_empty() {
            self.wanted = self.look_up(cluster, request, order).await?;
        }
        if self.wanted.is_empty() {
            return Ok(Draft::default());
        }
        let context = self.room(order)?;
        let (answer, problem) = order.complaint.clone().unwrap_or_default();
        let around = objects(&order.focus);
        let piped = request.piped().unwrap_or_default();
        let cleaned = without_secrets([request.words(), &around, piped, &answer, &problem]);
        let material = Material {
            request: &cleaned[0],
            wanted: &self.wanted,
            namespace: &order.namespace,
            objects: &cleaned[1],
            piped: &cleaned[2],
            complaint: order.complaint.is_some().then_some((&*cleaned[3], &*cleaned[4])),
        };
        let AuthorPrompt {
            messages,
            max_tokens,
            dropped,
        } = author(&material, context);
        for part in dropped {
            if !self.dropped.contains(&part) {
                self.dropped.push(part);
            }
        }
        let constraint = Constraint::JsonSchema(answer_schema(&self.wanted));
        let reply = self.ask(messages, constraint, max_tokens, on_text).await?;
        Ok(Draft {
            text: reply.text,
            truncated: reply.truncated,
            wanted: self.wanted.clone(),
        })
    }

    /// What it took and what it did not see.
    pub async fn footing(&self) -> String {
        let name = self
            .identity()
            .await
            .map_or_else(|| "adviser".to_owned(), |model| model.name);
        let times = if self.asked == 1 {
            "once".to_owned()
        } else {
            format!("{} times", self.asked)
        };
        let mut text = format!(
            "written by the model `{name}`, which may be wrong; asked {times}, {} of {} tokens",
            self.spent, self.limits.tokens
        );
        if !self.dropped.is_empty() {
            let _ = write!(text, "; not seen for want of room: {}", self.dropped.join(", "));
        }
        text
    }

    /// What the cluster says of the kinds; which they are is for the model to choose where the request names none.
    async fn look_up(
        &mut self,
        cluster: &Cluster,
        request: &Request,
        order: &Order,
    ) -> Result<Vec<Wanted>, Failure> {
        let kinds = if order.kinds.is_empty() {
            self.choose(request, order).await?.into_iter().collect()
        } else {
            order.kinds.clone()
        };
        let mut wanted = Vec::new();
        for kind in &kinds {
            let found = cluster.wanted(kind, &order.namespace).await;
            wanted.push(found.map_err(|error| cluster_failure(&error))?);
        }
        Ok(wanted)
    }

    async fn choose(&mut self, request: &Request, order: &Order) -> Result<Option<Kind>, Failure> {
        self.room(order)?;
        let kinds: Vec<String> = order
            .focus
            .kinds
            .iter()
            .filter(|kind| *kind != "secrets")
            .cloned()
            .collect();
        let (messages, tokens) = which_kind(&without_secrets([request.words()])[0], &kinds);
        let schema = json!({"type": "object", "properties": {"kind": {"type": "string", "enum": kinds}},
            "required": ["kind"], "additionalProperties": false});
        let reply = self
            .ask(messages, Constraint::JsonSchema(schema), tokens, &mut |_| {})
            .await?;
        let answer: Value = serde_json::from_str(reply.text.trim()).unwrap_or_default();
        let said = answer["kind"]
            .as_str()
            .filter(|said| kinds.iter().any(|kind| kind == said));
        Ok(said.and_then(Kind::read))
    }

    /// How many tokens the next question and its answer may have.
    fn room(&self, order: &Order) -> Result<u32, Failure> {
        let left = self.limits.tokens.saturating_sub(self.spent);
        if left >= LEAST {
            return Ok(self.limits.context.min(left));
        }
        let wrong = order.complaint.as_ref();
        let wrong = wrong.map_or_else(String::new, |(_, problem)| {
            format!("; the last answer could not be used: {problem}")
        });
        Err(Failure::new(format!(
            "of {} tokens {} are spent, and the rest is too little for another answer{wrong}",
            self.limits.tokens, self.spent
        ))
        .with_hint("`tokens` in `[advice]` of config.toml gives it more"))
    }

    async fn ask(
        &mut self,
        messages: Vec<Message>,
        constraint: Constraint,
        max_tokens: u32,
        on_text: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ModelReply, Failure> {
        let sent: usize = messages.iter().map(|message| message.content.len()).sum();
        self.asked += 1;
        let request = ModelRequest {
            messages,
            constraint,
            max_tokens,
            temperature: 0.0,
            best_of: 1,
        };
        let asked = timeout_at(self.deadline, self.model.complete(request, on_text)).await;
        let mut reply = asked
            .map_err(|_| self.late())?
            .map_err(|error| model_failure(&error))?;
        let counted = reply
            .usage
            .prompt_tokens
            .saturating_add(reply.usage.completion_tokens);
        let bytes = u32::try_from((sent + reply.text.len()) / TOKEN).unwrap_or(u32::MAX);
        self.spent = self.spent.saturating_add(counted.max(bytes));
        self.usage.add(reply.usage.into());
        self.notices.extend(reply.notice.take());
        Ok(reply)
    }

    fn late(&self) -> Failure {
        Failure::new(format!(
            "the adviser was not done within {} s",
            self.limits.seconds
        ))
        .with_hint("`seconds` in `[advice]` of config.toml gives it longer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ConnectOptions;
    use crate::llm::{Scripted, ScriptedReply};
    use crate::sandbox::{self, Running};

    async fn cluster() -> (Cluster, Running) {
        let running = sandbox::start(sandbox::Options::default()).await.unwrap();
        let options = ConnectOptions {
            inline: Some(running.kubeconfig()),
            ..ConnectOptions::default()
        };
        (Cluster::connect(&options).await.unwrap(), running)
    }

    fn author(script: &Scripted, context: u32, tokens: u32, seconds: u64) -> Author {
        let limits = AdviceLimits {
            context,
            tokens,
            seconds,
        };
        Author::new(&Adviser::new(Model::Scripted(script.clone()), limits))
    }

    fn order() -> Order {
        Order {
            kinds: vec![Kind::read("deployment").unwrap()],
            namespace: "shop".to_owned(),
            ..Order::default()
        }
    }

    fn request() -> Request {
        Request::new("write a deployment", None).unwrap()
    }

    #[tokio::test]
    async fn every_context_holds_the_prompt_and_the_schema_is_the_constraint() {
        let (cluster, _running) = cluster().await;
        for context in [4_096, 8_192, 32_768] {
            let script = Scripted::new(["{}", "{}"]);
            let mut author = author(&script, context, context * 4, 60);
            let mut order = order();
            for _ in 0..2 {
                let draft = author
                    .draft(&cluster, &request(), &order, &mut |_| {})
                    .await
                    .unwrap();
                order.complaint = Some((draft.text, "`spec` is missing".to_owned()));
            }
            for asked in script.requests() {
                let bytes: usize = asked.messages.iter().map(|message| message.content.len()).sum();
                let room = usize::try_from(context - asked.max_tokens).unwrap() * 3;
                assert!(bytes <= room, "{bytes} of {room} bytes in {context}");
                let Constraint::JsonSchema(schema) = &asked.constraint else {
                    panic!("no schema");
                };
                assert_eq!(schema["properties"]["kind"]["enum"][0], "Deployment");
                assert_eq!(
                    schema["properties"]["metadata"]["properties"]["namespace"]["enum"],
                    json!(["shop"])
                );
            }
            assert!(author.footing().await.contains("asked 2 times, "));
        }
    }

    #[tokio::test]
    async fn several_kinds_are_written_under_a_key_each() {
        let (cluster, _running) = cluster().await;
        let script = Scripted::new(["{}"]);
        let mut author = author(&script, 8_192, 8_192, 60);
        let mut order = order();
        order.kinds.push(Kind::read("service").unwrap());
        author
            .draft(&cluster, &request(), &order, &mut |_| {})
            .await
            .unwrap();
        let asked = &script.requests()[0];
        let Constraint::JsonSchema(schema) = &asked.constraint else {
            panic!("no schema");
        };
        assert_eq!(schema["required"], json!(["deployment", "service"]));
        assert!(
            asked.messages[1]
                .content
                .contains("\"service\": kind `Service`, apiVersion `v1`, namespace `shop`")
        );
    }

    #[tokio::test]
    async fn a_server_that_counts_nothing_or_hangs_is_kept_within_the_budget() {
        let (cluster, _running) = cluster().await;
        let script = Scripted::new(["x".repeat(8_000).as_str()]);
        let mut patient = author(&script, 8_192, 3_000, 60);
        let mut order = order();
        patient
            .draft(&cluster, &request(), &order, &mut |_| {})
            .await
            .unwrap();
        order.complaint = Some(("x".to_owned(), "it is no JSON".to_owned()));
        let spent = patient
            .draft(&cluster, &request(), &order, &mut |_| {})
            .await
            .unwrap_err();
        assert!(
            spent.message.starts_with("of 3000 tokens ") && spent.message.ends_with("it is no JSON"),
            "{spent:?}"
        );
        let script = Scripted::new([ScriptedReply::Hang]);
        let late = author(&script, 8_192, 8_192, 0)
            .draft(&cluster, &request(), &order, &mut |_| {})
            .await;
        assert_eq!(late.unwrap_err().message, "the adviser was not done within 0 s");
    }
}
