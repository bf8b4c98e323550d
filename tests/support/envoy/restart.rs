//! Envoys that end and come back: killed and started again, or replaced by a hot restart.

use std::{collections::HashMap, fs, net::SocketAddr, path::Path};

use serde_json::Value;
use tokio::net::TcpSocket;

use super::{
    Envoy,
    process::{admin_path, config_path, spawn, spawn_watchdog},
};

impl Envoy {
    /// Kills Envoy as the kernel would, in the middle of everything (SIGKILL).
    ///
    /// # Panics
    /// When it is gone already.
    pub fn kill(&mut self) {
        let state = self.process.try_wait().expect("a child process");
        assert_eq!(state, None, "Envoy has ended by itself");
        for process in [&mut self.watchdog, &mut self.process] {
            process.kill().expect("a running process");
            process.wait().expect("a child process");
        }
    }

    /// Whether Envoy's process still runs.
    ///
    /// # Panics
    /// When the kernel does not say.
    pub fn is_running(&mut self) -> bool {
        let running = self.process.try_wait().expect("a child process").is_none();
        if !running {
            // From now on its process id may belong to another process.
            let _ = self.watchdog.kill();
        }
        running
    }

    /// Kills Envoy, and starts it again with the same configuration and TCP ports.
    ///
    /// # Panics
    /// When it doesn't start, with its log.
    pub async fn kill_and_start_again(&mut self) {
        fix_ports(self.folder.path(), &self.listeners, "TCP");
        // A bound socket that doesn't listen keeps each port from all that don't share it, as
        // Envoy's own sockets do.
        let kept: Vec<_> = self.listeners.values().map(|at| keep(*at)).collect();
        self.kill();
        let _ = fs::remove_file(admin_path(self.folder.path()));
        self.process = spawn(self.folder.path(), &[], &self.arguments);
        self.watchdog = spawn_watchdog(self.process.id());
        if let Err(log) = self.wait_until_ready().await {
            panic!("Envoy did not start again:\n{log}");
        }
        drop(kept);
    }

    /// Starts the Envoy that takes over by a hot restart: it has the same configuration and
    /// sockets, and makes this one drain its connections and end. For
    /// [`crate::envoy::EnvoyBuilder::hot_restart`] only.
    ///
    /// # Panics
    /// When it doesn't start, with its log.
    pub async fn successor(&self) -> Envoy {
        let folder = tempfile::Builder::new()
            .prefix("envoy-test-")
            .tempdir()
            .expect("a temporary folder");
        let config = config_path(folder.path());
        fs::copy(config_path(self.folder.path()), &config).expect("a copied file");
        fix_ports(folder.path(), &self.listeners, "");
        let own = first_epoch(self.folder.path());
        let base = fs::read_to_string(base_id_path(self.folder.path())).expect("Envoy's base id");
        let mut arguments: Vec<String> = self.arguments.clone();
        arguments.retain(|argument| !own.contains(argument));
        arguments.extend(["--restart-epoch", "1", "--base-id", base.trim()].map(String::from));
        let process = spawn(folder.path(), &[], &arguments);
        let mut envoy = Envoy::starting(
            process,
            folder,
            arguments,
            self.deployment,
            self.tls.clone(),
        );
        envoy.filter_changes.clone_from(&self.filter_changes);
        if let Err(log) = envoy.wait_until_ready().await {
            panic!("the second Envoy did not start:\n{log}");
        }
        envoy
    }
}

/// The arguments of an Envoy that a hot restart may replace: a base id that no other Envoy on this
/// machine has.
pub(super) fn first_epoch(folder: &Path) -> Vec<String> {
    vec![
        "--use-dynamic-base-id".to_owned(),
        "--base-id-path".to_owned(),
        base_id_path(folder).display().to_string(),
    ]
}

/// Removes the shared memory that hot-restarted Envoys of that folder leave behind.
pub(super) fn remove_shared_memory(folder: &Path) {
    if let Ok(base) = fs::read_to_string(base_id_path(folder)) {
        // The last digit is reserved for the ids of sockets.
        let name = format!("/dev/shm/envoy_shared_memory_{}0", base.trim());
        let _ = fs::remove_file(name);
    }
}

fn base_id_path(folder: &Path) -> std::path::PathBuf {
    folder.join("base-id")
}

/// Writes the ports that Envoy listens on into its bootstrap, those of that protocol or all.
fn fix_ports(folder: &Path, ports: &HashMap<String, SocketAddr>, protocol: &str) {
    let config = config_path(folder);
    let text = fs::read_to_string(&config).expect("a bootstrap");
    let mut bootstrap: Value = serde_json::from_str(&text).expect("JSON");
    let listeners = bootstrap["static_resources"]["listeners"].as_array_mut();
    for listener in listeners.into_iter().flatten() {
        let port = ports[listener["name"].as_str().expect("a name")].port();
        let address = &mut listener["address"]["socket_address"];
        if protocol.is_empty() || address["protocol"].as_str().unwrap_or("TCP") == protocol {
            address["port_value"] = port.into();
        }
    }
    fs::write(&config, bootstrap.to_string()).expect("a written file");
}

/// `None` where sockets can't share a port: then another process may take it meanwhile.
fn keep(address: SocketAddr) -> Option<TcpSocket> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_reuseport(true).ok()?;
    socket.bind(address).ok()?;
    Some(socket)
}
