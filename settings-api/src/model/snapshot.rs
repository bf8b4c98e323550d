//! Snapshots: the ECDS resources that follow from base configuration, CRLs and settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::config::schema::RevokedCertificate;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::base::Base;
use super::deployment::Deployed;
use super::entry::Settings;
use super::merge;
use super::resource_template::{ResourceTemplate, below};
use super::wasm_filter;
use crate::hex;

/// A consistent set of ECDS resources, by name.
pub(crate) type Snapshot = BTreeMap<String, Arc<Resource>>;

/// One ECDS resource: the configuration of one wasm filter, alone or with its fast path.
#[derive(Debug)]
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
    /// The fast path (JSON of an `ExtensionWithMatcher`); none for the wasm filter alone.
    pub(crate) fast_path: Option<Value>,
    /// What an operator should know of the resource.
    pub(crate) warnings: Vec<String>,
    /// The encoded message, which is made once for all subscribers.
    pub(crate) encoded: OnceLock<Vec<u8>>,
}

/// Builds the snapshot of these settings, with these revoked certificates in each resource.
///
/// # Errors
/// The reason for which the filter would refuse one of the resources.
pub(crate) fn build(
    base: &Base,
    revoked: &[RevokedCertificate],
    settings: &Settings,
) -> Result<Snapshot, ConfigError> {
    base.resources
        .iter()
        .map(|(name, template)| {
            let plugin = merge::plugin_config(base, name, template, revoked, settings)?;
            let resource = Resource::new(name.clone(), template, plugin)?;
            Ok((name.clone(), Arc::new(resource)))
        })
        .collect()
}

impl Resource {
    fn new(name: String, template: &ResourceTemplate, plugin: String) -> Result<Self, ConfigError> {
        let wasm_filename = template.wasm_filename.clone();
        let wasm = wasm_filter::to_json(&wasm_filename, &plugin);
        let Deployed {
            fast_path,
            warnings,
        } = template
            .deployment
            .deploy(&plugin, &wasm)
            .map_err(|error| below(&format!("resources.{name}.plugin"), error))?;
        let mut hash = Sha256::new();
        hash.update(wasm_filename.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(plugin.as_bytes());
        if let Some(fast_path) = &fast_path {
            hash.update([0]);
            hash.update(fast_path.to_string());
        }
        let version = hex::encode(&hash.finalize()).chars().take(16).collect();
        Ok(Self {
            name,
            version,
            wasm_filename,
            plugin,
            fast_path,
            warnings,
            encoded: OnceLock::new(),
        })
    }
}

impl PartialEq for Resource {
    /// Compares the content by its version.
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.version) == (&other.name, &other.version)
    }
}

impl Eq for Resource {}
