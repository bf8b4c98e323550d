//! Child processes that don't outlive the tests.

use std::process::{Child, Command, ExitStatus, Stdio};

/// A process that ends with its value, or with the test process.
pub(crate) struct Process {
    pub(crate) child: Child,
    watchdog: Child,
}

impl Process {
    pub(crate) fn new(child: Child) -> Process {
        // The shell's input stays open for as long as this process lives.
        let watchdog = Command::new("sh")
            .args(["-c", "read _; kill -9 \"$0\"", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        Process { child, watchdog }
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
