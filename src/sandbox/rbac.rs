//! Who may do what: identities evaluated against the stored roles and bindings.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::json::{items, text};
use super::request::{Asked, Target};
use super::status::{ApiError, described};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) groups: Vec<String>,
}

/// One question of access: a resource, or a path where `path` is set.
#[derive(Debug, Clone, Default)]
pub(super) struct Question<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) path: &'a str,
}

impl Identity {
    /// The user that the sandbox takes everyone for who does not say otherwise.
    pub(super) fn admin() -> Self {
        Self::of("sandbox-admin", vec!["system:masters".into()])
    }

    /// A user with the groups that come with the name.
    pub(super) fn of(user: &str, mut groups: Vec<String>) -> Self {
        if let Some((place, _)) = user
            .strip_prefix("system:serviceaccount:")
            .and_then(|rest| rest.split_once(':'))
        {
            groups.push("system:serviceaccounts".into());
            groups.push(format!("system:serviceaccounts:{place}"));
        }
        let implied = if user == "system:anonymous" {
            "system:unauthenticated"
        } else {
            "system:authenticated"
        };
        if !groups.iter().any(|group| group == implied) {
            groups.push(implied.into());
        }
        Self {
            user: user.into(),
            groups,
        }
    }

    /// Reads bearer token and impersonation headers; impersonating takes permission.
    pub(super) fn from_request(asked: &Asked, cluster: &Cluster) -> Result<Self, ApiError> {
        let own = Self::authenticated(asked, cluster)?;
        let wanted = asked.header("impersonate-user");
        let mut groups = Vec::new();
        for value in asked.headers.get_all("impersonate-group") {
            groups.push(value.to_str().unwrap_or("").to_owned());
        }
        if wanted.is_empty() {
            if groups.is_empty() {
                return Ok(own);
            }
            let why = "requested [{Group}] without impersonating a user";
            return Err(ApiError::new(500, "InternalError", why));
        }
        let targets =
            std::iter::once(("users", wanted)).chain(groups.iter().map(|one| ("groups", one.as_str())));
        for (resource, name) in targets {
            let question = Question {
                verb: "impersonate",
                resource,
                name,
                ..Question::default()
            };
            if !own.may(cluster, &question) {
                return Err(own.refusal(&question));
            }
        }
        Ok(Self::of(wanted, groups))
    }

    fn authenticated(asked: &Asked, cluster: &Cluster) -> Result<Self, ApiError> {
        let Some(token) = asked.header("authorization").strip_prefix("Bearer ") else {
            return Ok(Self::admin());
        };
        match cluster.tokens.get(token) {
            Some(user) => Ok(Self::of(user, Vec::new())),
            None => Err(ApiError::new(401, "Unauthorized", "Unauthorized")),
        }
    }

    fn is_subject(&self, subject: &Value, place: &str) -> bool {
        let name = text(subject, "/name");
        match text(subject, "/kind") {
            "User" => name == self.user || name == "*",
            "Group" => self.groups.iter().any(|group| group == name),
            "ServiceAccount" => {
                let place = match text(subject, "/namespace") {
                    "" => place,
                    own => own,
                };
                self.user == format!("system:serviceaccount:{place}:{name}")
            }
            _ => false,
        }
    }

    /// The rules that hold for this identity: everywhere, and in `namespace` if one is named.
    pub(super) fn rules(&self, cluster: &Cluster, namespace: &str) -> Vec<Value> {
        if self.groups.iter().any(|group| group == "system:masters") {
            return vec![
                json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
                json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
            ];
        }
        let mut rules = Vec::new();
        for binding in cluster
            .store
            .list("clusterrolebindings.rbac.authorization.k8s.io", None)
        {
            rules.extend(self.granted(cluster, &binding, ""));
        }
        if !namespace.is_empty() {
            for binding in cluster
                .store
                .list("rolebindings.rbac.authorization.k8s.io", Some(namespace))
            {
                rules.extend(self.granted(cluster, &binding, namespace));
            }
        }
        rules
    }

    fn granted(&self, cluster: &Cluster, binding: &Value, place: &str) -> Vec<Value> {
        if !items(binding, "/subjects")
            .iter()
            .any(|subject| self.is_subject(subject, place))
        {
            return Vec::new();
        }
        role_of(cluster, binding, place)
            .map(|role| items(&role, "/rules").to_vec())
            .unwrap_or_default()
    }

    /// True if some rule allows it.
    pub(super) fn may(&self, cluster: &Cluster, question: &Question<'_>) -> bool {
        self.rules(cluster, question.namespace)
            .iter()
            .any(|rule| question.is_allowed_by(rule))
    }

    /// The 403 that answers `question`, in the real server's words.
    pub(super) fn refusal(&self, question: &Question<'_>) -> ApiError {
        let Question {
            verb,
            group,
            resource,
            namespace,
            name,
            path,
            ..
        } = question;
        if !path.is_empty() {
            let message = format!("forbidden: User {:?} cannot {verb} path {path:?}", self.user);
            let mut error = ApiError::new(403, "Forbidden", message);
            error.details = Some(Box::new(json!({})));
            return error;
        }
        let qualified = if group.is_empty() {
            (*resource).to_owned()
        } else {
            format!("{resource}.{group}")
        };
        let object = if name.is_empty() {
            qualified
        } else {
            format!("{qualified} {name:?}")
        };
        let whole = question.whole_resource();
        let place = if namespace.is_empty() {
            "at the cluster scope".into()
        } else {
            format!("in the namespace {namespace:?}")
        };
        let message = format!(
            "{object} is forbidden: User {:?} cannot {verb} resource {whole:?} in API group {group:?} {place}",
            self.user
        );
        let mut error = ApiError::new(403, "Forbidden", message);
        error.details = Some(Box::new(described(name, group, resource)));
        error
    }
}

/// The role that a binding in `place` refers to.
pub(super) fn role_of(cluster: &Cluster, binding: &Value, place: &str) -> Option<Arc<Value>> {
    let name = text(binding, "/roleRef/name");
    match text(binding, "/roleRef/kind") {
        "ClusterRole" => cluster.get("clusterroles.rbac.authorization.k8s.io", "", name),
        _ => cluster.get("roles.rbac.authorization.k8s.io", place, name),
    }
}

impl<'a> Question<'a> {
    /// The question that a request on `target` raises.
    pub(super) fn about(verb: &'a str, target: &'a Target) -> Self {
        // Real authorizers see a namespace object as inside itself, so that a role there can allow reading it.
        let is_namespace =
            target.group.is_empty() && target.resource == "namespaces" && !target.name.is_empty();
        Self {
            verb,
            group: &target.group,
            resource: &target.resource,
            subresource: &target.subresource,
            namespace: if is_namespace {
                &target.name
            } else {
                &target.namespace
            },
            name: &target.name,
            path: "",
        }
    }

    fn whole_resource(&self) -> String {
        match self.subresource {
            "" => self.resource.to_owned(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }

    /// True if the rule allows it. A wildcard that is asked for is covered by a wildcard alone.
    pub(super) fn is_allowed_by(&self, rule: &Value) -> bool {
        let has = |pointer: &str, wanted: &str| {
            items(rule, pointer)
                .iter()
                .filter_map(Value::as_str)
                .any(|one| one == "*" || one == wanted)
        };
        if !has("/verbs", self.verb) {
            return false;
        }
        if !self.path.is_empty() {
            let paths = items(rule, "/nonResourceURLs").iter().filter_map(Value::as_str);
            return paths
                .into_iter()
                .any(|pattern| is_path_covered(pattern, self.path));
        }
        let any_subresource = format!("*/{}", self.subresource);
        let is_resource = has("/resources", &self.whole_resource())
            || !self.subresource.is_empty() && has("/resources", &any_subresource);
        let names = items(rule, "/resourceNames");
        let is_named = names.is_empty() || names.iter().any(|one| one.as_str() == Some(self.name));
        has("/apiGroups", self.group) && is_resource && is_named
    }
}

fn is_path_covered(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks<'a>(
        verb: &'a str,
        group: &'a str,
        resource: &'a str,
        subresource: &'a str,
        name: &'a str,
    ) -> Question<'a> {
        Question {
            verb,
            group,
            resource,
            subresource,
            name,
            ..Question::default()
        }
    }

    #[test]
    fn rules_cover_what_they_name() {
        let rule = json!({"verbs": ["get", "patch"], "apiGroups": ["apps"], "resources": ["deployments", "*/scale"],
            "resourceNames": ["web"]});
        assert!(asks("get", "apps", "deployments", "", "web").is_allowed_by(&rule));
        assert!(asks("patch", "apps", "statefulsets", "scale", "web").is_allowed_by(&rule));
        for no in [
            asks("delete", "apps", "deployments", "", "web"),
            asks("get", "", "deployments", "", "web"),
            asks("get", "apps", "deployments", "status", "web"),
            asks("get", "apps", "deployments", "", "cart"),
            asks("get", "apps", "deployments", "", ""),
        ] {
            assert!(!no.is_allowed_by(&rule), "{no:?}");
        }
    }

    #[test]
    fn paths_by_prefix() {
        let rule = json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/apis/*"]});
        let path = |path| Question {
            verb: "get",
            path,
            ..Question::default()
        };
        assert!(path("/healthz").is_allowed_by(&rule) && path("/apis/apps/v1").is_allowed_by(&rule));
        assert!(!path("/healthz/etcd").is_allowed_by(&rule));
    }

    #[test]
    fn bindings_reach_users_groups_and_service_accounts() {
        let mut cluster = Cluster::default();
        let group = "rbac.authorization.k8s.io";
        cluster.create(
            &format!("roles.{group}"),
            json!({"metadata": {"name": "reader", "namespace": "blog"},
                "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}),
        );
        cluster.create(
            &format!("rolebindings.{group}"),
            json!({"metadata": {"name": "reader", "namespace": "blog"}, "roleRef": {"kind": "Role", "name": "reader"},
                "subjects": [{"kind": "User", "name": "ann"}, {"kind": "ServiceAccount", "name": "bot"}]}),
        );
        let question = Question {
            verb: "get",
            resource: "pods",
            namespace: "blog",
            ..Question::default()
        };
        let elsewhere = Question {
            namespace: "shop",
            ..question.clone()
        };
        for user in ["ann", "system:serviceaccount:blog:bot"] {
            let identity = Identity::of(user, Vec::new());
            assert!(identity.may(&cluster, &question), "{user}");
            assert!(!identity.may(&cluster, &elsewhere), "{user}");
        }
        assert!(!Identity::of("system:serviceaccount:shop:bot", Vec::new()).may(&cluster, &question));
        assert!(Identity::admin().may(&cluster, &elsewhere));
    }
}
