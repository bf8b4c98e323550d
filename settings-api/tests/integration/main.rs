//! The program as its users meet it: Cloudflare's clients on one side, Envoys on the other.

mod authentication;
mod bad_input;
mod cloudflare;
mod durability;
mod envoys;
mod limits;
mod operation;
mod program;
mod simulated;
mod subscribers;
