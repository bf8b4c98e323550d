//! `fast-path CONFIG`: prints the HTTP filter of the fast path for a plugin configuration. `make
//! fast-path` calls this.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks so"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use client_cert_forwarder::fast_path::FastPath;
use serde_json::json;

const HEAD: &str = "\
# The fast path: put this HTTP filter in the place of the client certificate forwarder, for Envoy 1.36 and later.
# Made by `make fast-path`; make it anew whenever the plugin configuration changes: under another one each request enters the VM.
";

fn main() -> ExitCode {
    match print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fast-path: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [path] = arguments.as_slice() else {
        bail!("name one plugin configuration: make fast-path CONFIG=plugin.json");
    };
    let configuration =
        std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let fast_path = FastPath::new(&configuration).with_context(|| path.display().to_string())?;
    let vm = json!({
        "runtime": "envoy.wasm.runtime.v8",
        "code": { "local": { "filename": "/etc/envoy/client_cert_forwarder.wasm" } }
    });
    print!(
        "{HEAD}{}",
        serde_saphyr::to_string(&[fast_path.http_filter(&vm)])?
    );
    if fast_path.needs_filter_chain() {
        eprintln!(
            "fast-path: Client-Cert needs Envoy 1.38 or later: 1.36 does not start with this filter"
        );
    }
    for hostname in fast_path.left_out() {
        eprintln!(
            "fast-path: {hostname} has too many narrower settings: its requests enter the VM as without a fast path"
        );
    }
    Ok(())
}
