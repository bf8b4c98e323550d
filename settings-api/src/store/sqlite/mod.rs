//! The settings in an SQLite file, which one process has open.

mod file;
mod queries;
mod sqlite_store;

pub(super) use sqlite_store::SqliteStore;
