//! An IPv4 address and its IPv4-mapped IPv6 forms are one hostname (contract §4.2).

use serde_json::json;
use support::{Envoy, Listener, Origin, PROTOCOLS, mtls_protocols, pki};

use crate::common::{assert_carries, assert_carries_none, forwarding};

/// Spellings of 192.0.2.1.
const SAME: [&str; 7] = [
    "192.0.2.1",
    "192.0.2.1:8443",
    "[::ffff:192.0.2.1]",
    "[::ffff:192.0.2.1]:8443",
    "[::ffff:c000:201]",
    "[::FFFF:C000:0201]",
    "[0:0:0:0:0:ffff:192.0.2.1]:443",
];

/// Other addresses; `::192.0.2.1` is the deprecated IPv4-compatible form (RFC 4291 §2.5.5.1).
const OTHERS: [&str; 4] = [
    "[::192.0.2.1]",
    "[::ffff:192.0.2.2]",
    "[::fffe:192.0.2.1]",
    "[64:ff9b::192.0.2.1]",
];

#[tokio::test]
async fn every_form_of_the_address_gets_the_certificate() {
    for hostname in ["192.0.2.1", "::ffff:192.0.2.1", "[::ffff:c000:201]"] {
        let scene = Envoy::with_filter(forwarding(&[hostname]))
            .every_mtls_protocol()
            .scene()
            .await;
        for &protocol in mtls_protocols() {
            for authority in SAME {
                let client = scene.connect(protocol).await;
                assert_eq!(client.get(authority, "/").await.status, 200, "{authority}");
                assert_carries(&scene.origin.last_request(), &pki().client);
                // One setting: every other form of the address was served with it.
                client.get("[::ffff:192.0.2.1]", "/").await;
                assert_carries_none(&scene.origin.last_request());
            }
            for authority in OTHERS {
                let client = scene.connect(protocol).await;
                assert_eq!(client.get(authority, "/").await.status, 200, "{authority}");
                assert_carries_none(&scene.origin.last_request());
            }
        }
    }
}

#[tokio::test]
async fn no_form_of_the_address_gets_past_a_required_certificate() {
    let setting = json!({
        "hostname": "192.0.2.1", "require_client_certificate": true, "sni_must_match": false
    });
    let scene = Envoy::with_filter(json!({ "verified_by": "listener", "settings": [setting] }))
        .listener(Listener::optional().http3())
        .scene()
        .await;
    for protocol in PROTOCOLS {
        let client = scene.connect_without_certificate(protocol).await;
        for authority in SAME {
            let status = client.get(authority, "/").await.status;
            assert_eq!(status, 403, "{protocol:?}, {authority}");
        }
    }
    assert_eq!(scene.origin.requests().len(), 0);
}

#[tokio::test]
async fn two_settings_for_one_address_are_refused() {
    let origin = Origin::start().await;
    let both = forwarding(&["192.0.2.1", "[::ffff:c000:201]"]);
    let log = Envoy::with_filter(both).try_start(&origin).await;
    let log = log.err().expect("Envoy refuses it");
    assert!(log.contains("settings[1].hostname"), "{log}");
}
