//! Programs that are not ours: found, started on a free port of loopback, and stopped.

use std::{
    env,
    fs::{self, File},
    io::{Write, stderr},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::envoy::spawn_watchdog;
use tempfile::TempDir;

/// Long enough for a Java compiler on two busy cores.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running program. Dropping it stops it, and prints its log if the test has failed.
pub(crate) struct Program {
    process: Child,
    watchdog: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Program {
    /// Starts the program that `command` makes from a folder of its own and the port to listen on,
    /// and waits until it accepts connections.
    ///
    /// # Panics
    /// When it doesn't, with its log.
    pub(crate) fn start(command: impl Fn(&Path, u16) -> Command) -> Program {
        // Another process may take the port in between.
        for _ in 0..3 {
            let folder = tempfile::Builder::new().prefix("pages-test-").tempdir();
            let folder = folder.expect("a temporary folder");
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
            let address = listener.local_addr().expect("a bound port");
            drop(listener);
            let mut program =
                Program::spawn(command(folder.path(), address.port()), folder, address);
            if program.is_ready() {
                return program;
            }
            eprintln!("it ended: {}", program.log());
        }
        panic!("the program ended three times");
    }

    fn spawn(mut command: Command, folder: TempDir, address: SocketAddr) -> Program {
        let log = File::create(folder.path().join("log")).expect("a log file");
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
        Program {
            watchdog: spawn_watchdog(process.id()),
            process,
            folder,
            address,
        }
    }

    /// Waits for the port; false if the program ends first.
    fn is_ready(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.process.try_wait().expect("a child process").is_some() {
                return false;
            }
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("not ready in {PATIENCE:?}: {}", self.log());
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the program's log ---\n{}--- end of it ---", self.log());
        }
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The program of that name in the search path, or where Debian puts servers.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The same; without it, a line says that `what` did not run.
///
/// # Panics
/// When it is missing although `variable` is `required`.
pub(crate) fn find_or_skip(
    what: &str,
    name: &str,
    package: &str,
    variable: &str,
) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        let missing = format!("{name} is missing: install Debian's {package}");
        let is_required = env::var(variable).is_ok_and(|value| value == "required");
        assert!(!is_required, "{missing}");
        // Past the capture of test output, which is not shown when a test passes.
        writeln!(stderr(), "{what} NOT RUN: {missing}").expect("a line on stderr");
    }
    found
}
