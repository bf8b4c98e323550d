//! The filter in a real Envoy, from the client's first byte to the origin.

mod enforcement;
mod enforcing;
mod evasion;
mod explain;
mod grpc;
mod misdirected;
mod optional_mtls;
mod rerouted;
mod upgrades;
