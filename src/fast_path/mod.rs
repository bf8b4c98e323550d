//! The fast path (contract §6): Envoy's own filters carry out what the filter decided for a
//! connection, and the VM is entered only where something is to be decided.
//!
//! It is one HTTP filter. A `composite` makes, for each request, the filter of the action that its
//! `ExtensionWithMatcher` finds by the hostname and by the
//! [stored decisions](crate::stored_decision) of the connection: a `header_mutation` that removes
//! every spelling of the managed headers and adds the setting's, or else the wasm filter.
//!
//! An `ExtensionWithMatcher` around the wasm filter itself would skip its callbacks only: Envoy
//! makes and destroys the filter and its context in the VM for the requests that it skips too.
//!
//! This is a generator for operators: no part of it runs in Envoy.

mod action;
mod eligibility;
mod hosts;
mod matcher;
mod names;
#[cfg(test)]
mod tests;
mod vary;

use serde_json::{Value, json};

use crate::config::schema::PluginConfig;
use crate::config::{Config, ConfigError};
use crate::delivery_state::FAST_PATH;
use action::{Actions, execute};
use matcher::Matcher;

/// What a plugin configuration's fast path consists of.
#[derive(Debug)]
pub struct FastPath {
    matcher: Matcher,
    needs_filter_chain: bool,
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
            matcher: Matcher::new(&config, &Actions::new(&config)?),
            needs_filter_chain: config.sends_rfc9440,
            configuration: configuration.to_owned(),
        })
    }

    /// The HTTP filter; `vm` is the wasm filter's `vm_config`.
    #[must_use]
    pub fn http_filter(&self, vm: &Value) -> Value {
        self.around(&self.wasm(vm))
    }

    /// The HTTP filter around the wasm filter (an `envoy.extensions.filters.http.wasm.v3.Wasm`). An
    /// ECDS resource of this changes configuration and matcher together.
    #[must_use]
    pub fn around(&self, wasm: &Value) -> Value {
        let mut wasm = wasm.clone();
        if let Some(config) = wasm.get_mut("config").and_then(Value::as_object_mut) {
            config.insert("root_id".to_owned(), FAST_PATH.into());
        }
        let otherwise = execute("execute", json!({ "name": NAME, "typed_config": wasm }));
        json!({
            "name": NAME,
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
                "xds_matcher": self.matcher.to_json(&otherwise),
                "extension_config": {
                    "name": "composite",
                    "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.composite.v3.Composite" }
                }
            }
        })
    }

    /// Whether Envoy must be 1.38 or later: RFC 9440's `Vary` rule takes a composite filter's
    /// `filter_chain`, and 1.36 does not start with one.
    #[must_use]
    pub fn needs_filter_chain(&self) -> bool {
        self.needs_filter_chain
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
