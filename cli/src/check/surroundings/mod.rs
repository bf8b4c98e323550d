//! What is wrong around the filter: in its own message, its filter chain, its listener.

mod base;
mod chain;
mod crls;
mod deployment;
mod fast_path;
mod filter_chain;
mod filters;
mod kubernetes;
mod tls;

use client_cert_forwarder::config::Config;

use super::Finding;
use crate::configurations::{Configuration, Surroundings, WasmFilter};

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
