//! Starts an Envoy with the filter, and stops it when the test is over.

use std::{
    collections::HashMap,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::{
    bootstrap::{self, Bootstrap, FILTER_NAME},
    deployment::Deployment,
    listener::{Listener, Tls},
    origin::Origin,
    restart,
    version::{envoy_binary, envoy_version},
};

/// Long enough for an Envoy that shares two cores with a dozen others.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Envoy; dropping it stops it, and prints its log when the test has failed.
pub struct Envoy {
    pub(crate) process: Child,
    /// Kills Envoy when this test process dies without dropping its values.
    pub(crate) watchdog: Child,
    pub(crate) folder: TempDir,
    /// What it was started with, apart from what follows from its folder.
    pub(crate) arguments: Vec<String>,
    pub(crate) deployment: Deployment,
    /// What becomes of the wasm filter's configuration in each update.
    pub(crate) filter_changes: Vec<FilterChange>,
    admin: SocketAddr,
    pub(crate) listeners: HashMap<String, SocketAddr>,
    pub(crate) tls: HashMap<String, Tls>,
}

/// What an Envoy will be; [`EnvoyBuilder::start`] makes it so.
pub struct EnvoyBuilder {
    configuration: String,
    deployment: Deployment,
    listeners: Vec<Listener>,
    discovered: bool,
    filter_state: bool,
    concurrency: u32,
    upstream_http2: bool,
    routes: Vec<Value>,
    bootstrap: Option<String>,
    adaptations: Vec<Adaptation>,
    filter_changes: Vec<FilterChange>,
    arguments: Vec<String>,
    log_every_call: bool,
    under: Vec<String>,
}

type Adaptation = Box<dyn FnOnce(&mut Value) + Send>;
pub(crate) type FilterChange = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What Envoy did with a new configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is in force.
    Accepted,
    /// It was refused, the old one is still in force.
    Rejected,
}

impl Envoy {
    /// An Envoy with the filter, configured by that JSON value; one strict TLS listener unless the test adds others.
    pub fn with_filter(configuration: Value) -> EnvoyBuilder {
        Envoy::with_filter_text(&configuration.to_string())
    }

    /// The same with the configuration as text, which need not be JSON.
    pub fn with_filter_text(configuration: &str) -> EnvoyBuilder {
        EnvoyBuilder {
            configuration: configuration.to_owned(),
            deployment: Deployment::from_environment(),
            listeners: Vec::new(),
            discovered: false,
            filter_state: !envoy_version().has_peer_certificate(),
            concurrency: 1,
            upstream_http2: false,
            routes: Vec::new(),
            bootstrap: None,
            adaptations: Vec::new(),
            filter_changes: Vec::new(),
            arguments: vec!["--disable-hot-restart".to_owned()],
            log_every_call: false,
            under: Vec::new(),
        }
    }

    /// An Envoy with that bootstrap (YAML) as it is. The test adds its listeners by name, for the clients to know.
    pub fn with_bootstrap(yaml: String) -> EnvoyBuilder {
        EnvoyBuilder {
            bootstrap: Some(yaml),
            ..Envoy::with_filter_text("")
        }
    }

    /// Where that listener takes TCP connections.
    pub fn address(&self, listener: &str) -> SocketAddr {
        *self
            .listeners
            .get(listener)
            .unwrap_or_else(|| panic!("no listener {listener:?} in {:?}", self.listeners))
    }

    pub(crate) fn tls(&self, listener: &str) -> Tls {
        self.tls
            .get(listener)
            .copied()
            .unwrap_or_else(|| panic!("no listener {listener:?} in {:?}", self.tls))
    }

    /// Where the admin interface is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The body that the admin interface gives for that path.
    pub async fn admin(&self, path: &str) -> String {
        admin_request(self.admin, Method::GET, path)
            .await
            .unwrap_or_else(|error| panic!("admin interface, {path}: {error}"))
    }

    /// The same for what the admin interface only does when it is posted.
    pub async fn admin_post(&self, path: &str) -> String {
        admin_request(self.admin, Method::POST, path)
            .await
            .unwrap_or_else(|error| panic!("admin interface, {path}: {error}"))
    }

    /// Gives Envoy a new filter configuration and waits until it has taken or refused it. For
    /// [`EnvoyBuilder::discovered`] only.
    pub async fn update_config(&self, configuration: &Value) -> Update {
        self.update_config_text(&configuration.to_string()).await
    }

    /// The same with the configuration as text, which need not be JSON.
    pub async fn update_config_text(&self, configuration: &str) -> Update {
        let before = self.discovery_counts().await;
        let mut resource = self.deployment.discovery_response(configuration);
        change_filters(&mut resource, &self.filter_changes);
        write_discovery_file(&discovery_folder(self.folder.path()), &resource);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // Envoy counts a refused configuration under both names, so both come from one snapshot.
            let now = self.discovery_counts().await;
            if now.failures > before.failures {
                return Update::Rejected;
            }
            if now.reloads > before.reloads {
                return Update::Accepted;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Envoy did not notice its new filter configuration in {PATIENCE:?}");
    }

    /// Envoy's log so far.
    pub fn log(&self) -> String {
        read_log(self.folder.path())
    }

    /// The log lines so far that contain that text.
    pub fn log_lines_with(&self, text: &str) -> Vec<String> {
        self.log()
            .lines()
            .filter(|line| line.contains(text))
            .map(str::to_owned)
            .collect()
    }

    /// How often Envoy has entered the VM by that callback; for [`EnvoyBuilder::log_every_call`] only.
    pub fn calls_of(&self, callback: &str) -> usize {
        self.log_lines_with(&format!("[host->vm] {callback}("))
            .len()
    }

    /// Whether the log contains that text.
    pub fn log_contains(&self, text: &str) -> bool {
        self.log().contains(text)
    }

    /// The processor time that Envoy has used so far, from Linux's own accounting; `None` on other systems.
    pub fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        // Behind the command's name in parentheses: user and system time are the 12th and 13th field, in ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 =
            fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 10))
    }

    /// Envoy's process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl EnvoyBuilder {
    /// Adds a listener; the first one takes the place of the default.
    pub fn listener(mut self, listener: Listener) -> EnvoyBuilder {
        self.listeners.push(listener);
        self
    }

    /// Takes the filter's configuration from a watched file (ECDS), so that [`Envoy::update_config`] can change it.
    pub fn discovered(mut self) -> EnvoyBuilder {
        self.discovered = true;
        self
    }

    /// Deploys the filter that way, whatever the environment asks for.
    pub fn deployment(mut self, deployment: Deployment) -> EnvoyBuilder {
        self.deployment = deployment;
        self
    }

    /// Whether Envoy's own `set_filter_state` stands before the filter. By default where the attribute
    /// `connection.peer_certificate` doesn't exist.
    pub fn filter_state(mut self, filter_state: bool) -> EnvoyBuilder {
        self.filter_state = filter_state;
        self
    }

    /// The number of worker threads, 1 by default.
    pub fn concurrency(mut self, workers: u32) -> EnvoyBuilder {
        self.concurrency = workers;
        self
    }

    /// Writes every call into the VM to the log, for [`Envoy::calls_of`].
    pub fn log_every_call(mut self) -> EnvoyBuilder {
        self.log_every_call = true;
        self
    }

    /// Speaks HTTP/2 to the origin.
    pub fn upstream_http2(mut self) -> EnvoyBuilder {
        self.upstream_http2 = true;
        self
    }

    /// Adds a route before the fixed ones of [`bootstrap`].
    pub fn route(mut self, route: Value) -> EnvoyBuilder {
        self.routes.push(route);
        self
    }

    /// Changes the bootstrap in a way that no other method knows.
    pub fn adapt(mut self, change: impl FnOnce(&mut Value) + Send + 'static) -> EnvoyBuilder {
        self.adaptations.push(Box::new(change));
        self
    }

    /// Changes the wasm filter's own configuration, also in each update.
    pub fn adapt_filter(
        mut self,
        change: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> EnvoyBuilder {
        self.filter_changes.push(Arc::new(change));
        self
    }

    /// Takes another module than the built filter.
    pub fn module(self, path: &Path) -> EnvoyBuilder {
        let path = path.to_owned();
        self.adapt_filter(move |filter| {
            filter["config"]["vm_config"]["code"]["local"]["filename"] = path.to_str().into();
        })
    }

    /// Starts Envoy with those command-line arguments too.
    pub fn arguments(mut self, arguments: &[&str]) -> EnvoyBuilder {
        self.arguments
            .extend(arguments.iter().copied().map(str::to_owned));
        self
    }

    /// Runs Envoy under that program, such as a profiler, which must become it or stay its process.
    pub fn under(mut self, command: &[String]) -> EnvoyBuilder {
        self.under = command.to_vec();
        self
    }

    /// Starts Envoy so that [`Envoy::successor`] can take over from it.
    pub fn hot_restart(mut self) -> EnvoyBuilder {
        self.arguments
            .retain(|argument| argument != "--disable-hot-restart");
        self
    }

    /// Starts Envoy and waits until it takes connections.
    ///
    /// # Panics
    /// When it doesn't start, with its log.
    pub async fn start(self, origin: &Origin) -> Envoy {
        self.try_start(origin)
            .await
            .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"))
    }

    /// Starts Envoy and waits until it takes connections.
    ///
    /// # Errors
    /// Envoy's log, when it exits instead.
    pub async fn try_start(mut self, origin: &Origin) -> Result<Envoy, String> {
        if self.listeners.is_empty() {
            self.listeners.push(Listener::strict());
        }
        if self.filter_state {
            for listener in &mut self.listeners {
                listener
                    .filters_before
                    .push(bootstrap::filter_state_filter());
            }
        }
        let folder = tempfile::Builder::new()
            .prefix("envoy-test-")
            .tempdir()
            .expect("a temporary folder");
        let discovery = discovery_folder(folder.path());
        let filters = if self.discovered {
            fs::create_dir(&discovery).expect("a new folder");
            let mut resource = self.deployment.discovery_response(&self.configuration);
            change_filters(&mut resource, &self.filter_changes);
            write_discovery_file(&discovery, &resource);
            self.deployment
                .discovered_filters(&self.configuration, &discovery)
        } else {
            self.deployment.filters(&self.configuration)
        };
        let bootstrap = Bootstrap {
            listeners: &self.listeners,
            filters: &filters,
            origin: origin.address(),
            upstream_http2: self.upstream_http2,
            routes: &self.routes,
        };
        // YAML takes JSON too.
        let config = config_path(folder.path());
        let text = self.bootstrap.take().unwrap_or_else(|| {
            let mut bootstrap = bootstrap.to_json();
            change_filters(&mut bootstrap, &self.filter_changes);
            for change in self.adaptations {
                change(&mut bootstrap);
            }
            bootstrap.to_string()
        });
        fs::write(&config, text).expect("a written file");

        let mut arguments = self.arguments;
        arguments.extend(["--concurrency".to_owned(), self.concurrency.to_string()]);
        let wasm_log_level = match self.log_every_call {
            true => "wasm:trace",
            false => "wasm:info",
        };
        arguments.extend(["--component-log-level", wasm_log_level].map(str::to_owned));
        if !arguments
            .iter()
            .any(|argument| argument == "--disable-hot-restart")
        {
            arguments.extend(restart::first_epoch(folder.path()));
        }
        let process = spawn(folder.path(), &self.under, &arguments);
        let tls = self.listeners.iter();
        let tls = tls.map(|listener| (listener.name.clone(), listener.tls));
        let mut envoy = Envoy::starting(process, folder, arguments, self.deployment, tls.collect());
        envoy.filter_changes = self.filter_changes;
        envoy.wait_until_ready().await?;
        Ok(envoy)
    }
}

/// Starts Envoy with the bootstrap in that folder, under another program if one is named.
pub(crate) fn spawn(folder: &Path, under: &[String], arguments: &[String]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_path(folder));
    let binary = envoy_binary();
    let mut command = match under {
        [] => Command::new(&binary),
        [program, options @ ..] => {
            let mut command = Command::new(program);
            command.args(options).arg(&binary);
            command
        }
    };
    command
        .arg("-c")
        .arg(config_path(folder))
        .arg("--admin-address-path")
        .arg(admin_path(folder))
        .args(["--file-flush-interval-msec", "50"])
        .args(["--log-level", "warning"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log file"))
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", command.get_program().display()))
}

impl Envoy {
    pub(crate) fn starting(
        process: Child,
        folder: TempDir,
        arguments: Vec<String>,
        deployment: Deployment,
        tls: HashMap<String, Tls>,
    ) -> Envoy {
        Envoy {
            watchdog: spawn_watchdog(process.id()),
            process,
            folder,
            arguments,
            deployment,
            filter_changes: Vec::new(),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            listeners: HashMap::new(),
            tls,
        }
    }

    async fn discovery_counts(&self) -> DiscoveryCounts {
        let prefix = format!("extension_config_discovery.http_filter.{FILTER_NAME}");
        let text = self.admin(&format!("/stats?filter={prefix}")).await;
        let count = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{prefix}.{name}: ")));
            line.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        DiscoveryCounts {
            reloads: count("config_reload"),
            failures: count("config_fail"),
        }
    }

    pub(crate) async fn wait_until_ready(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait().expect("a child process") {
                return Err(format!("{}\nEnvoy ended with {status}", self.log()));
            }
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!(
            "{}\nEnvoy was not ready in {PATIENCE:?}",
            self.log()
        ))
    }

    async fn is_ready(&mut self) -> bool {
        let Ok(text) = fs::read_to_string(admin_path(self.folder.path())) else {
            return false;
        };
        let Ok(admin) = text.trim().parse() else {
            return false;
        };
        self.admin = admin;
        match admin_request(admin, Method::GET, "/ready").await {
            Ok(state) if state.trim() == "LIVE" => {}
            _ => return false,
        }
        let text = self.admin("/listeners?format=json").await;
        let statuses: Value = serde_json::from_str(&text).expect("JSON of the admin interface");
        self.listeners = statuses["listener_statuses"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(|status| {
                let address = &status["local_address"]["socket_address"];
                let port = u16::try_from(address["port_value"].as_u64()?).ok()?;
                Some((
                    status["name"].as_str()?.to_owned(),
                    SocketAddr::from(([127, 0, 0, 1], port)),
                ))
            })
            .collect();
        self.tls
            .keys()
            .all(|name| self.listeners.contains_key(name))
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- Envoy's log ---\n{}--- end of Envoy's log ---",
                self.log()
            );
        }
        // The watchdog goes first: after Envoy has been waited for, its process id may belong to somebody else.
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
        restart::remove_shared_memory(self.folder.path());
    }
}

struct DiscoveryCounts {
    reloads: u64,
    failures: u64,
}

/// A shell that waits for the end of its input, which this process holds open as long as it lives, and then kills that process.
pub fn spawn_watchdog(process: u32) -> Child {
    Command::new("sh")
        .args(["-c", "read _; kill -9 \"$0\"", &process.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh")
}

async fn admin_request(admin: SocketAddr, method: Method, path: &str) -> Result<String, String> {
    let stream = TcpStream::connect(admin)
        .await
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "admin")
        .body(Empty::new())
        .expect("a request");
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?;
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}

fn change_filters(configuration: &mut Value, changes: &[FilterChange]) {
    for filter in bootstrap::wasm_filters(configuration) {
        for change in changes {
            change(filter);
        }
    }
}

/// Puts that resource into the watched folder: Envoy notices a file that is moved there, not one that is written there.
fn write_discovery_file(folder: &Path, resource: &Value) {
    let (written, moved) = (folder.join("filter.json.new"), folder.join("filter.json"));
    fs::write(&written, resource.to_string()).expect("a written file");
    fs::rename(&written, &moved).expect("a moved file");
}

fn discovery_folder(folder: &Path) -> PathBuf {
    folder.join("discovery")
}

pub(crate) fn config_path(folder: &Path) -> PathBuf {
    folder.join("envoy.yaml")
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("envoy.log")
}

pub(crate) fn admin_path(folder: &Path) -> PathBuf {
    folder.join("admin")
}

fn read_log(folder: &Path) -> String {
    fs::read(log_path(folder))
        .map(|log| String::from_utf8_lossy(&log).into_owned())
        .unwrap_or_default()
}
