//! The filter in a real Envoy, from the client's first byte to the origin's request.

mod certificate_text;
mod common;
mod configuration;
mod delivery;
mod examples;
mod fields;
mod forwarding;
mod hostile_input;
mod metrics;
mod nginx;
mod recipes;
mod reload;
mod response_headers;
mod rfc9440;
mod sanitising;
mod sources;
mod verified;
