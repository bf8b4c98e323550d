//! The settings API and an Envoy that takes its settings from it: `envoy/settings-api.yaml` as
//! shipped.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::envoy::{EnvoyBuilder, spawn_watchdog};
use crate::wasm::repository;
use crate::{Envoy, Installation, Listener, Origin, wasm_module};

/// Cloudflare's example id.
pub const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";
/// The user of the key.
pub const EMAIL: &str = "user@example.com";

const PATIENCE: Duration = Duration::from_secs(30);

/// The running program; dropping it stops it.
pub struct SettingsApi {
    process: Child,
    /// Kills the program when this process dies without dropping its values.
    watchdog: Child,
    installation: Installation,
    api: SocketAddr,
    xds: SocketAddr,
    /// The secret that goes with [`EMAIL`].
    pub key: String,
}

impl SettingsApi {
    /// Starts the settings API on ephemeral ports, with one zone for every hostname and these
    /// settings in its base configuration.
    ///
    /// # Errors
    /// When it doesn't serve, with its log.
    pub async fn start(plugin: &Value) -> Result<SettingsApi, String> {
        SettingsApi::start_with(plugin, |_, _| Ok(())).await
    }

    /// The same after a change of the base configuration, and of the folder that it is in.
    ///
    /// # Errors
    /// When it doesn't serve, with its log.
    pub async fn start_with(
        plugin: &Value,
        change: impl FnOnce(&Path, &mut Value) -> Result<(), String>,
    ) -> Result<SettingsApi, String> {
        let installation = Installation::new(&wasm_module());
        let folder = installation.path();
        let mut base = json!({
            "zones": { ZONE: { "domains": ["*"] } },
            "resources": { "client_cert_forwarder": {
                "wasm_filename": folder.join("client_cert_forwarder.wasm"),
                "plugin": plugin
            } }
        });
        change(folder, &mut base)?;
        let log = folder.join("settings-api.log");
        let written =
            fs::write(folder.join("base.json"), base.to_string()).and_then(|()| File::create(&log));
        let stderr = written.map_err(|error| format!("{}: {error}", folder.display()))?;
        let key = create_key(folder)?;
        let process = program(folder)
            .args([
                "serve",
                "--base",
                "base.json",
                "--database",
                "settings.db",
                "--tokens",
                "tokens.json",
            ])
            .args(["--listen", "127.0.0.1:0", "--xds-listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("settings-api does not run: {error}"))?;
        let watchdog = spawn_watchdog(process.id());
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut started = SettingsApi {
            process,
            watchdog,
            installation,
            api: unknown,
            xds: unknown,
            key,
        };
        let serving = started.serving(&log).await?;
        let address = |name: &str| serving[name].as_str().and_then(|text| text.parse().ok());
        (started.api, started.xds) = address("api")
            .zip(address("xds"))
            .ok_or_else(|| format!("no addresses: {serving}"))?;
        Ok(started)
    }

    /// The folder of the base configuration.
    pub fn folder(&self) -> &Path {
        self.installation.path()
    }

    /// An Envoy with one strict listener, `https`, that takes its settings from this API.
    ///
    /// # Panics
    /// When it doesn't start, with its log.
    pub async fn envoy(&self, origin: &Origin) -> Envoy {
        self.envoy_builder(origin).start(origin).await
    }

    /// The same, not yet started.
    ///
    /// # Panics
    /// When the shipped example can't be read.
    pub fn envoy_builder(&self, origin: &Origin) -> EnvoyBuilder {
        let example = fs::read_to_string(repository().join("envoy/settings-api.yaml"))
            .expect("the shipped example");
        let yaml = self.installation.adapt_to(&example, origin.address());
        let xds = format!("port_value: {}", self.xds.port());
        assert!(
            yaml.contains("port_value: 18000"),
            "the example has the settings API on port 18000"
        );
        Envoy::with_bootstrap(yaml.replace("port_value: 18000", &xds))
            .listener(Listener::strict().named("https"))
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.api
    }

    /// Makes the base configuration name a module that Envoy does not have, so that every Envoy
    /// rejects the next update (NACK).
    ///
    /// # Panics
    /// When the file can't be written.
    pub fn break_module(&self) {
        let file = self.installation.path().join("base.json");
        let base = fs::read_to_string(&file).expect("the base configuration");
        let broken = base.replace("client_cert_forwarder.wasm", "no-such-module.wasm");
        // Moved into place: the program must not read half of it.
        let new = file.with_extension("new");
        fs::write(&new, broken).expect("a written file");
        fs::rename(new, file).expect("a moved file");
    }

    /// Where Cloudflare's route for the zone's settings is.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.api, path())
    }

    /// Puts that body to the route, as Cloudflare's page does with curl.
    ///
    /// # Errors
    /// When the answer is not 202, with its body.
    pub async fn put(&self, body: &Value) -> Result<(), String> {
        let text = |error: &dyn std::error::Error| format!("PUT {}: {error}", self.url());
        let stream = TcpStream::connect(self.api)
            .await
            .map_err(|error| text(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| text(&error))?;
        tokio::spawn(connection);
        let request = http::Request::put(path())
            .header("host", self.api.to_string())
            .header("x-auth-email", EMAIL)
            .header("x-auth-key", &self.key)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| text(&error))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| text(&error))?;
        let status = response.status();
        let answer = response
            .into_body()
            .collect()
            .await
            .map_err(|error| text(&error))?
            .to_bytes();
        if status != http::StatusCode::ACCEPTED {
            return Err(format!(
                "PUT {}: {status}: {}",
                self.url(),
                String::from_utf8_lossy(&answer)
            ));
        }
        Ok(())
    }

    /// The log line that says where it serves.
    async fn serving(&mut self, log: &Path) -> Result<Value, String> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let text = fs::read_to_string(log).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.contains("\"serving\"")) {
                return serde_json::from_str(line).map_err(|error| format!("{line}: {error}"));
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("settings-api ended with {status}:\n{text}"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("settings-api was not serving in {PATIENCE:?}"))
    }
}

impl Drop for SettingsApi {
    fn drop(&mut self) {
        // The watchdog first: once the program is reaped, its process id may belong to another
        // process.
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn path() -> String {
    format!("/client/v4/zones/{ZONE}/access/certificates/settings")
}

fn create_key(folder: &Path) -> Result<String, String> {
    let options = [
        "--name",
        "demo",
        "--zone",
        ZONE,
        "--permission",
        "write",
        "--email",
        EMAIL,
    ];
    let Output {
        status,
        stdout,
        stderr,
    } = program(folder)
        .args(["token", "create", "--tokens", "tokens.json"])
        .args(options)
        .output()
        .map_err(|error| format!("settings-api does not run: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if status.success() {
        Ok(text(&stdout))
    } else {
        Err(text(&stderr))
    }
}

/// The binary that was built beside this program, or beside the folder of this test.
fn program(folder: &Path) -> Command {
    let this = std::env::current_exe().expect("this program has a path");
    let beside = this.with_file_name("settings-api");
    let binary = match this.parent().and_then(Path::parent) {
        Some(above) if !beside.exists() => above.join("settings-api"),
        _ => beside,
    };
    let mut command = Command::new(binary);
    command.current_dir(folder).stdin(Stdio::null());
    command
}
