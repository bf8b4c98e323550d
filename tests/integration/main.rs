//! The filter in a real Envoy, from the client's first byte to the origin's request.

mod common;
mod configuration;
mod delivery;
mod enforcement;
mod enforcing;
mod evasion;
mod examples;
mod explain;
mod forwarding;
mod grpc;
mod hostile_input;
mod metrics;
mod misdirected;
mod optional_mtls;
mod readme;
mod reload;
mod rerouted;
mod sanitising;
mod sources;
mod upgrades;
mod verified;
