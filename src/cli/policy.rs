//! `sayso policy`: the rules that apply, shown and tried.

use std::io::Write as _;
use std::path::Path;

use anyhow::bail;
use serde_json::{Value, json};

use super::args::{Output, PolicyCommand};
use super::document::print;
use super::{Exit, human};
use crate::check::policy::{Layer, Rule, Trial};
use crate::config::{Config, read_layer};

/// Runs one of them.
pub fn run(command: &PolicyCommand, config: &Config, output: Output) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Show { rule: None } => show_all(config, output),
        PolicyCommand::Show { rule: Some(name) } => show_one(config, name, output),
        PolicyCommand::Test { file } => test(config, file.as_deref(), output),
    }
}

fn document(layer: &Layer, rule: &Rule) -> Value {
    let mut document = json!({ "from": layer.origin });
    if let (Some(fields), Ok(Value::Object(rule))) = (document.as_object_mut(), serde_json::to_value(&**rule))
    {
        fields.extend(rule);
    }
    document
}

fn show_all(config: &Config, output: Output) -> anyhow::Result<Exit> {
    let policy = &config.policy;
    if output != Output::Text {
        let rules: Vec<Value> = policy
            .rules()
            .map(|(layer, rule)| document(layer, rule))
            .collect();
        let all = json!({ "read_only": policy.read_only, "protected_contexts": policy.protected_contexts,
            "approvers": policy.approver_keys(), "rules": rules });
        print(&all, output)?;
        return Ok(Exit::Done);
    }
    let mut out = anstream::stdout();
    if policy.read_only {
        writeln!(out, "read-only: nothing may be written")?;
    }
    for context in &policy.protected_contexts {
        writeln!(out, "protected context: {}", human::printable(context))?;
    }
    for key in policy.approver_keys() {
        writeln!(out, "approver: {}", human::printable(&crate::sign::owner(&key)))?;
    }
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["RULE", "SAYS", "FROM", "MESSAGE"]);
    for (layer, rule) in policy.rules() {
        table.add_row(
            [&rule.id, &says(rule), &layer.origin, &rule.message].map(|cell| human::printable(cell)),
        );
    }
    writeln!(out, "{}", human::table(&table))?;
    Ok(Exit::Done)
}

/// What follows where the rule holds, as in `confirm, danger, typed`.
fn says(rule: &Rule) -> String {
    let mut words = vec![word(&json!(rule.verdict)), word(&json!(rule.weight))];
    if rule.type_name {
        words.push("typed".to_owned());
    }
    if rule.approvers > 1 {
        words.push(format!("{} people", rule.approvers));
    }
    words.join(", ")
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn show_one(config: &Config, name: &str, output: Output) -> anyhow::Result<Exit> {
    let found: Vec<Value> = config
        .policy
        .rules()
        .filter(|(_, rule)| rule.id == name)
        .map(|(layer, rule)| document(layer, rule))
        .collect();
    if found.is_empty() {
        bail!("there is no rule `{name}`; `sayso policy show` lists them");
    }
    let form = if output == Output::Json {
        output
    } else {
        Output::Yaml
    };
    print(&found, form)?;
    Ok(Exit::Done)
}

fn test(config: &Config, file: Option<&Path>, output: Output) -> anyhow::Result<Exit> {
    let trials: Vec<Trial> = match file {
        Some(path) => read_layer(path)?.try_examples(),
        None => config
            .policy
            .layers
            .iter()
            .flat_map(|layer| layer.try_examples())
            .collect(),
    };
    let wrong: Vec<&Trial> = trials.iter().filter(|trial| trial.problem.is_some()).collect();
    let exit = if wrong.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    };
    if output != Output::Text {
        print(&trials, output)?;
        return Ok(exit);
    }
    let mut out = anstream::stdout();
    for trial in &wrong {
        let problem = trial.problem.as_deref().unwrap_or_default();
        let step = if trial.step.is_empty() {
            String::new()
        } else {
            format!(" on `{}`", trial.step)
        };
        writeln!(out, "{}: rule `{}`{step}: {problem}", trial.origin, trial.rule)?;
    }
    writeln!(out, "{} examples, {} wrong", trials.len(), wrong.len())?;
    Ok(exit)
}
