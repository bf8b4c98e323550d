//! Certificates that BoringSSL refuses in the handshake, so that the filter has no code for them;
//! and odd ones that it lets in, whose fields the filter has to know.

use serde_json::{Map, Value, json};
use support::der::{
    ALTERNATIVE_NAME, COMMON_NAME, GENERALIZED_TIME, SUBJECT_KEY_ID, Template, UNIVERSAL, UTC_TIME,
    UTF8, attribute, extension, name, oid, sequence, tlv,
};
use support::version::Version;
use support::{Client, Envoy, Listener, Origin, Request, envoy_version, mtls_protocols, pki};

use crate::common::{HOST, assert_carries, client_of, forwarding};

#[tokio::test]
async fn a_certificate_that_boringssl_cannot_read_ends_in_the_handshake() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .start(&origin)
        .await;
    let mut wrong = Vec::new();
    for (label, template) in refused() {
        let identity = client_of(template);
        // In TLS 1.2 the server's refusal is part of the handshake, so it tells the reason.
        let handshake = Client::http1(&envoy).with(&identity).tls12().try_connect();
        let reason = handshake.await.err().map(|error| error.to_string());
        if reason.as_deref() != Some("received fatal alert: DecodeError") {
            wrong.push(format!("{label}: TLS 1.2: {reason:?}"));
        }
        for &protocol in mtls_protocols() {
            let connector = Client::over(protocol, &envoy).with(&identity);
            let Ok(client) = connector.try_connect().await else {
                continue;
            };
            if let Ok(response) = client.try_send(Request::get(HOST, "/odd")).await {
                wrong.push(format!("{label}: {protocol:?}: {}", response.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(origin.requests().is_empty());

    let client = Client::http2(&envoy).with(&pki().client).connect().await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
}

#[tokio::test]
async fn an_odd_certificate_that_boringssl_reads_is_forwarded_with_its_fields() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(configuration())
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .start(&origin)
        .await;
    let mut wrong = Vec::new();
    for (number, (label, template, fields)) in let_in().into_iter().enumerate() {
        let identity = client_of(template);
        for &protocol in mtls_protocols() {
            let path = format!("/{number}/{protocol:?}");
            let client = Client::over(protocol, &envoy).with(&identity);
            let client = client.connect().await;
            assert_eq!(client.get(HOST, &path).await.status, 200, "{label}");
            let requests = origin.requests_for(&path);
            assert_carries(&requests[0], &identity);
            for (field, expected) in &fields {
                let sent = requests[0].header(&header_of(field));
                if sent.unwrap_or_default() != *expected {
                    wrong.push(format!("{label}: {protocol:?}: {field}: {sent:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn refused() -> Vec<(&'static str, Template)> {
    let date = |tag, text: &str| Template {
        not_before: (tag, text.to_owned()),
        ..Template::plain()
    };
    let subject = |rdns: &[_]| Template {
        subject: name(rdns),
        ..Template::plain()
    };
    let version = |version| Template {
        version,
        extensions: vec![subject_key_id()],
        ..Template::plain()
    };
    let mut refused = vec![
        (
            "a fraction of a second",
            date(GENERALIZED_TIME, "20240505231100.5Z"),
        ),
        (
            "a fraction of a second, UTCTime",
            date(UTC_TIME, "240505231100.5Z"),
        ),
        ("no seconds", date(UTC_TIME, "2405052311Z")),
        (
            "no seconds, GeneralizedTime",
            date(GENERALIZED_TIME, "202405052311Z"),
        ),
        ("no time zone", date(UTC_TIME, "240505231100")),
        ("31 February", date(UTC_TIME, "240231000000Z")),
        (
            "29 February of a common year",
            date(UTC_TIME, "230229000000Z"),
        ),
        (
            "29 February 2100",
            date(GENERALIZED_TIME, "21000229000000Z"),
        ),
        ("31 April", date(UTC_TIME, "240431000000Z")),
        ("month 0", date(UTC_TIME, "240005000000Z")),
        ("month 13", date(UTC_TIME, "241305000000Z")),
        ("day 0", date(UTC_TIME, "240500000000Z")),
        ("hour 24", date(UTC_TIME, "240505240000Z")),
        ("minute 60", date(UTC_TIME, "240505006000Z")),
        ("second 60", date(UTC_TIME, "240505000060Z")),
        ("a sign in a date", date(UTC_TIME, "+40505000000Z")),
        ("no date", date(UTC_TIME, "Z")),
        (
            "a UTF8String that is not UTF-8",
            subject(&[vec![attribute(COMMON_NAME, UTF8, b"\xff")]]),
        ),
        ("version 1 with extensions", version(None)),
        ("version 5", version(Some(vec![4]))),
    ];
    // The BoringSSL of Envoy 1.36 reads these as names without a text of their own.
    if envoy_version() >= Version(1, 38, 0) {
        let common_name = || vec![attribute(COMMON_NAME, UTF8, b"a")];
        refused.extend([
            ("an empty RDN", subject(&[vec![]])),
            (
                "an empty RDN after another",
                subject(&[common_name(), vec![]]),
            ),
        ]);
    }
    refused
}

type Odd = (&'static str, Template, Vec<(&'static str, String)>);

fn let_in() -> Vec<Odd> {
    let dates = |tag, start: &str, end: &str| Template {
        not_before: (tag, start.to_owned()),
        not_after: (tag, end.to_owned()),
        ..Template::plain()
    };
    let subject = |oid_text: &str, tag, value: &[u8]| Template {
        subject: name(&[vec![attribute(oid_text, tag, value)]]),
        ..Template::plain()
    };
    let texts = |pairs: &[(&'static str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(field, text)| (*field, (*text).to_owned()));
        owned.collect()
    };
    // One octet for the first two arcs, and one for each of the others.
    let oid_of_45_octets = format!("1.2{}", ".3".repeat(44));
    vec![
        (
            "dates before 1970",
            dates(UTC_TIME, "500101000000Z", "690720201700Z"),
            texts(&[
                ("certNotBefore", "Jan  1 00:00:00 1950 GMT"),
                ("certNotAfter", "Jul 20 20:17:00 1969 GMT"),
                ("certNotBeforeRFC3339", "1950-01-01T00:00:00Z"),
                ("certNotAfterRFC3339", "1969-07-20T20:17:00Z"),
            ]),
        ),
        (
            "dates of year 0 and of 9999",
            dates(GENERALIZED_TIME, "00000229000000Z", "99991231235959Z"),
            texts(&[
                ("certNotBefore", "Feb 29 00:00:00 0 GMT"),
                ("certNotAfter", "Dec 31 23:59:59 9999 GMT"),
                ("certNotBeforeRFC3339", "0000-02-29T00:00:00Z"),
            ]),
        ),
        (
            // RFC 5280 §4.1.2.5.1 forbids it, and the filter has no field for it.
            "a UTCTime with an offset",
            dates(UTC_TIME, "240101000000+0100", "340101000000Z"),
            texts(&[
                ("certNotBefore", ""),
                ("certNotBeforeRFC3339", ""),
                ("certNotAfter", "Jan  1 00:00:00 2034 GMT"),
                ("certSubjectDN", "CN=subject"),
            ]),
        ),
        (
            "a UniversalString",
            subject(COMMON_NAME, UNIVERSAL, b"\0\0\0a\0\0\0,\0\x01\xf6\0"),
            texts(&[("certSubjectDN", r"CN=a\,\F0\9F\98\80")]),
        ),
        (
            "an OID arc of 2^32",
            subject("1.2.4294967296", UTF8, b"a"),
            texts(&[("certSubjectDN", "1.2.4294967296=#0C0161")]),
        ),
        (
            "an OID arc of 2^64 and more",
            subject("2.25.18446744073709551616", UTF8, b"a"),
            texts(&[("certSubjectDN", "2.25.18446744073709551616=#0C0161")]),
        ),
        (
            "an OID of 45 octets, whose text OpenSSL cuts to 79 characters",
            subject(&oid_of_45_octets, UTF8, b"a"),
            vec![(
                "certSubjectDN",
                format!("{}=#0C0161", &oid_of_45_octets[..79]),
            )],
        ),
        (
            "TRUE as 01",
            Template {
                extensions: vec![sequence(&[
                    tlv(0x06, &oid(SUBJECT_KEY_ID)),
                    tlv(0x01, &[0x01]),
                    tlv(0x04, &tlv(0x04, &[0xab, 0xcd])),
                ])],
                ..Template::plain()
            },
            texts(&[("certSKI", "ABCD"), ("certSubjectDN", "CN=subject")]),
        ),
        (
            "a negative serial and alternative names",
            Template {
                serial: vec![0xff, 0x00],
                extensions: vec![
                    subject_key_id(),
                    extension(
                        ALTERNATIVE_NAME,
                        false,
                        &sequence(&[tlv(0x82, b"a.example"), tlv(0x86, b"spiffe://a/b")]),
                    ),
                ],
                ..Template::plain()
            },
            texts(&[
                ("certSerial", "-0100"),
                ("certSanDns", "a.example"),
                ("certSanUri", "spiffe://a/b"),
            ]),
        ),
    ]
}

fn subject_key_id() -> Vec<u8> {
    extension(SUBJECT_KEY_ID, false, &tlv(0x04, &[0xab, 0xcd]))
}

fn header_of(field: &str) -> String {
    format!("x-field-{}", field.to_ascii_lowercase())
}

/// Forwards the certificate and the fields that odd certificates have, verified or not.
fn configuration() -> Value {
    let fields = [
        "certNotBefore",
        "certNotAfter",
        "certNotBeforeRFC3339",
        "certNotAfterRFC3339",
        "certSubjectDN",
        "certSKI",
        "certSerial",
        "certSanDns",
        "certSanUri",
    ];
    let headers: Map<String, Value> = fields
        .iter()
        .map(|field| (header_of(field), json!(field)))
        .collect();
    json!({
        "verified_by": "listener",
        "settings": [{
            "hostname": HOST,
            "client_certificate_forwarding": true,
            "request_headers": headers
        }]
    })
}
