//! Cloudflare's mTLS hostname settings API for one's own Envoys.
//!
//! A request's way: [`limits`] counts it, [`auth`] asks [`tokens`] who sends it, [`routes`] finds what it asks for, [`body`] reads it, and
//! [`fleet`] stores it ([`store`]), merges it with the operator's file ([`base`], [`merge`]) and publishes the outcome. [`xds`] and
//! [`file_delivery`] bring what was published to the Envoys; [`subscribers`] knows what each of them said to it.

pub mod auth;
pub mod base;
pub mod body;
pub mod cli;
pub mod envelope;
pub mod file_delivery;
pub mod fleet;
pub mod limits;
pub mod merge;
pub mod metrics;
pub mod probes;
pub mod routes;
pub mod server;
pub mod store;
pub mod subscribers;
pub mod token_commands;
pub mod tokens;
pub mod xds;

/// The program's error: what happened, where, and what to do about it, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

impl Error {
    /// An error that says what was being done, to what, and why that failed.
    pub fn new(doing: &str, what: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self(format!("{doing} {what}: {why}"))
    }
}
