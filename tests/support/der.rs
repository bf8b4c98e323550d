//! Writes DER by hand, for certificates that no library would make.

use std::fmt::Write;

/// `commonName`.
pub const COMMON_NAME: &str = "2.5.4.3";

/// Tag of `UTF8String`.
pub const UTF8: u8 = 0x0c;
/// Tag of `NumericString`.
pub const NUMERIC: u8 = 0x12;
/// Tag of `PrintableString`.
pub const PRINTABLE: u8 = 0x13;
/// Tag of `TeletexString`.
pub const TELETEX: u8 = 0x14;
/// Tag of `IA5String`.
pub const IA5: u8 = 0x16;
/// Tag of `UTCTime`.
pub const UTC_TIME: u8 = 0x17;
/// Tag of `GeneralizedTime`.
pub const GENERALIZED_TIME: u8 = 0x18;
/// Tag of `UniversalString`.
pub const UNIVERSAL: u8 = 0x1c;
/// Tag of `BMPString`.
pub const BMP: u8 = 0x1e;
/// Tag of `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;
/// Tag of `REAL`.
pub const REAL: u8 = 0x09;
/// Tag of `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;

/// `id-ce-subjectKeyIdentifier`.
pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
/// `id-ce-subjectAltName`.
pub const ALTERNATIVE_NAME: &str = "2.5.29.17";
/// `id-ce-authorityKeyIdentifier`.
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";

/// Encodes one element with contents of less than 64 KiB.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut element = vec![tag];
    match length {
        0..0x80 => element.push(length as u8),
        0x80..0x100 => element.extend([0x81, length as u8]),
        0x100..0x1_0000 => element.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => element.extend([
            0x83,
            (length >> 16) as u8,
            (length >> 8) as u8,
            length as u8,
        ]),
    }
    element.extend(contents);
    element
}

/// Encodes a SEQUENCE of elements.
pub fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &elements.concat())
}

/// Encodes the contents octets of an object identifier.
///
/// # Panics
/// When `dotted` is not two or more numbers with dots between them.
pub fn oid(dotted: &str) -> Vec<u8> {
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

/// An attribute of a name: contents octets of its OID, tag and contents octets of its value.
pub type Attribute = (Vec<u8>, u8, Vec<u8>);

/// Makes an attribute of a dotted OID.
pub fn attribute(oid_text: &str, tag: u8, value: &[u8]) -> Attribute {
    (oid(oid_text), tag, value.to_vec())
}

/// Encodes a name of these RDNs.
pub fn name(rdns: &[Vec<Attribute>]) -> Vec<u8> {
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

/// Encodes one extension; `critical` is left out where it is false, its default.
pub fn extension(oid_text: &str, is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical {
        tlv(0x01, &[0xff])
    } else {
        Vec::new()
    };
    sequence(&[tlv(0x06, &oid(oid_text)), critical, tlv(0x04, value)])
}

/// A certificate whose signature fits nothing. The parts are DER, unless they say otherwise.
pub struct Template {
    /// Contents octets of the INTEGER; `None` leaves it out, which means version 1 (0).
    pub version: Option<Vec<u8>>,
    /// Contents octets of the INTEGER.
    pub serial: Vec<u8>,
    /// A `Name`.
    pub issuer: Vec<u8>,
    /// A `Name`.
    pub subject: Vec<u8>,
    /// Tag and text.
    pub not_before: (u8, String),
    /// Tag and text.
    pub not_after: (u8, String),
    /// A `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    /// The elements of the list; none leaves the list out.
    pub extensions: Vec<Vec<u8>>,
}

impl Template {
    /// A certificate of version 3 with nothing odd in it.
    pub fn plain() -> Template {
        Template {
            version: Some(vec![2]),
            serial: vec![1],
            issuer: name(&[vec![attribute(COMMON_NAME, UTF8, b"issuer")]]),
            subject: name(&[vec![attribute(COMMON_NAME, UTF8, b"subject")]]),
            not_before: (UTC_TIME, "240101000000Z".to_owned()),
            not_after: (UTC_TIME, "340101000000Z".to_owned()),
            public_key: sequence(&[
                ed25519(),
                tlv(BIT_STRING, &[[0].as_slice(), &[0x11; 32]].concat()),
            ]),
            extensions: Vec::new(),
        }
    }

    /// Encodes the certificate.
    pub fn der(&self) -> Vec<u8> {
        let time = |(tag, text): &(u8, String)| tlv(*tag, text.as_bytes());
        let version = self.version.iter().map(|v| tlv(0xa0, &tlv(0x02, v)));
        let mut fields: Vec<Vec<u8>> = version.collect();
        fields.extend([
            tlv(0x02, &self.serial),
            ed25519(),
            self.issuer.clone(),
            sequence(&[time(&self.not_before), time(&self.not_after)]),
            self.subject.clone(),
            self.public_key.clone(),
        ]);
        if !self.extensions.is_empty() {
            fields.push(tlv(0xa3, &sequence(&self.extensions)));
        }
        sequence(&[sequence(&fields), ed25519(), tlv(BIT_STRING, &[0; 65])])
    }
}

/// The `AlgorithmIdentifier` of Ed25519.
fn ed25519() -> Vec<u8> {
    sequence(&[tlv(0x06, &oid("1.3.101.112"))])
}

/// Returns the `SubjectPublicKeyInfo` of a certificate.
pub fn public_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let fields = tbs_fields(certificate)?;
    fields
        .get(public_key_index(&fields)?)
        .map(|field| field.to_vec())
}

/// Puts another public key into a certificate, so that its client can prove to have the private key
/// on a listener that doesn't verify the signature. `None` where there is no public key to replace.
pub fn with_public_key(certificate: &[u8], public_key: &[u8]) -> Option<Vec<u8>> {
    let mut fields = tbs_fields(certificate)?;
    let index = public_key_index(&fields)?;
    *fields.get_mut(index)? = public_key;
    let (_, contents, _) = split(certificate)?;
    let (_, _, after_tbs) = split(contents)?;
    Some(tlv(
        SEQUENCE,
        &[&tlv(SEQUENCE, &fields.concat()), after_tbs].concat(),
    ))
}

/// The elements of the `TBSCertificate`.
fn tbs_fields(certificate: &[u8]) -> Option<Vec<&[u8]>> {
    let (_, contents, _) = split(certificate)?;
    let (_, mut rest, _) = split(contents)?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (element, _, after) = split(rest)?;
        fields.push(element);
        rest = after;
    }
    Some(fields)
}

/// The public key is the sixth field after the version, which is optional.
fn public_key_index(fields: &[&[u8]]) -> Option<usize> {
    let has_version = fields.first()?.first() == Some(&0xa0);
    Some(if has_version { 6 } else { 5 })
}

/// The first element as a whole, its contents octets, and all that follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first_length_octet = usize::from(*bytes.get(1)?);
    let (header, length) = match first_length_octet.checked_sub(0x80) {
        None => (2, first_length_octet),
        Some(count) => {
            let octets = bytes.get(2..2 + count)?;
            let length = octets
                .iter()
                .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            (2 + count, length)
        }
    };
    let (element, rest) = bytes.split_at_checked(header + length)?;
    Some((element, &element[header..], rest))
}

/// Lowercase hex for messages, which `xxd -r -p` turns back into the bytes.
///
/// # Panics
/// Never: a `String` takes everything.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
