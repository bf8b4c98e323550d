//! Distinguished names as OpenSSL writes them: RFC 2253 (nginx's `$ssl_client_s_dn`) and the old
//! one-line form (nginx's `$ssl_client_s_dn_legacy`). Both are printable ASCII, whatever is in the
//! certificate.
//!
//! Header values can't end with a space (RFC 9110 §5.5), so a space at the very end is written as
//! its code, `\20` or `\x20`. The other differences are in certificates that no CA issues;
//! `tests/openssl_differential/corpus/differences.rs` has them all.

use super::tlv::{self, BIT_STRING, Element, OBJECT_IDENTIFIER, SEQUENCE, SET};
use super::{hex, oid};
use std::fmt::Write;

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// Writes the last RDN first, as `openssl x509 -nameopt RFC2253` does:
/// `CN=Managed CA,O=Cloudflare\, Inc.,C=US`. Control characters and bytes beyond ASCII are escaped
/// as `\0A` and `\C3\AB`; values of unknown attributes and of types that are no text are `#` and
/// their DER in hex.
///
/// `None` when `name`, the contents octets of an `RDNSequence`, is malformed.
pub(super) fn rfc2253(name: &[u8]) -> Option<String> {
    let mut text = String::new();
    for rdn in relative_names(name)?.iter().rev() {
        for (position, attribute) in rdn.iter().rev().enumerate() {
            match position {
                _ if text.is_empty() => {}
                0 => text.push(','),
                _ => text.push('+'),
            }
            let (label, is_known) = attribute.label()?;
            text.push_str(&label);
            text.push('=');
            match characters(&attribute.value) {
                Some(characters) if is_known => push_escaped(&mut text, &characters),
                _ => {
                    text.push('#');
                    text.push_str(&hex::upper(attribute.value.encoding));
                }
            }
        }
    }
    if text.ends_with(' ') {
        text.pop();
        text.push_str("20");
    }
    Some(text)
}

/// Writes the first RDN first, as `openssl x509 -nameopt compat` (`X509_NAME_oneline`) does:
/// `/C=US/O=Cloudflare, Inc./CN=Managed CA`. Bytes that are not printable ASCII are escaped as
/// `\x0A`, a slash and a plus in a value with a backslash.
///
/// `None` when `name`, the contents octets of an `RDNSequence`, is malformed.
pub(super) fn legacy(name: &[u8]) -> Option<String> {
    let mut text = String::new();
    for rdn in relative_names(name)? {
        for (position, attribute) in rdn.iter().enumerate() {
            text.push(if position == 0 { '/' } else { '+' });
            text.push_str(&attribute.label()?.0);
            text.push('=');
            for byte in attribute.bytes() {
                match byte {
                    b'/' | b'+' => text.extend(['\\', char::from(*byte)]),
                    b' '..=b'~' => text.push(char::from(*byte)),
                    // Writing to a String can't fail.
                    _ => drop(write!(text, "\\x{byte:02X}")),
                }
            }
        }
    }
    if text.ends_with(' ') {
        text.pop();
        text.push_str("\\x20");
    }
    Some(text)
}

/// One `AttributeTypeAndValue`.
struct Attribute<'a> {
    oid: &'a [u8],
    value: Element<'a>,
}

impl<'a> Attribute<'a> {
    /// Returns the attribute's short name or else its dotted OID, and whether OpenSSL knows it.
    fn label(&self) -> Option<(String, bool)> {
        let dotted = oid::dotted(self.oid)?;
        Some(match oid::short_name(&dotted) {
            Some(name) => (name.to_owned(), true),
            None => (dotted, false),
        })
    }

    /// Returns the octets that OpenSSL keeps of the value.
    fn bytes(&self) -> &'a [u8] {
        match self.value.tag {
            BIT_STRING => self.value.value.get(1..).unwrap_or_default(),
            SEQUENCE => self.value.encoding,
            _ => self.value.value,
        }
    }
}

/// Reads the RDNs and their attributes in the certificate's order.
fn relative_names(name: &[u8]) -> Option<Vec<Vec<Attribute<'_>>>> {
    tlv::elements(name)?
        .into_iter()
        .map(|rdn| attributes(&rdn))
        .collect()
}

fn attributes<'a>(rdn: &Element<'a>) -> Option<Vec<Attribute<'a>>> {
    if rdn.tag != SET {
        return None;
    }
    tlv::elements(rdn.value)?
        .into_iter()
        .map(
            |attribute| match *tlv::elements(attribute.value)?.as_slice() {
                [oid, value] if attribute.tag == SEQUENCE && oid.tag == OBJECT_IDENTIFIER => {
                    Some(Attribute {
                        oid: oid.value,
                        value,
                    })
                }
                _ => None,
            },
        )
        .collect()
}

/// Converts a string value to UTF-8. A `TeletexString` is read as Latin-1, as in OpenSSL. A
/// `UTF8String` is taken as it is, valid or not. `None` for types that are no text, and for octets
/// that are no text of their type.
fn characters(value: &Element<'_>) -> Option<Vec<u8>> {
    let octets = value.value;
    let text: String = match value.tag {
        UTF8_STRING => return Some(octets.to_vec()),
        NUMERIC_STRING | PRINTABLE_STRING | TELETEX_STRING | IA5_STRING | UTC_TIME
        | GENERALIZED_TIME | VISIBLE_STRING => octets.iter().copied().map(char::from).collect(),
        BMP_STRING => code_points::<2>(octets)?,
        UNIVERSAL_STRING => code_points::<4>(octets)?,
        _ => return None,
    };
    Some(text.into_bytes())
}

/// Reads characters of `WIDTH` octets each, most significant octet first.
fn code_points<const WIDTH: usize>(octets: &[u8]) -> Option<String> {
    let (characters, []) = octets.as_chunks::<WIDTH>() else {
        return None;
    };
    characters
        .iter()
        .map(|octets| {
            char::from_u32(
                octets
                    .iter()
                    .fold(0, |code, octet| code << 8 | u32::from(*octet)),
            )
        })
        .collect()
}

/// Escapes as RFC 2253 §2.4 requires, and all that is not printable ASCII. OpenSSL escapes `#` only
/// at the start of a value that goes on after it.
fn push_escaped(text: &mut String, characters: &[u8]) {
    for (index, byte) in characters.iter().enumerate() {
        let is_first = index == 0;
        let is_last = index + 1 == characters.len();
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => {
                text.extend(['\\', char::from(*byte)])
            }
            b' ' if is_first || is_last => text.push_str("\\ "),
            b'#' if is_first && !is_last => text.push_str("\\#"),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Writing to a String can't fail.
            _ => drop(write!(text, "\\{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const COUNTRY: &[u8] = &[0x55, 0x04, 0x06];
    const UNKNOWN: &[u8] = &[0x2a, 0x03];

    fn rdn(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let attributes: Vec<u8> = attributes
            .iter()
            .flat_map(|(oid, tag, value)| {
                tlv::encode(
                    SEQUENCE,
                    &[
                        tlv::encode(OBJECT_IDENTIFIER, oid),
                        tlv::encode(*tag, value),
                    ]
                    .concat(),
                )
            })
            .collect();
        tlv::encode(SET, &attributes)
    }

    #[test]
    fn values_are_written_as_openssl_writes_them() {
        let table: [(u8, &[u8], &str, &str); 19] = [
            (
                UTF8_STRING,
                b"a, b+c/d=e\"<>;\\",
                "CN=a\\, b\\+c/d=e\\\"\\<\\>\\;\\\\",
                "/CN=a, b\\+c\\/d=e\"<>;\\",
            ),
            (
                UTF8_STRING,
                "caf\u{e9}".as_bytes(),
                "CN=caf\\C3\\A9",
                "/CN=caf\\xC3\\xA9",
            ),
            (
                UTF8_STRING,
                b"a\r\n\0\x7f",
                "CN=a\\0D\\0A\\00\\7F",
                "/CN=a\\x0D\\x0A\\x00\\x7F",
            ),
            (UTF8_STRING, b"\xff\xfe", "CN=\\FF\\FE", "/CN=\\xFF\\xFE"),
            (UTF8_STRING, b"", "CN=", "/CN="),
            (UTF8_STRING, b"#a#", "CN=\\#a#", "/CN=#a#"),
            (UTF8_STRING, b"#", "CN=#", "/CN=#"),
            (UTF8_STRING, b" a", "CN=\\ a", "/CN= a"),
            (UTF8_STRING, b"a  ", "CN=a \\20", "/CN=a \\x20"),
            (UTF8_STRING, b" ", "CN=\\20", "/CN=\\x20"),
            (TELETEX_STRING, b"caf\xe9", "CN=caf\\C3\\A9", "/CN=caf\\xE9"),
            (
                BMP_STRING,
                b"\0a\x20\xac",
                "CN=a\\E2\\82\\AC",
                "/CN=\\x00a \\xAC",
            ),
            (
                UNIVERSAL_STRING,
                b"\0\x01\xf6\0\0\0\0,",
                "CN=\\F0\\9F\\98\\80\\,",
                "/CN=\\x00\\x01\\xF6\\x00\\x00\\x00\\x00,",
            ),
            (BMP_STRING, b"\xd8\0", "CN=#1E02D800", "/CN=\\xD8\\x00"),
            (BMP_STRING, b"a", "CN=#1E0161", "/CN=a"),
            (BIT_STRING, b"\0ab", "CN=#0303006162", "/CN=ab"),
            (BIT_STRING, b"", "CN=#0300", "/CN="),
            (
                SEQUENCE,
                b"\x02\x01a",
                "CN=#3003020161",
                "/CN=0\\x03\\x02\\x01a",
            ),
            (0x1b, b"ab", "CN=#1B026162", "/CN=ab"),
        ];
        for (tag, value, expected, expected_legacy) in table {
            let name = rdn(&[(COMMON_NAME, tag, value)]);
            assert_eq!(
                rfc2253(&name).as_deref(),
                Some(expected),
                "{tag:#x} {}",
                value.escape_ascii()
            );
            assert_eq!(
                legacy(&name).as_deref(),
                Some(expected_legacy),
                "{tag:#x} {}",
                value.escape_ascii()
            );
        }
    }

    #[test]
    fn rdns_and_their_attributes_are_reversed_in_rfc2253_alone() {
        let name = [
            rdn(&[(COUNTRY, PRINTABLE_STRING, b"GB")]),
            rdn(&[]),
            rdn(&[
                (COMMON_NAME, UTF8_STRING, b"a"),
                (UNKNOWN, UTF8_STRING, b"b"),
            ]),
        ]
        .concat();
        assert_eq!(rfc2253(&name).as_deref(), Some("1.2.3=#0C0162+CN=a,C=GB"));
        assert_eq!(legacy(&name).as_deref(), Some("/C=GB/CN=a+1.2.3=b"));
        assert_eq!(rfc2253(&[]).as_deref(), Some(""));
        assert_eq!(legacy(&[]).as_deref(), Some(""));
    }

    #[test]
    fn a_malformed_name_is_not_written_in_part() {
        let good = rdn(&[(COMMON_NAME, UTF8_STRING, b"a")]);
        let table = [
            ("no set", tlv::encode(SEQUENCE, &[])),
            ("no sequence", tlv::encode(SET, &tlv::encode(SET, &[]))),
            (
                "no value",
                tlv::encode(
                    SET,
                    &tlv::encode(SEQUENCE, &tlv::encode(OBJECT_IDENTIFIER, COMMON_NAME)),
                ),
            ),
            ("an empty identifier", rdn(&[(&[], UTF8_STRING, b"a")])),
            ("cut off", good[..good.len() - 1].to_vec()),
        ];
        for (case, bad) in table {
            let name = [good.clone(), bad].concat();
            assert_eq!(rfc2253(&name), None, "{case}");
            assert_eq!(legacy(&name), None, "{case}");
        }
    }
}
