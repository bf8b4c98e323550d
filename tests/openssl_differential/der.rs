//! Writing DER by hand, so that certificates can be made that no library would make.

use std::fmt::Write;

pub(crate) const COMMON_NAME: &str = "2.5.4.3";

/// Tags of the types that OpenSSL takes as text in a name.
pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const NUMERIC: u8 = 0x12;
pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const TELETEX: u8 = 0x14;
pub(crate) const IA5: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const UNIVERSAL: u8 = 0x1c;
pub(crate) const BMP: u8 = 0x1e;

/// Tags of types that are no text.
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const REAL: u8 = 0x09;
pub(crate) const SEQUENCE: u8 = 0x30;

pub(crate) const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub(crate) const ALTERNATIVE_NAME: &str = "2.5.29.17";
pub(crate) const AUTHORITY_KEY_ID: &str = "2.5.29.35";

/// One element.
pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut element = vec![tag];
    match length {
        0..0x80 => element.push(length as u8),
        0x80..0x100 => element.extend([0x81, length as u8]),
        _ => element.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    element.extend(contents);
    element
}

/// A sequence of elements.
pub(crate) fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &elements.concat())
}

/// Contents octets of an object identifier.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u128> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut octets = base_128(arcs[0] * 40 + arcs[1]);
    octets.extend(arcs[2..].iter().flat_map(|arc| base_128(*arc)));
    octets
}

fn base_128(mut number: u128) -> Vec<u8> {
    let mut digits = vec![(number & 0x7f) as u8];
    while number > 0x7f {
        number >>= 7;
        digits.insert(0, (number & 0x7f) as u8 | 0x80);
    }
    digits
}

/// One attribute of a name: contents octets of its OID, tag and contents octets of its value.
pub(crate) type Attribute = (Vec<u8>, u8, Vec<u8>);

pub(crate) fn attribute(oid_text: &str, tag: u8, value: &[u8]) -> Attribute {
    (oid(oid_text), tag, value.to_vec())
}

/// A name of these RDNs.
pub(crate) fn name(rdns: &[Vec<Attribute>]) -> Vec<u8> {
    let rdns: Vec<Vec<u8>> = rdns
        .iter()
        .map(|attributes| {
            let attributes: Vec<Vec<u8>> = attributes
                .iter()
                .map(|(oid, tag, value)| sequence(&[tlv(0x06, oid), tlv(*tag, value)]))
                .collect();
            tlv(0x31, &attributes.concat())
        })
        .collect();
    sequence(&rdns)
}

/// One extension.
pub(crate) fn extension(oid_text: &str, is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical {
        tlv(0x01, &[0xff])
    } else {
        Vec::new()
    };
    sequence(&[tlv(0x06, &oid(oid_text)), critical, tlv(0x04, value)])
}

/// A certificate whose signature fits nothing.
pub(crate) struct Template {
    /// Contents octets of the INTEGER.
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    /// Tag and text.
    pub(crate) not_before: (u8, String),
    pub(crate) not_after: (u8, String),
    /// The elements of the list; none leaves the list out.
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Template {
    pub(crate) fn plain() -> Template {
        Template {
            serial: vec![1],
            issuer: name(&[vec![attribute(COMMON_NAME, UTF8, b"issuer")]]),
            subject: name(&[vec![attribute(COMMON_NAME, UTF8, b"subject")]]),
            not_before: (UTC_TIME, "240101000000Z".to_owned()),
            not_after: (UTC_TIME, "340101000000Z".to_owned()),
            extensions: Vec::new(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let ed25519 = sequence(&[tlv(0x06, &oid("1.3.101.112"))]);
        let time = |(tag, text): &(u8, String)| tlv(*tag, text.as_bytes());
        let mut fields = vec![
            tlv(0xa0, &tlv(0x02, &[2])),
            tlv(0x02, &self.serial),
            ed25519.clone(),
            self.issuer.clone(),
            sequence(&[time(&self.not_before), time(&self.not_after)]),
            self.subject.clone(),
            sequence(&[
                ed25519.clone(),
                tlv(0x03, &[[0].as_slice(), &[0x11; 32]].concat()),
            ]),
        ];
        if !self.extensions.is_empty() {
            fields.push(tlv(0xa3, &sequence(&self.extensions)));
        }
        sequence(&[sequence(&fields), ed25519, tlv(0x03, &[0; 65])])
    }
}

/// For messages: what `xxd -r -p` turns back into the certificate.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
