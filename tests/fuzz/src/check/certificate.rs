//! Every field of a certificate: the input is its DER, or what pretends to be.

use std::net::IpAddr;

use client_cert_forwarder::certificate::field::{Field, MANAGED_TRANSFORM};
use client_cert_forwarder::certificate::{Certificate, Limits, pem};

use super::is_header_value;
use crate::model::encoding::{base64, base64_decoded, percent_decoded, percent_encoded};
use crate::model::encoding::{pem as encoded_pem, pem_blocks};

pub(crate) const WORDS: &[&str] = &[
    "\x30\x03",
    "\x30\x05",
    "\x31\x0b",
    "\x02\x01",
    "\x17\x0d",
    "\x18\x0f",
    "\x06\x03\x55\x04\x03",
    "\x06\x03\x55\x04\x0a",
    "\x06\x03\x55\x1d\x11",
    "\x06\x03\x55\x1d\x0e",
    "\x06\x03\x55\x1d\x23",
    "\x0c\x01",
    "\x13\x02",
    "\x14\x01",
    "\x1e\x02",
    "\x1c\x04",
    "240505231100Z",
    "20240505231100Z",
    "+0100",
    "\r\n",
    "\0",
    ",",
];

pub(crate) fn check(der: &[u8]) {
    if der.is_empty() {
        return;
    }
    let length = base64(der).len();
    let chain = vec![der.to_vec(), der[..der.len() / 2].to_vec()];
    let certificate = Certificate::new(der.to_vec(), chain.clone());
    let limited_to = |max| Limits {
        max_certificate_bytes: max,
        max_certificate_chain_bytes: max,
    };
    let limits = limited_to(10_240);
    every_value_is_a_header_value(&certificate, &limits);
    hashes_agree(&certificate, &limits);
    names_in_lists_are_whole(&certificate, &limits, der);
    // The configuration's default, just enough, and one too few.
    for limits in [limits, limited_to(length), limited_to(length - 1)] {
        the_bytes_come_back(&certificate, &limits, der, &chain);
    }
    both_encodings_are_read(der);
}

fn fields() -> impl Iterator<Item = Field> {
    let of_transform = MANAGED_TRANSFORM.iter().map(|(_, field)| *field);
    Field::ALL
        .iter()
        .map(|(_, field)| *field)
        .chain(of_transform)
}

fn every_value_is_a_header_value(certificate: &Certificate, limits: &Limits) {
    for field in fields() {
        let value = certificate.value(field, limits);
        assert!(is_header_value(value.as_bytes()), "{field:?}: {value:?}");
    }
}

fn the_bytes_come_back(certificate: &Certificate, limits: &Limits, der: &[u8], chain: &[Vec<u8>]) {
    let value = |field| certificate.value(field, limits);
    let is_over = base64(der).len() > limits.max_certificate_bytes;
    let of_chain: usize = chain.iter().map(|der| base64(der).len()).sum();
    let is_chain_over = of_chain > limits.max_certificate_chain_bytes;
    assert_eq!(certificate.too_large(limits), is_over);
    assert_eq!(value(Field::CertRfc9440TooLarge), is_over.to_string());
    assert_eq!(
        value(Field::CertChainRfc9440TooLarge),
        is_chain_over.to_string()
    );

    let unless = |is_over: bool, text: String| if is_over { String::new() } else { text };
    let leaf = base64(der);
    let items: Vec<String> = chain
        .iter()
        .map(|der| format!(":{}:", base64(der)))
        .collect();
    let all = std::iter::once(der).chain(chain.iter().map(Vec::as_slice));
    let all: Vec<String> = all.map(base64).collect();
    let no_chain = is_over || is_chain_over;
    assert_eq!(value(Field::CertDerBase64), unless(is_over, leaf.clone()));
    assert_eq!(
        value(Field::CertRfc9440),
        unless(is_over, format!(":{leaf}:"))
    );
    assert_eq!(
        value(Field::CertChainRfc9440),
        unless(no_chain, items.join(", "))
    );
    assert_eq!(
        value(Field::CertWithChainDerBase64),
        unless(no_chain, all.join(","))
    );
    for field in [Field::CertPemUrlEncoded, Field::CertPemUrlEncodedLoose] {
        let blocks = pem_blocks(&percent_decoded(value(field).as_bytes()));
        let expected = if is_over {
            vec![]
        } else {
            vec![Some(der.to_vec())]
        };
        assert_eq!(blocks, expected, "{field:?}");
    }
}

/// Three spellings of one SHA-256.
fn hashes_agree(certificate: &Certificate, limits: &Limits) {
    let value = |field| certificate.value(field, limits);
    let sha256 = base64_decoded(value(Field::CertFingerprintSha256Base64).as_bytes());
    let sha256 = sha256.expect("padded base64");
    let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sha256.len(), 32);
    assert_eq!(value(Field::CertFingerprintSha256), hex);
    let base64url = base64(&sha256).replace('+', "-").replace('/', "_");
    assert_eq!(
        value(Field::CertThumbprint),
        base64url.trim_end_matches('=')
    );
    let sha1 = value(Field::CertFingerprintSha1);
    assert!(sha1.len() == 40 && sha1.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
}

/// A consumer that splits a list at its commas gets names that stand in the certificate, each
/// whole.
fn names_in_lists_are_whole(certificate: &Certificate, limits: &Limits, der: &[u8]) {
    for (field, tag) in [
        (Field::CertSanEmail, 0x81),
        (Field::CertSanDns, 0x82),
        (Field::CertSanUri, 0x86),
        (Field::CertSanIp, 0x87),
    ] {
        let list = certificate.value(field, limits);
        for name in list.split(',').filter(|_| !list.is_empty()) {
            let octets = match name.parse() {
                Ok(IpAddr::V4(address)) if tag == 0x87 => address.octets().to_vec(),
                Ok(IpAddr::V6(address)) if tag == 0x87 => address.octets().to_vec(),
                _ => name.as_bytes().to_vec(),
            };
            let element = element(tag, &octets);
            let is_there = der.windows(element.len()).any(|window| window == element);
            assert!(
                is_there && !name.is_empty() && !name.contains(' '),
                "{field:?}: {list:?}"
            );
        }
    }
}

/// A DER element of less than 65,536 octets.
fn element(tag: u8, octets: &[u8]) -> Vec<u8> {
    let length = octets.len();
    let (high, low) = ((length / 256) as u8, (length % 256) as u8);
    let header = match length {
        0..128 => vec![tag, low],
        128..256 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), octets].concat()
}

/// However Envoy writes the certificate, the same bytes are read.
fn both_encodings_are_read(der: &[u8]) {
    let raw = encoded_pem(der);
    for text in [
        percent_encoded(&raw, true),
        percent_encoded(&raw, false),
        raw,
    ] {
        assert_eq!(pem::decode(&text).as_deref(), Some(der));
    }
}
