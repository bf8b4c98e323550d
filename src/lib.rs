//! An Envoy proxy-wasm HTTP filter that forwards the client certificate of an mTLS connection to the origin.

pub mod certificate;
