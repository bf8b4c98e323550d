//! The filter in a real Envoy, from the client's first byte to the origin's request.

mod common;
mod configuration;
mod delivery;
mod examples;
mod forwarding;
mod hostile_input;
mod kubernetes;
mod metrics;
mod reload;
mod reload_under_load;
mod sanitising;
mod sources;
mod verified;
