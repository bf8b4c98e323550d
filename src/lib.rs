//! An Envoy proxy-wasm HTTP filter that forwards the client certificate of an mTLS connection to the origin.
//!
//! One request's way: Envoy calls `entry`, and that calls [`filter::Request`], which finds the setting of the request's
//! hostname ([`authority`], [`hostname`], [`config`]), removes what only the filter may say ([`managed_headers`]), reads the certificate once per
//! connection ([`peer_certificate`], [`certificate`], [`connection`], [`delivered`]), refuses or adds headers ([`enforcement`]), and looks at the
//! response ([`response`]). Only [`hostcalls`] touches hostcalls; everything else is plain Rust.

pub mod authority;
pub mod certificate;
pub mod config;
pub mod connection;
pub mod delivery_state;
pub mod enforcement;
#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(not(target_arch = "wasm32"))]
pub mod fast_path;
pub mod filter;
pub mod header_map;
pub mod hostcalls;
pub mod hostname;
pub mod managed_headers;
pub mod metrics;
pub mod nearest;
pub mod peer_certificate;
pub mod response;
pub mod warnings;
