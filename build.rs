//! Sets `CLIENT_CERT_FORWARDER_REVISION`, the git revision that the filter is built from: 7
//! hexadecimal digits, or `unknown`.
#![allow(
    clippy::print_stdout,
    reason = "a build script writes its instructions to cargo"
)]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Git appends to the reflog whenever HEAD moves; the file HEAD changes with the branch only.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // Not abbreviated by git, whose abbreviations grow with the number of objects in the clone.
    let revision = git(&["rev-parse", "HEAD"]).and_then(|hash| hash.get(..7).map(str::to_owned));
    let revision = revision.as_deref().unwrap_or("unknown");
    println!("cargo::rustc-env=CLIENT_CERT_FORWARDER_REVISION={revision}");
}

/// Returns git's output; `None` without git or without a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
