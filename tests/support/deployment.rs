//! The two ways to deploy the filter (contract §6), with the same tests for both:
//! `DEPLOYMENT=fast-path` selects the second.

use std::path::Path;

use client_cert_forwarder::fast_path::FastPath;
use serde_json::{Value, json};

use crate::{
    bootstrap::{FILTER_NAME, wasm_config},
    version::{Version, envoy_version},
};

/// How the filter stands in the filter chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// The wasm filter alone.
    Plain,
    /// The wasm filter behind a matcher, and Envoy's own filters for what was decided. Ineligible
    /// configurations get [`Deployment::Plain`].
    FastPath,
}

impl Deployment {
    /// The deployment of the environment variable `DEPLOYMENT`; the plain one by default.
    ///
    /// # Panics
    /// When `DEPLOYMENT` is neither `plain` nor `fast-path`.
    pub fn from_environment() -> Deployment {
        match std::env::var("DEPLOYMENT").as_deref() {
            Err(_) | Ok("plain") => Deployment::Plain,
            Ok("fast-path") => Deployment::FastPath,
            Ok(other) => panic!("DEPLOYMENT={other}: expected plain or fast-path"),
        }
    }

    /// The HTTP filters for that configuration.
    pub fn filters(self, configuration: &str) -> Vec<Value> {
        let wasm = wasm_config(configuration);
        match self.fast_path(configuration) {
            Some(fast_path) => vec![fast_path.around(&wasm)],
            None => vec![json!({ "name": FILTER_NAME, "typed_config": wasm })],
        }
    }

    /// A filter of either deployment, whose configuration is in a file in `folder` that Envoy
    /// watches.
    pub(crate) fn discovered_filter(folder: &Path) -> Value {
        json!({
            "name": FILTER_NAME,
            "config_discovery": {
                "config_source": {
                    "path_config_source": {
                        "path": folder.join("filter.json"),
                        "watched_directory": { "path": folder }
                    },
                    "resource_api_version": "V3"
                },
                "type_urls": [
                    "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                    "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher"
                ]
            }
        })
    }

    /// The content of the watched file.
    pub fn discovery_response(self, configuration: &str) -> Value {
        let wasm = wasm_config(configuration);
        let typed_config = match self.fast_path(configuration) {
            Some(fast_path) => fast_path.around(&wasm)["typed_config"].take(),
            None => wasm,
        };
        json!({
            "resources": [{
                "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
                "name": FILTER_NAME,
                "typed_config": typed_config
            }]
        })
    }

    fn fast_path(self, configuration: &str) -> Option<FastPath> {
        match self {
            Deployment::Plain => None,
            // Envoy 1.36 knows no `filter_chain` of a composite filter.
            Deployment::FastPath => FastPath::new(configuration)
                .ok()
                .filter(|path| !path.needs_filter_chain() || envoy_version() >= Version(1, 38, 0)),
        }
    }
}
