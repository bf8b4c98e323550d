//! What is wrong around the filter: in its own message, its filter chain, its listener.

mod base;
mod chain;
mod crls;
mod deployment;
mod fast_path;
mod filter_chain;
mod filters;
mod kubernetes;
mod neighbours;
mod placement;
mod routes;
mod tls;

use client_cert_forwarder::config::Config;

use super::Finding;
use crate::configurations::{Configuration, Surroundings, Trail, WasmFilter};

/// Checks what surrounds a plugin configuration.
pub(super) fn check(configuration: &Configuration, surroundings: &Surroundings) -> Vec<Finding> {
    match (surroundings, configuration) {
        (Surroundings::Nothing, _) => Vec::new(),
        (Surroundings::Kubernetes(policy), _) => kubernetes::check(policy).into_iter().collect(),
        (
            Surroundings::Base {
                defaults,
                path,
                resource: (resource, resource_path),
                base,
            },
            Configuration::Tree { tree, .. },
        ) => {
            let defaults = defaults.as_ref();
            let defaults = defaults.map(|defaults| base::check(tree, defaults, path));
            let mut findings = defaults.unwrap_or_default();
            findings.extend(deployment::check(resource, resource_path, tree));
            findings.extend(crls::check(base));
            findings
        }
        (Surroundings::Base { .. }, _) => Vec::new(),
        (Surroundings::Envoy(filter), configuration) => around_envoys(filter, configuration),
        (Surroundings::Discovered(trail), _) => around_any(trail, None),
    }
}

/// Checks where the filter stands among Envoy's other filters.
pub(super) fn placement(
    configuration: &Configuration,
    surroundings: &Surroundings,
) -> Vec<Finding> {
    match surroundings {
        Surroundings::Envoy(filter) => {
            placement::check(&filter.trail, config(configuration).as_ref())
        }
        Surroundings::Discovered(trail) => placement::check(trail, None),
        _ => Vec::new(),
    }
}

fn around_envoys(filter: &WasmFilter, configuration: &Configuration) -> Vec<Finding> {
    let mut findings: Vec<Finding> = filters::failure_policy(filter).into_iter().collect();
    let config = config(configuration);
    findings.extend(around_any(&filter.trail, config.as_ref()));
    if let (Configuration::Text { text, line, .. }, Some(config)) = (configuration, config) {
        findings.extend(chain::check(filter, &config));
        findings.extend(tls::verifies(&filter.trail, &config));
        findings.extend(fast_path::check(filter, text, *line));
    }
    findings
}

/// What needs no configuration.
fn around_any(trail: &Trail, config: Option<&Config>) -> Vec<Finding> {
    let mut findings = placement::check(trail, config);
    findings.extend(filters::stats_tags(trail));
    findings.extend(tls::asks_for_certificates(trail));
    findings
}

fn config(configuration: &Configuration) -> Option<Config> {
    match configuration {
        Configuration::Text { text, .. } => Config::from_json(text.as_bytes()).ok(),
        _ => None,
    }
}
