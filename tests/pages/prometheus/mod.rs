//! The dashboard and the alerts of `examples/observability`, with a real Prometheus.

mod dashboard;
mod load;
mod rules;
mod server;

use std::path::PathBuf;

use support::wasm::repository;

use crate::program::find_or_skip;

fn example(name: &str) -> PathBuf {
    repository().join("examples/observability").join(name)
}

fn read(name: &str) -> String {
    let path = example(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program, or a line that says what did not run without it.
fn installed(program: &str) -> Option<PathBuf> {
    let what = "the test of dashboard and alerts";
    find_or_skip(what, program, "prometheus", "PROMETHEUS_TEST")
}
