//! Cloudflare's official Python SDK as a client.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixtures::{ACCOUNT, EMAIL, ZONE};
use crate::program::Program;
use crate::python_packages;

fn sdk() -> PathBuf {
    python_packages::install(&folder().join("requirements.txt"))
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
