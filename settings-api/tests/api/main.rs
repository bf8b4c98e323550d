//! The program as its users meet it: Cloudflare's clients on one side, Envoys on the other.

// A panic is how a test fails.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout
)]

mod audit;
mod authentication;
mod bad_input;
mod certificate_authority;
mod clock;
mod cloudflare;
mod cluster;
mod connections;
mod console;
mod crls;
mod discovery;
mod durability;
mod envoys;
mod failures;
mod fast_path;
mod fixtures;
mod full_disk;
mod limits;
mod maintenance;
mod operation;
mod postgres;
mod process;
mod program;
mod python_packages;
mod readme;
mod reload;
mod restore;
mod rogue_subscriber;
mod sdk;
mod simulated;
mod subscribers;
