//! The examples and documentation pages do what they say, beside the programs that they are for.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed test ends there"
)]

mod access_log;
mod migration;
mod origins;
mod program;
mod prometheus;
mod release;
