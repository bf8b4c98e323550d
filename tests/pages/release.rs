//! What a release ships, and the workflows that make it.

use std::{fs, process::Command};

use serde_json::Value;
use support::wasm::repository;

use crate::program::find_or_skip;

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Loads `release/assemble` as a module, and archives two files in the order and with the times
/// that the arguments say.
const ARCHIVE: &str = r#"
import importlib.util, os, pathlib, sys
from importlib.machinery import SourceFileLoader
script, folder, order, time = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
loader = SourceFileLoader("assemble", script)
assemble = importlib.util.module_from_spec(importlib.util.spec_from_loader("assemble", loader))
loader.exec_module(assemble)
assemble.RELEASE = folder
for name in order:
    (folder / name).write_text("content of " + name)
    os.utime(folder / name, (time, time))
os.chmod(folder / "b", 0o755 if time < 1000 else 0o700)
assemble.archive("archive.tar.gz", [(name, folder / name) for name in order])
"#;

#[test]
fn an_archive_has_the_same_bytes_whatever_the_times_order_and_umask() {
    let Some(python) = find_or_skip(
        "the release's archives",
        "python3",
        "python3",
        "ORIGINS_TEST",
    ) else {
        return;
    };
    let archive = |order: &str, time: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = Command::new(&python)
            .args(["-B", "-c", ARCHIVE])
            .arg(repository().join("release/assemble"))
            .arg(folder.path())
            .args([order, time])
            .output()
            .expect("Python runs");
        assert!(output.status.success(), "{output:?}");
        fs::read(folder.path().join("archive.tar.gz")).expect("an archive")
    };
    let first = archive("ab", "100");
    assert!(first.len() > 50);
    assert_eq!(first, archive("ba", "1700000000"));
}

#[test]
fn the_workflows_run_what_exists() {
    let makefile = read("Makefile");
    let mut commands = 0;
    for (file, expected) in [("ci", ".ci/run"), ("release", "make dist")] {
        let text = read(&format!(".github/workflows/{file}.yml"));
        let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
        let jobs = workflow["jobs"].as_object().expect("jobs");
        let steps = jobs
            .values()
            .flat_map(|job| job["steps"].as_array().expect("steps"));
        let runs: Vec<&str> = steps.filter_map(|step| step["run"].as_str()).collect();
        assert!(runs.contains(&expected), "{file}: {runs:?}");
        for target in runs.iter().filter_map(|run| run.strip_prefix("make ")) {
            commands += 1;
            let target = target.split(' ').next().unwrap_or_default();
            assert!(
                makefile.contains(&format!("\n{target}:")),
                "{file}: make {target}"
            );
        }
    }
    assert!(commands >= 3, "{commands} commands");
}
