//! A Caddy on a socket of its own: a proxy that drops the headers that `Connection` names.

use std::{
    env, fs,
    io::{Write, stderr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use support::{Origin, envoy::spawn_watchdog};
use tempfile::TempDir;
use tokio::net::UnixStream;

/// A running Caddy before an origin; dropping it stops it, and prints its log when the test has
/// failed.
pub(crate) struct Caddy {
    process: Child,
    watchdog: Child,
    folder: TempDir,
}

impl Caddy {
    /// Starts a Caddy that passes every request on to the origin. Returns `None`, with a line on
    /// stderr, if Caddy is not installed.
    ///
    /// # Panics
    /// When Caddy doesn't start, or is not installed despite `CADDY_TEST=required`.
    pub(crate) async fn start(origin: &Origin) -> Option<Caddy> {
        let Some(binary) = binary() else {
            let missing = "caddy is missing: install it (Debian and Ubuntu: apt-get install caddy, macOS: brew install caddy) \
                 or name it in CADDY_BIN";
            assert_ne!(
                env::var("CADDY_TEST").as_deref(),
                Ok("required"),
                "{missing}"
            );
            // Past the capture of test output, which is not shown when a test passes.
            writeln!(stderr(), "test with Caddy NOT RUN: {missing}").expect("a line on stderr");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("caddy-test-")
            .tempdir()
            .expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let configuration = configuration(&path("socket"), origin);
        fs::write(path("caddy.json"), configuration.to_string()).expect("a written file");
        let log = fs::File::create(path("log")).expect("a log file");
        let process = Command::new(binary)
            .args(["run", "--config"])
            .arg(path("caddy.json"))
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Caddy runs");
        let mut caddy = Caddy {
            watchdog: spawn_watchdog(process.id()),
            process,
            folder,
        };
        caddy.wait_until_ready().await;
        Some(caddy)
    }

    /// The change of Envoy's bootstrap that sends the origin's requests through Caddy.
    pub(crate) fn in_place_of_the_origin(&self) -> impl FnOnce(&mut Value) + Send + 'static {
        let pipe = json!({ "pipe": { "path": self.folder.path().join("socket") } });
        move |bootstrap| {
            let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
            for cluster in clusters.expect("clusters") {
                if cluster["name"] == "origin" {
                    cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] =
                        pipe.clone();
                }
            }
        }
    }

    async fn wait_until_ready(&mut self) {
        for _ in 0..500 {
            if UnixStream::connect(self.folder.path().join("socket"))
                .await
                .is_ok()
            {
                return;
            }
            let ended = self.process.try_wait().expect("a child process");
            assert!(ended.is_none(), "Caddy ended: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Caddy did not start: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- Caddy's log ---\n{}--- end of Caddy's log ---",
                self.log()
            );
        }
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// `CADDY_BIN`, or the caddy in the search path.
fn binary() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CADDY_BIN") {
        return Some(PathBuf::from(path));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates = env::split_paths(&path).map(|folder| folder.join("caddy"));
    candidates.find(|candidate| candidate.is_file())
}

fn configuration(socket: &std::path::Path, origin: &Origin) -> Value {
    json!({
        "admin": { "disabled": true, "config": { "persist": false } },
        "apps": { "http": { "servers": { "proxy": {
            "listen": [format!("unix/{}", socket.display())],
            "automatic_https": { "disable": true },
            "routes": [{ "handle": [{
                "handler": "reverse_proxy",
                "upstreams": [{ "dial": origin.address().to_string() }]
            }] }]
        } } } }
    })
}
