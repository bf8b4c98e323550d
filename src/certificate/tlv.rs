//! Reading DER one element at a time (ITU-T X.690 §8.1 and §10.1).
//!
//! X.509 structures are walked rather than decoded into types, because TLS libraries accept more
//! certificates than a typed decoder does (dates before 1970, `UniversalString` names, OID arcs of
//! 2^32), and those need their headers too. `tests/openssl_differential/refused.rs` has the list.

use der::{Decode, Length, Reader, SliceReader};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The bits of an identifier octet that, all set, announce a tag number in further octets.
/// Certificates have no such tags.
const LONG_TAG_NUMBER: u8 = 0x1f;

/// One DER element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// The identifier octet: class, constructed bit and tag number.
    pub(super) tag: u8,
    /// The contents octets.
    pub(super) value: &'a [u8],
    /// The whole element: identifier, length and contents.
    pub(super) encoding: &'a [u8],
}

/// Reads the elements that `bytes` consist of; `None` when they are not DER to the last byte.
pub(super) fn elements(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(next(&mut reader)?);
    }
    Some(elements)
}

/// Returns the contents of `bytes`, when they are exactly one element with this tag.
pub(super) fn contents(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    match elements(bytes)?.as_slice() {
        [element] if element.tag == tag => Some(element.value),
        _ => None,
    }
}

fn next<'a>(reader: &mut SliceReader<'a>) -> Option<Element<'a>> {
    let mut ahead = reader.clone();
    let tag = ahead.read_byte().ok()?;
    if tag & LONG_TAG_NUMBER == LONG_TAG_NUMBER {
        return None;
    }
    let length = Length::decode(&mut ahead).ok()?;
    let header_length = (ahead.position() - reader.position()).ok()?;
    let encoding = reader.read_slice((header_length + length).ok()?).ok()?;
    let value = encoding.get(usize::try_from(header_length).ok()?..)?;
    Some(Element {
        tag,
        value,
        encoding,
    })
}

/// Encodes one element with contents of less than 128 bytes.
#[cfg(test)]
pub(super) fn encode(tag: u8, contents: &[u8]) -> Vec<u8> {
    assert!(contents.len() < 128);
    [&[tag, contents.len() as u8], contents].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_to_the_last_byte() {
        let bytes = [0x02, 0x01, 0x05, 0x0c, 0x00];
        assert_eq!(
            elements(&bytes),
            Some(vec![
                Element {
                    tag: 0x02,
                    value: &[0x05],
                    encoding: &[0x02, 0x01, 0x05]
                },
                Element {
                    tag: 0x0c,
                    value: &[],
                    encoding: &[0x0c, 0x00]
                },
            ])
        );
        assert_eq!(elements(&[]), Some(vec![]));
    }

    #[test]
    fn what_is_not_der_is_refused() {
        let table: [(&str, &[u8]); 6] = [
            ("truncated contents", &[0x02, 0x02, 0x05]),
            ("no length", &[0x02]),
            ("indefinite length", &[0x30, 0x80, 0x00, 0x00]),
            ("length not in its shortest form", &[0x02, 0x81, 0x01, 0x05]),
            ("tag number in several octets", &[0x1f, 0x81, 0x01, 0x00]),
            (
                "length beyond four octets",
                &[0x02, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
            ),
        ];
        for (case, bytes) in table {
            assert_eq!(elements(bytes), None, "{case}");
        }
    }

    #[test]
    fn contents_are_of_one_element_with_the_wanted_tag() {
        assert_eq!(
            contents(&[0x04, 0x01, 0xff], OCTET_STRING),
            Some([0xff].as_slice())
        );
        assert_eq!(contents(&[0x04, 0x01, 0xff], INTEGER), None);
        assert_eq!(
            contents(&[0x04, 0x01, 0xff, 0x05, 0x00], OCTET_STRING),
            None
        );
    }
}
