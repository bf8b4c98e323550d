//! The program as operators run it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "tests"
)]

mod certificates;
mod check;
mod documentation;
mod examples;
mod explain;
mod filters;
mod program;
mod shell;
mod terminal;
mod usage;
