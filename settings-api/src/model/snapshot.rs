//! Snapshots: the ECDS resources that follow from the base configuration and the settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use client_cert_forwarder::config::ConfigError;
use sha2::{Digest, Sha256};

use super::base::Base;
use super::entry::Settings;
use super::merge;
use crate::hex;

/// A consistent set of ECDS resources, by name.
pub(crate) type Snapshot = BTreeMap<String, Arc<Resource>>;

/// One ECDS resource: the configuration of one wasm filter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// The ECDS resource name.
    pub(crate) name: String,
    /// The first 16 hexadecimal digits of the content's SHA-256: equal content has an equal
    /// version, after a restart too.
    pub(crate) version: String,
    /// Path of the filter's module on the machines that run Envoy.
    pub(crate) wasm_filename: PathBuf,
    /// The plugin configuration (JSON).
    pub(crate) plugin: String,
}

/// Builds the snapshot of these settings.
///
/// # Errors
/// The reason for which the filter would refuse one of the resources.
pub(crate) fn build(base: &Base, settings: &Settings) -> Result<Snapshot, ConfigError> {
    base.resources
        .iter()
        .map(|(name, template)| {
            let plugin = merge::plugin_config(base, name, template, settings)?;
            let resource = Resource::new(name.clone(), template.wasm_filename.clone(), plugin);
            Ok((name.clone(), Arc::new(resource)))
        })
        .collect()
}

impl Resource {
    fn new(name: String, wasm_filename: PathBuf, plugin: String) -> Self {
        let mut hash = Sha256::new();
        hash.update(wasm_filename.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(plugin.as_bytes());
        let version = hex::encode(&hash.finalize()).chars().take(16).collect();
        Self {
            name,
            version,
            wasm_filename,
            plugin,
        }
    }
}
