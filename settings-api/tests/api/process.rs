//! Child processes that don't outlive the tests.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A process that ends with its value, or with the test process.
pub(crate) struct Process {
    pub(crate) child: Child,
    watchdog: Child,
}

impl Process {
    pub(crate) fn new(child: Child) -> Process {
        Process::watched(child, "kill -9 \"$0\"", "")
    }

    /// A driver of browsers, which ends them when it is asked to end.
    pub(crate) fn driver(child: Child) -> Process {
        let command = "kill -TERM \"$0\"; sleep 3; kill -9 \"$0\"";
        Process::watched(child, command, "")
    }

    /// A PostgreSQL server, whose folder goes with it.
    pub(crate) fn server(child: Child, folder: &Path) -> Process {
        let folder = folder.display().to_string();
        // The server writes to its folder until its end.
        let command = "kill -QUIT \"$0\"; sleep 3; rm -rf \"$1\"";
        Process::watched(child, command, &folder)
    }

    fn watched(child: Child, command: &str, folder: &str) -> Process {
        // The shell's input stays open for as long as this process lives.
        let watchdog = Command::new("sh")
            .args([
                "-c",
                &format!("read _; {command}"),
                &child.id().to_string(),
                folder,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        Process { child, watchdog }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for its end. The watchdog ends first: the process id may be reused afterwards.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        // Both fail only when they have been waited for already.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        self.child.wait().expect("a child process")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when the process has ended already.
        let _ = self.child.kill();
        self.wait();
    }
}
