//! The settings that are in force, and their publication: one change at a time, checked, then stored, then published.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use client_cert_forwarder::config::ConfigError;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::Error;
use crate::base::{Base, Scope};
use crate::body::{self, Entry};
use crate::envelope::ApiError;
use crate::merge::{self, Settings};
use crate::store::Store;

/// What the Envoys get: one wasm filter configuration per ECDS resource name.
pub type Published = BTreeMap<String, Arc<Resource>>;

/// One ECDS resource's content.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// The first 16 hexadecimal digits of the content's SHA-256: the same content has the same version, after a restart too.
    pub version: String,
    /// Path of the filter's module, where Envoy runs.
    pub wasm_filename: PathBuf,
    /// The plugin configuration (JSON).
    pub plugin: String,
}

/// The base configuration with the API's settings.
#[derive(Debug)]
pub struct Fleet {
    base: Base,
    max_hostnames: usize,
    state: Mutex<State>,
    published: watch::Sender<Published>,
}

#[derive(Debug)]
struct State {
    store: Store,
    /// What the store holds.
    settings: Settings,
}

impl Fleet {
    /// Loads the stored settings and publishes them.
    ///
    /// # Errors
    /// When the store can't be read, or the base configuration can't be merged with it.
    pub fn new(base: Base, store: Store, max_hostnames: usize) -> Result<Self, Error> {
        let settings = store
            .load()
            .map_err(|error| Error::new("database", "settings", error))?;
        for (scope, entries) in &settings {
            for entry in entries
                .iter()
                .filter(|entry| !base.may_set(scope, &entry.hostname))
            {
                tracing::warn!(%scope, hostname = entry.hostname, "stored, but in none of the domains of the base configuration any more: not in force");
            }
        }
        let published = resources(&base, &settings)
            .map_err(|error| Error::new("stored settings", "with the base configuration", error))?;
        Ok(Self {
            base,
            max_hostnames,
            state: Mutex::new(State { store, settings }),
            published: watch::Sender::new(published),
        })
    }

    /// The base configuration.
    #[must_use]
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// What is published now, and from now on.
    #[must_use]
    pub fn published(&self) -> watch::Receiver<Published> {
        self.published.subscribe()
    }

    /// The settings of a zone or account.
    #[must_use]
    pub fn settings(&self, scope: &Scope) -> Vec<Entry> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settings.get(scope).cloned().unwrap_or_default()
    }

    /// The number of settings of each zone and account that has some.
    #[must_use]
    pub fn counts(&self) -> Vec<(Scope, usize)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(scope, entries): (&Scope, &Vec<Entry>)| (scope.clone(), entries.len());
        state.settings.iter().map(count).collect()
    }

    /// Changes the settings of a zone or account, and gives all that it has then. Waits for the disk: not for an async task.
    ///
    /// # Errors
    /// [`ApiError::ForeignHostname`], [`ApiError::Invalid`], [`ApiError::Internal`]; then nothing has changed.
    pub fn change(&self, scope: &Scope, changes: &[Entry]) -> Result<Vec<Entry>, ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.settings.get(scope).map_or(&[][..], Vec::as_slice);
        self.check_domains(scope, before, changes)?;
        let after = body::apply(before, changes);
        if after.len() > self.max_hostnames && after.len() > before.len() {
            let reason = format!(
                "maximum number of hostnames ({}) has been reached",
                self.max_hostnames
            );
            return Err(ApiError::Invalid(ConfigError::new("settings", reason)));
        }
        let mut settings = state.settings.clone();
        settings.insert(scope.clone(), after.clone());
        let resources = resources(&self.base, &settings).map_err(ApiError::Invalid)?;
        state.store.change(scope, changes).map_err(|error| {
            tracing::error!(%scope, %error, "the settings could not be stored");
            ApiError::Internal
        })?;
        state.settings = settings;
        // Still under the lock: what is published last is what was stored last.
        self.publish(resources);
        Ok(after)
    }

    fn check_domains(
        &self,
        scope: &Scope,
        before: &[Entry],
        changes: &[Entry],
    ) -> Result<(), ApiError> {
        let foreign = |entry: &Entry| !self.base.may_set(scope, &entry.hostname);
        // What is there may be removed, whatever became of the domains since.
        let may_go = |entry: &Entry| {
            entry.is_removal() && before.iter().any(|there| there.hostname == entry.hostname)
        };
        let culprit = changes
            .iter()
            .enumerate()
            .find(|(_, entry)| foreign(entry) && !may_go(entry));
        let Some((number, entry)) = culprit else {
            return Ok(());
        };
        let domains = self.base.domains(scope).join(", ");
        let reason = format!(
            "{:?} is not below the domains of {scope}: {domains}",
            entry.hostname
        );
        let place = format!("settings[{number}].hostname");
        Err(ApiError::ForeignHostname(ConfigError::new(place, reason)))
    }

    fn publish(&self, resources: Published) {
        self.published.send_if_modified(|published| {
            let changed = *published != resources;
            *published = resources;
            changed
        });
    }
}

fn resources(base: &Base, settings: &Settings) -> Result<Published, ConfigError> {
    base.resources
        .iter()
        .map(|(name, resource)| {
            let plugin = merge::plugin_config(base, name, resource, settings)?;
            let wasm_filename = resource.wasm_filename.clone();
            let mut hash = Sha256::new();
            hash.update(wasm_filename.as_os_str().as_encoded_bytes());
            hash.update([0]);
            hash.update(plugin.as_bytes());
            let version = hash
                .finalize()
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let resource = Resource {
                name: name.clone(),
                version,
                wasm_filename,
                plugin,
            };
            Ok((name.clone(), Arc::new(resource)))
        })
        .collect()
}
