//! Envoy's process and its folder.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::log::log_path;
use crate::version::envoy_binary;

/// Starts Envoy with the bootstrap in that folder, under another program if one is named.
pub(super) fn spawn(folder: &Path, under: &[String], arguments: &[String]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_path(folder));
    let binary = envoy_binary();
    let mut command = match under {
        [] => Command::new(&binary),
        [program, options @ ..] => {
            let mut command = Command::new(program);
            command.args(options).arg(&binary);
            command
        }
    };
    command
        .arg("-c")
        .arg(config_path(folder))
        .arg("--admin-address-path")
        .arg(admin_path(folder))
        .args(["--file-flush-interval-msec", "50"])
        .args(["--log-level", "warning"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log file"))
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", command.get_program().display()))
}

/// Starts a shell that kills that process at the end of its input, which this process holds open as
/// long as it lives.
pub fn spawn_watchdog(process: u32) -> Child {
    Command::new("sh")
        .args(["-c", "read _; kill -9 \"$0\"", &process.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh")
}

pub(super) fn config_path(folder: &Path) -> PathBuf {
    folder.join("envoy.yaml")
}

pub(super) fn admin_path(folder: &Path) -> PathBuf {
    folder.join("admin")
}
