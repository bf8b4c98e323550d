//! The interface of all stores.

use std::fmt::Debug;

use async_trait::async_trait;
use serde_json::Value;

use crate::model::audit::AuditRecord;
use crate::model::entry::{Entry, Settings};
use crate::model::scope::Scope;

/// A store. All replicas of a fleet share one.
#[async_trait]
pub(crate) trait Store: Debug + Send + Sync {
    /// Reads all settings, unless the store is still at revision `known`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn load(&self, known: Option<&Revision>) -> Result<Option<Stored>, StoreError>;

    /// Makes a change, all or none of it; on success it is on stable storage.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the store is not at revision `expected`; then nothing changed.
    /// After [`StoreError::Unavailable`] the change may have been made.
    async fn commit(&self, expected: &Revision, change: Change) -> Result<Revision, StoreError>;

    /// Reads the latest audit records of a zone or account, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn audit(&self, scope: &Scope, limit: u32) -> Result<Vec<AuditRecord>, StoreError>;

    /// Reads everything, as of one moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn export(&self) -> Result<Content, StoreError>;

    /// Writes everything into an empty store.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], or [`StoreError::Unavailable`]; then nothing was written.
    async fn import(&self, content: Content) -> Result<(), StoreError>;

    /// Waits until another replica may have changed the store.
    async fn changed(&self);

    /// Tells the other replicas what this one knows of its Envoys; `is_new` if that has changed.
    /// Must be repeated each second: a replica that is silent for five counts as gone.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn announce(&self, replica: &str, known: &Value, is_new: bool) -> Result<(), StoreError>;

    /// Lists what the other replicas know, each with its name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn others(&self, replica: &str) -> Result<Vec<(String, Value)>, StoreError>;

    /// Tells the other replicas that this one ends.
    async fn leave(&self, replica: &str);
}

/// Identifies a state of the store. A random value rather than a number: after a failover to a
/// standby that lacks a change, the next change would get the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision(pub(super) String);

/// The content of a store.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Its revision.
    pub(crate) revision: Revision,
    /// All settings.
    pub(crate) settings: Settings,
}

/// Everything in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// All settings.
    pub(crate) settings: Settings,
    /// All audit records, oldest first.
    pub(crate) audit: Vec<AuditRecord>,
}

/// A change of one zone's or account's settings.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The zone or account.
    pub(crate) scope: Scope,
    /// The entries to upsert or, if all-false, to remove.
    pub(crate) entries: Vec<Entry>,
    /// The audit record; none if the change has no effect.
    pub(crate) audit: Option<AuditRecord>,
}

/// The reason for which a store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another replica changed the store.
    #[error("changed by another replica")]
    Conflict,
    /// The target of an import has settings or audit records.
    #[error("is not empty: import into a new database")]
    NotEmpty,
    /// The database's disk is full; nothing changed.
    #[error("{0}")]
    Full(String),
    /// The database can't be reached, or refuses to work.
    #[error("{0}")]
    Unavailable(String),
}
