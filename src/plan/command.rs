//! Every command of the plan language. One line per field says where it stands; reading, writing and the grammar all
//! follow from it.

use super::field::{Field, Many};
pub use super::shape::{Effect, Reach, Shape};
use super::shape::{HERE, LAST, commands, flag, flag_names, is_here};
use super::target::{
    Any, Diagnosable, Everything, Exposable, JobSource, Kinds, Logged, Measured, Node, OneKind, Pausable,
    Rolling, Scalable, Target, Templated,
};
use super::value::{
    AccessResource, Amounts, AnnotationChange, Argument, ContainerImage, ContainerName, Count,
    CountOrPercent, Duration, EnvChange, EventType, FieldPath, FieldSelector, Image, IngressRule, Json,
    LabelChange, NewName, Output, Pair, Pairs, PatchType, Port, PortPair, Protocol, RbacName, Reference,
    RestartPolicy, Schedule, Selector, ServiceType, SortKey, Subresource, Taint, UsageKey, User, Verb,
};
use super::words::{FlagShape, Line};

commands! {
    /// Lists objects of some kinds.
    Get = Read "get" Any {
        /// What to list.
        kinds: Kinds = HERE;
        /// By label.
        selector: Option<Selector> = flag(&["-l", "--selector"]);
        /// By field.
        field_selector: Option<FieldSelector> = flag(&["--field-selector"]);
        /// How to order.
        sort_by: Option<SortKey> = flag(&["--sort-by"]);
        /// Whether labels are shown as a column.
        show_labels: bool = flag(&["--show-labels"]);
        /// How to print.
        output: Option<Output> = flag(&["-o", "--output"]);
    }
    /// Shows named objects.
    GetObjects = Read "get" Namespace {
        /// The objects.
        targets: Many<Any> = HERE;
        /// Whether labels are shown as a column.
        show_labels: bool = flag(&["--show-labels"]);
        /// How to print.
        output: Option<Output> = flag(&["-o", "--output"]);
    }
    /// Tells all about named objects.
    Describe = Read "describe" Namespace {
        /// The objects.
        targets: Many<Any> = HERE;
    }
    /// Tells all about the objects of a kind.
    DescribeKind = Read "describe" Any {
        /// The kind.
        kind: OneKind = HERE;
        /// By label.
        selector: Option<Selector> = flag(&["-l", "--selector"]);
    }
    /// Prints what containers wrote.
    Logs = Read "logs" Namespace {
        /// The pod, or the owner of pods.
        target: Logged = HERE;
        /// One container of several.
        container: Option<ContainerName> = flag(&["-c", "--container"]);
        /// Only the last lines.
        tail: Option<Count> = flag(&["--tail"]);
        /// Only what is younger.
        since: Option<Duration> = flag(&["--since"]);
        /// The run before the last restart.
        previous: bool = flag(&["--previous", "-p"]);
        /// Every container.
        all_containers: bool = flag(&["--all-containers"]);
        /// With the time of each line.
        timestamps: bool = flag(&["--timestamps"]);
    }
    /// Lists events.
    Events = Read "events" Any {
        /// Only those about one object.
        about: Option<Any> = flag(&["--for"]);
        /// Only of one type.
        types: Option<EventType> = flag(&["--types"]);
    }
    /// Shows what pods or nodes use.
    Top = Read "top" Any {
        /// Which of the two.
        what: Measured = HERE;
        /// By label.
        selector: Option<Selector> = flag(&["-l", "--selector"]);
        /// How to order.
        sort_by: Option<UsageKey> = flag(&["--sort-by"]);
        /// Containers one by one.
        containers: bool = flag(&["--containers"]);
    }
    /// Tells what a kind or field is, from the cluster's own documentation.
    Explain = Read "explain" Cluster {
        /// Kind and field.
        path: FieldPath = HERE;
        /// Every field below it.
        recursive: bool = flag(&["--recursive"]);
    }
    /// Tells how far a rollout is.
    RolloutStatus = Read "rollout status" Namespace {
        /// What rolls out.
        target: Rolling = HERE;
    }
    /// Lists the revisions of a rollout.
    RolloutHistory = Read "rollout history" Namespace {
        /// What rolls out.
        target: Rolling = HERE;
        /// One revision whole.
        revision: Option<Count> = flag(&["--revision"]);
    }
    /// Asks whether somebody may do something.
    CanI = Read "auth can-i" Any {
        /// The verb.
        verb: Verb = HERE;
        /// The resource.
        resource: AccessResource = HERE;
        /// What of the resource.
        subresource: Option<Subresource> = flag(&["--subresource"]);
        /// Somebody else.
        user: Option<User> = flag(&["--as"]);
    }
    /// Collects the evidence of what is wrong with an object. Sayso's own; kubectl has none.
    Diagnose = Read "diagnose" Namespace {
        /// Where to begin.
        target: Diagnosable = HERE;
    }
    /// Tells of everything that has a problem. Sayso's own, too.
    DiagnoseAll = Read "diagnose" Any {
        /// The word for it.
        all: Everything = HERE;
    }
    /// Sets the number of replicas.
    Scale = Write "scale" Namespace {
        /// What to scale.
        targets: Many<Scalable> = HERE;
        /// How many there shall be.
        replicas: Count = flag(&["--replicas"]);
    }
    /// Adds a horizontal autoscaler.
    Autoscale = Write "autoscale" Namespace {
        /// What it scales.
        target: Scalable = HERE;
        /// The fewest replicas.
        min: Option<Count> = flag(&["--min"]);
        /// The most replicas.
        max: Count = flag(&["--max"]);
        /// The CPU use that it aims for, in percent of the request.
        cpu_percent: Option<Count> = flag(&["--cpu-percent"]);
    }
    /// Replaces every pod, gradually.
    RolloutRestart = Write "rollout restart" Namespace {
        /// What rolls out.
        targets: Many<Rolling> = HERE;
    }
    /// Goes back to an earlier revision.
    RolloutUndo = Write "rollout undo" Namespace {
        /// What rolls out.
        target: Rolling = HERE;
        /// Which one; the one before where it is not given.
        to_revision: Option<Count> = flag(&["--to-revision"]);
    }
    /// Holds a rollout.
    RolloutPause = Write "rollout pause" Namespace {
        /// What rolls out.
        targets: Many<Pausable> = HERE;
    }
    /// Lets a held rollout go on.
    RolloutResume = Write "rollout resume" Namespace {
        /// What rolls out.
        targets: Many<Pausable> = HERE;
    }
    /// Sets images of containers.
    SetImage = Write "set image" Namespace {
        /// The owner of the pod template.
        target: Templated = HERE;
        /// Which container gets which image.
        images: Many<ContainerImage> = HERE;
    }
    /// Sets environment variables.
    SetEnv = Write "set env" Namespace {
        /// The owner of the pod template.
        target: Templated = HERE;
        /// The variables.
        changes: Many<EnvChange> = HERE;
        /// One container of several.
        container: Option<ContainerName> = flag(&["-c", "--containers"]);
    }
    /// Sets what containers ask for and may use.
    SetResources = Write "set resources" Namespace {
        /// The owner of the pod template.
        target: Templated = HERE;
        /// One container of several.
        container: Option<ContainerName> = flag(&["-c", "--containers"]);
        /// What is set aside.
        requests: Option<Amounts> = flag(&["--requests"]);
        /// What may not be exceeded.
        limits: Option<Amounts> = flag(&["--limits"]);
    }
    /// Sets the service account of pods.
    SetServiceAccount = Write "set serviceaccount" Namespace {
        /// The owner of the pod template.
        target: Templated = HERE;
        /// The account.
        account: Reference = HERE;
    }
    /// Sets or takes away labels.
    Label = Write "label" Namespace {
        /// The objects.
        targets: Many<Any> = HERE;
        /// The labels.
        changes: Many<LabelChange> = HERE;
        /// Whether a label that exists may change.
        overwrite: bool = flag(&["--overwrite"]);
    }
    /// Sets or takes away annotations.
    Annotate = Write "annotate" Namespace {
        /// The objects.
        targets: Many<Any> = HERE;
        /// The annotations.
        changes: Many<AnnotationChange> = HERE;
        /// Whether an annotation that exists may change.
        overwrite: bool = flag(&["--overwrite"]);
    }
    /// Changes fields of an object.
    Patch = Write "patch" Namespace {
        /// The object.
        target: Any = HERE;
        /// How to merge; strategic where it is not given.
        kind: Option<PatchType> = flag(&["--type"]);
        /// The fields.
        patch: Json = flag(&["-p", "--patch"]);
    }
    /// Keeps pods off nodes, or takes such a mark away.
    TaintNodes = Write "taint nodes" Cluster {
        /// The nodes.
        nodes: Many<Node> = HERE;
        /// The taints.
        taints: Many<Taint> = HERE;
        /// Whether a taint that exists may change.
        overwrite: bool = flag(&["--overwrite"]);
    }
    /// Keeps new pods off a node.
    Cordon = Write "cordon" Cluster {
        /// The nodes.
        nodes: Many<Node> = HERE;
    }
    /// Lets a node take pods again.
    Uncordon = Write "uncordon" Cluster {
        /// The nodes.
        nodes: Many<Node> = HERE;
    }
    /// Moves every pod off a node.
    Drain = Write "drain" Cluster {
        /// The node.
        node: Node = HERE;
        /// Leaves the pods of daemon sets.
        ignore_daemonsets: bool = flag(&["--ignore-daemonsets"]);
        /// Also pods whose scratch data is lost by it.
        delete_emptydir_data: bool = flag(&["--delete-emptydir-data"]);
        /// Also pods that nothing will bring back.
        force: bool = flag(&["--force"]);
        /// Seconds that pods get to end; their own where it is not given.
        grace_period: Option<Count> = flag(&["--grace-period"]);
    }
    /// Deletes named objects.
    Delete = Write "delete" Namespace {
        /// The objects.
        targets: Many<Any> = HERE;
        /// Seconds that pods get to end; their own where it is not given.
        grace_period: Option<Count> = flag(&["--grace-period"]);
        /// At once, without waiting for the kubelet.
        force: bool = flag(&["--force"]);
    }
    /// Deletes the objects of a kind that carry a label.
    DeleteMatching = Write "delete" Namespace {
        /// The kind.
        kind: OneKind = HERE;
        /// The label.
        selector: Selector = flag(&["-l", "--selector"]);
    }
    /// Starts a bare pod.
    Run = Write "run" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its image.
        image: Image = flag(&["--image"]);
        /// The port that it listens on.
        port: Option<Port> = flag(&["--port"]);
        /// Its environment.
        env: Vec<Pair> = flag(&["--env"]);
        /// Its labels.
        labels: Option<Pairs> = flag(&["-l", "--labels"]);
        /// When it is started again.
        restart: Option<RestartPolicy> = flag(&["--restart"]);
        /// Whether the trailing words replace the image's entrypoint.
        command: bool = flag(&["--command"]);
        /// What it runs.
        arguments: Vec<Argument> = LAST;
    }
    /// Makes a service for something.
    Expose = Write "expose" Namespace {
        /// What it sends to.
        target: Exposable = HERE;
        /// Its name; that of the target where it is not given.
        name: Option<NewName> = flag(&["--name"]);
        /// The service's port.
        port: Option<Port> = flag(&["--port"]);
        /// The container's port.
        target_port: Option<Port> = flag(&["--target-port"]);
        /// Its type.
        kind: Option<ServiceType> = flag(&["--type"]);
        /// Its protocol.
        protocol: Option<Protocol> = flag(&["--protocol"]);
    }
    /// Creates a namespace.
    CreateNamespace = Write "create namespace" Cluster {
        /// Its name.
        name: NewName = HERE;
    }
    /// Creates a deployment.
    CreateDeployment = Write "create deployment" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// One image a container.
        image: Many<Image> = flag(&["--image"]);
        /// How many replicas.
        replicas: Option<Count> = flag(&["-r", "--replicas"]);
        /// The port that the container listens on.
        port: Option<Port> = flag(&["--port"]);
        /// What the container runs.
        arguments: Vec<Argument> = LAST;
    }
    /// Creates a service that is reached inside the cluster.
    CreateServiceClusterIp = Write "create service clusterip" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its ports.
        tcp: Vec<PortPair> = flag(&["--tcp"]);
    }
    /// Creates a service with a port on every node.
    CreateServiceNodePort = Write "create service nodeport" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its ports.
        tcp: Many<PortPair> = flag(&["--tcp"]);
        /// The port on the nodes.
        node_port: Option<Port> = flag(&["--node-port"]);
    }
    /// Creates a service behind a load balancer.
    CreateServiceLoadBalancer = Write "create service loadbalancer" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its ports.
        tcp: Many<PortPair> = flag(&["--tcp"]);
    }
    /// Creates an ingress.
    CreateIngress = Write "create ingress" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its class.
        class: Option<Reference> = flag(&["--class"]);
        /// Where hosts and paths lead.
        rules: Many<IngressRule> = flag(&["--rule"]);
    }
    /// Creates a configmap.
    CreateConfigMap = Write "create configmap" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its entries.
        literals: Vec<Pair> = flag(&["--from-literal"]);
    }
    /// Creates a secret.
    CreateSecret = Write "create secret generic" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its entries.
        literals: Vec<Pair> = flag(&["--from-literal"]);
    }
    /// Creates a job from an image.
    CreateJob = Write "create job" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its image.
        image: Image = flag(&["--image"]);
        /// What it runs.
        arguments: Vec<Argument> = LAST;
    }
    /// Runs a cron job now.
    CreateJobFrom = Write "create job" Namespace {
        /// The job's name.
        name: NewName = HERE;
        /// The cron job.
        from: JobSource = flag(&["--from"]);
    }
    /// Creates a cron job.
    CreateCronJob = Write "create cronjob" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Its image.
        image: Image = flag(&["--image"]);
        /// When it runs.
        schedule: Schedule = flag(&["--schedule"]);
        /// What it runs.
        arguments: Vec<Argument> = LAST;
    }
    /// Creates a service account.
    CreateServiceAccount = Write "create serviceaccount" Namespace {
        /// Its name.
        name: NewName = HERE;
    }
    /// Creates a role.
    CreateRole = Write "create role" Namespace {
        /// Its name.
        name: RbacName = HERE;
        /// What may be done.
        verbs: Many<Verb> = flag(&["--verb"]);
        /// With what.
        resources: Many<AccessResource> = flag(&["--resource"]);
        /// Only with objects of these names.
        resource_names: Vec<Reference> = flag(&["--resource-name"]);
    }
    /// Creates a role for the whole cluster.
    CreateClusterRole = Write "create clusterrole" Cluster {
        /// Its name.
        name: RbacName = HERE;
        /// What may be done.
        verbs: Many<Verb> = flag(&["--verb"]);
        /// With what.
        resources: Many<AccessResource> = flag(&["--resource"]);
        /// Only with objects of these names.
        resource_names: Vec<Reference> = flag(&["--resource-name"]);
    }
    /// Gives a role to somebody.
    CreateRoleBinding = Write "create rolebinding" Namespace {
        /// Its name.
        name: RbacName = HERE;
        /// The role, if it is one of the namespace.
        role: Option<Reference> = flag(&["--role"]);
        /// The role, if it is one of the cluster.
        cluster_role: Option<Reference> = flag(&["--clusterrole"]);
        /// Users who get it.
        users: Vec<User> = flag(&["--user"]);
        /// Groups that get it.
        groups: Vec<User> = flag(&["--group"]);
        /// Service accounts that get it, as `namespace:name`.
        accounts: Vec<User> = flag(&["--serviceaccount"]);
    }
    /// Gives a role to somebody in the whole cluster.
    CreateClusterRoleBinding = Write "create clusterrolebinding" Cluster {
        /// Its name.
        name: RbacName = HERE;
        /// The role.
        cluster_role: Reference = flag(&["--clusterrole"]);
        /// Users who get it.
        users: Vec<User> = flag(&["--user"]);
        /// Groups that get it.
        groups: Vec<User> = flag(&["--group"]);
        /// Service accounts that get it, as `namespace:name`.
        accounts: Vec<User> = flag(&["--serviceaccount"]);
    }
    /// Creates a quota for a namespace.
    CreateQuota = Write "create quota" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// The limits.
        hard: Amounts = flag(&["--hard"]);
    }
    /// Creates a floor under voluntary disruptions, by pods that must stay.
    CreatePodDisruptionBudget = Write "create poddisruptionbudget" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Which pods it is for.
        selector: Selector = flag(&["--selector"]);
        /// How many must stay.
        min_available: CountOrPercent = flag(&["--min-available"]);
    }
    /// Creates a floor under voluntary disruptions, by pods that may go.
    CreatePodDisruptionBudgetMax = Write "create poddisruptionbudget" Namespace {
        /// Its name.
        name: NewName = HERE;
        /// Which pods it is for.
        selector: Selector = flag(&["--selector"]);
        /// How many may be gone.
        max_unavailable: CountOrPercent = flag(&["--max-unavailable"]);
    }
    /// Creates a priority class.
    CreatePriorityClass = Write "create priorityclass" Cluster {
        /// Its name.
        name: NewName = HERE;
        /// The priority; higher goes first.
        value: Count = flag(&["--value"]);
        /// Whether it holds for pods that name none.
        global_default: bool = flag(&["--global-default"]);
    }
    /// Issues a token for a service account. The token itself is shown once and never recorded.
    CreateToken = Write "create token" Namespace {
        /// The account.
        account: Reference = HERE;
        /// How long it is good for.
        duration: Option<Duration> = flag(&["--duration"]);
    }
    /// Brings an object to what a manifest says.
    Apply = Write "apply -f - <<<" Namespace {
        /// The manifest.
        manifest: Json = HERE;
    }
}
