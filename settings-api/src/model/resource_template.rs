//! The operator's part of one ECDS resource: the plugin configuration that API settings merge into.

use std::path::PathBuf;

use client_cert_forwarder::config::schema::{HostnameSettings, PluginConfig, read_object};
use client_cert_forwarder::config::{Config, ConfigError};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::deployment::Deployment;

/// The wasm filter's configuration under one ECDS resource name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceTemplate {
    /// Path of the filter's module on the machines that run Envoy.
    pub(crate) wasm_filename: PathBuf,
    /// The plugin configuration, with settings of its own.
    pub(crate) plugin: PluginConfig,
    /// How the filter is deployed.
    #[serde(default)]
    pub(super) deployment: Deployment,
    /// Keys of a setting (`forward_on`, …) for API hostnames that no setting of `plugin` covers.
    #[serde(default)]
    hostname_defaults: Map<String, Value>,
    /// `hostname_defaults`, parsed.
    #[serde(skip)]
    pub(crate) defaults: HostnameSettings,
}

/// Keys that come from the API, so that a default would have no effect.
const SET_BY_THE_API: [&str; 3] = ["hostname", "china_network", "client_certificate_forwarding"];

impl ResourceTemplate {
    /// Parses the defaults and checks that the filter accepts the plugin configuration with them.
    ///
    /// # Errors
    /// The first mistake and its JSON path, below `resources.NAME`.
    pub(super) fn check(&mut self, name: &str) -> Result<(), ConfigError> {
        check_name(name)?;
        let path = format!("resources.{name}");
        let mut defaults = self.hostname_defaults.clone();
        if let Some(key) = SET_BY_THE_API
            .into_iter()
            .find(|key| defaults.contains_key(*key))
        {
            let reason = "comes from the API and can't have a default";
            return Err(ConfigError::new(
                format!("{path}.hostname_defaults.{key}"),
                reason,
            ));
        }
        // A placeholder that collides with no setting; the API's hostname replaces it.
        defaults.insert("hostname".into(), "hostname-defaults.invalid".into());
        self.defaults = read_object(Value::Object(defaults).to_string().as_bytes())
            .map_err(|error| below(&format!("{path}.hostname_defaults"), error))?;
        let mut plugin = self.plugin.clone();
        let json = compile(&plugin).map_err(|error| below(&format!("{path}.plugin"), error))?;
        self.deployment
            .check(&json)
            .map_err(|error| below(&format!("{path}.plugin"), error))?;
        plugin.settings.push(self.defaults.clone());
        compile(&plugin)
            .and_then(|json| self.deployment.check(&json))
            .map_err(|error| below(&format!("{path}.hostname_defaults"), error))
    }
}

/// Checks a plugin configuration with the filter's own code; returns it as JSON.
///
/// # Errors
/// The reason for which the filter would refuse it.
pub(super) fn compile(plugin: &PluginConfig) -> Result<String, ConfigError> {
    let json = serde_json::to_string(plugin)
        .map_err(|error| ConfigError::new("plugin configuration", error.to_string()))?;
    Config::from_json(json.as_bytes())?;
    Ok(json)
}

/// Puts the path of a configuration in front of an error's path in it.
pub(super) fn below(path: &str, error: ConfigError) -> ConfigError {
    ConfigError::new(format!("{path}.{}", error.place), error.reason)
}

/// Restricts names to valid file names: `--xds-directory` writes `NAME.json`.
fn check_name(name: &str) -> Result<(), ConfigError> {
    let fits = (1..=100).contains(&name.len())
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if fits {
        return Ok(());
    }
    let reason = "a resource name has 1 to 100 visible ASCII characters, no / and no . in front";
    Err(ConfigError::new(format!("resources.{name}"), reason))
}
