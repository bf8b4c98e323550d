//! What is found: a plugin configuration, and what surrounds it.

use std::rc::Rc;

use super::trail::Trail;
use crate::document::Node;

/// A plugin configuration and what surrounds it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) configuration: Configuration,
    pub(crate) surroundings: Surroundings,
}

/// A plugin configuration in a file.
#[derive(Debug)]
pub(crate) enum Configuration {
    /// JSON in a string, whose first line is that one of the file. `lines` is whether each line
    /// of the text is one of the file.
    Text {
        text: String,
        line: usize,
        has_lines: bool,
    },
    /// A part of the file's own tree, at this path.
    Tree { tree: Rc<Node>, path: String },
    /// A message that the filter can't read.
    WrongMessage { line: usize },
    /// Envoy gets it from elsewhere (`config_discovery`).
    Elsewhere,
}

/// What surrounds a plugin configuration.
#[derive(Debug)]
pub(crate) enum Surroundings {
    Nothing,
    /// A wasm filter of Envoy.
    Envoy(WasmFilter),
    /// The way to the `config_discovery` of an HTTP filter.
    Discovered(Trail),
    /// A resource of Istio or Envoy Gateway.
    Kubernetes(FailurePolicy),
    /// A resource of the settings API, with the defaults of API hostnames.
    Base {
        defaults: Option<Rc<Node>>,
        path: String,
        /// The resource, and its JSON path.
        resource: (Rc<Node>, String),
        /// The whole document.
        base: Rc<Node>,
    },
}

/// This filter in Envoy's configuration.
#[derive(Debug)]
pub(crate) struct WasmFilter {
    /// The message's `config` (`envoy.extensions.wasm.v3.PluginConfig`).
    pub(crate) config: Rc<Node>,
    /// The way to the message.
    pub(crate) trail: Trail,
}

/// What a resource says of failures of the VM.
#[derive(Debug)]
pub(crate) struct FailurePolicy {
    /// Whether requests pass without the filter.
    pub(crate) is_open: bool,
    pub(crate) line: usize,
    /// JSON path of the key.
    pub(crate) path: String,
    /// The value that closes.
    pub(crate) right: &'static str,
}

/// Whether a name or an address is that of this filter.
pub(super) fn is_this_filter(name: &str) -> bool {
    name.replace('_', "-").contains("client-cert-forwarder")
}
