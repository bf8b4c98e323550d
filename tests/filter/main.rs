//! The filter in a real Envoy, from the client's first byte to the origin's request. Each folder
//! is a claim; `cargo test --test filter -- delivery::` runs the tests of one.

mod authorization;
mod common;
mod configuration;
mod delivery;
mod deployments;
mod documents;
mod enforcement;
mod fast_path;
mod faults;
mod fields;
mod forwarding;
mod neighbours;
mod observability;
mod reload;
mod responses;
mod robustness;
mod spoofing;
