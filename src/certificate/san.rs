//! Subject alternative names (RFC 5280 §4.2.1.6), one by one and as comma-separated lists.
//!
//! A consumer of a list splits it at commas, so no name may look like two, nor end early (the class
//! of CVE-2026-47778). Names are never escaped, which would let one name be written like another: a
//! name with a comma, a space, a control character or a byte beyond ASCII in it is left out,
//! whatever its kind. So are empty names, and addresses that are not 4 or 16 octets long.

use super::tlv::{self, Element, SEQUENCE};
use super::x509::{Malformed, X509};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// Kinds of `GeneralName` that fields list, with their context tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// `rfc822Name`
    Email = 0x81,
    /// `dNSName`
    Dns = 0x82,
    /// `uniformResourceIdentifier`
    Uri = 0x86,
    /// `iPAddress`, written as in RFC 5952 §4
    Ip = 0x87,
}

/// Returns every `GeneralName` in the order of the certificate; none without the extension.
///
/// # Errors
/// When the extension is malformed or there twice.
pub(super) fn general_names<'a>(certificate: &X509<'a>) -> Result<Vec<Element<'a>>, Malformed> {
    let Some(extension) = certificate.extension(SUBJECT_ALT_NAME)? else {
        return Ok(Vec::new());
    };
    let names = tlv::contents(extension, SEQUENCE).and_then(tlv::elements);
    names.ok_or(Malformed)
}

/// Joins the names of this kind in the order of the certificate by `,` without a space.
pub(super) fn list(certificate: &X509<'_>, kind: Kind) -> Option<String> {
    let names = general_names(certificate).ok()?;
    let values: Vec<String> = names
        .iter()
        .filter(|name| name.tag == kind as u8)
        .filter_map(|name| {
            if kind == Kind::Ip {
                address(name.value)
            } else {
                text(name.value)
            }
        })
        .collect();
    Some(values.join(","))
}

fn text(name: &[u8]) -> Option<String> {
    let is_safe = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_graphic() && *byte != b',');
    str::from_utf8(name)
        .ok()
        .filter(|_| is_safe)
        .map(str::to_owned)
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(octets).to_string());
    }
    <[u8; 16]>::try_from(octets)
        .ok()
        .map(|octets| Ipv6Addr::from(octets).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_look_like_another_list_entry_are_left_out() {
        let table: [(&[u8], Option<&str>); 9] = [
            (b"a.example", Some("a.example")),
            (
                b"spiffe://example/ns/a%20b",
                Some("spiffe://example/ns/a%20b"),
            ),
            (b"a.example,admin.example", None),
            (b"admin.example\0.evil.example", None),
            (b"a.example\r\nX-Admin: 1", None),
            (b"a b.example", None),
            (b"\x7f.example", None),
            ("caf\u{e9}.example".as_bytes(), None),
            (b"", None),
        ];
        for (name, expected) in table {
            assert_eq!(text(name).as_deref(), expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn addresses_are_written_in_their_canonical_form() {
        assert_eq!(address(&[192, 0, 2, 1]).as_deref(), Some("192.0.2.1"));
        let mut octets = [0; 16];
        (octets[0], octets[1], octets[15]) = (0x20, 0x01, 1);
        assert_eq!(address(&octets).as_deref(), Some("2001::1"));
        assert_eq!(address(&[192, 0, 2]), None);
    }
}
