//! Pods and what runs them.

use kube::core::ApiResource;
use serde_json::{Map, Value, json};

use super::{container_name, map};
use crate::plan::command::{Autoscale, CreateCronJob, CreateDeployment, CreateJob, Run};
use crate::plan::value::{Argument, Image};

pub(in crate::cluster) fn pod(command: &Run) -> Value {
    let name = &command.name.0;
    let labels = command.labels.as_ref().map(|labels| map(&labels.0));
    let labels = labels.unwrap_or_else(|| Map::from_iter([("run".to_owned(), json!(name))]));
    let mut container = container(name, &command.image);
    if let Some(port) = command.port {
        container["ports"] = json!([{"containerPort": port.0}]);
    }
    if !command.env.is_empty() {
        let env = command
            .env
            .iter()
            .map(|pair| json!({"name": pair.key, "value": pair.value}));
        container["env"] = env.collect();
    }
    set_words(
        &mut container,
        if command.command { "command" } else { "args" },
        &command.arguments,
    );
    let restart = command
        .restart
        .as_ref()
        .map_or("Always", |policy| policy.0.as_str());
    json!({"metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], "restartPolicy": restart}})
}

pub(in crate::cluster) fn deployment(command: &CreateDeployment) -> Value {
    let labels = json!({"app": command.name.0});
    let mut containers: Vec<Value> = Vec::new();
    for image in &command.image.0 {
        let name = free_name(&containers, container_name(&image.0));
        let mut container = container(&name, image);
        if let Some(port) = command.port {
            container["ports"] = json!([{"containerPort": port.0}]);
        }
        set_words(&mut container, "command", &command.arguments);
        containers.push(container);
    }
    json!({"metadata": {"name": command.name.0, "labels": labels},
        "spec": {"replicas": command.replicas.map_or(1, |replicas| replicas.0), "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}}})
}

pub(in crate::cluster) fn job(command: &CreateJob) -> Value {
    let name = &command.name.0;
    let mut container = container(name, &command.image);
    set_words(&mut container, "command", &command.arguments);
    json!({"metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container], "restartPolicy": "Never"}}}})
}

/// A job that runs a cron job's template now, and that goes when the cron job goes.
pub(in crate::cluster) fn job_from(name: &str, cron_job: &Value) -> Value {
    let template = &cron_job["spec"]["jobTemplate"];
    let mut annotations = template["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), json!("manual"));
    let mut metadata = json!({"name": name, "annotations": annotations, "ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "CronJob", "controller": true,
        "name": cron_job["metadata"]["name"], "uid": cron_job["metadata"]["uid"]}]});
    if let Some(labels) = template["metadata"].get("labels") {
        metadata["labels"] = labels.clone();
    }
    json!({"metadata": metadata, "spec": template["spec"]})
}

pub(in crate::cluster) fn cron_job(command: &CreateCronJob) -> Value {
    let name = &command.name.0;
    let mut container = container(name, &command.image);
    set_words(&mut container, "command", &command.arguments);
    let pods = json!({"containers": [container], "restartPolicy": "OnFailure"});
    json!({"metadata": {"name": name}, "spec": {"schedule": command.schedule.0,
        "jobTemplate": {"metadata": {"name": name}, "spec": {"template": {"spec": pods}}}}})
}

/// An autoscaler, whole, for what is scaled.
pub(in crate::cluster) fn autoscaler(scaled: &ApiResource, command: &Autoscale) -> Value {
    let name = &command.target.0.name;
    let reference = json!({"apiVersion": scaled.api_version, "kind": scaled.kind, "name": name});
    let mut spec = json!({"scaleTargetRef": reference, "maxReplicas": command.max.0});
    if let Some(min) = command.min {
        spec["minReplicas"] = json!(min.0);
    }
    if let Some(percent) = command.cpu_percent {
        spec["metrics"] = json!([{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": percent.0}}}]);
    }
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec})
}

fn container(name: &str, image: &Image) -> Value {
    json!({"name": name, "image": image.0})
}

fn set_words(container: &mut Value, field: &str, words: &[Argument]) {
    if !words.is_empty() {
        container[field] = words.iter().map(|word| json!(word.0)).collect();
    }
}

/// A name that no container has yet: two of one image get a number.
fn free_name(containers: &[Value], name: String) -> String {
    let taken = |name: &str| containers.iter().any(|container| container["name"] == name);
    if !taken(&name) {
        return name;
    }
    let mut number = 2;
    while taken(&format!("{name}-{number}")) {
        number += 1;
    }
    format!("{name}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Step};

    fn action(line: &str) -> Action {
        line.parse::<Step>().unwrap().action
    }

    #[test]
    fn a_pod_carries_its_name_as_label() {
        let Action::Run(command) =
            action("run shell --image=busybox --env=A=b --port=80 --restart=Never -- sleep 9")
        else {
            panic!()
        };
        let container = json!({"name": "shell", "image": "busybox", "ports": [{"containerPort": 80}],
            "env": [{"name": "A", "value": "b"}], "args": ["sleep", "9"]});
        let expected = json!({"metadata": {"name": "shell", "labels": {"run": "shell"}},
            "spec": {"containers": [container], "restartPolicy": "Never"}});
        assert_eq!(pod(&command), expected);
    }

    #[test]
    fn a_deployment_selects_its_own_pods() {
        let Action::CreateDeployment(command) =
            action("create deployment web --image=nginx:1.27 --image=nginx:1.28 --replicas=3 --port=80")
        else {
            panic!()
        };
        let made = deployment(&command);
        assert_eq!(made["spec"]["replicas"], 3);
        assert_eq!(
            made["spec"]["selector"]["matchLabels"],
            made["spec"]["template"]["metadata"]["labels"]
        );
        assert_eq!(
            made["spec"]["template"]["spec"]["containers"][1]["name"],
            "nginx-2"
        );
    }

    #[test]
    fn a_job_from_a_cron_job_belongs_to_it() {
        let cron = json!({"metadata": {"name": "report", "uid": "u1"}, "spec": {"jobTemplate": {
            "metadata": {"labels": {"app": "report"}}, "spec": {"backoffLimit": 2}}}});
        let made = job_from("now", &cron);
        assert_eq!(
            made["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"],
            "manual"
        );
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], "u1");
        assert_eq!(made["metadata"]["labels"]["app"], "report");
        assert_eq!(made["spec"], json!({"backoffLimit": 2}));
    }
}
