//! Durable storage of the settings and of the audit trail.

mod interface;
mod location;
mod postgres;
mod sqlite;

pub(crate) use interface::{Change, Content, Revision, Store, StoreError, Stored};
pub(crate) use location::Location;
