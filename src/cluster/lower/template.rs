//! Changes of a pod template: images, variables, resources, the service account.

use serde_json::{Map, Value, json};

use super::{Found, Lower, Lowered, Lowering, impossible, nothing_to_do};
use crate::check::CallVerb;
use crate::cluster::json::items;
use crate::plan::command::{SetEnv, SetImage, SetResources, SetServiceAccount};
use crate::plan::value::{Amounts, ContainerImage, EnvChange};

/// A pod spec, and where it stands in its owner.
struct Pods<'a> {
    words: String,
    spec: &'a Value,
    path: &'static [&'static str],
}

impl Lowering<'_> {
    pub(super) async fn set_image(&self, command: &SetImage) -> Lower {
        let found = self.get(&command.target.0).await?;
        let change = image_change(&pods_of(&found)?, &command.images.0)?;
        self.change_template(found, change)
    }

    pub(super) async fn set_env(&self, command: &SetEnv) -> Lower {
        let found = self.get(&command.target.0).await?;
        let container = command.container.as_ref().map(|name| name.0.as_str());
        let change = env_change(&pods_of(&found)?, container, &command.changes.0)?;
        self.change_template(found, change)
    }

    pub(super) async fn set_resources(&self, command: &SetResources) -> Lower {
        if command.requests.is_none() && command.limits.is_none() {
            return Err(impossible("neither `--requests` nor `--limits` is given"));
        }
        let found = self.get(&command.target.0).await?;
        let change = resource_change(&pods_of(&found)?, command)?;
        self.change_template(found, change)
    }

    pub(super) async fn set_service_account(&self, command: &SetServiceAccount) -> Lower {
        let found = self.get(&command.target.0).await?;
        let pods = pods_of(&found)?;
        let account = &command.account.0;
        let change = (pods.spec["serviceAccountName"] != account.as_str())
            // The deprecated field follows, or the server would keep the old account in it.
            .then(|| json!({"serviceAccountName": account, "serviceAccount": account}));
        self.change_template(found, change)
    }

    /// A strategic patch of a pod spec, put where the owner's kind has it.
    fn change_template(&self, found: Found, change: Option<Value>) -> Lower {
        let Some(change) = change else {
            return Err(nothing_to_do(format!("{} is set so already", found.words())));
        };
        let path = pods_of(&found)?.path;
        let body = path.iter().rev().fold(change, |inner, key| json!({*key: inner}));
        Ok(Lowered::one(self.draft(CallVerb::PatchStrategic, found, body)))
    }
}

fn pods_of(found: &Found) -> Lower<Pods<'_>> {
    let path: &[&str] = match found.served.kind().as_str() {
        "cronjob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    };
    let pointer = format!("/{}", path.join("/"));
    let spec = found.object.pointer(&pointer);
    Ok(Pods {
        words: found.words(),
        spec: spec.ok_or_else(|| impossible(format!("{} has no pod template", found.words())))?,
        path,
    })
}

impl Pods<'_> {
    fn names(&self, list: &str) -> Vec<&str> {
        let containers = items(self.spec, list).iter();
        containers
            .filter_map(|container| container["name"].as_str())
            .collect()
    }

    fn container(&self, list: &str, name: &str) -> Option<&Value> {
        items(self.spec, list)
            .iter()
            .find(|container| container["name"] == name)
    }

    fn no_container(&self, name: &str) -> super::Refused {
        let names = [self.names("/containers"), self.names("/initContainers")].concat();
        let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        impossible(format!(
            "no container `{name}` in {}; it has {}",
            self.words,
            known.join(", ")
        ))
    }

    /// The containers that are meant: one by name, or all.
    fn selected(&self, name: Option<&str>) -> Lower<Vec<&Value>> {
        match name {
            None | Some("*") => Ok(items(self.spec, "/containers").iter().collect()),
            Some(name) => {
                let container = self.container("/containers", name);
                Ok(vec![container.ok_or_else(|| self.no_container(name))?])
            }
        }
    }
}

fn image_change(pods: &Pods, images: &[ContainerImage]) -> Lower<Option<Value>> {
    let mut change = Map::new();
    for (key, list) in [
        ("containers", "/containers"),
        ("initContainers", "/initContainers"),
    ] {
        let mut entries = Vec::new();
        for name in pods.names(list) {
            let meant = images
                .iter()
                .rev()
                .find(|image| image.container == name || image.container == "*");
            let current = pods.container(list, name).map(|container| &container["image"]);
            if let Some(image) = meant.filter(|meant| current != Some(&json!(meant.image.0))) {
                entries.push(json!({"name": name, "image": image.image.0}));
            }
        }
        if !entries.is_empty() {
            change.insert(key.to_owned(), Value::Array(entries));
        }
    }
    for image in images.iter().filter(|image| image.container != "*") {
        let known = ["/containers", "/initContainers"]
            .iter()
            .any(|list| pods.container(list, &image.container).is_some());
        if !known {
            return Err(pods.no_container(&image.container));
        }
    }
    Ok((!change.is_empty()).then_some(Value::Object(change)))
}

fn env_change(pods: &Pods, container: Option<&str>, changes: &[EnvChange]) -> Lower<Option<Value>> {
    let mut entries = Vec::new();
    for container in pods.selected(container)? {
        let env: Vec<Value> = changes
            .iter()
            .filter_map(|change| variable_change(items(container, "/env"), change))
            .collect();
        if !env.is_empty() {
            entries.push(json!({"name": container["name"], "env": env}));
        }
    }
    Ok((!entries.is_empty()).then(|| json!({"containers": entries})))
}

/// The patch of one variable; nothing where it is so already.
fn variable_change(env: &[Value], change: &EnvChange) -> Option<Value> {
    let (key, wanted) = (&change.0.key, change.0.value.as_deref());
    let current = env.iter().find(|variable| variable["name"] == key.as_str());
    match (wanted, current) {
        (None, None) => None,
        (None, Some(_)) => Some(json!({"name": key, "$patch": "delete"})),
        (Some(value), Some(current)) if current["value"] == value => None,
        // A reference and a value exclude each other.
        (Some(value), Some(current)) if current.get("valueFrom").is_some() => {
            Some(json!({"name": key, "value": value, "valueFrom": null}))
        }
        (Some(value), _) => Some(json!({"name": key, "value": value})),
    }
}

fn resource_change(pods: &Pods, command: &SetResources) -> Lower<Option<Value>> {
    let container = command.container.as_ref().map(|name| name.0.as_str());
    let mut entries = Vec::new();
    for container in pods.selected(container)? {
        let mut resources = Map::new();
        for (key, wanted) in [("requests", &command.requests), ("limits", &command.limits)] {
            let change = wanted
                .as_ref()
                .map(|wanted| amounts(&container["resources"][key], wanted));
            if let Some(change) = change.filter(|change| !change.is_empty()) {
                resources.insert(key.to_owned(), Value::Object(change));
            }
        }
        if !resources.is_empty() {
            entries.push(json!({"name": container["name"], "resources": resources}));
        }
    }
    Ok((!entries.is_empty()).then(|| json!({"containers": entries})))
}

/// The amounts that differ; those that are not named stay as they are.
fn amounts(current: &Value, wanted: &Amounts) -> Map<String, Value> {
    let differing = wanted
        .0
        .iter()
        .filter(|(name, amount)| current[name.as_str()] != amount.0.as_str());
    differing
        .map(|(name, amount)| (name.clone(), json!(amount.0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Refused;
    use super::*;
    use crate::check::Problem;
    use crate::plan::{Action, Step};

    fn spec() -> Value {
        json!({"containers": [
            {"name": "nginx", "image": "nginx:1.27", "env": [{"name": "LEVEL", "value": "info"},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {}}}], "resources": {"limits": {"cpu": "1"}}},
            {"name": "log", "image": "fluentd:1"}]})
    }

    fn pods(spec: &Value) -> Pods<'_> {
        Pods {
            words: "deployment/web".to_owned(),
            spec,
            path: &["spec", "template", "spec"],
        }
    }

    fn action(line: &str) -> Action {
        line.parse::<Step>().unwrap().action
    }

    fn images(line: &str) -> Lower<Option<Value>> {
        let Action::SetImage(command) = action(line) else {
            panic!()
        };
        image_change(&pods(&spec()), &command.images.0)
    }

    fn variables(line: &str) -> Option<Value> {
        let Action::SetEnv(command) = action(line) else {
            panic!()
        };
        let container = command.container.as_ref().map(|name| name.0.as_str());
        env_change(&pods(&spec()), container, &command.changes.0).unwrap()
    }

    #[test]
    fn an_image_goes_to_its_container_alone() {
        let change = images("set image deployment/web nginx=nginx:1.28").unwrap();
        assert_eq!(
            change,
            Some(json!({"containers": [{"name": "nginx", "image": "nginx:1.28"}]}))
        );
        assert_eq!(images("set image deployment/web nginx=nginx:1.27").unwrap(), None);
        let all = images("set image deployment/web *=busybox").unwrap().unwrap();
        assert_eq!(items(&all, "/containers").len(), 2);
    }

    #[test]
    fn an_unknown_container_is_named_with_the_known_ones() {
        let Err(Refused::Problem(Problem::Impossible { message })) =
            images("set image deployment/web web=nginx:1.28")
        else {
            panic!()
        };
        assert_eq!(
            message,
            "no container `web` in deployment/web; it has `nginx`, `log`"
        );
    }

    #[test]
    fn variables_are_set_taken_away_and_left_alone() {
        let change = variables("set env deployment/web LEVEL=debug KEY=x GONE- -c nginx").unwrap();
        let env =
            json!([{"name": "LEVEL", "value": "debug"}, {"name": "KEY", "value": "x", "valueFrom": null}]);
        assert_eq!(change, json!({"containers": [{"name": "nginx", "env": env}]}));
        assert_eq!(variables("set env deployment/web LEVEL=info -c nginx"), None);
        let removal = variables("set env deployment/web LEVEL-").unwrap();
        let env = json!([{"name": "LEVEL", "$patch": "delete"}]);
        assert_eq!(removal, json!({"containers": [{"name": "nginx", "env": env}]}));
    }

    #[test]
    fn only_amounts_that_differ_are_sent() {
        let Action::SetResources(command) =
            action("set resources deployment/web -c nginx --limits=cpu=1,memory=1Gi")
        else {
            panic!()
        };
        let change = resource_change(&pods(&spec()), &command).unwrap().unwrap();
        let resources = json!({"limits": {"memory": "1Gi"}});
        assert_eq!(
            change,
            json!({"containers": [{"name": "nginx", "resources": resources}]})
        );
    }
}
