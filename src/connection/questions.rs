//! The questions that a decision may put to the connection.

use super::peer_certificate::PeerCertificate;
use crate::config::compiled::Setting;

/// The downstream connection of a request.
///
/// Both questions are lazy: an implementation crosses to Envoy when asked, and at most once a
/// request each.
pub trait Connection {
    /// Whether the certificate was delivered for `setting` over this connection.
    fn was_delivered(&mut self, setting: &Setting) -> bool;

    /// Returns the connection's certificate, reading and caching it on first use, with the
    /// admission by the setting that the request's hostname matched, given with its number.
    fn peer_certificate(&mut self, matched: Option<(usize, &Setting)>) -> &PeerCertificate;
}
