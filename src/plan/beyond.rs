//! What kubectl does and the plan language does not: known by the words, before a planner makes something else of them.

use std::fmt;

/// Something that is asked for and that no plan can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// A shell or a program in a container that runs, or on a node.
    Shell,
    /// Traffic from this machine to a pod.
    Forwarding,
    /// Files from or to a container.
    Files,
    /// An editor.
    Editor,
    /// A list that goes on as things change, or a log that goes on as it is written.
    Watching,
    /// A command of kubectl that the plan language has no counterpart of.
    Command(String),
}

/// Commands of kubectl without a counterpart, beside those that have a kind of their own.
const COMMANDS: [&str; 15] = [
    "alpha",
    "api-resources",
    "api-versions",
    "certificate",
    "cluster-info",
    "completion",
    "config",
    "diff",
    "kustomize",
    "options",
    "plugin",
    "proxy",
    "replace",
    "version",
    "wait",
];

/// Words that change nothing about what is asked for.
const FILLERS: [&str; 12] = [
    "a",
    "an",
    "the",
    "me",
    "my",
    "us",
    "local",
    "some",
    "simple",
    "quick",
    "interactive",
    "please",
];

/// Each is a row of words that stand side by side, with alternatives; fillers between them do not count.
const PHRASES: [(&[&[&str]], Beyond); 11] = [
    (
        &[&["port-forward", "port-forwarding", "portforward"]],
        Beyond::Forwarding,
    ),
    (
        &[&["port", "ports"], &["forward", "forwarding"]],
        Beyond::Forwarding,
    ),
    (&[&["forward"], &["port", "ports"]], Beyond::Forwarding),
    (&[&["exec"], INTO], Beyond::Shell),
    (&[&["ssh"], INTO], Beyond::Shell),
    (&[OPEN, SHELL, INTO], Beyond::Shell),
    (&[&["attach"], &["to"]], Beyond::Shell),
    (&[&["debugging"], &["session", "container"]], Beyond::Shell),
    (&[&["ephemeral"], &["container", "containers"]], Beyond::Shell),
    (
        &[&["copy"], &["file", "files"], &["from", "to", "into", "out"]],
        Beyond::Files,
    ),
    (
        &[&["edit"], &["with", "in"], &["editor", "vim", "vi", "nano"]],
        Beyond::Editor,
    ),
];
/// What a plan makes that takes traffic on.
const SERVICES: [&str; 6] = ["service", "svc", "expose", "ingress", "loadbalancer", "nodeport"];
const OPEN: &[&str] = &[
    "open", "give", "get", "start", "launch", "execute", "want", "need",
];
const SHELL: &[&str] = &["shell", "bash", "sh", "terminal", "console"];
const INTO: &[&str] = &["in", "into", "inside", "on", "onto", "to"];

impl Beyond {
    /// What of this a request asks for, if anything.
    pub fn of(request: &str) -> Option<Beyond> {
        if let Some(command) = command_of_kubectl(request) {
            return Self::of_command(command, request);
        }
        let lower = request.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .filter(|word| !word.is_empty() && !FILLERS.contains(word))
            .collect();
        let says = |phrase: &[&[&str]]| {
            words
                .windows(phrase.len())
                .any(|here| here.iter().zip(phrase).all(|(word, any)| any.contains(word)))
        };
        // "A service to forward port 80" is for others; from this machine it would be said.
        let is_service = SERVICES.iter().any(|word| words.contains(word)) && !lower.contains("local");
        PHRASES
            .iter()
            .filter(|(_, beyond)| !(is_service && *beyond == Beyond::Forwarding))
            .find(|(phrase, _)| says(phrase))
            .map(|(_, beyond)| beyond.clone())
    }

    fn of_command(command: &str, line: &str) -> Option<Beyond> {
        let has = |flags: &[&str]| line.split_whitespace().any(|word| flags.contains(&word));
        Some(match command {
            "get" if has(&["-w", "--watch", "--watch-only"]) => Beyond::Watching,
            "logs" if has(&["-f", "--follow"]) => Beyond::Watching,
            "exec" | "attach" | "debug" => Beyond::Shell,
            "port-forward" => Beyond::Forwarding,
            "cp" => Beyond::Files,
            "edit" => Beyond::Editor,
            other if COMMANDS.contains(&other) => Beyond::Command(other.to_owned()),
            _ => return None,
        })
    }

    /// How it is done by hand, or said so that there can be a plan.
    pub fn way_on(&self) -> String {
        match self {
            Beyond::Shell => "`kubectl exec -it POD -- sh` does, in what runs already; `logs`, `describe` and `diagnose` can be asked for here".into(),
            Beyond::Forwarding => "`kubectl port-forward deployment/NAME LOCAL:REMOTE` does; a service for others is \"expose NAME on port 80\"".into(),
            Beyond::Files => "`kubectl cp POD:PATH PATH` does".into(),
            Beyond::Editor => "say what is to change, as in \"set LOG_LEVEL=debug on cart\"; `kubectl edit` opens an editor".into(),
            Beyond::Watching => "say it without that flag for what is there now; `sayso` without a request shows lists that change and logs that go on".into(),
            Beyond::Command(command) => format!("run `kubectl {command}` itself"),
        }
    }
}

impl fmt::Display for Beyond {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Beyond::Shell => {
                formatter.write_str("sayso opens no shells and runs nothing in containers that are there")
            }
            Beyond::Forwarding => formatter.write_str("sayso forwards no ports to your machine"),
            Beyond::Files => formatter.write_str("sayso copies no files from or to containers"),
            Beyond::Editor => formatter.write_str("sayso opens no editor"),
            Beyond::Watching => formatter.write_str("a plan looks once, and does not go on looking"),
            Beyond::Command(command) => {
                write!(formatter, "`kubectl {command}` is not among what sayso plans")
            }
        }
    }
}

/// The command, where a request is a line for kubectl: what follows the program and its flags.
fn command_of_kubectl(request: &str) -> Option<&str> {
    let mut words = request.split_whitespace().skip_while(|word| *word == "$");
    if !matches!(words.next()?, "kubectl" | "k") {
        return None;
    }
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            return Some(word);
        }
        if matches!(word, "-n" | "--namespace" | "--context" | "--kubeconfig" | "--as") {
            words.next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_plan_can_do_is_known_by_its_words() {
        for (request, beyond) in [
            ("kubectl exec -it deploy/web -- sh", Beyond::Shell),
            ("k -n shop exec web -- env", Beyond::Shell),
            ("exec into the web pod", Beyond::Shell),
            ("give me a shell in cart", Beyond::Shell),
            ("Open Bash in a pod", Beyond::Shell),
            ("ssh into node-1", Beyond::Shell),
            ("kubectl port-forward deploy/web 8080:80", Beyond::Forwarding),
            ("port forward web to 8080", Beyond::Forwarding),
            ("Forward local ports 5000 and 6000 to the pod", Beyond::Forwarding),
            (
                "forward local port 8443 to the service port named https",
                Beyond::Forwarding,
            ),
            ("kubectl cp web-0:/tmp/x .", Beyond::Files),
            ("$ kubectl edit deploy web", Beyond::Editor),
            ("kubectl get pods -w", Beyond::Watching),
            ("k logs -f deploy/web", Beyond::Watching),
            (
                "kubectl --context prod version",
                Beyond::Command("version".into()),
            ),
        ] {
            assert_eq!(Beyond::of(request), Some(beyond), "{request}");
        }
    }

    #[test]
    fn what_only_sounds_like_it_is_left_to_the_planner() {
        for request in [
            "kubectl scale web 5",
            "create a pod named shell in blog",
            "busybox pod called shell that just does sleep 1d",
            "expose cart on port 80",
            "give alice the edit clusterrole",
            "fix the pod liveness-exec",
            "logs of the bash container in web",
            "delete the proxy deployment",
            "what is port forwarded traffic",
            "create a service to forward port 80 to 8080 of web",
        ] {
            assert_eq!(Beyond::of(request), None, "{request}");
        }
    }
}
