//! The value of every field, in the headers that the configuration or Cloudflare names.

use std::collections::BTreeMap;

use client_cert_forwarder::certificate::field::Field;
use rcgen::{DnType, SerialNumber, date_time_ymd};
use serde_json::json;
use sha1::{Digest, Sha1};
use support::{Envoy, Listener, Protocol, mtls_protocols, pki};

use super::{
    all_fields, distinguished_name, header_of,
    shaped_client::{expected, hex, shaped_client},
    sorted, with_prefix,
};

#[tokio::test]
async fn every_field_says_what_the_certificate_says_over_every_protocol() {
    let configuration = json!({
        "verified_by": "listener",
        "certificate_chain_source": "xfcc",
        "settings": [{ "hostname": "api.example.com", "request_headers": all_fields() }]
    });
    // The authority key identifier is invented, so a verifying listener would refuse the
    // certificate.
    let listener = Listener::accept_untrusted()
        .every_mtls_protocol()
        .forward_client_cert("SANITIZE_SET");
    let scene = Envoy::with_filter(configuration)
        .listener(listener)
        .scene()
        .await;
    let identity = shaped_client();
    let expected = expected(&identity);
    for &protocol in mtls_protocols() {
        let client = scene.connect_with(protocol, &identity).await;
        for path in ["/1", "/2"] {
            let path = format!("/{protocol:?}{path}");
            client.get("api.example.com", &path).await;
            let requests = scene.origin.requests_for(&path);
            for (name, _) in Field::ALL {
                let sent = requests[0].header(&header_of(name));
                assert_eq!(sent, expected[name].as_deref(), "{name} over {protocol:?}");
            }
            assert_eq!(requests[0].header("x-forwarded-client-cert"), None);
        }
    }
}

#[tokio::test]
async fn the_managed_transform_adds_its_17_headers_over_every_protocol() {
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "api.example.com", "add_client_certificate_headers": true }]
    });
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .scene()
        .await;
    let identity = shaped_client();
    let of_field = expected(&identity);
    let of = |name: &str| of_field[name].clone().expect(name);
    let with_certificate = BTreeMap::from([
        ("cf-cert-presented", "true".to_owned()),
        ("cf-cert-verified", "true".to_owned()),
        ("cf-cert-revoked", "false".to_owned()),
        ("cf-cert-issuer-dn", of("certIssuerDN")),
        ("cf-cert-issuer-dn-rfc2253", of("certIssuerDNRFC2253")),
        ("cf-cert-issuer-dn-legacy", of("certIssuerDNLegacy")),
        ("cf-cert-subject-dn", of("certSubjectDN")),
        ("cf-cert-subject-dn-rfc2253", of("certSubjectDNRFC2253")),
        ("cf-cert-subject-dn-legacy", of("certSubjectDNLegacy")),
        ("cf-cert-serial", of("certSerial")),
        ("cf-cert-issuer-serial", of("certIssuerSerial")),
        ("cf-cert-sha256", of("certFingerprintSHA256")),
        ("cf-cert-sha1", of("certFingerprintSHA1")),
        ("cf-cert-not-before", of("certNotBefore")),
        ("cf-cert-not-after", of("certNotAfter")),
        ("cf-cert-ski", of("certSKI")),
        ("cf-cert-issuer-ski", of("certIssuerSKI")),
    ]);
    let without = ["presented", "verified", "revoked"]
        .map(|name| (format!("cf-cert-{name}"), "false".to_owned()));
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect_with(protocol, &identity).await;
        client.get("api.example.com", &path).await;
        let client = scene.connect_without_certificate(protocol).await;
        client.get("api.example.com", &path).await;
        let requests = scene.origin.requests_for(&path);
        let sent = with_prefix(&requests[0].headers, "cf-cert-");
        let expected: Vec<_> = with_certificate
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        assert_eq!(sent, expected, "{protocol:?}");
        let sent = with_prefix(&requests[1].headers, "cf-cert-");
        assert_eq!(
            sent,
            sorted(without.to_vec()),
            "{protocol:?}, no certificate"
        );
    }
}

#[tokio::test]
async fn the_mapping_of_cloudflares_page_gives_what_it_promises() {
    let mapping = json!({
        "X-CERT-ISSUER-DN": "certIssuerDN",
        "X-CERT-SUBJECT-DN": "certSubjectDN",
        "X-CERT-ISSUER-DN-L": "certIssuerDNLegacy",
        "X-CERT-SUBJECT-DN-L": "certSubjectDNLegacy",
        "X-CERT-SERIAL": "certSerial",
        "X-CERT-FINGER": "certFingerprintSHA1",
        "X-CERT-VERIFY": "certVerify",
        "X-CERT-NOTBE": "certNotBefore",
        "X-CERT-NOTAF": "certNotAfter"
    });
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "*", "request_headers": mapping, "response_headers": mapping }]
    });
    let scene = Envoy::with_filter(configuration).scene().await;
    let identity = pki().client_with(|params| {
        params.distinguished_name = distinguished_name(&[
            (DnType::CountryName, "US"),
            (DnType::StateOrProvinceName, "Texas"),
            (DnType::LocalityName, "Austin"),
            (DnType::OrganizationName, "Access"),
            (DnType::OrganizationalUnitName, "Access Admins"),
            (DnType::CommonName, "James Royal"),
        ]);
        params.serial_number = Some(SerialNumber::from_slice(&[0x52, 0x7e, 0x0f, 0x20]));
        params.not_before = date_time_ymd(2022, 3, 21);
        params.not_after = date_time_ymd(2049, 3, 1);
    });
    let expected = [
        ("x-cert-finger", hex(&Sha1::digest(identity.der()))),
        (
            "x-cert-issuer-dn",
            "O=Client Certificate Forwarder,CN=Test Root CA".to_owned(),
        ),
        (
            "x-cert-issuer-dn-l",
            "/CN=Test Root CA/O=Client Certificate Forwarder".to_owned(),
        ),
        ("x-cert-notaf", "Mar  1 00:00:00 2049 GMT".to_owned()),
        ("x-cert-notbe", "Mar 21 00:00:00 2022 GMT".to_owned()),
        ("x-cert-serial", "527E0F20".to_owned()),
        (
            "x-cert-subject-dn",
            "CN=James Royal,OU=Access Admins,O=Access,L=Austin,ST=Texas,C=US".to_owned(),
        ),
        (
            "x-cert-subject-dn-l",
            "/C=US/ST=Texas/L=Austin/O=Access/OU=Access Admins/CN=James Royal".to_owned(),
        ),
        ("x-cert-verify", "SUCCESS".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let client = scene.connect_with(Protocol::Http2, &identity).await;
    let response = client.get("api.example.com", "/").await;
    let request = scene.origin.only_request();
    assert_eq!(with_prefix(&request.headers, "x-cert-"), expected);
    assert_eq!(with_prefix(&response.headers, "x-cert-"), expected);
}
