//! Certificates as large as `max_certificate_bytes` allows, over an HTTP/2 connection to the origin
//! that other clients' requests share: an HPACK limit there would end them all.

use rcgen::CustomExtension;
use serde_json::{Value, json};
use support::{
    Answer, Envoy, Identity, Listener, Protocol, Request, client::Connector, der::tlv,
    mtls_protocols, pki,
};

use crate::common::{DER, HOST, carries_certificate};

/// In bytes of base64. Node (nghttp2) takes 72 KiB, and 80 KiB bring its connection to a halt.
const LARGEST: usize = 48 * 1024;

/// A client whose certificate is just below `length` bytes of base64, in bytes that Huffman code
/// does not shorten to much less.
fn large_client(length: usize) -> Identity {
    // Names, key, signature and the other extensions take less.
    let mut content = vec![0; length / 4 * 3 - 700];
    fastrand::Rng::with_seed(1).fill(&mut content);
    pki().client_with(|params| {
        // 1.3.6.1.4.1.99999.1: a private extension that no verifier looks into.
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 99999, 1],
            tlv(4, &content),
        )];
    })
}

fn configuration() -> Value {
    json!({
        "verified_by": "listener",
        "max_certificate_bytes": LARGEST,
        "settings": [{ "hostname": HOST, "client_certificate_forwarding": true }]
    })
}

#[tokio::test]
async fn the_largest_certificate_ends_no_other_request_of_a_shared_upstream_connection() {
    let large = large_client(LARGEST);
    let length = large.der_base64().len();
    assert!((LARGEST - 1024..=LARGEST).contains(&length), "{length}");
    // With resumption Envoy ends the connections of such clients itself: see the next test.
    let scene = Envoy::with_filter(configuration())
        .listener(Listener::strict().no_resumption().every_mtls_protocol())
        .upstream_http2()
        .scene()
        .await;
    scene.origin.answer("/stream", [Answer::open_ended()]);
    let other = scene.connect(Protocol::Http2).await;
    let open = other.begin(Request::get(HOST, "/stream")).await;
    let open = open.expect("a response");
    for &protocol in mtls_protocols() {
        for _ in 0..3 {
            let client = scene.connect_with(protocol, &large).await;
            assert_eq!(client.get(HOST, "/large").await.status, 200, "{protocol:?}");
            let request = scene.origin.last_request_for("/large");
            assert_eq!(request.headers.all(DER), [large.der_base64().as_bytes()]);
            client.get(HOST, "/large").await;
            let later = scene.origin.last_request_for("/large");
            assert!(!carries_certificate(&later), "{protocol:?}");
        }
    }
    scene.origin.release();
    assert_eq!(open.finish().await.expect("the rest").body, "started");
    let connections = scene.envoy.stat("cluster.origin.upstream_cx_total").await;
    assert_eq!(connections, 1, "the requests shared no connection");
}

/// Longest DER, and shortest in the table, that Envoy was seen to serve and to end (SECURITY.md,
/// *Placement*), in KiB of base64: 32,011 and 32,780 bytes of DER.
const SERVED: usize = 42;
const ENDED: usize = 43;

#[tokio::test]
async fn with_resumption_a_certificate_over_32_kb_ends_its_own_connection_over_tls13_on_tcp() {
    let scene = Envoy::with_filter(configuration())
        .listener(Listener::strict().every_mtls_protocol())
        .scene()
        .await;
    let mut with_chain = large_client(21 * 1024);
    with_chain
        .chain
        .push(large_client(22 * 1024).chain.remove(0));
    let served = async |connector: Connector<'_>, identity: &Identity| match connector
        .with(identity)
        .try_connect()
        .await
    {
        Ok(client) => client.try_send(Request::get(HOST, "/")).await.is_ok(),
        Err(_) => false,
    };
    for (identity, expected) in [
        (large_client(SERVED * 1024), true),
        (large_client(ENDED * 1024), false),
        (with_chain, false),
    ] {
        let length: usize = identity
            .chain
            .iter()
            .map(|certificate| certificate.len())
            .sum();
        for &protocol in mtls_protocols() {
            let expected = expected || protocol == Protocol::Http3;
            let got = served(scene.client(protocol), &identity).await;
            assert_eq!(got, expected, "{protocol:?}, {length} bytes");
        }
        let tls12 = scene.client(Protocol::Http1).tls12();
        assert!(served(tls12, &identity).await, "{length} bytes");
    }
}
