//! A PostgreSQL server of the tests' own: a temporary cluster on loopback, run by an ordinary user.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use tempfile::TempDir;

use crate::process::Process;
use crate::program::PATIENCE;

/// A running server.
pub(crate) struct Cluster {
    server: Option<Process>,
    folder: TempDir,
    port: u16,
    /// The user and group that the server runs as, if the tests run as root.
    owner: Option<(u32, u32)>,
}

/// The databases made so far, for names.
static DATABASES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Tells whether the whole suite runs on PostgreSQL (`STORE=postgres`).
pub(crate) fn is_wanted() -> bool {
    std::env::var("STORE").is_ok_and(|store| store == "postgres")
}

/// The cluster that the tests share, each with databases of its own.
pub(crate) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start().expect("PostgreSQL is installed: see `make peers`"))
}

impl Cluster {
    /// Makes a cluster and starts its server; none if PostgreSQL isn't installed.
    pub(crate) fn start() -> Option<Cluster> {
        programs()?;
        let mut cluster = Cluster::empty();
        let output = cluster
            .command("initdb")
            .args(["--username", "postgres", "--auth", "trust", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C", "--pgdata"])
            .arg(cluster.data())
            .output()
            .expect("initdb runs");
        assert!(output.status.success(), "{output:?}");
        cluster.run();
        Some(cluster)
    }

    /// A folder for a server.
    fn empty() -> Cluster {
        let folder = tempfile::Builder::new()
            .prefix("settings-api-pg-")
            .tempdir()
            .expect("a temporary folder");
        let is_root = fs::metadata("/proc/self").expect("proc").uid() == 0;
        let owner = is_root.then(nobody);
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).expect("chown");
        }
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path(), mode).expect("chmod");
        Cluster {
            server: None,
            folder,
            port: free_port(),
            owner,
        }
    }

    /// Makes a standby that streams from this server, which from then on waits for it with each
    /// commit.
    pub(crate) fn standby(&self) -> Cluster {
        let mut standby = Cluster::empty();
        let output = standby
            .command("pg_basebackup")
            .args(["--host", "127.0.0.1", "--username", "postgres"])
            .args(["--port", &self.port.to_string(), "--checkpoint", "fast"])
            .args(["--write-recovery-conf", "--no-sync", "--pgdata"])
            .arg(standby.data())
            .output()
            .expect("pg_basebackup runs");
        assert!(output.status.success(), "{output:?}");
        standby.run();
        let wait = "ALTER SYSTEM SET synchronous_standby_names = '*'";
        assert!(self.psql("postgres", wait));
        assert!(self.psql("postgres", "SELECT pg_reload_conf()"));
        let in_step = "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let start = Instant::now();
        while !self.psql("postgres", in_step) {
            assert!(start.elapsed() < PATIENCE, "the standby does not stream");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        standby
    }

    /// Makes a standby the server that takes writes.
    pub(crate) fn promote(&self) {
        assert!(self.psql("postgres", "SELECT pg_promote()"));
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the server, after [`Cluster::stop`] again.
    pub(crate) fn run(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).expect("a log file");
        let sockets = self.folder.path().display();
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", &format!("unix_socket_directories={sockets}")])
            .args(["-c", "fsync=off", "-c", "max_connections=300"])
            .args(match self.folder.path().join("server.key").exists() {
                true => &["-c", "ssl=on"][..],
                false => &[],
            })
            .args(["-c", &format!("ssl_cert_file={sockets}/server.crt")])
            .args(["-c", &format!("ssl_key_file={sockets}/server.key")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres runs");
        // The folder goes with the server: the shared cluster's value is never dropped.
        self.server = Some(Process::server(child, self.folder.path()));
        let start = Instant::now();
        while !self.psql("postgres", "SELECT 1") {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(start.elapsed() < PATIENCE, "not started:\n{}", log());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Starts the server again with TLS.
    pub(crate) fn enable_tls(&mut self, certificate: &str, key: &str) {
        for (name, content) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.folder.path().join(name);
            fs::write(&path, content).expect("a written file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
            if let Some((user, group)) = self.owner {
                chown(&path, Some(user), Some(group)).expect("chown");
            }
        }
        self.stop();
        self.run();
    }

    /// Stops the server at once, as a crash does.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // PostgreSQL's immediate shutdown; SIGKILL would leave shared memory behind.
            server.signal("QUIT");
            server.wait();
        }
    }

    /// Creates an empty database; gives its URL.
    pub(crate) fn create_database(&self) -> String {
        let number = DATABASES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("test_{number}");
        assert!(self.psql("postgres", &format!("CREATE DATABASE {name}")));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs SQL in a database; tells whether it succeeded.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> bool {
        let port = self.port.to_string();
        let output = Command::new(programs().expect("installed").join("psql"))
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"])
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                &port,
                "--username",
                "postgres",
            ])
            .args(["--dbname", database, "--command", sql])
            .output()
            .expect("psql runs");
        output.status.success()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The server refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = programs().expect("installed").join(program);
        let Some((user, group)) = self.owner else {
            return Command::new(program);
        };
        let mut command = Command::new("setpriv");
        command
            .args([format!("--reuid={user}"), format!("--regid={group}")])
            .arg("--clear-groups")
            .arg(program)
            .current_dir(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the newest installed server (Debian keeps it off the PATH).
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<_> = versions
        .filter_map(|version| {
            let path = version.ok()?.path();
            let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
            let folder = path.join("bin");
            Path::new(&folder.join("initdb"))
                .exists()
                .then_some((number, folder))
        })
        .collect();
    folders.sort();
    folders.pop().map(|(_, folder)| folder)
}

fn nobody() -> (u32, u32) {
    let id = |option: &str| {
        let output = Command::new("id").args([option, "nobody"]).output();
        let text = String::from_utf8(output.expect("id runs").stdout).expect("text");
        text.trim().parse().expect("a number")
    };
    (id("-u"), id("-g"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
