//! The downstream connection of a request: what was delivered over it, and its client certificate.
//!
//! Envoy keeps both with the connection, as properties of its filter state, and frees them with it
//! (contract §4.5).

mod handshake;
mod peer_certificate;
mod questions;
#[cfg(not(target_arch = "wasm32"))]
mod simulated;

pub use handshake::{Handshake, Presented};
pub use peer_certificate::PeerCertificate;
pub use questions::Connection;
#[cfg(not(target_arch = "wasm32"))]
pub use simulated::SimulatedConnection;
