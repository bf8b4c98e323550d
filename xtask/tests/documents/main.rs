//! Checks the documents of the repository against the tree: what they cite exists, and what they
//! show works.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a failed test ends there"
)]

mod commands;
mod contract;
mod excerpts;
mod paths;
mod reference;
mod tree;
