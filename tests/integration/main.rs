//! The filter in a real Envoy, from the client's first byte to the origin's request.

mod common;
mod configuration;
mod delivery;
mod examples;
mod forwarding;
mod hostile_input;
mod metrics;
mod reload;
mod sanitising;
mod sources;
mod verified;
