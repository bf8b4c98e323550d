//! A Prometheus that scrapes often enough for a test of some seconds.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{installed, read};
use crate::program::Program;

/// Short, but not so short that a busy machine misses most of them.
const INTERVAL: &str = "500ms";

pub(super) struct Prometheus {
    program: Program,
    promtool: PathBuf,
}

impl Prometheus {
    /// Starts it with the shipped configuration and rules, for those Envoys' admin interfaces and
    /// that settings API. `None`, with a line on stderr, if it is not installed.
    pub(super) fn start(envoys: &[SocketAddr], settings_api: SocketAddr) -> Option<Prometheus> {
        let (binary, promtool) = (installed("prometheus")?, installed("promtool")?);
        let list = |addresses: &[SocketAddr]| -> String {
            let quoted = addresses.iter().map(|address| format!("\"{address}\""));
            quoted.collect::<Vec<_>>().join(", ")
        };
        let configuration = read("prometheus.yml")
            .replace("15s", INTERVAL)
            .replace("\"127.0.0.1:9901\"", &list(envoys))
            .replace("\"127.0.0.1:8787\"", &list(&[settings_api]));
        let rules = read("rules.yml");
        let program = Program::start(|folder: &Path, port| {
            fs::write(folder.join("prometheus.yml"), &configuration).expect("a written file");
            fs::write(folder.join("rules.yml"), &rules).expect("a written file");
            let mut command = Command::new(&binary);
            command
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
                .arg("--log.level=warn")
                .current_dir(folder);
            command
        });
        Some(Prometheus { program, promtool })
    }

    /// The series that an expression has now.
    pub(super) fn instant(&self, expression: &str) -> Vec<Value> {
        self.query("instant", &[], expression)
    }

    /// The series of an expression between two times, in seconds since 1970.
    pub(super) fn range(&self, expression: &str, from: u64, to: u64) -> Vec<Value> {
        let options = [
            format!("--start={from}"),
            format!("--end={to}"),
            "--step=1s".to_owned(),
        ];
        self.query("range", &options, expression)
    }

    fn query(&self, kind: &str, options: &[String], expression: &str) -> Vec<Value> {
        let output = Command::new(&self.promtool)
            .args(["query", kind, "--format=json"])
            .args(options)
            .arg(format!("http://{}", self.program.address()))
            .arg(expression)
            .output()
            .expect("promtool runs");
        assert!(output.status.success(), "{expression}: {output:?}");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{expression}: {error}: {output:?}"))
    }
}
