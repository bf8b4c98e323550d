//! Tells the filter which git revision it is built from, as `CLIENT_CERT_FORWARDER_REVISION`: 7 hexadecimal digits, or `unknown`.
#![allow(clippy::print_stdout, reason = "a build script speaks to cargo so")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Git appends to the reflog whenever HEAD moves; HEAD itself only changes with the branch.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // Cut here and not by git, whose abbreviations grow with the clone's number of objects.
    let revision = git(&["rev-parse", "HEAD"]).and_then(|hash| hash.get(..7).map(str::to_owned));
    let revision = revision.as_deref().unwrap_or("unknown");
    println!("cargo::rustc-env=CLIENT_CERT_FORWARDER_REVISION={revision}");
}

/// What git prints, or nothing where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
