//! What is wrong around the filter: in its own message, its filter chain, its listener.

mod base;
mod chain;
mod fast_path;
mod filters;
mod kubernetes;
mod tls;

use std::rc::Rc;

use client_cert_forwarder::config::Config;

use super::Finding;
use crate::configurations::{Configuration, Surroundings, WasmFilter};
use crate::document::Node;

/// Checks what surrounds a plugin configuration.
pub(super) fn check(configuration: &Configuration, surroundings: &Surroundings) -> Vec<Finding> {
    match (surroundings, configuration) {
        (Surroundings::Nothing, _) => Vec::new(),
        (Surroundings::Kubernetes(policy), _) => kubernetes::check(policy).into_iter().collect(),
        (Surroundings::Base { defaults, path }, Configuration::Tree { tree, .. }) => defaults
            .as_ref()
            .map(|defaults| base::check(tree, defaults, path))
            .unwrap_or_default(),
        (Surroundings::Base { .. }, _) => Vec::new(),
        (Surroundings::Envoy(filter), configuration) => around_envoys(filter, configuration),
    }
}

fn around_envoys(filter: &WasmFilter, configuration: &Configuration) -> Vec<Finding> {
    let mut findings: Vec<Finding> = filters::failure_policy(filter).into_iter().collect();
    findings.extend(filters::in_front(filter));
    findings.extend(filters::stats_tags(filter));
    let Configuration::Text { text, line, .. } = configuration else {
        return findings;
    };
    if let Ok(config) = Config::from_json(text.as_bytes()) {
        findings.extend(chain::check(filter, &config));
        findings.extend(tls::check(filter, &config));
        findings.extend(fast_path::check(filter, text, *line));
    }
    findings
}

/// The filter chain that a filter stands in.
struct Chain<'a> {
    node: &'a Rc<Node>,
    path: String,
}

impl<'a> Chain<'a> {
    fn of(filter: &'a WasmFilter) -> Option<Self> {
        let (node, path) = filter.trail.nearest("filters")?;
        Some(Self { node, path })
    }

    /// Returns the chain's `DownstreamTlsContext` and its path; `None` on plain text.
    fn tls_context(&self) -> Option<(&'a Node, String)> {
        let typed_config = self.node.at(&["transport_socket", "typed_config"])?;
        let path = format!("{}.transport_socket.typed_config", self.path);
        if typed_config.is_message(".DownstreamTlsContext") {
            return Some((typed_config, path));
        }
        let inner = typed_config.at(&["downstream_tls_context"])?;
        Some((inner, format!("{path}.downstream_tls_context")))
    }
}
