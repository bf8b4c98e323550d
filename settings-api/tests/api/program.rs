//! Starts the real program with a folder of its own, and stops it when the test is over.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster;
use crate::fixtures::{EMAIL, ZONE, client};
use crate::process::Process;

/// Long enough on a machine that runs a dozen Envoys besides.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const BINARY: &str = env!("CARGO_BIN_EXE_settings-api");

/// A folder with a base configuration, tokens and a database, and the program that serves it.
pub(crate) struct Program {
    folder: TempDir,
    options: Vec<String>,
    /// The `--database`.
    pub(crate) database: String,
    /// The command that runs the program, such as `prlimit`, if not the test itself.
    launcher: Vec<String>,
    running: Option<Running>,
    /// The secret of a bearer token that may do everything.
    pub(crate) token: String,
    /// The secret of a key that may do everything, together with [`EMAIL`].
    pub(crate) key: String,
}

struct Running {
    process: Process,
    api: SocketAddr,
    xds: SocketAddr,
    console: Option<SocketAddr>,
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The code of the first error.
    pub(crate) fn code(&self) -> u64 {
        self.body["errors"][0]["code"]
            .as_u64()
            .unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// The message of the first error.
    pub(crate) fn message(&self) -> &str {
        self.body["errors"][0]["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// The hostnames of the result, in its order.
    pub(crate) fn hostnames(&self) -> Vec<&str> {
        let result = self.body["result"]
            .as_array()
            .unwrap_or_else(|| panic!("no result: {self:?}"));
        result
            .iter()
            .map(|entry| entry["hostname"].as_str().expect("a hostname"))
            .collect()
    }
}

impl Program {
    /// Runs with the usual base configuration.
    pub(crate) fn start() -> Program {
        Program::with(crate::fixtures::base(), &[])
    }

    /// Runs with that base configuration and those options besides.
    pub(crate) fn with(base: Value, options: &[&str]) -> Program {
        let mut program = Program::stopped(base, options);
        program.run();
        program
    }

    /// The same, but not running yet.
    pub(crate) fn stopped(base: Value, options: &[&str]) -> Program {
        let folder = tempfile::Builder::new()
            .prefix("settings-api-test-")
            .tempdir()
            .expect("a temporary folder");
        fs::write(folder.path().join("base.json"), base.to_string()).expect("a written file");
        let mut program = Program {
            folder,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            database: match cluster::is_wanted() {
                true => cluster::shared().create_database(),
                false => "settings.db".into(),
            },
            launcher: Vec::new(),
            running: None,
            token: String::new(),
            key: String::new(),
        };
        let everything = ["--zone", "*", "--account", "*", "--permission", "write"];
        program.token = program.create_token(&everything);
        program.key = program.create_token(&[&everything[..], &["--email", EMAIL]].concat());
        program
    }

    /// Starts it; after [`Program::kill`] again, on the same addresses.
    pub(crate) fn run(&mut self) {
        let addresses = match &self.running {
            Some(running) => [running.api, running.xds],
            None => [SocketAddr::from(([127, 0, 0, 1], 0)); 2],
        };
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log file");
        let lines_before = self.log().lines().count();
        let command: Vec<_> = self.launcher.iter().map(String::as_str).collect();
        let command = [&command[..], &[BINARY, "serve"]].concat();
        let child = Command::new(command[0])
            .args(&command[1..])
            .args([
                "--base",
                "base.json",
                "--database",
                &self.database,
                "--tokens",
                "tokens.json",
            ])
            .args([
                "--listen",
                &addresses[0].to_string(),
                "--xds-listen",
                &addresses[1].to_string(),
            ])
            .args(&self.options)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let mut process = Process::new(child);
        let start = Instant::now();
        let [api, xds, console] = loop {
            // The last line may be half written.
            if let Some(line) = self
                .log()
                .split_inclusive('\n')
                .skip(lines_before)
                .find(|line| line.contains("\"serving\"") && line.ends_with('\n'))
            {
                let line: Value = serde_json::from_str(line).expect("a JSON line");
                break ["api", "xds", "console"]
                    .map(|name| line[name].as_str().and_then(|text| text.parse().ok()));
            }
            if let Some(status) = process.child.try_wait().expect("a child process") {
                panic!("ended with {status}:\n{}", self.log());
            }
            assert!(start.elapsed() < PATIENCE, "not serving:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        };
        self.running = Some(Running {
            process,
            api: api.expect("an address"),
            xds: xds.expect("an address"),
            console,
        });
    }

    /// Adds options for its next start.
    pub(crate) fn add_options(&mut self, options: &[&str]) {
        self.options
            .extend(options.iter().map(|option| (*option).to_owned()));
    }

    /// Runs it by another command, which must replace itself by the program.
    pub(crate) fn launch_by(&mut self, command: &[&str]) {
        self.launcher = command.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        self.running
            .as_ref()
            .expect("running")
            .process
            .signal(signal);
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.running.as_ref().expect("running").process.child.id()
    }

    /// Writes a file of its folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a written file");
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let process = &mut self.running.as_mut().expect("running").process;
        process.child.kill().expect("a child process");
        process.wait();
    }

    /// Stops it as an operator does; gives its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let process = &mut self.running.as_mut().expect("running").process;
        process.signal("TERM");
        process.wait().code()
    }

    /// Starts it where it must fail; gives its error line.
    pub(crate) fn run_to_failure(&self) -> String {
        let mut command = Command::new("timeout");
        command.args(["20", BINARY, "serve", "--listen", "127.0.0.1:0"]);
        let output = command
            .args(["--xds-listen", "127.0.0.1:0", "--base", "base.json"])
            .args(["--database", &self.database, "--tokens", "tokens.json"])
            .args(&self.options)
            .current_dir(self.folder.path())
            .output()
            .expect("timeout runs");
        assert_ne!(output.status.code(), Some(124), "it serves: {output:?}");
        error_line(&output)
    }

    /// `settings-api token …` where it must fail; gives its error line.
    pub(crate) fn failed_token_command(&self, command: &str, options: &[&str]) -> String {
        error_line(&self.token_command(command, options))
    }

    /// Makes a token and gives its secret.
    pub(crate) fn create_token(&self, options: &[&str]) -> String {
        let output = self.token_command("create", &[&["--name", "test"], options].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .expect("text")
            .trim()
            .to_owned()
    }

    /// `settings-api token …`
    pub(crate) fn token_command(&self, command: &str, options: &[&str]) -> Output {
        Command::new(BINARY)
            .args(["token", command, "--tokens", "tokens.json"])
            .args(options)
            .current_dir(self.folder.path())
            .output()
            .expect("the program runs")
    }

    /// A file of its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the API is.
    pub(crate) fn api(&self) -> SocketAddr {
        self.running.as_ref().expect("running").api
    }

    /// Where Envoys get their settings.
    pub(crate) fn xds(&self) -> SocketAddr {
        self.running.as_ref().expect("running").xds
    }

    /// Where the console is.
    pub(crate) fn console(&self) -> SocketAddr {
        let running = self.running.as_ref().expect("running");
        running.console.expect("runs with --console")
    }

    /// The URL of the zone's settings.
    pub(crate) fn url(&self) -> String {
        self.url_of(&format!(
            "/client/v4/zones/{ZONE}/access/certificates/settings"
        ))
    }

    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("http://{}{path}", self.api())
    }

    /// Returns its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Puts settings of the zone, with the token that may do everything.
    pub(crate) async fn put(&self, settings: Value) -> Answer {
        let body = json!({ "settings": settings }).to_string();
        self.send(client().put(self.url()).bearer_auth(&self.token).body(body))
            .await
    }

    /// Gets the zone's settings.
    pub(crate) async fn get(&self) -> Answer {
        self.get_at(&self.url()).await
    }

    pub(crate) async fn get_at(&self, url: &str) -> Answer {
        self.send(client().get(url).bearer_auth(&self.token)).await
    }

    /// Returns `…/status` of the zone's resource.
    pub(crate) async fn status(&self) -> Value {
        let answer = self.get_at(&format!("{}/status", self.url())).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["result"][0].clone()
    }

    /// Waits until `…/status` is as wanted.
    pub(crate) async fn wait_for_status(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let status = self.status().await;
            if wanted(&status) {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{status:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a request of [`client`].
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        let status = response.status().as_u16();
        let body = response.json().await.expect("a JSON body");
        Answer { status, body }
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let request = client().get(self.url_of("/metrics")).send();
        let response = request.await.expect("an answer");
        response.text().await.expect("text")
    }

    /// The value of a line of `/metrics`.
    pub(crate) async fn metric(&self, line: &str) -> u64 {
        let text = self.metrics().await;
        let value = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {line} in\n{text}"))
    }
}

fn error_line(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let mut errors = text
        .lines()
        .filter_map(|line| line.strip_prefix("settings-api: "));
    let error = errors.next().unwrap_or_else(|| panic!("no error: {text}"));
    assert_eq!(errors.next(), None, "{text}");
    error.to_owned()
}

impl Drop for Program {
    fn drop(&mut self) {
        self.running = None;
        if std::thread::panicking() {
            eprintln!(
                "--- settings-api's log ---\n{}--- end of the log ---",
                self.log()
            );
        }
    }
}
