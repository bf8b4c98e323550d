//! Writing DER by hand, so that lists can be made that no library would make.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One element.
pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let octets = contents.len().to_be_bytes();
    let significant: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
    let mut element = vec![tag];
    if contents.len() < 0x80 {
        element.push(contents.len() as u8);
    } else {
        element.push(0x80 | significant.len() as u8);
        element.extend(significant);
    }
    element.extend(contents);
    element
}

/// A sequence of elements.
pub(crate) fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &elements.concat())
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let oid: ::der::oid::ObjectIdentifier = dotted.parse().unwrap();
    tlv(OBJECT_IDENTIFIER, oid.as_bytes())
}

/// An extension around the DER of its value.
pub(crate) fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(dotted)];
    if critical {
        parts.push(tlv(BOOLEAN, &[0xff]));
    }
    parts.push(tlv(OCTET_STRING, value));
    sequence(&parts)
}

/// A name with one common name.
pub(crate) fn name(tag: u8, common_name: &str) -> Vec<u8> {
    let attribute = sequence(&[oid("2.5.4.3"), tlv(tag, common_name.as_bytes())]);
    sequence(&[tlv(SET, &attribute)])
}
