//! The snapshot cache: applies changes one at a time (check, store, publish).

use std::sync::{Mutex, MutexGuard, PoisonError};

use client_cert_forwarder::config::ConfigError;
use tokio::sync::watch;

use crate::error::Error;
use crate::model::base::Base;
use crate::model::entry::{self, Entry, Settings};
use crate::model::scope::Scope;
use crate::model::snapshot::{self, Snapshot};
use crate::store::Store;

/// The settings in force, and the snapshot that Envoys receive.
#[derive(Debug)]
pub(crate) struct SnapshotCache {
    base: Base,
    max_hostnames: usize,
    state: Mutex<State>,
    snapshot: watch::Sender<Snapshot>,
}

#[derive(Debug)]
struct State {
    store: Store,
    /// The store's content.
    settings: Settings,
}

/// The reason for which a change was refused. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// A hostname outside the domains of the zone or account.
    #[error(transparent)]
    ForeignHostname(ConfigError),
    /// Settings that the filter would refuse, or too many of them.
    #[error(transparent)]
    Invalid(ConfigError),
    /// The store failed.
    #[error(transparent)]
    Store(rusqlite::Error),
}

impl SnapshotCache {
    /// Loads the stored settings and publishes them.
    ///
    /// # Errors
    /// When the store can't be read, or its settings and the base configuration can't be merged.
    pub(crate) fn load(base: Base, store: Store, max_hostnames: usize) -> Result<Self, Error> {
        let settings = store
            .load()
            .map_err(|error| Error::new("database", "settings", error))?;
        for (scope, entries) in &settings {
            for entry in entries
                .iter()
                .filter(|entry| !base.may_set(scope, &entry.hostname))
            {
                tracing::warn!(
                    %scope,
                    hostname = entry.hostname,
                    "stored, but in no domain of the base configuration any more: not in force"
                );
            }
        }
        let snapshot = snapshot::build(&base, &settings)
            .map_err(|error| Error::new("stored settings", "with the base configuration", error))?;
        Ok(Self {
            base,
            max_hostnames,
            state: Mutex::new(State { store, settings }),
            snapshot: watch::Sender::new(snapshot),
        })
    }

    /// Returns the base configuration.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// Subscribes to the snapshot: the current one now, each later one as it is published.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// Returns the settings of a zone or account.
    pub(crate) fn settings(&self, scope: &Scope) -> Vec<Entry> {
        self.lock().settings.get(scope).cloned().unwrap_or_default()
    }

    /// Counts the settings of each zone and account that has some.
    pub(crate) fn counts(&self) -> Vec<(Scope, usize)> {
        let count = |(scope, entries): (&Scope, &Vec<Entry>)| (scope.clone(), entries.len());
        self.lock().settings.iter().map(count).collect()
    }

    /// Changes the settings of a zone or account; returns all that it has afterwards.
    ///
    /// Blocks until the change is on stable storage, so it must not run on an async task.
    ///
    /// # Errors
    /// The reason for which nothing has changed.
    pub(crate) fn change(
        &self,
        scope: &Scope,
        changes: &[Entry],
    ) -> Result<Vec<Entry>, ChangeError> {
        let mut state = self.lock();
        let before = state.settings.get(scope).map_or(&[][..], Vec::as_slice);
        self.check_domains(scope, before, changes)?;
        let after = entry::apply(before, changes);
        self.check_count(before.len(), after.len())?;
        let mut settings = state.settings.clone();
        settings.insert(scope.clone(), after.clone());
        let snapshot = snapshot::build(&self.base, &settings).map_err(ChangeError::Invalid)?;
        state
            .store
            .change(scope, changes)
            .map_err(ChangeError::Store)?;
        state.settings = settings;
        // Published under the lock, so that snapshots come in the order of the stored changes.
        self.publish(snapshot);
        Ok(after)
    }

    fn check_domains(
        &self,
        scope: &Scope,
        before: &[Entry],
        changes: &[Entry],
    ) -> Result<(), ChangeError> {
        let foreign = |entry: &Entry| !self.base.may_set(scope, &entry.hostname);
        // A stored hostname may always be removed, even if its domain has since moved.
        let may_go = |entry: &Entry| {
            entry.is_removal()
                && before
                    .iter()
                    .any(|stored| stored.hostname == entry.hostname)
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
        Err(ChangeError::ForeignHostname(ConfigError::new(
            place, reason,
        )))
    }

    /// Lets a zone that is over the limit shrink: the limit may be lower than it was.
    fn check_count(&self, before: usize, after: usize) -> Result<(), ChangeError> {
        if after <= self.max_hostnames || after <= before {
            return Ok(());
        }
        let reason = format!(
            "maximum number of hostnames ({}) has been reached",
            self.max_hostnames
        );
        Err(ChangeError::Invalid(ConfigError::new("settings", reason)))
    }

    fn publish(&self, next: Snapshot) {
        self.snapshot.send_if_modified(|snapshot| {
            let changed = *snapshot != next;
            *snapshot = next;
            changed
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
