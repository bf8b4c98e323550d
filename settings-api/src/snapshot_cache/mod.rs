//! The snapshot cache: applies changes one at a time (check, store, publish), and follows those of
//! other replicas.

mod cache;
mod checks;
mod health;
mod published;
mod warnings;

pub(crate) use cache::SnapshotCache;
pub(crate) use checks::ChangeError;
pub(crate) use health::StoreHealth;
