//! Cloudflare's official Python SDK as a client.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixtures::{ACCOUNT, EMAIL, ZONE};
use crate::program::Program;

/// Installs the SDK below `target/`, pinned and hash-checked, unless it is there.
fn sdk() -> PathBuf {
    let requirements = folder().join("requirements.txt");
    let mut hash = DefaultHasher::new();
    std::fs::read(&requirements)
        .expect("the requirements")
        .hash(&mut hash);
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let installed = place.join(format!("cloudflare-sdk-{:x}", hash.finish()));
    if installed.is_dir() {
        return installed;
    }
    let scratch = tempfile::tempdir_in(place).expect("a temporary folder");
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(&requirements)
        .arg("--target")
        .arg(scratch.path())
        .output()
        .expect("python3 runs (it is missing: install Python 3 with pip)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Fails when another run was faster; then that one's is as good.
    let _ = std::fs::rename(scratch.keep(), &installed);
    installed
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloudflare-sdk")
}

#[test]
fn cloudflares_python_sdk_works_with_strict_validation_of_responses() {
    let program = Program::start();
    let output = Command::new("python3")
        .arg(folder().join("round.py"))
        .env("PYTHONPATH", sdk())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("BASE_URL", program.url_of("/client/v4"))
        .env("TOKEN", &program.token)
        .env("EMAIL", EMAIL)
        .env("KEY", &program.key)
        .env("ZONE", ZONE)
        .env("ACCOUNT", ACCOUNT)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .expect("python3 runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
