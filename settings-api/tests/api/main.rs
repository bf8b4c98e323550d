//! The program as its users meet it: Cloudflare's clients on one side, Envoys on the other.

// A panic is how a test fails.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod authentication;
mod bad_input;
mod cloudflare;
mod connections;
mod durability;
mod envoys;
mod limits;
mod operation;
mod process;
mod program;
mod restore;
mod sdk;
mod simulated;
mod subscribers;
