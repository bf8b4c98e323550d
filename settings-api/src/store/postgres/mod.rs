//! The settings in a PostgreSQL database, which any number of replicas share.

mod changes;
mod connection;
mod error_chain;
mod postgres_store;
mod queries;
mod replicas;
mod schema;

pub(super) use postgres_store::PostgresStore;
