//! When each version came into force.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::model::snapshot::{Resource, Snapshot};

/// By resource name: the version in force, and when this replica published it.
#[derive(Debug)]
pub(super) struct Published(Mutex<BTreeMap<String, (String, SystemTime)>>);

impl Published {
    /// Starts with a snapshot, published now.
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let published = Self(Mutex::default());
        published.record(snapshot);
        published
    }

    /// Records the versions of a snapshot that is about to be published. One that stays in force
    /// keeps its time.
    pub(super) fn record(&self, snapshot: &Snapshot) {
        let now = SystemTime::now();
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        versions.retain(|name, _| snapshot.contains_key(name));
        for (name, resource) in snapshot {
            let known = versions.get(name).map(|(version, _)| version);
            if known != Some(&resource.version) {
                versions.insert(name.clone(), (resource.version.clone(), now));
            }
        }
    }

    /// Returns when the version of a resource came into force; none once it is replaced.
    pub(super) fn of(&self, resource: &Resource) -> Option<SystemTime> {
        let versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, time) = versions.get(&resource.name)?;
        (*version == resource.version).then_some(*time)
    }
}
