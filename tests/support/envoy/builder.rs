//! The configuration of an Envoy before it starts.

use std::{path::Path, sync::Arc};

use serde_json::Value;

use super::Envoy;
use crate::{deployment::Deployment, listener::Listener, version::envoy_version};

/// An Envoy to be configured; [`EnvoyBuilder::start`] starts it.
pub struct EnvoyBuilder {
    pub(super) configuration: String,
    pub(super) deployment: Deployment,
    pub(super) listeners: Vec<Listener>,
    pub(super) discovered: bool,
    pub(super) filter_state: bool,
    pub(super) concurrency: u32,
    pub(super) upstream_http2: bool,
    pub(super) routes: Vec<Value>,
    pub(super) bootstrap: Option<String>,
    pub(super) adaptations: Vec<Adaptation>,
    pub(super) filter_changes: Vec<FilterChange>,
    pub(super) arguments: Vec<String>,
    pub(super) log_every_call: bool,
    pub(super) under: Vec<String>,
}

pub(super) type Adaptation = Box<dyn FnOnce(&mut Value) + Send>;

pub(super) type FilterChange = Arc<dyn Fn(&mut Value) + Send + Sync>;

impl Envoy {
    /// An Envoy with the filter, configured by that JSON value, and one strict TLS listener unless
    /// the test adds others.
    pub fn with_filter(configuration: Value) -> EnvoyBuilder {
        Envoy::with_filter_text(&configuration.to_string())
    }

    /// The same with the configuration as text, which need not be JSON.
    pub fn with_filter_text(configuration: &str) -> EnvoyBuilder {
        EnvoyBuilder {
            configuration: configuration.to_owned(),
            deployment: Deployment::from_environment(),
            listeners: Vec::new(),
            discovered: false,
            filter_state: !envoy_version().has_peer_certificate(),
            concurrency: 1,
            upstream_http2: false,
            routes: Vec::new(),
            bootstrap: None,
            adaptations: Vec::new(),
            filter_changes: Vec::new(),
            arguments: vec!["--disable-hot-restart".to_owned()],
            log_every_call: false,
            under: Vec::new(),
        }
    }

    /// An Envoy with that bootstrap (YAML), unchanged. The test adds its listeners by name, so that
    /// clients find them.
    pub fn with_bootstrap(yaml: String) -> EnvoyBuilder {
        EnvoyBuilder {
            bootstrap: Some(yaml),
            ..Envoy::with_filter_text("")
        }
    }
}

impl EnvoyBuilder {
    /// Adds a listener; the first one takes the place of the default.
    pub fn listener(mut self, listener: Listener) -> EnvoyBuilder {
        self.listeners.push(listener);
        self
    }

    /// Adds a listener that requires a certificate, on QUIC too where this Envoy can ask for one
    /// there: for clients over [`crate::mtls_protocols`].
    pub fn every_mtls_protocol(self) -> EnvoyBuilder {
        self.listener(Listener::strict().every_mtls_protocol())
    }

    /// Reads the filter's configuration from a watched file (ECDS), so that
    /// [`Envoy::update_config`] can change it.
    pub fn discovered(mut self) -> EnvoyBuilder {
        self.discovered = true;
        self
    }

    /// Deploys the filter that way, whatever the environment asks for.
    pub fn deployment(mut self, deployment: Deployment) -> EnvoyBuilder {
        self.deployment = deployment;
        self
    }

    /// Whether Envoy's own `set_filter_state` precedes the filter. By default only where the
    /// attribute `connection.peer_certificate` doesn't exist.
    pub fn filter_state(mut self, filter_state: bool) -> EnvoyBuilder {
        self.filter_state = filter_state;
        self
    }

    /// The number of worker threads, 1 by default.
    pub fn concurrency(mut self, workers: u32) -> EnvoyBuilder {
        self.concurrency = workers;
        self
    }

    /// Writes every call into the VM to the log, for [`Envoy::calls_of`].
    pub fn log_every_call(mut self) -> EnvoyBuilder {
        self.log_every_call = true;
        self
    }

    /// Speaks HTTP/2 to the origin.
    pub fn upstream_http2(mut self) -> EnvoyBuilder {
        self.upstream_http2 = true;
        self
    }

    /// Adds a route before the fixed ones of [`crate::bootstrap`].
    pub fn route(mut self, route: Value) -> EnvoyBuilder {
        self.routes.push(route);
        self
    }

    /// Changes the bootstrap in a way that no other method knows.
    pub fn adapt(mut self, change: impl FnOnce(&mut Value) + Send + 'static) -> EnvoyBuilder {
        self.adaptations.push(Box::new(change));
        self
    }

    /// Changes the wasm filter's own configuration, also in each update.
    pub fn adapt_filter(
        mut self,
        change: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> EnvoyBuilder {
        self.filter_changes.push(Arc::new(change));
        self
    }

    /// Takes another module than the built filter.
    pub fn module(self, path: &Path) -> EnvoyBuilder {
        let path = path.to_owned();
        self.adapt_filter(move |filter| {
            filter["config"]["vm_config"]["code"]["local"]["filename"] = path.to_str().into();
        })
    }

    /// Starts Envoy with those command-line arguments too.
    pub fn arguments(mut self, arguments: &[&str]) -> EnvoyBuilder {
        self.arguments
            .extend(arguments.iter().copied().map(str::to_owned));
        self
    }

    /// Runs Envoy under that program, such as a profiler, which must become it or stay its process.
    pub fn under(mut self, command: &[String]) -> EnvoyBuilder {
        self.under = command.to_vec();
        self
    }

    /// Starts Envoy so that [`Envoy::successor`] can take over from it.
    pub fn hot_restart(mut self) -> EnvoyBuilder {
        self.arguments
            .retain(|argument| argument != "--disable-hot-restart");
        self
    }
}
