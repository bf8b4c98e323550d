//! Properties of every certificate, and the certificate of RFC 9440's appendix A field by field.

use super::tlv::{OBJECT_IDENTIFIER, SEQUENCE, SET};
use super::*;
use field::MANAGED_TRANSFORM;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::{Index, select};
use proptest::{prop_assert, proptest};

const RFC_9440_CERTIFICATES: &[u8] = include_bytes!("testdata/rfc9440.pem");

const LIMITS: Limits = Limits {
    max_certificate_bytes: 10240,
    max_certificate_chain_bytes: 16384,
};

fn rfc_9440_certificate() -> Certificate {
    let mut certificates = pem::decode_all(RFC_9440_CERTIFICATES);
    let chain = certificates.split_off(1);
    Certificate::new(certificates.remove(0), chain)
}

#[test]
fn the_fields_of_a_certificate_are_as_documented() {
    let certificate = rfc_9440_certificate();
    let table = [
        (
            Field::CertIssuerDn,
            "CN=LA Intermediate CA,O=Let's Authenticate",
        ),
        (
            Field::CertIssuerDnRfc2253,
            "CN=LA Intermediate CA,O=Let's Authenticate",
        ),
        (
            Field::CertIssuerDnLegacy,
            "/O=Let's Authenticate/CN=LA Intermediate CA",
        ),
        (Field::CertSubjectDn, "CN=BC"),
        (Field::CertSubjectDnRfc2253, "CN=BC"),
        (Field::CertSubjectDnLegacy, "/CN=BC"),
        (Field::CertSerial, "07"),
        (Field::CertIssuerSerial, ""),
        (Field::CertSki, ""),
        (
            Field::CertIssuerSki,
            "66DD68CB6B7F256C4602BA208F72DD19692103D8",
        ),
        (
            Field::CertFingerprintSha1,
            "ca083f269fb4fc71920e94070eaacb731929e6f9",
        ),
        (
            Field::CertFingerprintSha256,
            "bfaf1f7e070f9fa8dd62905f158da73f84a1136624fbafcc9393c8f7287a69eb",
        ),
        (
            Field::CertThumbprint,
            "v68ffgcPn6jdYpBfFY2nP4ShE2Yk-6_Mk5PI9yh6aes",
        ),
        (Field::CertNotBefore, "Jan 14 22:55:33 2020 GMT"),
        (Field::CertNotAfter, "Jan 23 22:55:33 2021 GMT"),
        (Field::CertNotBeforeRfc3339, "2020-01-14T22:55:33Z"),
        (Field::CertNotAfterRfc3339, "2021-01-23T22:55:33Z"),
        (
            Field::CertValidity,
            "NotBefore=2020-01-14T22:55:33Z;NotAfter=2021-01-23T22:55:33Z",
        ),
        (
            Field::CertFingerprintSha256Base64,
            "v68ffgcPn6jdYpBfFY2nP4ShE2Yk+6/Mk5PI9yh6aes=",
        ),
        (Field::CertRfc9440TooLarge, "false"),
        (Field::CertChainRfc9440TooLarge, "false"),
        (Field::CertSanDns, ""),
        (Field::CertSanUri, ""),
        (Field::CertSanEmail, "bdc@example.com"),
        (Field::CertSanIp, ""),
        (Field::CertPresented, ""),
        (Field::VerifiedBoolean, ""),
    ];
    for (field, expected) in table {
        assert_eq!(certificate.value(field, &LIMITS), expected, "{field:?}");
    }
    let base64 = certificate.value(Field::CertDerBase64, &LIMITS);
    assert_eq!(
        certificate.value(Field::CertRfc9440, &LIMITS),
        format!(":{base64}:")
    );
    let pem = certificate.value(Field::CertPemUrlEncoded, &LIMITS);
    assert_eq!(
        pem::decode(pem.as_bytes()),
        pem::decode(RFC_9440_CERTIFICATES)
    );
    let loose = certificate.value(Field::CertPemUrlEncodedLoose, &LIMITS);
    assert!(loose.contains(['+', '/', '=']), "{loose}");
    assert_eq!(
        loose
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D"),
        pem
    );
    let with_chain = certificate.value(Field::CertWithChainDerBase64, &LIMITS);
    let rfc_9440 = [Field::CertRfc9440, Field::CertChainRfc9440]
        .map(|field| certificate.value(field, &LIMITS));
    assert_eq!(
        with_chain,
        rfc_9440.join(",").replace(", ", ",").replace(':', "")
    );
}

#[test]
fn bytes_that_are_no_x509_still_give_what_depends_on_the_bytes_alone() {
    let certificate = Certificate::new(b"not a certificate".to_vec(), vec![]);
    let from_bytes = [
        (
            Field::CertFingerprintSha1,
            "34491fe877745149646ce28c6b98961e9124390b",
        ),
        (
            Field::CertFingerprintSha256,
            "47209c9b7af839de69e9a9cd625e9182c1ad63dae79ed88a2dd680fe34218620",
        ),
        (
            Field::CertThumbprint,
            "RyCcm3r4Od5p6anNYl6RgsGtY9rnntiKLdaA_jQhhiA",
        ),
        (Field::CertRfc9440, ":bm90IGEgY2VydGlmaWNhdGU=:"),
        (Field::CertRfc9440TooLarge, "false"),
        (Field::CertChainRfc9440TooLarge, "false"),
        (Field::CertDerBase64, "bm90IGEgY2VydGlmaWNhdGU="),
        (Field::CertWithChainDerBase64, "bm90IGEgY2VydGlmaWNhdGU="),
        (
            Field::CertPemUrlEncoded,
            "-----BEGIN%20CERTIFICATE-----%0Abm90IGEgY2VydGlmaWNhdGU%3D%0A-----END%20CERTIFICATE-----%0A",
        ),
        (
            Field::CertPemUrlEncodedLoose,
            "-----BEGIN%20CERTIFICATE-----%0Abm90IGEgY2VydGlmaWNhdGU=%0A-----END%20CERTIFICATE-----%0A",
        ),
        (
            Field::CertFingerprintSha256Base64,
            "RyCcm3r4Od5p6anNYl6RgsGtY9rnntiKLdaA/jQhhiA=",
        ),
    ];
    for (_, field) in Field::ALL {
        let expected = from_bytes
            .iter()
            .find(|(known, _)| known == field)
            .map_or("", |(_, value)| value);
        assert_eq!(certificate.value(*field, &LIMITS), expected, "{field:?}");
    }
}

#[test]
fn a_leaf_over_its_limit_is_in_no_header_and_neither_is_its_chain() {
    let certificate = rfc_9440_certificate();
    let length = certificate.value(Field::CertDerBase64, &LIMITS).len();
    let exact = Limits {
        max_certificate_bytes: length,
        ..LIMITS
    };
    let short = Limits {
        max_certificate_bytes: length - 1,
        ..LIMITS
    };

    assert!(!certificate.too_large(&exact));
    assert!(certificate.too_large(&short));
    for field in [
        Field::CertDerBase64,
        Field::CertRfc9440,
        Field::CertPemUrlEncoded,
        Field::CertPemUrlEncodedLoose,
        Field::CertWithChainDerBase64,
        Field::CertChainRfc9440,
    ] {
        assert_ne!(certificate.value(field, &exact), "", "{field:?}");
        assert_eq!(certificate.value(field, &short), "", "{field:?}");
    }
    assert_eq!(
        certificate.value(Field::CertRfc9440TooLarge, &exact),
        "false"
    );
    assert_eq!(
        certificate.value(Field::CertRfc9440TooLarge, &short),
        "true"
    );
    assert_eq!(
        certificate.value(Field::CertChainRfc9440TooLarge, &short),
        "false"
    );
    for field in [
        Field::CertFingerprintSha1,
        Field::CertFingerprintSha256,
        Field::CertThumbprint,
        Field::CertSubjectDn,
    ] {
        assert_eq!(
            certificate.value(field, &short),
            certificate.value(field, &exact),
            "{field:?}"
        );
    }
}

#[test]
fn a_chain_over_its_limit_leaves_the_leaf_alone() {
    let certificate = rfc_9440_certificate();
    let value = certificate.value(Field::CertChainRfc9440, &LIMITS);
    let length = value.len() - ":".len() * 4 - ", ".len();
    let exact = Limits {
        max_certificate_chain_bytes: length,
        ..LIMITS
    };
    let short = Limits {
        max_certificate_chain_bytes: length - 1,
        ..LIMITS
    };

    assert_eq!(certificate.value(Field::CertChainRfc9440, &exact), value);
    assert_eq!(
        certificate.value(Field::CertChainRfc9440TooLarge, &exact),
        "false"
    );
    assert_eq!(certificate.value(Field::CertChainRfc9440, &short), "");
    assert_eq!(certificate.value(Field::CertWithChainDerBase64, &short), "");
    assert_eq!(
        certificate.value(Field::CertChainRfc9440TooLarge, &short),
        "true"
    );
    assert_ne!(certificate.value(Field::CertRfc9440, &short), "");
}

#[test]
fn text_longer_than_a_certificate_may_be_is_not_sent() {
    let certificate = rfc_9440_certificate();
    let length = certificate.value(Field::CertIssuerDn, &LIMITS).len();
    let exact = Limits {
        max_certificate_bytes: length,
        ..LIMITS
    };
    let short = Limits {
        max_certificate_bytes: length - 1,
        ..LIMITS
    };
    assert_ne!(certificate.value(Field::CertIssuerDn, &exact), "");
    assert_eq!(certificate.value(Field::CertIssuerDn, &short), "");
}

#[test]
fn the_status_fields_follow_the_verification() {
    let table = [
        (Field::CertPresented, ["0", "1", "1"]),
        (Field::CertVerified, ["NONE", "SUCCESS", "FAILED"]),
        (Field::CertRevoked, ["0", "0", "0"]),
        (Field::PresentedBoolean, ["false", "true", "true"]),
        (Field::VerifiedBoolean, ["false", "true", "false"]),
        (Field::RevokedBoolean, ["false", "false", "false"]),
    ];
    for (field, expected) in table {
        let values = [
            PeerCertificateStatus::Absent,
            PeerCertificateStatus::Verified,
            PeerCertificateStatus::Unverified,
        ]
        .map(|status| status.value(field).unwrap());
        assert_eq!(values, expected, "{field:?}");
    }
    assert_eq!(
        PeerCertificateStatus::Verified.value(Field::CertSerial),
        None
    );
}

/// Makes DER that is nearly a certificate: a real one with bytes replaced, inserted or taken out.
fn damaged_certificates() -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<Index>(), any::<u8>(), 0..3u8), 0..8);
    (select(pem::decode_all(RFC_9440_CERTIFICATES)), damage).prop_map(|(mut der, damage)| {
        for (index, byte, kind) in damage {
            let position = index.index(der.len());
            match kind {
                0 => der[position] = byte,
                1 => der.insert(position, byte),
                _ => drop(der.remove(position)),
            }
        }
        der
    })
}

fn all_fields() -> impl Iterator<Item = Field> {
    let managed = MANAGED_TRANSFORM.iter().map(|(_, field)| *field);
    Field::ALL.iter().map(|(_, field)| *field).chain(managed)
}

fn is_header_value(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && value.trim() == value
}

proptest! {
    #[test]
    fn every_value_of_any_bytes_is_a_header_value(der in vec(any::<u8>(), 0..300), chain in vec(vec(any::<u8>(), 0..50), 0..3)) {
        let certificate = Certificate::new(der, chain);
        for field in all_fields() {
            let value = certificate.value(field, &LIMITS);
            prop_assert!(is_header_value(&value), "{field:?}: {value:?}");
        }
    }

    #[test]
    fn every_value_of_a_damaged_certificate_is_a_header_value(der in damaged_certificates()) {
        let certificate = Certificate::new(der, vec![]);
        for field in all_fields() {
            let value = certificate.value(field, &LIMITS);
            prop_assert!(is_header_value(&value), "{field:?}: {value:?}");
        }
    }

    #[test]
    fn every_name_is_a_header_value(characters in vec(any::<u8>(), 0..60), tag in 0..0x1fu8) {
        let attribute = [tlv::encode(OBJECT_IDENTIFIER, &[0x55, 0x04, 0x03]), tlv::encode(tag, &characters)].concat();
        let name = tlv::encode(SET, &tlv::encode(SEQUENCE, &attribute));
        prop_assert!(name::rfc2253(&name).is_some() && name::legacy(&name).is_some());
        for text in [name::rfc2253(&name), name::legacy(&name)].into_iter().flatten() {
            prop_assert!(is_header_value(&text), "{text:?}");
        }
    }

    #[test]
    fn any_bytes_can_be_offered_as_pem_or_as_a_chain(
        bytes in vec(any::<u8>(), 0..200),
        pieces in vec(select(vec!["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "AQ==", "\r\n", "%0A", "%", "Chain=", "\"", "\\", ",", ";"]), 0..12),
    ) {
        for text in [bytes.as_slice(), pieces.concat().as_bytes()] {
            let all = pem::decode_all(text);
            prop_assert!(all.is_empty() || all.first() == pem::decode(text).as_ref());
            prop_assert!(xfcc::chain(text).iter().all(|certificate| !certificate.is_empty()));
        }
    }
}

#[test]
fn a_name_and_a_serial_outside_a_certificate_are_written_as_its_fields() {
    let certificate = rfc_9440_certificate();
    let x509 = X509::parse(&certificate.der).unwrap();
    let issuer = tlv::encode(SEQUENCE, x509.issuer);
    let issuer_dn = certificate.value(Field::CertIssuerDn, &LIMITS);
    assert_eq!(name_text(&issuer), Some(issuer_dn));
    assert_eq!(name_text(x509.issuer), None);
    let serial = certificate.value(Field::CertSerial, &LIMITS);
    assert_eq!(serial_text(x509.serial), serial);
}
