//! The filter in a real Envoy, from the client's first byte to the origin's request.

mod common;
mod delivery;
mod forwarding;
mod reload;
