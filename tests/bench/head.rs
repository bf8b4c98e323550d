//! Where and on what the figures were measured.

use std::{fs, process::Command};

use serde_json::{Value, json};
use support::{envoy_version, wasm::repository};

/// The machine, the versions, and the date.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    processor: String,
    cores: usize,
    kernel: String,
    envoy: String,
    commit: String,
    date: String,
    seed: u64,
}

impl Head {
    /// Reads all of it.
    pub(crate) fn now(seed: u64) -> Head {
        Head {
            processor: processor().unwrap_or_else(|| "unknown processor".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(
                |_| "unknown kernel".to_owned(),
                |text| text.trim().to_owned(),
            ),
            envoy: envoy_version().to_string(),
            commit: commit().unwrap_or_else(|| "no commit".to_owned()),
            date: time::OffsetDateTime::now_utc().date().to_string(),
            seed,
        }
    }

    /// For people.
    pub(crate) fn line(&self) -> String {
        format!(
            "{}, {} cores, Linux {} · Envoy {} · commit {} · {} · seed {}",
            self.processor, self.cores, self.kernel, self.envoy, self.commit, self.date, self.seed
        )
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "processor": self.processor, "cores": self.cores, "kernel": self.kernel, "envoy": self.envoy,
            "commit": self.commit, "date": self.date, "seed": self.seed
        })
    }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The commit, with a `+` when the working tree differs from it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(repository())
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit}+")
    })
}
