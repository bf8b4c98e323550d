//! An Envoy proxy-wasm HTTP filter that forwards the client certificate of an mTLS connection to
//! the origin.
//!
//! One request's way: Envoy calls `entry`, and that the request's context in `filter`. It scans the
//! headers ([`decision::Inbound`]), decides ([`decision::decide`], which finds the setting of the
//! hostname in [`config`] and may ask the [`connection`] for its certificate), and applies the
//! [`decision::Decision`] to Envoy. Only `hostcalls` crosses to Envoy; the rest is plain Rust.

pub mod authority;
pub mod certificate;
pub mod config;
pub mod connection;
pub mod decision;
pub mod delivery_state;
#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(not(target_arch = "wasm32"))]
pub mod explain;
#[cfg(not(target_arch = "wasm32"))]
pub mod fast_path;
pub mod headers;
pub mod hostname;
pub mod nearest;
pub mod outcome;
pub mod rfc9440;
pub mod stored_decision;

// Only the entry uses these, and that is in the wasm module alone: there dead code is found.
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
mod filter;
#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
mod hostcalls;
