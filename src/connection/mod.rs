//! The downstream connection of a request: what was delivered over it, and its client certificate.
//!
//! Envoy keeps both with the connection, as properties of its filter state, and frees them with it
//! (contract §4.5).

mod handshake;
mod peer_certificate;
#[cfg(not(target_arch = "wasm32"))]
mod simulated;

use crate::config::compiled::Setting;
pub use handshake::{Handshake, Presented};
pub use peer_certificate::PeerCertificate;
#[cfg(not(target_arch = "wasm32"))]
pub use simulated::SimulatedConnection;

/// The two questions that a decision may put to the connection.
///
/// Both are lazy: an implementation crosses to Envoy when asked, and at most once a request each.
pub trait Connection {
    /// Whether the certificate was delivered for `setting` over this connection.
    fn was_delivered(&mut self, setting: &Setting) -> bool;

    /// Returns the connection's certificate, reading and caching it on first use.
    fn peer_certificate(&mut self) -> &PeerCertificate;
}
