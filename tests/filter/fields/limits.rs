//! `max_certificate_bytes` for fields that hold a whole certificate.

use serde_json::json;
use support::{Envoy, Protocol, mtls_protocols, pki};

use super::{all_fields, header_of};

#[tokio::test]
async fn a_certificate_over_the_limit_is_named_but_not_sent() {
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{
            "hostname": "*",
            "client_certificate_forwarding": true,
            "request_headers": all_fields(),
            "response_headers": { "X-Too-Large": "certRFC9440TooLarge", "X-Leaf": "certRFC9440" }
        }]
    });
    let scene = Envoy::with_filter(configuration)
        .every_mtls_protocol()
        .scene()
        .await;
    let huge = &pki().huge;
    for &protocol in mtls_protocols() {
        let client = scene.connect_with(protocol, huge).await;
        let path = format!("/{protocol:?}");
        let response = client.get("api.example.com", &path).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-too-large"), Some("true"));
        assert_eq!(response.header("x-leaf"), None);
        let request = &scene.origin.requests_for(&path)[0];
        assert_eq!(
            request.header("cf-client-cert-sha256"),
            Some(huge.sha256().as_str())
        );
        assert_eq!(request.header("cf-client-cert-der-base64"), None);
        let field = |name: &str| request.header(&header_of(name)).map(str::to_owned);
        for name in [
            "certRFC9440",
            "certChainRFC9440",
            "certDerBase64",
            "certWithChainDerBase64",
            "certPemUrlEncoded",
            "certPemUrlEncodedLoose",
        ] {
            assert_eq!(field(name), None, "{name}");
        }
        assert_eq!(field("certRFC9440TooLarge").as_deref(), Some("true"));
        assert_eq!(field("certChainRFC9440TooLarge").as_deref(), Some("false"));
        assert_eq!(field("certFingerprintSHA256"), Some(huge.sha256()));
        assert!(field("certSubjectDN").is_some_and(|name| name.contains("Huge Client")));
    }
    let counted = scene.envoy.counter("*", "too_large").await;
    assert_eq!(counted, mtls_protocols().len() as u64);
}

#[tokio::test]
async fn a_certificate_of_just_the_limit_is_sent() {
    let identity = &pki().client;
    let length = identity.der_base64().len();
    for (limit, is_sent) in [(length, true), (length - 1, false)] {
        let configuration = json!({
            "verified_by": "listener",
            "max_certificate_bytes": limit,
            "settings": [{ "hostname": "*", "request_headers": {
                "Client-Cert": "certRFC9440", "X-Too-Large": "certRFC9440TooLarge"
            } }]
        });
        let scene = Envoy::with_filter(configuration).scene().await;
        let client = scene.connect_with(Protocol::Http1, identity).await;
        client.get("api.example.com", "/").await;
        let request = scene.origin.only_request();
        let leaf = format!(":{}:", identity.der_base64());
        let expected = is_sent.then_some(leaf.as_str());
        assert_eq!(request.header("client-cert"), expected, "{limit}");
        let too_large = (!is_sent).to_string();
        assert_eq!(
            request.header("x-too-large"),
            Some(too_large.as_str()),
            "{limit}"
        );
    }
}
