//! Starts Envoy, and waits until it takes connections.

use std::{
    collections::HashMap,
    fs, mem,
    net::SocketAddr,
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    Envoy, EnvoyBuilder, PATIENCE, PATIENCE_UNDER_ANOTHER_PROGRAM,
    admin::admin_request,
    process::{admin_path, config_path, spawn, spawn_watchdog},
    restart,
    updates::{change_filters, discovery_folder, write_discovery_file},
};
use crate::{
    bootstrap::{self, Bootstrap},
    deployment::Deployment,
    listener::{Listener, Tls},
    origin::Origin,
};

impl EnvoyBuilder {
    /// Starts Envoy and waits until it accepts connections.
    ///
    /// # Panics
    /// When it doesn't start, with its log.
    pub async fn start(self, origin: &Origin) -> Envoy {
        self.try_start(origin)
            .await
            .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"))
    }

    /// Starts Envoy and waits until it accepts connections.
    ///
    /// # Errors
    /// Envoy's log, when it exits instead.
    pub async fn try_start(mut self, origin: &Origin) -> Result<Envoy, String> {
        self.complete_listeners();
        let folder = tempfile::Builder::new()
            .prefix("envoy-test-")
            .tempdir()
            .expect("a temporary folder");
        let filters = self.filters(folder.path());
        let bootstrap = self.bootstrap_text(&filters, origin);
        fs::write(config_path(folder.path()), bootstrap).expect("a written file");

        let arguments = self.command_line(folder.path());
        let process = spawn(folder.path(), &self.under, &arguments);
        let tls = self.listeners.iter();
        let tls = tls.map(|listener| (listener.name.clone(), listener.tls));
        let mut envoy = Envoy::starting(process, folder, arguments, self.deployment, tls.collect());
        envoy.filter_changes = self.filter_changes;
        let patience = match self.under[..] {
            [] => PATIENCE,
            _ => PATIENCE_UNDER_ANOTHER_PROGRAM,
        };
        envoy.wait_until_ready(patience).await?;
        Ok(envoy)
    }

    fn complete_listeners(&mut self) {
        if self.listeners.is_empty() {
            self.listeners.push(Listener::strict());
        }
        if self.filter_state {
            for listener in &mut self.listeners {
                let filter = bootstrap::filter_state_filter();
                listener.filters_before.push(filter);
            }
        }
    }

    /// The HTTP filters of the deployment; writes the file that Envoy is to watch, if any.
    fn filters(&self, folder: &Path) -> Vec<Value> {
        if !self.discovered {
            return self.deployment.filters(&self.configuration);
        }
        let discovery = discovery_folder(folder);
        fs::create_dir(&discovery).expect("a new folder");
        let mut resource = self.deployment.discovery_response(&self.configuration);
        change_filters(&mut resource, &self.filter_changes);
        write_discovery_file(&discovery, &resource);
        vec![Deployment::discovered_filter(&discovery)]
    }

    /// The bootstrap file: YAML, or JSON, which is YAML too.
    fn bootstrap_text(&mut self, filters: &[Value], origin: &Origin) -> String {
        if let Some(yaml) = self.bootstrap.take() {
            return yaml;
        }
        let mut bootstrap = Bootstrap {
            listeners: &self.listeners,
            filters,
            origin: origin.address(),
            upstream_http2: self.upstream_http2,
            routes: &self.routes,
        }
        .to_json();
        change_filters(&mut bootstrap, &self.filter_changes);
        for change in self.adaptations.drain(..) {
            change(&mut bootstrap);
        }
        bootstrap.to_string()
    }

    fn command_line(&mut self, folder: &Path) -> Vec<String> {
        let mut arguments = mem::take(&mut self.arguments);
        arguments.extend(["--concurrency".to_owned(), self.concurrency.to_string()]);
        let wasm_log_level = match self.log_every_call {
            true => "wasm:trace",
            false => "wasm:info",
        };
        arguments.extend(["--component-log-level", wasm_log_level].map(str::to_owned));
        if !arguments
            .iter()
            .any(|argument| argument == "--disable-hot-restart")
        {
            arguments.extend(restart::first_epoch(folder));
        }
        arguments
    }
}

impl Envoy {
    pub(super) fn starting(
        process: Child,
        folder: TempDir,
        arguments: Vec<String>,
        deployment: Deployment,
        tls: HashMap<String, Tls>,
    ) -> Envoy {
        Envoy {
            watchdog: spawn_watchdog(process.id()),
            process,
            folder,
            arguments,
            deployment,
            filter_changes: Vec::new(),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            listeners: HashMap::new(),
            tls,
        }
    }

    pub(super) async fn wait_until_ready(&mut self, patience: Duration) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = self.process.try_wait().expect("a child process") {
                return Err(format!("{}\nEnvoy ended with {status}", self.log()));
            }
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!(
            "{}\nEnvoy was not ready in {patience:?}",
            self.log()
        ))
    }

    async fn is_ready(&mut self) -> bool {
        let Ok(text) = fs::read_to_string(admin_path(self.folder.path())) else {
            return false;
        };
        let Ok(admin) = text.trim().parse() else {
            return false;
        };
        self.admin = admin;
        match admin_request(admin, Method::GET, "/ready").await {
            Ok(state) if state.trim() == "LIVE" => {}
            _ => return false,
        }
        let text = self.admin("/listeners?format=json").await;
        let statuses: Value = serde_json::from_str(&text).expect("JSON of the admin interface");
        self.listeners = statuses["listener_statuses"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .filter_map(|status| {
                let address = &status["local_address"]["socket_address"];
                let port = u16::try_from(address["port_value"].as_u64()?).ok()?;
                Some((
                    status["name"].as_str()?.to_owned(),
                    SocketAddr::from(([127, 0, 0, 1], port)),
                ))
            })
            .collect();
        self.tls
            .keys()
            .all(|name| self.listeners.contains_key(name))
    }
}
