//! Whether the store can be reached.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::store::StoreError;

/// Whether the store answered last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreHealth {
    /// It did.
    Reachable,
    /// It didn't: the last good settings are served, and writes are refused.
    Unreachable {
        /// The first failure.
        since: SystemTime,
        /// The store's error.
        reason: String,
    },
}

/// The store's health; logs each change.
#[derive(Debug)]
pub(super) struct Health(Mutex<StoreHealth>);

impl Health {
    /// Starts reachable.
    pub(super) fn new() -> Self {
        Self(Mutex::new(StoreHealth::Reachable))
    }

    /// Returns the current health.
    pub(super) fn get(&self) -> StoreHealth {
        self.lock().clone()
    }

    /// Records the outcome of a call. A conflict is an answer too.
    pub(super) fn record<T>(&self, outcome: &Result<T, StoreError>) {
        let mut health = self.lock();
        match (outcome, &*health) {
            (
                Err(StoreError::Unavailable(reason) | StoreError::Full(reason)),
                StoreHealth::Reachable,
            ) => {
                tracing::error!(
                    error = reason,
                    "the store can't be used: serving the last good settings, refusing changes"
                );
                *health = StoreHealth::Unreachable {
                    since: SystemTime::now(),
                    reason: reason.clone(),
                };
            }
            (Ok(_) | Err(StoreError::Conflict), StoreHealth::Unreachable { .. }) => {
                tracing::info!("the store can be used again");
                *health = StoreHealth::Reachable;
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, StoreHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
