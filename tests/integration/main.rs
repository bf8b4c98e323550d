//! The filter in a real Envoy, from the client's first byte to the origin.

mod certificate_text;
mod fields;
mod nginx;
mod recipes;
mod response_headers;
mod rfc9440;
