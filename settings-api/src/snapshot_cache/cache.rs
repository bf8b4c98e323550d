//! The cache itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use client_cert_forwarder::config::ConfigError;
use tokio::sync::watch;

use super::checks::{ChangeError, check_count, check_domains};
use super::health::{Health, StoreHealth};
use super::published::Published;
use super::warnings;
use crate::crls::Crls;
use crate::error::Error;
use crate::model::audit::{self, AuditRecord, Author};
use crate::model::base::Base;
use crate::model::entry::{self, Entry, Settings};
use crate::model::scope::Scope;
use crate::model::snapshot::{self, Resource, Snapshot};
use crate::store::{Change, Revision, Store, StoreError, Stored};

/// The longest time that a change waits for other replicas' changes.
const CONFLICTS: Duration = Duration::from_secs(10);

/// The settings in force, and the snapshot that Envoys receive.
#[derive(Debug)]
pub(crate) struct SnapshotCache {
    operators: RwLock<OperatorsPart>,
    max_hostnames: usize,
    store: Arc<dyn Store>,
    /// Held while the state changes, so that snapshots come in the order of the revisions.
    changing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    snapshot: watch::Sender<Snapshot>,
    published: Published,
    health: Health,
}

/// What the operator's files say.
#[derive(Clone, Debug)]
struct OperatorsPart {
    base: Arc<Base>,
    crls: Arc<Crls>,
}

/// The store's content, as of a revision.
#[derive(Clone, Debug)]
struct State {
    revision: Revision,
    settings: Arc<Settings>,
}

impl SnapshotCache {
    /// Loads the stored settings and publishes them.
    ///
    /// # Errors
    /// When the store can't be read, or its settings and the base configuration can't be merged.
    pub(crate) async fn load(
        base: Base,
        crls: Crls,
        store: Arc<dyn Store>,
        max_hostnames: usize,
    ) -> Result<Self, Error> {
        let stored = store.load(None).await;
        let stored = stored.map_err(|error| Error::new("database", "settings", error))?;
        let missing = || Error::new("database", "settings", "were not read");
        let Stored { revision, settings } = stored.ok_or_else(missing)?;
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
        let snapshot = snapshot::build(&base, crls.revoked_certificates(), &settings)
            .map_err(|error| Error::new("stored settings", "with the base configuration", error))?;
        warnings::log_new(&Snapshot::new(), &snapshot);
        let settings = Arc::new(settings);
        Ok(Self {
            operators: RwLock::new(OperatorsPart {
                base: Arc::new(base),
                crls: Arc::new(crls),
            }),
            max_hostnames,
            store,
            changing: tokio::sync::Mutex::new(()),
            state: Mutex::new(State { revision, settings }),
            published: Published::new(&snapshot),
            snapshot: watch::Sender::new(snapshot),
            health: Health::new(),
        })
    }

    /// Returns the base configuration.
    pub(crate) fn base(&self) -> Arc<Base> {
        self.operators().base
    }

    /// Returns the CRLs in force.
    pub(crate) fn crls(&self) -> Arc<Crls> {
        self.operators().crls
    }

    /// Replaces the base configuration and its CRLs, and publishes what follows from them.
    ///
    /// # Errors
    /// When the stored settings can't be merged with them; then the old ones stay.
    pub(crate) async fn replace_base(&self, base: Base, crls: Crls) -> Result<(), Error> {
        self.replace(Arc::new(base), crls).await
    }

    /// Replaces the CRLs, and publishes what follows from them.
    ///
    /// # Errors
    /// When the filter would refuse their entries; then the old ones stay.
    pub(crate) async fn replace_crls(&self, crls: Crls) -> Result<(), Error> {
        self.replace(self.base(), crls).await
    }

    async fn replace(&self, base: Arc<Base>, crls: Crls) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let State { revision, settings } = self.state();
        let revoked = crls.revoked_certificates();
        let snapshot = tokio::task::block_in_place(|| snapshot::build(&base, revoked, &settings))
            .map_err(|error| {
            Error::new("stored settings", "with the base configuration", error)
        })?;
        let crls = Arc::new(crls);
        *self
            .operators
            .write()
            .unwrap_or_else(PoisonError::into_inner) = OperatorsPart { base, crls };
        self.install(revision, settings, snapshot);
        Ok(())
    }

    /// Subscribes to the snapshot: the current one now, each later one as it is published.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.subscribe()
    }

    /// Returns the settings of a zone or account.
    pub(crate) fn settings(&self, scope: &Scope) -> Vec<Entry> {
        let state = self.state();
        state.settings.get(scope).cloned().unwrap_or_default()
    }

    /// Returns when the version of a resource came into force here; none once it is replaced.
    pub(crate) fn published(&self, resource: &Resource) -> Option<SystemTime> {
        self.published.of(resource)
    }

    /// Returns all settings.
    pub(crate) fn all_settings(&self) -> Arc<Settings> {
        self.state().settings
    }

    /// Counts the settings of each zone and account that has some.
    pub(crate) fn counts(&self) -> Vec<(Scope, usize)> {
        let count = |(scope, entries): (&Scope, &Vec<Entry>)| (scope.clone(), entries.len());
        self.state().settings.iter().map(count).collect()
    }

    /// Tells whether the store can be reached.
    pub(crate) fn store_health(&self) -> StoreHealth {
        self.health.get()
    }

    /// Reads the latest audit records of a zone or account, newest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) async fn audit(
        &self,
        scope: &Scope,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let records = self.store.audit(scope, limit).await;
        self.health.record(&records);
        records
    }

    /// Changes the settings of a zone or account; returns all that it has afterwards, and the
    /// audit record if anything changed. On success the change is on stable storage.
    ///
    /// # Errors
    /// The reason for which nothing has changed, unless it is [`ChangeError::Store`].
    pub(crate) async fn change(
        &self,
        scope: &Scope,
        changes: &[Entry],
        author: &Author,
    ) -> Result<(Vec<Entry>, Option<AuditRecord>), ChangeError> {
        let _changing = self.changing.lock().await;
        let start = Instant::now();
        loop {
            let state = self.state();
            let before = state.settings.get(scope).map_or(&[][..], Vec::as_slice);
            check_domains(&self.base(), scope, before, changes)?;
            let after = entry::apply(before, changes);
            check_count(self.max_hostnames, before.len(), after.len())?;
            let mut settings = Settings::clone(&state.settings);
            settings.insert(scope.clone(), after.clone());
            let snapshot = self.build(&settings).map_err(ChangeError::Invalid)?;
            let audit = audit::difference(before, &after).map(|(before, after)| AuditRecord {
                at: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
                scope: scope.to_string(),
                by: author.clone(),
                before,
                after,
            });
            let change = Change {
                scope: scope.clone(),
                entries: changes.to_vec(),
                audit: audit.clone(),
            };
            let committed = self.store.commit(&state.revision, change).await;
            self.health.record(&committed);
            match committed {
                Ok(revision) => {
                    self.install(revision, Arc::new(settings), snapshot);
                    return Ok((after, audit));
                }
                Err(StoreError::Conflict) if start.elapsed() < CONFLICTS => {
                    self.reload(&state.revision).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Follows the changes of other replicas, for ever.
    pub(crate) async fn follow(&self) {
        loop {
            self.store.changed().await;
            let _changing = self.changing.lock().await;
            let revision = self.state().revision;
            // The error is recorded, and the next call tries again.
            let _ = self.reload(&revision).await;
        }
    }

    /// Reads the store if it is past a revision, and publishes its settings.
    async fn reload(&self, known: &Revision) -> Result<(), StoreError> {
        let stored = self.store.load(Some(known)).await;
        self.health.record(&stored);
        let Some(Stored { revision, settings }) = stored? else {
            return Ok(());
        };
        match self.build(&settings) {
            Ok(snapshot) => self.install(revision, Arc::new(settings), snapshot),
            // Another replica has another base configuration. Its changes stay unpublished here.
            Err(error) => {
                tracing::error!(%error, "stored settings don't fit this base configuration");
                let snapshot = self.snapshot.borrow().clone();
                self.install(revision, Arc::new(settings), snapshot);
            }
        }
        Ok(())
    }

    /// Builds a snapshot, which takes long enough with 10,000 hostnames to block other tasks.
    fn build(&self, settings: &Settings) -> Result<Snapshot, ConfigError> {
        let OperatorsPart { base, crls } = self.operators();
        let revoked = crls.revoked_certificates();
        tokio::task::block_in_place(|| snapshot::build(&base, revoked, settings))
    }

    fn install(&self, revision: Revision, settings: Arc<Settings>, next: Snapshot) {
        *self.lock() = State { revision, settings };
        self.published.record(&next);
        self.snapshot.send_if_modified(|snapshot| {
            warnings::log_new(snapshot, &next);
            let changed = *snapshot != next;
            *snapshot = next;
            changed
        });
    }

    fn operators(&self) -> OperatorsPart {
        let operators = self.operators.read();
        operators.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
