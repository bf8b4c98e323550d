//! Starts and stops the other proxies.

use std::{
    env, fs,
    fs::File,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use support::{envoy::spawn_watchdog, pki};
use tempfile::TempDir;

use super::configuration::{self, Mode};
use crate::{
    load::{Connection, client_tls},
    outcome::{Failure, setup},
};

/// One of the other proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// nginx.
    Nginx,
    /// HAProxy.
    HaProxy,
    /// Caddy.
    Caddy,
}

impl Program {
    /// All of them.
    pub(crate) const ALL: [Program; 3] = [Program::Nginx, Program::HaProxy, Program::Caddy];

    /// When it can send the certificate.
    pub(crate) fn modes(self) -> &'static [Mode] {
        match self {
            Program::Nginx | Program::HaProxy => &[Mode::FirstRequest, Mode::EveryRequest],
            Program::Caddy => &[Mode::EveryRequest],
        }
    }

    /// As people write it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Program::Nginx => "nginx",
            Program::HaProxy => "HAProxy",
            Program::Caddy => "Caddy",
        }
    }

    /// The headers that it sends.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Program::Nginx => "escaped PEM, SHA-1",
            Program::HaProxy | Program::Caddy => "base64 of the DER, SHA-256",
        }
    }

    /// The environment variable that names its binary.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Program::Nginx => "NGINX_BIN",
            Program::HaProxy => "HAPROXY_BIN",
            Program::Caddy => "CADDY_BIN",
        }
    }

    fn binary(self) -> Option<PathBuf> {
        if let Some(path) = env::var_os(self.variable()) {
            return Some(PathBuf::from(path));
        }
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
            .map(|folder| folder.join(self.title().to_lowercase()))
            .find(|candidate| candidate.is_file())
    }
}

/// A running proxy; dropping it stops it.
pub(crate) struct Proxy {
    process: Child,
    /// Kills it when this program dies without dropping its values.
    watchdog: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Proxy {
    /// Starts the program; `None` when it is not installed.
    ///
    /// # Errors
    /// Its log, when it does not take connections in time.
    pub(crate) async fn start(
        program: Program,
        mode: Mode,
        origin: SocketAddr,
    ) -> Result<Option<Proxy>, Failure> {
        let Some(binary) = program.binary() else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new()
            .prefix("bench-peer-")
            .tempdir()
            .map_err(setup("a temporary folder"))?;
        let address = free_address()?;
        let path = folder.path();
        let (text, arguments): (String, &[&str]) = match program {
            Program::Nginx => (
                configuration::nginx(path, address, origin, mode),
                &["-e", "error.log", "-p", ".", "-c"],
            ),
            Program::HaProxy => (
                configuration::haproxy(path, address, origin, mode),
                &["-db", "-f"],
            ),
            Program::Caddy => (
                configuration::caddy(path, address, origin),
                &["run", "--adapter", "caddyfile", "--config"],
            ),
        };
        let key = pki().server.key_pem();
        let files = [
            ("server.crt", pki().server.chain_pem()),
            ("server.key", key.clone()),
            ("server.pem", pki().server.chain_pem() + &key),
            ("ca.crt", pki().ca_pem.clone()),
            ("configuration", text),
        ];
        for (name, text) in files {
            fs::write(path.join(name), text)
                .map_err(setup(format!("a file of {}", program.title())))?;
        }
        let log = |error| setup(format!("the log of {}", program.title()))(error);
        let output = File::create(path.join("log")).map_err(log)?;
        let process = Command::new(&binary)
            .args(arguments)
            .arg(path.join("configuration"))
            .current_dir(path)
            // One worker, as the others have.
            .env("GOMAXPROCS", "1")
            .env("HOME", path)
            .env("XDG_CONFIG_HOME", path)
            .env("XDG_DATA_HOME", path)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(log)?)
            .stderr(output)
            .spawn()
            .map_err(setup(format!("{} does not run", binary.display())))?;
        let watchdog = spawn_watchdog(process.id());
        let mut proxy = Proxy {
            process,
            watchdog,
            address,
            folder,
        };
        proxy.wait_until_ready(program).await?;
        Ok(Some(proxy))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn wait_until_ready(&mut self, program: Program) -> Result<(), Failure> {
        let tls = client_tls();
        for _ in 0..250 {
            if Connection::open(self.address, &tls).await.is_ok() {
                return Ok(());
            }
            if self
                .process
                .try_wait()
                .map_err(setup("a child process"))?
                .is_some()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        let logs = ["log", "error.log"]
            .map(|name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default());
        Err(Failure::Setup(format!(
            "{} did not start:\n{}",
            program.title(),
            logs.concat()
        )))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The watchdog first: once the proxy is reaped, its process id may belong to another
        // process.
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A free port. None of these programs can report a port that the system chose.
fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(setup("a port on loopback"))
}
