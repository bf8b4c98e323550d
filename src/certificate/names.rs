//! The names of a certificate as values to compare, for allow lists and revocation
//! (contract §4.11).
//!
//! A certificate is matched by these and never by the text of a list, in which one name can be made
//! to look like two. A malformed part makes the whole certificate unreadable: a list that lacks a
//! name would let the others speak for it.

use super::x509::X509;
use super::{name, san, serial};
use sha2::{Digest, Sha256};

/// What a certificate is matched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
    /// The text of `certSubjectDN`, whatever its length. Empty for an empty name.
    pub subject_dn: String,
    /// The text of `certIssuerDN`, whatever its length.
    pub issuer_dn: String,
    /// The text of `certSerial`.
    pub serial: String,
    /// Each `dNSName` as it is in the certificate: ASCII, case, NUL and all.
    pub san_dns: Vec<&'a str>,
    /// Each `uniformResourceIdentifier` as it is in the certificate.
    pub san_uri: Vec<&'a str>,
    /// Each `rfc822Name` as it is in the certificate.
    pub san_email: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// Reads the names of a certificate. `None` when it can't be read: no certificate, a malformed
    /// name, extension or alternative name, two subject alternative name extensions, or an
    /// alternative name beyond ASCII where RFC 5280 §4.2.1.6 wants an `IA5String`.
    #[must_use]
    pub fn read(der: &'a [u8]) -> Option<Names<'a>> {
        let x509 = X509::parse(der)?;
        let mut names = Names {
            sha256: Sha256::digest(der).into(),
            subject_dn: name::rfc2253(x509.subject)?,
            issuer_dn: name::rfc2253(x509.issuer)?,
            serial: serial::text(x509.serial),
            san_dns: Vec::new(),
            san_uri: Vec::new(),
            san_email: Vec::new(),
        };
        for general_name in san::general_names(&x509).ok()? {
            let list = match general_name.tag {
                DNS_NAME => &mut names.san_dns,
                URI => &mut names.san_uri,
                RFC822_NAME => &mut names.san_email,
                OTHER_NAME | X400_ADDRESS | DIRECTORY_NAME | EDI_PARTY_NAME | IP_ADDRESS
                | REGISTERED_ID => continue,
                // Among these a string in parts, which DER forbids.
                _ => return None,
            };
            list.push(ia5_string(general_name.value)?);
        }
        Some(names)
    }
}

const RFC822_NAME: u8 = san::Kind::Email as u8;
const DNS_NAME: u8 = san::Kind::Dns as u8;
const URI: u8 = san::Kind::Uri as u8;
const IP_ADDRESS: u8 = san::Kind::Ip as u8;
const OTHER_NAME: u8 = 0xa0;
const X400_ADDRESS: u8 = 0xa3;
const DIRECTORY_NAME: u8 = 0xa4;
const EDI_PARTY_NAME: u8 = 0xa5;
const REGISTERED_ID: u8 = 0x88;

fn ia5_string(octets: &[u8]) -> Option<&str> {
    std::str::from_utf8(octets)
        .ok()
        .filter(|text| text.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::field::Field;
    use crate::certificate::tlv::{self, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET};
    use crate::certificate::{Certificate, Limits, pem};
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::sample::Index;
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use std::time::{Duration, Instant};

    const RFC_9440_CERTIFICATES: &[u8] = include_bytes!("testdata/rfc9440.pem");
    const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const UTF8_STRING: u8 = 0x0c;
    const LIMITS: Limits = Limits {
        max_certificate_bytes: 10240,
        max_certificate_chain_bytes: 16384,
    };

    #[test]
    fn names_are_those_of_the_fields() {
        let der = pem::decode(RFC_9440_CERTIFICATES).unwrap();
        let names = Names::read(&der).unwrap();
        let certificate = Certificate::new(der.clone(), Vec::new());
        let value = |field| certificate.value(field, &LIMITS);
        assert_eq!(names.subject_dn, value(Field::CertSubjectDn));
        assert_eq!(names.issuer_dn, value(Field::CertIssuerDn));
        assert_eq!(names.serial, value(Field::CertSerial));
        let sha256: String = names.sha256.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(sha256, value(Field::CertFingerprintSha256));
        assert_eq!(names.san_email, ["bdc@example.com"]);
        assert!(names.san_dns.is_empty() && names.san_uri.is_empty());
    }

    #[test]
    fn each_name_stays_one_name_whatever_is_in_it() {
        let values = [
            "a.example",
            "a.example,admin.example",
            "a.example, DNS:admin.example",
            "admin.example\0.evil.example",
            "a.example\r\nadmin.example",
            "A.Example.",
            "*.example",
            "spiffe://example.org/ns/prod/../../admin",
            "spiffe://example.org/%61dmin",
            "",
            " ",
        ];
        for (tag, read) in KINDS {
            let der = certificate(&[san(&values.map(|value| (tag, value.as_bytes())))]);
            let names = Names::read(&der).unwrap();
            assert_eq!(read(&names), values, "{tag:#x}");
            let all = [&names.san_dns, &names.san_uri, &names.san_email];
            assert_eq!(all.map(Vec::len).iter().sum::<usize>(), values.len());
        }
    }

    #[test]
    fn names_of_other_kinds_are_passed_over() {
        let der = certificate(&[san(&[
            (OTHER_NAME, b"\x06\x01\x2a"),
            (DNS_NAME, b"a.example"),
            (DIRECTORY_NAME, b"\x30\x00"),
            (IP_ADDRESS, &[192, 0, 2, 1]),
            (REGISTERED_ID, &[0x2a]),
            (URI, b"spiffe://a/b"),
        ])]);
        let names = Names::read(&der).unwrap();
        assert_eq!(names.san_dns, ["a.example"]);
        assert_eq!(names.san_uri, ["spiffe://a/b"]);
        assert!(names.san_email.is_empty());
    }

    #[test]
    fn a_common_name_is_no_alternative_name() {
        let names = certificate(&[]);
        let names = Names::read(&names).unwrap();
        assert_eq!(names.subject_dn, "CN=a.example");
        assert_eq!(names.issuer_dn, "CN=issuer");
        assert_eq!(names.serial, "-01");
        assert!(names.san_dns.is_empty());
    }

    #[test]
    fn a_certificate_that_cannot_be_read_has_no_names_at_all() {
        let good = san(&[(DNS_NAME, b"a.example")]);
        let broken = |names: Vec<u8>| extension(SUBJECT_ALT_NAME, &names);
        let short = good[..good.len() - 1].to_vec();
        let table = [
            ("two SAN extensions", vec![good.clone(), good.clone()]),
            ("an empty one first", vec![san(&[]), good.clone()]),
            (
                "not ASCII",
                vec![san(&[(DNS_NAME, "é.example".as_bytes())])],
            ),
            (
                "not UTF-8",
                vec![san(&[(DNS_NAME, b"a.example"), (URI, b"\xff")])],
            ),
            ("a string in parts", vec![san(&[(0xa2, b"\x16\x01a")])]),
            (
                "an unknown choice",
                vec![san(&[(DNS_NAME, b"a.example"), (0x89, b"")])],
            ),
            ("a universal tag", vec![san(&[(0x16, b"a.example")])]),
            ("no SEQUENCE", vec![broken(tlv::encode(SET, &[]))]),
            ("bytes after it", vec![broken(vec![0x30, 0x00, 0x00])]),
            (
                "a name cut off",
                vec![broken(vec![0x30, 0x03, DNS_NAME, 0x09, b'a'])],
            ),
            ("an extension cut off", vec![good.clone(), short]),
            (
                "an extension without a value",
                vec![good.clone(), vec![0x30, 0x00]],
            ),
        ];
        assert!(Names::read(&certificate(std::slice::from_ref(&good))).is_some());
        for (case, extensions) in table {
            assert_eq!(Names::read(&certificate(&extensions)), None, "{case}");
        }
        let der = certificate(&[good]);
        assert_eq!(Names::read(&der[..der.len() - 1]), None);
        assert_eq!(Names::read(&[der.as_slice(), &[0]].concat()), None);
        assert_eq!(Names::read(b""), None);
    }

    #[test]
    fn a_huge_list_is_read_in_linear_time() {
        let count = 200_000;
        let names = (DNS_NAME, b"a.example".as_slice());
        let der = certificate(&[san(&vec![names; count])]);
        let start = Instant::now();
        assert_eq!(Names::read(&der).unwrap().san_dns.len(), count);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }

    proptest! {
        #[test]
        fn any_ascii_names_come_back_one_by_one(values in vec("[ -~\\x00\r\n]{0,40}", 0..20)) {
            let names: Vec<(u8, &[u8])> =
                values.iter().map(|value| (URI, value.as_bytes())).collect();
            let der = certificate(&[san(&names)]);
            prop_assert_eq!(Names::read(&der).unwrap().san_uri, values);
        }

        /// A certificate that is damaged has either no names, or only whole ones.
        #[test]
        fn damage_never_makes_a_part_of_a_name(position in any::<Index>(), byte in any::<u8>()) {
            let mut der = certificate(&[san(&[(DNS_NAME, b"a.example"), (URI, b"urn:a")])]);
            let position = position.index(der.len());
            der[position] = byte;
            if let Some(names) = Names::read(&der) {
                for (tag, read) in KINDS {
                    for name in read(&names) {
                        let element = tlv::encode(tag, name.as_bytes());
                        let is_whole = der.windows(element.len()).any(|window| window == element);
                        prop_assert!(is_whole, "{name:?}");
                    }
                }
            }
        }
    }

    type Read = for<'n, 'a> fn(&'n Names<'a>) -> &'n [&'a str];
    const KINDS: [(u8, Read); 3] = [
        (DNS_NAME, |names| &names.san_dns),
        (URI, |names| &names.san_uri),
        (RFC822_NAME, |names| &names.san_email),
    ];

    /// An element of any length.
    fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
        match contents.len() {
            0..0x80 => [&[tag, length[3]], contents].concat(),
            0x80..0x100 => [&[tag, 0x81, length[3]], contents].concat(),
            0x100..0x1_0000 => [&[tag, 0x82, length[2], length[3]], contents].concat(),
            _ => [&[tag, 0x83], &length[1..], contents].concat(),
        }
    }

    fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
        let oid = element(OBJECT_IDENTIFIER, oid);
        element(SEQUENCE, &[oid, element(OCTET_STRING, value)].concat())
    }

    fn san(names: &[(u8, &[u8])]) -> Vec<u8> {
        let names: Vec<u8> = names
            .iter()
            .flat_map(|(tag, value)| element(*tag, value))
            .collect();
        extension(SUBJECT_ALT_NAME, &element(SEQUENCE, &names))
    }

    fn common_name(value: &[u8]) -> Vec<u8> {
        let oid = element(OBJECT_IDENTIFIER, COMMON_NAME);
        let attribute = [oid, element(UTF8_STRING, value)].concat();
        element(SEQUENCE, &element(SET, &element(SEQUENCE, &attribute)))
    }

    /// A certificate with serial -1 and these extensions.
    fn certificate(extensions: &[Vec<u8>]) -> Vec<u8> {
        let empty = element(SEQUENCE, &[]);
        let date = element(0x17, b"240101000000Z");
        let mut fields = vec![
            element(0xa0, &[0x02, 0x01, 0x02]),
            element(0x02, &[0xff]),
            empty.clone(),
            common_name(b"issuer"),
            element(SEQUENCE, &[date.clone(), date].concat()),
            common_name(b"a.example"),
            empty.clone(),
        ];
        if !extensions.is_empty() {
            fields.push(element(0xa3, &element(SEQUENCE, &extensions.concat())));
        }
        let tbs = element(SEQUENCE, &fields.concat());
        element(SEQUENCE, &[tbs, empty, element(0x03, &[0])].concat())
    }
}
