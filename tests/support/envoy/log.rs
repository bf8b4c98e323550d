//! Envoy's log.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Envoy;

impl Envoy {
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

    /// How often Envoy has invoked that callback in the VM; for `EnvoyBuilder::log_every_call`
    /// only.
    pub fn calls_of(&self, callback: &str) -> usize {
        self.log_lines_with(&format!("[host->vm] {callback}("))
            .len()
    }

    /// Whether the log contains that text.
    pub fn log_contains(&self, text: &str) -> bool {
        self.log().contains(text)
    }
}

fn read_log(folder: &Path) -> String {
    fs::read(log_path(folder))
        .map(|log| String::from_utf8_lossy(&log).into_owned())
        .unwrap_or_default()
}

pub(super) fn log_path(folder: &Path) -> PathBuf {
    folder.join("envoy.log")
}
