//! What was typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The words of `sayso --help` that clap does not write.
const ABOUT: &str = "Say what you want of a Kubernetes cluster; read exactly what will happen; then say so.

Nothing changes in your cluster without your say-so: every change is shown with its diff and its risks
before it is made, and recorded with the way back.";

const EXAMPLES: &str = "\x1b[1mExamples:\x1b[0m
  sayso \"scale web to 5\"                     plan it, show it, ask, apply, watch
  sayso --sandbox \"scale web to 5\"           the same in a cluster in a box
  sayso \"why is cart failing\"                collect what is wrong with it
  kubectl get pod x -o yaml | sayso \"why does this not start?\"
  sayso \"what is a PodDisruptionBudget\"      look it up; needs no cluster
  sayso --plan-only \"drain node-1\"           change nothing
  sayso plan \"drain node-1\" -f plan.yaml     write it down; `sayso apply plan.yaml` does it later
  sayso author \"a NetworkPolicy that ...\"    have a manifest written, where an adviser is configured
  sayso undo                                 take the last change back
  sayso audit verify                         check the record

\x1b[1mExit codes:\x1b[0m 0 done, 1 failed or rejected, 2 usage, 3 needs approval and nobody was there, 4 denied by policy,
5 no plan (not understood or ambiguous), 130 interrupted.";

/// `sayso`, and as `kubectl sayso` a plugin of kubectl.
#[derive(Debug, Parser)]
#[command(name = "sayso", version, about = ABOUT, after_help = EXAMPLES, args_conflicts_with_subcommands = false)]
#[command(subcommand_precedence_over_arg = true)]
pub struct Typed {
    /// What you want, in your words
    #[arg(value_name = "REQUEST")]
    pub request: Vec<String>,

    /// Flags of every command
    #[command(flatten)]
    pub common: Common,

    /// The command, where it is not a request
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace that applies where none is named
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Look at every namespace where none is named
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The kubeconfig file to use
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Act as this user
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act with this group; may be given more than once
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// Use a cluster in a box that ends with the command: shop, broken-shop, ml, big, or manifests from a file or folder
    #[arg(long, global = true, value_name = "SCENARIO|FILE|DIR", num_args = 0..=1, require_equals = true)]
    pub sandbox: Option<Option<PathBuf>>,
    /// How to print
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub output: Output,
    /// Approve what policy lets `--yes` approve, and nothing more
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Refuse to change anything
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Plan and check, then stop
    #[arg(long, global = true)]
    pub plan_only: bool,
    /// The model: `embedded`, a name of `sayso model list`, or the address of an OpenAI-compatible server with the model's name behind `#`
    #[arg(long, global = true, value_name = "MODEL")]
    pub model: Option<String>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// Tell more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// The same as YAML.
    Yaml,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Commands that are not requests.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do what a request says (the same as without the word)
    Ask {
        /// The request
        #[arg(required = true)]
        request: Vec<String>,
    },
    /// Plan and check a request, then stop (the same as --plan-only)
    Plan {
        /// The request
        #[arg(required = true)]
        request: Vec<String>,
        /// Write the plan to this file, for `sayso apply`
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// How long the file may be applied, as in 8h or 3d
        #[arg(long, value_name = "SPAN", default_value = "1d", requires = "file")]
        good_for: jiff::Span,
    },
    /// Have the adviser write manifests that no command makes, and go on with them as with every plan
    Author {
        /// What they are to be, as in: a deployment with a sidecar and a readiness probe
        #[arg(required = true)]
        request: Vec<String>,
        /// Write the plan to this file, for `sayso apply`, instead of applying it
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// How long the file may be applied, as in 8h or 3d
        #[arg(long, value_name = "SPAN", default_value = "1d", requires = "file")]
        good_for: jiff::Span,
    },
    /// Check a plan file against the cluster again, show it, and apply it
    Apply {
        /// The file that `sayso plan -f` wrote
        file: PathBuf,
    },
    /// Look at a plan file, and sign it as one more person who says yes
    Approve {
        /// The file that `sayso plan -f` wrote
        file: PathBuf,
        /// A signature made elsewhere: by `ssh-keygen -Y sign -n sayso-plan` over what --message prints
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// Print what is signed, and stop
        #[arg(long)]
        message: bool,
    },
    /// Show the rules that decide what needs whose say-so, or try them
    Policy {
        /// What to do with them
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Take a recorded change back: it is planned, reviewed and recorded like any other
    Undo {
        /// The change's id, or its beginning or end; the last change without it
        id: Option<String>,
    },
    /// Look at the record of what was done
    Audit {
        /// What to do with it
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Serve a cluster in a box until Ctrl-C
    Sandbox(SandboxArgs),
    /// Measure the planner on a file of requests, graded by their effect on twin sandboxes
    Eval {
        /// The suite: JSON lines
        suite: PathBuf,
        /// Only cases whose id contains this
        #[arg(long)]
        only: Option<String>,
        /// Show every case, not only the wrong ones
        #[arg(long)]
        all: bool,
        /// Exit 1 if fewer answers are right: a number, or a percentage such as 90%
        #[arg(long, value_name = "N")]
        at_least: Option<super::eval::AtLeast>,
        /// Compare with an earlier run: what `-o json` printed then, perhaps of another model
        #[arg(long, value_name = "FILE")]
        baseline: Option<PathBuf>,
    },
    /// Look after the knowledge base, and search it
    Knowledge {
        /// What to do with it
        #[command(subcommand)]
        command: KnowledgeCommand,
    },
    /// See, fetch, measure and choose the models that plan and explain
    Model {
        /// What to do with them
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Check what Sayso needs: kubeconfig, cluster, memory, GPU, model, folders
    Doctor,
    /// Print completions for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `sayso policy ...`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// List the rules that apply, with where they come from
    Show {
        /// Only the rule of this name, whole
        rule: Option<String>,
    },
    /// Run the examples of every rule; exits 1 if one comes out wrong
    Test {
        /// A policy file; all that apply without it
        file: Option<PathBuf>,
    },
}

/// `sayso knowledge ...`
#[derive(Debug, Subcommand)]
pub enum KnowledgeCommand {
    /// Find passages, best first
    Search {
        /// Words, or a question
        #[arg(required = true)]
        query: Vec<String>,
        /// How many passages
        #[arg(long, default_value_t = 5, value_name = "N")]
        limit: usize,
        /// By what to search
        #[arg(long, value_enum, default_value_t = SearchBy::Both, value_name = "HOW")]
        by: SearchBy,
    },
    /// Show a page or a passage whole, by the id that an answer cites
    Show {
        /// Its id, as in concepts/pod or runbooks/volume-full#checks
        id: String,
    },
    /// Add a file, a folder or a git repository of Markdown or text, or bring one that was added up to date
    Add {
        /// A path, or the address of a repository
        place: String,
        /// Stay, and index again what changes, until Ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// List what was added, and how much there is of everything
    List,
    /// Forget something that was added; its files stay as they are
    Remove {
        /// Its name in the list, or its place
        name: String,
    },
    /// Read the schemas of the cluster, custom resources too; after that they are kept up to date
    Learn,
    /// Build every index again
    Rebuild,
}

/// By what to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchBy {
    /// Words alone.
    Words,
    /// Sense alone.
    Vectors,
    /// Both.
    Both,
}

/// What a model can be, in help texts.
const SOURCES: &str = "A model is one of:
  owner/repository               of the hub; `@REVISION` pins a branch, tag or commit, and `:Q4_K_M` chooses one of
                                 its models (for safetensors: to what they are quantized while loading)
  ./model.gguf, /a/folder        a file or folder of this machine, which stays where it is
  http://localhost:11434/v1#qwen an OpenAI-compatible server, with the model's name there
  NAME                           a model of `sayso model list`
  embedded                       the planner that comes with Sayso";

/// `sayso model ...`
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// List the models of this machine and the servers that are configured
    List,
    /// Plan with a model, explain with it, or both; fetches it if need be
    #[command(after_help = SOURCES)]
    Use {
        /// The model
        #[arg(value_name = "MODEL")]
        what: String,
        /// For what
        #[arg(long = "for", value_enum, default_value_t = For::Both, value_name = "ROLE")]
        role: For,
        /// How a server takes a grammar: mistral-rs, vllm, llama-cpp, ollama, openai
        #[arg(long, value_name = "DIALECT")]
        dialect: Option<String>,
        /// The variable that holds a server's key; OPENAI_API_KEY without it
        #[arg(long, value_name = "VARIABLE")]
        key_variable: Option<String>,
        /// How it is fetched
        #[command(flatten)]
        pull: PullArgs,
    },
    /// Fetch a model from the hub, or take one of this machine into the list; what was broken off goes on
    #[command(after_help = SOURCES)]
    Pull {
        /// The model
        #[arg(value_name = "MODEL")]
        what: String,
        /// How it is fetched
        #[command(flatten)]
        pull: PullArgs,
    },
    /// Show what a model is: source, revision, licence, files with their hashes, memory that it needs
    #[command(after_help = SOURCES)]
    Show {
        /// The model
        #[arg(value_name = "MODEL")]
        what: String,
        /// Tokens of context that memory is estimated for
        #[arg(long, value_name = "N")]
        tokens: Option<u64>,
        /// Hash every file again
        #[arg(long)]
        verify: bool,
    },
    /// Measure how fast a model reads and writes, how long it takes to load, and its memory
    Bench {
        /// A model of `sayso model list`, `embedded`, or the address of a server; the one that plans without it
        #[arg(value_name = "NAME|URL")]
        what: Option<String>,
        /// How often; the median counts
        #[arg(long, default_value_t = 3, value_name = "N")]
        runs: usize,
    },
    /// Remove a model, or what is there of one
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        what: String,
        /// Even if it is in use
        #[arg(long)]
        force: bool,
    },
}

/// How a model is fetched.
#[derive(Clone, Debug, Default, Args)]
pub struct PullArgs {
    /// The name that it gets here
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Tokens of context that it must have room for
    #[arg(long, value_name = "N")]
    pub tokens: Option<u64>,
    /// Even if it will not fit into memory
    #[arg(long)]
    pub force: bool,
}

/// What a model is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// Plans.
    Planner,
    /// Explanations and manifests.
    Adviser,
    /// Both.
    Both,
}

/// `sayso audit ...`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List what was done, newest last
    List {
        /// Only what is younger: a span such as 2h or 7d, or a date
        #[arg(long)]
        since: Option<String>,
        /// Only of one user
        #[arg(long)]
        user: Option<String>,
        /// Only commands that contain this
        #[arg(long)]
        object: Option<String>,
        /// Only with this outcome
        #[arg(long)]
        verdict: Option<String>,
    },
    /// Show one action whole
    Show {
        /// Its id, or its beginning or end
        id: String,
    },
    /// Check that no record was changed, dropped or added; exits 1 and says where if one was
    Verify,
    /// Print the whole record for other programs
    Export {
        /// As what
        #[arg(long, value_enum, default_value_t = ExportForm::Json)]
        form: ExportForm,
    },
}

/// Forms of `audit export`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportForm {
    /// JSON lines.
    Json,
    /// Comma-separated values.
    Csv,
    /// OpenTelemetry logs, as OTLP/JSON lines.
    Otlp,
}

/// `sayso sandbox`.
#[derive(Debug, Args)]
#[command(after_long_help = crate::driver::sandbox::LIMITS)]
pub struct SandboxArgs {
    /// What to begin with: shop (the default), broken-shop, ml, big, or a file or folder of manifests
    #[arg(value_name = "SCENARIO|FILE|DIR")]
    pub seed: Option<PathBuf>,
    /// Keep the objects in this file: start from it where it exists, write it at the end
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}
