//! A CA with an Ed25519 key, and the lists that it signs.

use super::der::*;
use ring::signature::{Ed25519KeyPair, KeyPair};

const ED25519: &str = "1.3.101.112";
pub(crate) const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
pub(crate) const KEY_USAGE: &str = "2.5.29.15";
pub(crate) const CRL_NUMBER: &str = "2.5.29.20";
pub(crate) const REASON_CODE: &str = "2.5.29.21";
pub(crate) const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";

/// `keyCertSign` and `cRLSign`, and the first alone.
pub(crate) const CERT_AND_CRL_SIGN: [u8; 4] = [BIT_STRING, 2, 1, 0b0000_0110];
pub(crate) const CERT_SIGN: [u8; 4] = [BIT_STRING, 2, 2, 0b0000_0100];

/// A CA whose key depends on `seed` alone.
pub(crate) struct Ca {
    pub(crate) name: Vec<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
    key: Ed25519KeyPair,
}

impl Ca {
    pub(crate) fn new(common_name: &str, seed: u8) -> Ca {
        Ca {
            name: name(UTF8_STRING, common_name),
            extensions: vec![
                extension(KEY_USAGE, true, &CERT_AND_CRL_SIGN),
                extension(
                    SUBJECT_KEY_IDENTIFIER,
                    false,
                    &tlv(OCTET_STRING, &[seed; 20]),
                ),
            ],
            key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
        }
    }

    /// DER of the self-signed certificate, valid from 1950 to 2049.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        let validity =
            ["500101000000Z", "491231235959Z"].map(|time| tlv(UTC_TIME, time.as_bytes()));
        let key = [&[0], self.key.public_key().as_ref()].concat();
        let to_be_signed = sequence(&[
            tlv(0xa0, &tlv(INTEGER, &[2])),
            tlv(INTEGER, &[1]),
            sequence(&[oid(ED25519)]),
            self.name.clone(),
            sequence(&validity),
            self.name.clone(),
            sequence(&[sequence(&[oid(ED25519)]), tlv(BIT_STRING, &key)]),
            tlv(0xa3, &sequence(&self.extensions)),
        ]);
        self.signed(&to_be_signed, ED25519)
    }

    /// DER of `list`, with this CA as its issuer.
    pub(crate) fn sign(&self, list: &List) -> Vec<u8> {
        self.sign_as(&self.name, list)
    }

    /// DER of `list` with another issuer's name.
    pub(crate) fn sign_as(&self, issuer: &[u8], list: &List) -> Vec<u8> {
        self.signed(&list.to_be_signed(issuer), ED25519)
    }

    /// DER of `list` with another algorithm beside the signature, which is Ed25519's.
    pub(crate) fn sign_with(&self, algorithm: &str, list: &List) -> Vec<u8> {
        self.signed(&list.to_be_signed(&self.name), algorithm)
    }

    fn signed(&self, to_be_signed: &[u8], algorithm: &str) -> Vec<u8> {
        let signature = self.key.sign(to_be_signed);
        sequence(&[
            to_be_signed.to_vec(),
            sequence(&[oid(algorithm)]),
            tlv(BIT_STRING, &[&[0], signature.as_ref()].concat()),
        ])
    }
}

/// The parts of a list that tests vary.
pub(crate) struct List {
    /// Contents octets of the version; none leaves it out.
    pub(crate) version: Option<u8>,
    pub(crate) signature_algorithm: &'static str,
    pub(crate) this_update: &'static str,
    pub(crate) next_update: Option<&'static str>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl List {
    /// A list of version 2, current for all of 2026, with number 0x1a2b.
    pub(crate) fn new(entries: Vec<Vec<u8>>) -> List {
        List {
            version: Some(1),
            signature_algorithm: ED25519,
            this_update: "260101000000Z",
            next_update: Some("270101000000Z"),
            entries,
            extensions: vec![extension(CRL_NUMBER, false, &[INTEGER, 2, 0x1a, 0x2b])],
        }
    }

    pub(crate) fn with_extension(extension: Vec<u8>) -> List {
        let mut list = List::new(vec![entry(&[1], &[])]);
        list.extensions.push(extension);
        list
    }

    fn to_be_signed(&self, issuer: &[u8]) -> Vec<u8> {
        let mut parts = Vec::new();
        parts.extend(self.version.map(|version| tlv(INTEGER, &[version])));
        parts.push(sequence(&[oid(self.signature_algorithm)]));
        parts.push(issuer.to_vec());
        parts.push(tlv(UTC_TIME, self.this_update.as_bytes()));
        parts.extend(self.next_update.map(|time| tlv(UTC_TIME, time.as_bytes())));
        if !self.entries.is_empty() {
            parts.push(sequence(&self.entries));
        }
        if !self.extensions.is_empty() {
            parts.push(tlv(0xa0, &sequence(&self.extensions)));
        }
        sequence(&parts)
    }
}

/// An entry with these contents octets of its serial.
pub(crate) fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = vec![tlv(INTEGER, serial), tlv(UTC_TIME, b"251231000000Z")];
    if !extensions.is_empty() {
        parts.push(sequence(extensions));
    }
    sequence(&parts)
}

/// The extension `reasonCode`.
pub(crate) fn reason(code: u8) -> Vec<u8> {
    extension(REASON_CODE, false, &[ENUMERATED, 1, code])
}
