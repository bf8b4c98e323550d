//! Fields that tell a certificate's status, and only these without a verified certificate.

use serde_json::json;
use support::{Envoy, Listener, Protocol, mtls_protocols, pki};

use super::{PREFIX, all_fields, header_of, sorted, with_prefix};

#[tokio::test]
async fn an_unverified_certificate_gives_its_status_only_unless_it_is_to_be_forwarded() {
    let configuration = json!({
        "certificate_chain_source": "xfcc",
        "settings": [
            { "hostname": "api.example.com", "request_headers": all_fields() },
            { "hostname": "any.example.com", "request_headers": all_fields(), "forward_unverified": true }
        ]
    });
    let listener = Listener::accept_untrusted()
        .every_mtls_protocol()
        .forward_client_cert("SANITIZE_SET");
    let scene = Envoy::with_filter(configuration)
        .listener(listener)
        .scene()
        .await;
    let identity = &pki().untrusted;
    let status = [
        ("certPresented", "1"),
        ("certVerified", "FAILED"),
        ("certVerify", "FAILED"),
        ("certRevoked", "0"),
        ("certPresentedBoolean", "true"),
        ("certVerifiedBoolean", "false"),
        ("certRevokedBoolean", "false"),
    ];
    for &protocol in mtls_protocols() {
        let client = scene.connect_with(protocol, identity).await;
        let path = format!("/{protocol:?}");
        client.get("api.example.com", &path).await;
        client.get("any.example.com", &path).await;
        let requests = scene.origin.requests_for(&path);
        let expected = status.map(|(name, value)| (header_of(name), value.to_owned()));
        let sent = with_prefix(&requests[0].headers, PREFIX);
        assert_eq!(sent, sorted(expected.to_vec()), "{protocol:?}");
        for (name, value) in status {
            assert_eq!(requests[1].header(&header_of(name)), Some(value));
        }
        for (name, value) in [
            ("certFingerprintSHA256", identity.sha256()),
            ("certDerBase64", identity.der_base64()),
            ("certRFC9440", format!(":{}:", identity.der_base64())),
        ] {
            let sent = requests[1].header(&header_of(name));
            assert_eq!(sent, Some(value.as_str()), "{name} over {protocol:?}");
        }
        let subject = requests[1]
            .header(&header_of("certSubjectDN"))
            .expect("a subject");
        assert!(subject.ends_with(",CN=Untrusted Client"), "{subject}");
    }
}

#[tokio::test]
async fn without_a_certificate_there_is_its_status_only() {
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "*", "request_headers": all_fields(), "forward_unverified": true }]
    });
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::optional())
        .listener(Listener::plaintext().named("plain"))
        .scene()
        .await;
    for listener in ["main", "plain"] {
        let client = scene
            .client(Protocol::Http1)
            .listener(listener)
            .connect()
            .await;
        let path = format!("/{listener}");
        client.get("api.example.com", &path).await;
        let expected = [
            ("certPresented", "0"),
            ("certVerified", "NONE"),
            ("certVerify", "NONE"),
            ("certRevoked", "0"),
            ("certPresentedBoolean", "false"),
            ("certVerifiedBoolean", "false"),
            ("certRevokedBoolean", "false"),
        ]
        .map(|(name, value)| (header_of(name), value.to_owned()));
        let sent = with_prefix(&scene.origin.requests_for(&path)[0].headers, PREFIX);
        assert_eq!(sent, sorted(expected.to_vec()), "{listener}");
    }
}
