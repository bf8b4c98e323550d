//! The fast path (contract §6): Envoy's own filters do what is left to do on a connection that was
//! served, and the VM is entered only where there is something to send.
//!
//! Two HTTP filters, in this order: `header_mutation` removes every spelling of the managed
//! headers, and a `composite` filter makes the wasm filter for a request unless its
//! `ExtensionWithMatcher` finds in the connection's filter state the
//! [`DeliveryState`](crate::delivery_state::DeliveryState) of the request's setting under the
//! configuration that the matcher was made for.
//!
//! An `ExtensionWithMatcher` around the wasm filter itself would skip its callbacks only: Envoy
//! makes and destroys the filter and its context in the VM for the requests that it skips too.
//!
//! This is a generator for operators: no part of it runs in Envoy.

mod eligibility;
mod matcher;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::config::schema::PluginConfig;
use crate::config::{Config, ConfigError};
use crate::delivery_state::FAST_PATH;
use matcher::Matcher;

/// Every spelling of the managed headers' two families (see [`crate::headers::managed`]), for names
/// in lower case, which Envoy's are.
pub const MANAGED_NAMES: &str = "cf[^a-z0-9:](client[^a-z0-9:])?cert[^a-z0-9:].*";

/// What a plugin configuration's fast path consists of.
#[derive(Debug)]
pub struct FastPath {
    matcher: Matcher,
    configuration: String,
}

impl FastPath {
    /// The fast path of a plugin configuration, JSON as in [`Config::from_json`]. Its text is part
    /// of every mark: Envoy must be given exactly this one.
    ///
    /// # Errors
    /// What contract §3 does not allow, or what the filter has to see every request for, with the
    /// JSON path.
    pub fn new(configuration: &str) -> Result<Self, ConfigError> {
        let config = Config::from_json(configuration.as_bytes())?;
        eligibility::check(&PluginConfig::from_json(configuration.as_bytes())?)?;
        Ok(Self {
            matcher: Matcher::new(&config),
            configuration: configuration.to_owned(),
        })
    }

    /// The two HTTP filters; `vm` is the wasm filter's `vm_config`.
    #[must_use]
    pub fn http_filters(&self, vm: &Value) -> [Value; 2] {
        [strip_managed_headers(), self.skipping(&self.wasm(vm))]
    }

    /// The wasm filter (an `envoy.extensions.filters.http.wasm.v3.Wasm`), made by a composite
    /// filter for just those requests that the matcher does not skip. An ECDS resource of this
    /// changes the two together.
    #[must_use]
    pub fn skipping(&self, wasm: &Value) -> Value {
        let mut wasm = wasm.clone();
        if let Some(config) = wasm.get_mut("config").and_then(Value::as_object_mut) {
            config.insert("root_id".to_owned(), FAST_PATH.into());
        }
        let execute = json!({
            "name": "execute",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
                "typed_config": { "name": NAME, "typed_config": wasm }
            }
        });
        json!({
            "name": NAME,
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
                "xds_matcher": self.matcher.to_json(&execute),
                "extension_config": {
                    "name": "composite",
                    "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.Composite" }
                }
            }
        })
    }

    /// Hostnames that stay without a fast path although they forward: their requests enter the VM,
    /// as without one.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        self.matcher.left_out()
    }

    fn wasm(&self, vm: &Value) -> Value {
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": NAME,
                "failure_policy": "FAIL_RELOAD",
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": self.configuration
                },
                "vm_config": vm
            }
        })
    }
}

const NAME: &str = "client_cert_forwarder";

/// The filter that removes the client's own managed headers, from headers and trailers of every
/// request.
#[must_use]
pub fn strip_managed_headers() -> Value {
    let remove = json!([{ "remove_on_match": { "key_matcher": { "safe_regex": { "regex": MANAGED_NAMES } } } }]);
    json!({
        "name": "strip_client_cert_headers",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": { "request_mutations": remove, "request_trailers_mutations": remove }
        }
    })
}
