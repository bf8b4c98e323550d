//! Certificates over the limit, and odd ones.

use serde_json::json;
use support::{Envoy, Identity, Protocol, mtls_protocols, pki};

use super::assert_alive;
use crate::common::{
    DER, HOST, SHA256, assert_carries, assert_carries_none, forwarding, protocols_count,
};

#[tokio::test]
async fn a_certificate_over_the_limit_is_named_by_its_hash_only() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    assert!(pki().huge.der().len() > 20_000);
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect_with(protocol, &pki().huge).await;
        for _ in 0..2 {
            assert_eq!(client.get(HOST, &path).await.status, 200, "{protocol:?}");
        }
        let requests = scene.origin.requests_for(&path);
        assert_eq!(
            requests[0].header(SHA256),
            Some(pki().huge.sha256().as_str()),
            "{protocol:?}"
        );
        assert_eq!(requests[0].header(DER), None, "{protocol:?}");
        assert_carries_none(&requests[1]);
    }
    assert_eq!(
        scene.envoy.counter(HOST, "too_large").await,
        protocols_count()
    );
    assert_eq!(scene.envoy.counter(HOST, "forwarded").await, 0);
    assert_alive(&scene).await;
}

#[tokio::test]
async fn the_limit_is_the_length_of_the_encoded_certificate() {
    let encoded = pki().client.der_base64().len();
    for (limit, fits) in [
        (encoded - 1, false),
        (encoded, true),
        (0, false),
        (1 << 20, true),
    ] {
        let mut configuration = forwarding(&[HOST]);
        configuration["max_certificate_bytes"] = json!(limit);
        let scene = Envoy::with_filter(configuration).scene().await;
        let client = scene.connect(Protocol::Http2).await;
        client.get(HOST, "/").await;
        let request = scene.origin.only_request();
        assert_eq!(request.header(DER).is_some(), fits, "limit {limit}");
        assert_eq!(
            request.header(SHA256),
            Some(pki().client.sha256().as_str()),
            "limit {limit}"
        );
    }
}

#[tokio::test]
async fn a_twenty_kilobyte_certificate_goes_where_the_limit_allows_it() {
    let mut configuration = forwarding(&[HOST]);
    configuration["max_certificate_bytes"] = json!(65_536);
    let scene = Envoy::with_filter(configuration)
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect_with(protocol, &pki().huge).await;
        assert_eq!(client.get(HOST, "/").await.status, 200, "{protocol:?}");
        assert_carries(&scene.origin.last_request(), &pki().huge);
    }
    assert_alive(&scene).await;
}

#[tokio::test]
async fn odd_certificates_are_forwarded_even_when_the_x509_parser_refuses_them() {
    use rcgen::{CustomExtension, DnType, DnValue, SerialNumber};
    let odd: Vec<(&str, Identity)> = vec![
        (
            "an extension that is not DER",
            pki().client_with(|params| {
                params.custom_extensions = vec![CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 4, 1, 99999, 2],
                    vec![0xff; 40],
                )];
            }),
        ),
        (
            "an empty extension",
            pki().client_with(|params| {
                params.custom_extensions = vec![CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 4, 1, 99999, 3],
                    Vec::new(),
                )];
            }),
        ),
        (
            "a name with control characters",
            pki().client_with(|params| {
                params.distinguished_name.push(
                    DnType::LocalityName,
                    DnValue::Utf8String("a\r\nx: y\0\u{7f}\u{202e}".to_owned()),
                );
            }),
        ),
        (
            "a serial number of one zero",
            pki().client_with(|params| {
                params.serial_number = Some(SerialNumber::from_slice(&[0]));
            }),
        ),
    ];
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    let named = odd.iter().map(|(what, identity)| (*what, identity));
    // Of these x509-cert refuses the last one only; BoringSSL takes them all.
    for (what, identity) in named.chain([("a serial number of 64 octets", &pki().long_serial)]) {
        let client = scene.connect_with(Protocol::Http2, identity).await;
        assert_eq!(client.get(HOST, "/").await.status, 200, "{what}");
        let request = scene.origin.last_request();
        assert_eq!(
            request.header(SHA256),
            Some(identity.sha256().as_str()),
            "{what}"
        );
        assert_carries(&request, identity);
    }
    assert_alive(&scene).await;
}
