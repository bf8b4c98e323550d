//! `require_client_certificate` and `sni_must_match` (contract §4.7): no spelling, protocol or
//! route gets past them.

mod denied;
mod evasion;
mod grpc;
mod misdirected;
mod rerouted;
mod retried_hello;
mod upgrades;

use serde_json::{Value, json};
use support::{Envoy, Listener, PROTOCOLS, Protocol, Scene, envoy_version, version::Version};

/// The hostname that requires a certificate.
pub(crate) const ADMIN: &str = "admin.example.com";
/// A hostname that requires none.
pub(crate) const PUBLIC: &str = "public.example.com";

/// [`ADMIN`] requires a certificate, also over connections for other hostnames; [`PUBLIC`] doesn't.
pub(crate) fn settings(verified_by: &str) -> Value {
    json!({
        "verified_by": verified_by,
        "settings": [
            { "hostname": ADMIN, "require_client_certificate": true, "sni_must_match": false },
            { "hostname": PUBLIC, "client_certificate_forwarding": true }
        ]
    })
}

/// A listener on TCP and QUIC that takes any certificate or none, with [`settings`] by attribute.
pub(crate) async fn enforcing_scene() -> Scene {
    Envoy::with_filter(settings("attribute"))
        .listener(Listener::accept_untrusted().http3().no_resumption())
        .scene()
        .await
}

/// Whether this Envoy has `connection.peer_certificate_valid`, as 1.39 and later do. Tests that
/// need it return early without it.
pub(crate) fn verifies_by_attribute() -> bool {
    envoy_version().has_peer_certificate_valid()
}

/// The protocols over which this Envoy asks for client certificates: before 1.40, not over QUIC.
pub(crate) fn asking_protocols() -> &'static [Protocol] {
    if envoy_version() >= Version(1, 40, 0) {
        &PROTOCOLS
    } else {
        &[Protocol::Http1, Protocol::Http2]
    }
}
