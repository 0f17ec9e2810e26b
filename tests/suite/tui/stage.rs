//! A sandbox, a scripted model, and the app between them on a screen of characters.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sayso::audit::AuditLog;
use sayso::cluster::{Cluster, ConnectOptions};
use sayso::config::{Config, Environment, Overrides};
use sayso::driver::cockpit::Cockpit;

use sayso::driver::{Adviser, Connection, Library, Parts};
use sayso::llm::{Endpoint, EndpointConfig, Model, Scripted, Timeouts, Transport};
use sayso::sandbox::{self, Options, Running};
use sayso::session::Wishes;
use sayso::tui::app::event::Event;
use sayso::tui::shell::{Outside, Shell};
use sayso::tui::view;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::suite::cli::planner::{Planner, Reply};

/// An adviser at a server of its own, which lives as long as the runtime.
async fn adviser(answers: &[(&str, Reply)], config: &Config) -> Adviser {
    let (planner, base, _) = Planner::start().await;
    for (question, reply) in answers {
        planner.expect(question, reply.clone());
    }
    let endpoint = EndpointConfig {
        base_url: base,
        model: "scripted".to_owned(),
        key: None,
        dialect: "openai".parse().unwrap(),
        timeouts: Timeouts::default(),
        transport: Transport::default(),
        memory: None,
    };
    Adviser::new(Model::Endpoint(Endpoint::new(endpoint).unwrap()), config.advice)
}

/// How long the slowest answer may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that one test needs. Its clock moves only when the test waits.
pub struct Stage {
    pub shell: Shell<TestBackend>,
    pub cluster: Running,
    pub home: TempDir,
    now: Timestamp,
    runtime: Runtime,
}

impl Stage {
    /// The shop, with a model that answers with these plans in turn.
    pub fn new(plans: &[&str]) -> Stage {
        Stage::with(plans, Overrides::default())
    }

    /// The same with flags.
    pub fn with(plans: &[&str], overrides: Overrides) -> Stage {
        Stage::set(plans, overrides, None)
    }

    /// With an adviser at a server, which answers each of these questions so.
    pub fn advised(plans: &[&str], answers: &[(&str, Reply)]) -> Stage {
        Stage::set(plans, Overrides::default(), Some(answers))
    }

    fn set(plans: &[&str], overrides: Overrides, answers: Option<&[(&str, Reply)]>) -> Stage {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let place = home.path().to_str().unwrap().to_owned();
        let environment = Environment::new([
            ("HOME".to_owned(), place),
            ("USER".to_owned(), "tester".to_owned()),
        ]);
        let config = Config::load(&environment, overrides).unwrap();
        let model = Scripted::new(plans.iter().copied());
        let guard = runtime.enter();
        let (cluster, parts) = runtime.block_on(async {
            let cluster = sandbox::start(Options::default()).await.unwrap();
            let options = ConnectOptions {
                inline: Some(cluster.kubeconfig()),
                ..ConnectOptions::default()
            };
            let adviser = match answers {
                Some(answers) => Some(adviser(answers, &config).await),
                None => None,
            };
            let parts = Parts {
                cluster: Cluster::connect(&options).await.unwrap(),
                model: Model::Scripted(model.clone()),
                adviser,
                audit: AuditLog::open(&config.places.audit).unwrap(),
                library: Library::new(&config),
                sandbox: None,
            };
            (cluster, parts)
        });
        let settings = sayso::tui::settings(&config.tui, false).unwrap();
        let kubeconfig = home.path().join("kubeconfig");
        std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
        let connection = Connection {
            kubeconfig: Some(kubeconfig),
            ..Connection::default()
        };
        let cockpit = Cockpit::of(parts, config, connection);
        let terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let now = Timestamp::now();
        let shell = Shell::new(terminal, cockpit, settings, &Wishes::default(), now);
        drop(guard);
        Stage {
            shell,
            cluster,
            home,
            now,
            runtime,
        }
    }

    /// What is on the screen.
    pub fn screen(&mut self) -> String {
        self.shell.draw(self.now).unwrap();
        self.shell.terminal.backend().to_string()
    }

    /// What would be on a screen of another size.
    pub fn at(&mut self, width: u16, height: u16) -> String {
        let mut app = self.shell.app.clone();
        app.update(Event::Resize(width, height));
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&app, frame)).unwrap();
        terminal.backend().to_string()
    }

    /// The same with its colours.
    pub fn buffer(&mut self, width: u16, height: u16) -> Buffer {
        let mut app = self.shell.app.clone();
        app.update(Event::Resize(width, height));
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&app, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// Lets a second pass.
    pub fn pause(&mut self) {
        self.shell.draw(self.now).unwrap();
        self.now += SignedDuration::from_secs(1);
        let _guard = self.runtime.enter();
        self.shell.handle(Event::Tick(self.now));
    }

    /// Presses keys that are characters; a line end is Enter.
    pub fn keys(&mut self, text: &str) {
        for c in text.chars() {
            self.press(if c == '\n' {
                KeyCode::Enter
            } else {
                KeyCode::Char(c)
            });
        }
    }

    /// Presses a key.
    pub fn press(&mut self, code: KeyCode) {
        self.press_with(code, KeyModifiers::NONE);
    }

    /// Presses a key while others are held.
    pub fn press_with(&mut self, code: KeyCode, held: KeyModifiers) {
        let _guard = self.runtime.enter();
        self.shell.handle(Event::Key(KeyEvent::new(code, held)));
    }

    /// Waits until this is on the screen; then a second more, so that keys count.
    pub fn until(&mut self, text: &str) {
        self.wait(|stage| stage.screen().contains(text), text);
        self.pause();
    }

    /// Takes messages until it is so.
    fn wait(&mut self, is_so: impl Fn(&mut Stage) -> bool, what: &str) {
        while !is_so(self) {
            let next = async { tokio::time::timeout(PATIENCE, self.shell.receive()).await };
            let Ok(message) = self.runtime.block_on(next) else {
                panic!("no `{what}` on the screen:\n{}", self.screen());
            };
            let _guard = self.runtime.enter();
            self.shell.take(message.unwrap());
        }
    }

    /// Waits until the request in hand is over.
    pub fn over(&mut self) {
        self.wait(|stage| stage.shell.app.talk.run.is_none(), "end of the request");
    }

    /// Makes a request, and waits until this is on the screen.
    pub fn ask(&mut self, request: &str, text: &str) {
        self.keys(request);
        self.press(KeyCode::Enter);
        self.until(text);
    }

    /// What the owner of the terminal would have to do.
    pub fn outside(&mut self) -> Vec<Outside> {
        self.shell.outside()
    }

    /// Replicas that a deployment of the shop should have.
    pub fn replicas(&self, name: &str) -> Value {
        let is_it = |object: &Value| {
            object["kind"] == "Deployment"
                && object["metadata"]["namespace"] == "shop"
                && object["metadata"]["name"] == name
        };
        let object = self.cluster.objects().into_iter().find(is_it).unwrap_or_default();
        object["spec"]["replicas"].clone()
    }

    /// The bodies of all records of one kind, oldest first.
    pub fn records(&self, kind: &str) -> Vec<Value> {
        let log = self.home.path().join(".local/state/sayso/audit/audit.jsonl");
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let records = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        records
            .filter(|record| record["entry"].get(kind).is_some())
            .map(|record| record["entry"][kind]["body"].clone())
            .collect()
    }
}
