//! Durable storage of the settings.

mod sqlite;

pub(crate) use sqlite::Store;
