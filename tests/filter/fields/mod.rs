//! What headers say of a certificate (contract §4.6), over every protocol.

mod certificate_text;
mod rfc9440;

use std::collections::{BTreeMap, BTreeSet};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use client_cert_forwarder::certificate::field::Field;
use rcgen::{CustomExtension, DistinguishedName, DnType, SanType, SerialNumber, date_time_ymd};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use support::{Client, Envoy, Headers, Identity, Listener, Origin, mtls_protocols, pki};

#[tokio::test]
async fn every_field_says_what_the_certificate_says_over_every_protocol() {
    let origin = Origin::start().await;
    let configuration = json!({
        "verified_by": "listener",
        "certificate_chain_source": "xfcc",
        "settings": [{ "hostname": "api.example.com", "request_headers": all_fields() }]
    });
    // The authority key identifier is made up, so no listener that verifies would take the certificate.
    let listener = Listener::accept_untrusted()
        .every_mtls_protocol()
        .forward_client_cert("SANITIZE_SET");
    let envoy = Envoy::with_filter(configuration)
        .listener(listener)
        .start(&origin)
        .await;
    let identity = shaped_client();
    let expected = expected(&identity);
    for &protocol in mtls_protocols() {
        let client = Client::over(protocol, &envoy)
            .with(&identity)
            .connect()
            .await;
        for path in ["/1", "/2"] {
            let path = format!("/{protocol:?}{path}");
            client.get("api.example.com", &path).await;
            let requests = origin.requests_for(&path);
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
    let origin = Origin::start().await;
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "api.example.com", "add_client_certificate_headers": true }]
    });
    let envoy = Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .start(&origin)
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
        let client = Client::over(protocol, &envoy)
            .with(&identity)
            .connect()
            .await;
        client.get("api.example.com", &path).await;
        let client = Client::over(protocol, &envoy).connect().await;
        client.get("api.example.com", &path).await;
        let requests = origin.requests_for(&path);
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
    let origin = Origin::start().await;
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "*", "request_headers": mapping, "response_headers": mapping }]
    });
    let envoy = Envoy::with_filter(configuration).start(&origin).await;
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
    let client = Client::http2(&envoy).with(&identity).connect().await;
    let response = client.get("api.example.com", "/").await;
    let request = origin.only_request();
    assert_eq!(with_prefix(&request.headers, "x-cert-"), expected);
    assert_eq!(with_prefix(&response.headers, "x-cert-"), expected);
}

#[tokio::test]
async fn an_unverified_certificate_gives_its_status_only_unless_it_is_to_be_forwarded() {
    let origin = Origin::start().await;
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
    let envoy = Envoy::with_filter(configuration)
        .listener(listener)
        .start(&origin)
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
        let client = Client::over(protocol, &envoy)
            .with(identity)
            .connect()
            .await;
        let path = format!("/{protocol:?}");
        client.get("api.example.com", &path).await;
        client.get("any.example.com", &path).await;
        let requests = origin.requests_for(&path);
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
    let origin = Origin::start().await;
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "*", "request_headers": all_fields(), "forward_unverified": true }]
    });
    let envoy = Envoy::with_filter(configuration)
        .listener(Listener::optional())
        .listener(Listener::plaintext().named("plain"))
        .start(&origin)
        .await;
    for listener in ["main", "plain"] {
        let client = Client::http1(&envoy).listener(listener).connect().await;
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
        let sent = with_prefix(&origin.requests_for(&path)[0].headers, PREFIX);
        assert_eq!(sent, sorted(expected.to_vec()), "{listener}");
    }
}

/// The filter's unit tests count the reads; here is that Envoy keeps what was computed.
#[tokio::test]
async fn what_was_computed_is_kept_with_the_connection_over_every_protocol() {
    let origin = Origin::start().await;
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "api.example.com", "request_headers": { "X-Serial": "certSerial" } }]
    });
    let listener = Listener::strict().every_mtls_protocol().access_log(
        "ACCESS %REQ(:PATH)% [%FILTER_STATE(wasm.client_cert_forwarder.certificate:PLAIN)%]",
    );
    let envoy = Envoy::with_filter(configuration)
        .listener(listener)
        .start(&origin)
        .await;
    let is_kept = async |path: &str| {
        let start = format!("ACCESS {path} ");
        for _ in 0..500 {
            if let Some(line) = envoy.log_lines_with(&start).first() {
                return !line.ends_with("[-]");
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no access log line for {path}");
    };
    for &protocol in mtls_protocols() {
        let path = |name: &str| format!("/{protocol:?}/{name}");
        let client = Client::over(protocol, &envoy)
            .with(&pki().client)
            .connect()
            .await;
        for (hostname, name, expected) in [
            ("other.example.com", "before", false),
            ("api.example.com", "computed", true),
            ("other.example.com", "after", true),
        ] {
            client.get(hostname, &path(name)).await;
            assert_eq!(is_kept(&path(name)).await, expected, "{}", path(name));
        }
        let client = client.reconnect().await;
        client.get("other.example.com", &path("new")).await;
        assert!(!is_kept(&path("new")).await, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_certificate_over_the_limit_is_named_but_not_sent() {
    let origin = Origin::start().await;
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{
            "hostname": "*",
            "client_certificate_forwarding": true,
            "request_headers": all_fields(),
            "response_headers": { "X-Too-Large": "certRFC9440TooLarge", "X-Leaf": "certRFC9440" }
        }]
    });
    let envoy = Envoy::with_filter(configuration)
        .listener(Listener::strict().every_mtls_protocol())
        .start(&origin)
        .await;
    let huge = &pki().huge;
    for &protocol in mtls_protocols() {
        let client = Client::over(protocol, &envoy).with(huge).connect().await;
        let path = format!("/{protocol:?}");
        let response = client.get("api.example.com", &path).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("x-too-large"), Some("true"));
        assert_eq!(response.header("x-leaf"), None);
        let request = &origin.requests_for(&path)[0];
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
    let counted = envoy.counter("*", "too_large").await;
    assert_eq!(counted, mtls_protocols().len() as u64);
}

#[tokio::test]
async fn a_certificate_of_just_the_limit_is_sent() {
    let identity = &pki().client;
    let length = identity.der_base64().len();
    for (limit, is_sent) in [(length, true), (length - 1, false)] {
        let origin = Origin::start().await;
        let configuration = json!({
            "verified_by": "listener",
            "max_certificate_bytes": limit,
            "settings": [{ "hostname": "*", "request_headers": {
                "Client-Cert": "certRFC9440", "X-Too-Large": "certRFC9440TooLarge"
            } }]
        });
        let envoy = Envoy::with_filter(configuration).start(&origin).await;
        let client = Client::http1(&envoy).with(identity).connect().await;
        client.get("api.example.com", "/").await;
        let request = origin.only_request();
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

const PREFIX: &str = "x-field-";

fn header_of(field: &str) -> String {
    format!("{PREFIX}{}", field.to_ascii_lowercase())
}

/// `request_headers` with every field there is.
fn all_fields() -> Value {
    let headers = Field::ALL
        .iter()
        .map(|(name, _)| (header_of(name), json!(name)));
    Value::Object(headers.collect())
}

/// The headers of names that start so, sorted by name.
fn with_prefix(headers: &Headers, prefix: &str) -> Vec<(String, String)> {
    let matching = headers
        .0
        .iter()
        .filter(|(name, _)| name.starts_with(prefix));
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("UTF-8");
    sorted(
        matching
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    )
}

fn sorted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.sort();
    headers
}

/// A client with something to say in every field. It presents the CA too.
fn shaped_client() -> Identity {
    let mut identity = pki().client_with(|params| {
        params.distinguished_name = distinguished_name(&[
            (DnType::CountryName, "GB"),
            (DnType::OrganizationName, "Example, Ltd"),
            (DnType::CommonName, "Zo\u{eb}"),
        ]);
        params.serial_number = Some(SerialNumber::from_slice(&[0x93, 0x6e, 0xac, 0xbe]));
        params.not_before = date_time_ymd(2024, 5, 5);
        params.not_after = date_time_ymd(2051, 12, 31);
        params.subject_alt_names = vec![
            SanType::DnsName("a.example".try_into().expect("ASCII")),
            SanType::DnsName("*.b.example".try_into().expect("ASCII")),
            SanType::URI("spiffe://example/ns/a".try_into().expect("ASCII")),
            SanType::Rfc822Name("zoe@example.com".try_into().expect("ASCII")),
            SanType::IpAddress("192.0.2.1".parse().expect("an address")),
            SanType::IpAddress("2001:db8::1".parse().expect("an address")),
        ];
        let subject_key_id = [&[0x04, 0x04], &[0xde, 0xad, 0xbe, 0xef][..]].concat();
        let authority_key_id = [
            &[0x30, 0x10][..],
            &[0x80, 0x04, 0x01, 0x02, 0x03, 0x0a],
            // The issuer's name, which is empty.
            &[0xa1, 0x04, 0xa4, 0x02, 0x30, 0x00],
            &[0x82, 0x02, 0x0b, 0x0c],
        ]
        .concat();
        params.custom_extensions = vec![
            CustomExtension::from_oid_content(&[2, 5, 29, 14], subject_key_id),
            CustomExtension::from_oid_content(&[2, 5, 29, 35], authority_key_id),
        ];
    });
    identity.chain.push(pki().ca_der.clone());
    identity
}

pub(crate) fn distinguished_name(attributes: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in attributes {
        name.push(kind.clone(), *value);
    }
    name
}

/// What each field says of [`shaped_client`] on a listener that vouches for it.
fn expected(identity: &Identity) -> BTreeMap<&'static str, Option<String>> {
    let text = |text: &str| Some(text.to_owned());
    let (leaf, ca) = (identity.der_base64(), STANDARD.encode(&pki().ca_der));
    let pem = identity.chain_pem();
    let leaf_pem = pem
        .split_inclusive("-----END CERTIFICATE-----\n")
        .next()
        .expect("a leaf");
    let loose = leaf_pem.replace('\n', "%0A").replace(' ', "%20");
    let strict = loose
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let sha256 = Sha256::digest(identity.der());
    let issuer = text("O=Client Certificate Forwarder,CN=Test Root CA");
    let subject = text(r"CN=Zo\C3\AB,O=Example\, Ltd,C=GB");
    let expected = BTreeMap::from([
        ("certPresented", text("1")),
        ("certPresentedBoolean", text("true")),
        ("certVerified", text("SUCCESS")),
        ("certVerify", text("SUCCESS")),
        ("certVerifiedBoolean", text("true")),
        ("certRevoked", text("0")),
        ("certRevokedBoolean", text("false")),
        ("certIssuerDN", issuer.clone()),
        ("certIssuerDNRFC2253", issuer),
        (
            "certIssuerDNLegacy",
            text("/CN=Test Root CA/O=Client Certificate Forwarder"),
        ),
        ("certSubjectDN", subject.clone()),
        ("certSubjectDNRFC2253", subject),
        (
            "certSubjectDNLegacy",
            text(r"/C=GB/O=Example, Ltd/CN=Zo\xC3\xAB"),
        ),
        ("certSerial", text("936EACBE")),
        ("certIssuerSerial", text("0B0C")),
        ("certSKI", text("DEADBEEF")),
        ("certIssuerSKI", text("0102030A")),
        (
            "certFingerprintSHA1",
            Some(hex(&Sha1::digest(identity.der()))),
        ),
        ("certFingerprintSHA256", Some(hex(&sha256))),
        ("certFingerprintSHA256Base64", Some(STANDARD.encode(sha256))),
        ("certThumbprint", Some(URL_SAFE_NO_PAD.encode(sha256))),
        ("certNotBefore", text("May  5 00:00:00 2024 GMT")),
        ("certNotAfter", text("Dec 31 00:00:00 2051 GMT")),
        ("certNotBeforeRFC3339", text("2024-05-05T00:00:00Z")),
        ("certNotAfterRFC3339", text("2051-12-31T00:00:00Z")),
        (
            "certValidity",
            text("NotBefore=2024-05-05T00:00:00Z;NotAfter=2051-12-31T00:00:00Z"),
        ),
        ("certRFC9440", Some(format!(":{leaf}:"))),
        ("certRFC9440TooLarge", text("false")),
        ("certChainRFC9440", Some(format!(":{ca}:"))),
        ("certChainRFC9440TooLarge", text("false")),
        ("certDerBase64", Some(leaf.clone())),
        ("certWithChainDerBase64", Some(format!("{leaf},{ca}"))),
        ("certPemUrlEncoded", Some(strict)),
        ("certPemUrlEncodedLoose", Some(loose)),
        ("certSanDns", text("a.example,*.b.example")),
        ("certSanUri", text("spiffe://example/ns/a")),
        ("certSanEmail", text("zoe@example.com")),
        ("certSanIp", text("192.0.2.1,2001:db8::1")),
    ]);
    let names: BTreeSet<&str> = Field::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(expected.keys().copied().collect::<BTreeSet<_>>(), names);
    expected
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
