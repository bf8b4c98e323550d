//! Runs an Envoy with the filter, and stops it when the test is over.

mod admin;
mod builder;
mod log;
mod process;
mod restart;
mod start;
mod updates;

use std::{collections::HashMap, fs, net::SocketAddr, process::Child, time::Duration};

use tempfile::TempDir;

use crate::{deployment::Deployment, listener::Tls};
use builder::FilterChange;

pub use builder::EnvoyBuilder;
pub use process::spawn_watchdog;
pub use updates::Update;

/// Long enough for an Envoy that shares two cores with a dozen others.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Envoy. Dropping it stops it, and prints its log if the test has failed.
pub struct Envoy {
    process: Child,
    /// Kills Envoy if this test process dies without dropping its values.
    watchdog: Child,
    folder: TempDir,
    /// The command line, without the arguments that follow from the folder.
    arguments: Vec<String>,
    deployment: Deployment,
    /// Changes to the wasm filter's configuration, made in each update too.
    filter_changes: Vec<FilterChange>,
    admin: SocketAddr,
    listeners: HashMap<String, SocketAddr>,
    tls: HashMap<String, Tls>,
}

impl Envoy {
    /// The address on which that listener accepts TCP connections.
    ///
    /// # Panics
    /// When there is no such listener.
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

    /// Processor time used so far, by Linux's accounting; `None` on other systems.
    pub fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        // After the command's name in parentheses, user and system time are the 12th and 13th
        // fields, in ticks of 10 ms.
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

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- Envoy's log ---\n{}--- end of Envoy's log ---",
                self.log()
            );
        }
        // The watchdog first: once Envoy is reaped, its process id may belong to another process.
        for process in [&mut self.watchdog, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
        restart::remove_shared_memory(self.folder.path());
    }
}
