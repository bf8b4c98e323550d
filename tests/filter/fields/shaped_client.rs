//! A certificate with a value for every field, and these values.

use std::collections::{BTreeMap, BTreeSet};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use client_cert_forwarder::certificate::field::Field;
use rcgen::{CustomExtension, DnType, SanType, SerialNumber, date_time_ymd};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use support::{Identity, pki};

use super::distinguished_name;

/// A client with a value for every field. It presents the CA too.
pub(super) fn shaped_client() -> Identity {
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

/// The value of each field for [`shaped_client`] on a listener that vouches for it.
pub(super) fn expected(identity: &Identity) -> BTreeMap<&'static str, Option<String>> {
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

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
