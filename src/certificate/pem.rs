//! PEM certificates (RFC 7468 §5), raw or URL-encoded: Envoy gives both, depending on version and
//! source.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use std::borrow::Cow;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";
/// RFC 7468 §2: base64 lines have 64 characters.
const LINE_LENGTH: usize = 64;
/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same without the other characters of base64.
const RESERVED_BUT_BASE64: &AsciiSet = &RESERVED.remove(b'+').remove(b'/').remove(b'=');

/// Decodes the first CERTIFICATE block to DER, whose contents are not examined. `None` when there
/// is no block, or when the first one is malformed.
///
/// `%2B` and the like are decoded; `+` is always a plus, never a space. Line ends may be LF, CRLF
/// or missing.
#[must_use]
pub fn decode(pem: &[u8]) -> Option<Vec<u8>> {
    Blocks {
        rest: &url_decoded(pem),
    }
    .next()
    .flatten()
}

/// Decodes every CERTIFICATE block in order, as [`decode`] does. Empty when one of them is
/// malformed: part of a chain is no chain.
#[must_use]
pub fn decode_all(pem: &[u8]) -> Vec<Vec<u8>> {
    Blocks {
        rest: &url_decoded(pem),
    }
    .collect::<Option<_>>()
    .unwrap_or_default()
}

/// Encodes a certificate as URL-encoded PEM, as in nginx's `$ssl_client_escaped_cert`: lines of 64
/// characters, each ended by `%0A`; all but letters, digits, `-`, `.`, `_` and `~` encoded.
pub(super) fn url_encoded(der: &[u8]) -> String {
    utf8_percent_encode(&encode(der), RESERVED).to_string()
}

/// Does the same with `+`, `/` and `=` as they are, as AWS load balancers do.
pub(super) fn url_encoded_but_base64(der: &[u8]) -> String {
    utf8_percent_encode(&encode(der), RESERVED_BUT_BASE64).to_string()
}

fn encode(der: &[u8]) -> String {
    let mut pem = String::from("-----BEGIN CERTIFICATE-----");
    for (index, character) in STANDARD.encode(der).chars().enumerate() {
        if index % LINE_LENGTH == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

/// Undoes URL encoding. A raw PEM has no `%` in its blocks, so it comes out unchanged.
fn url_decoded(pem: &[u8]) -> Cow<'_, [u8]> {
    percent_decode(pem).into()
}

/// The CERTIFICATE blocks of a PEM text; `None` for a malformed one.
struct Blocks<'a> {
    rest: &'a [u8],
}

impl Iterator for Blocks<'_> {
    type Item = Option<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, after_begin) = split_once(self.rest, BEGIN)?;
        let Some((body, after_end)) = split_once(after_begin, END) else {
            self.rest = &[];
            return Some(None);
        };
        self.rest = after_end;
        let base64: Vec<u8> = body
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        Some(STANDARD.decode(base64).ok().filter(|der| !der.is_empty()))
    }
}

fn split_once<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let position = text
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((
        text.get(..position)?,
        text.get(position + separator.len()..)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DER: &[u8] = &[0xfb, 0xff, 0xbe, 0x00, 0x01];

    #[test]
    fn a_certificate_is_read_however_it_is_written() {
        let table = [
            (
                "as Envoy's attribute has it",
                "-----BEGIN CERTIFICATE-----\n+/++AAE=\n-----END CERTIFICATE-----\n",
            ),
            (
                "without line ends",
                "-----BEGIN CERTIFICATE-----+/++AAE=-----END CERTIFICATE-----",
            ),
            (
                "with CRLF",
                "-----BEGIN CERTIFICATE-----\r\n+/++\r\nAAE=\r\n-----END CERTIFICATE-----\r\n",
            ),
            (
                "with text around",
                "subject: 100%\n-----BEGIN CERTIFICATE-----\n+/++AAE=\n-----END CERTIFICATE-----\n%zz",
            ),
            (
                "URL-encoded",
                "-----BEGIN%20CERTIFICATE-----%0A%2B%2F%2B%2bAAE%3d%0A-----END%20CERTIFICATE-----%0A",
            ),
            (
                "URL-encoded but for + / =",
                "-----BEGIN%20CERTIFICATE-----%0A+/++AAE=%0A-----END%20CERTIFICATE-----%0A",
            ),
        ];
        for (case, pem) in table {
            assert_eq!(decode(pem.as_bytes()).as_deref(), Some(DER), "{case}");
            assert_eq!(decode_all(pem.as_bytes()), [DER], "{case}");
        }
    }

    #[test]
    fn what_is_no_certificate_gives_nothing() {
        let table = [
            "",
            "+/++AAE=",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n+/++AAE=\n",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n+/++AAE\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n-_--AAE=\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\n+/++AAE=\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n+/++AAE=\n-----END CERTIFICATE-----",
            "-----BEGIN+CERTIFICATE-----\n+/++AAE=\n-----END+CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----\n+/++AAE=\n-----END PRIVATE KEY-----",
        ];
        for pem in table {
            assert_eq!(decode(pem.as_bytes()), None, "{pem}");
            assert_eq!(decode_all(pem.as_bytes()), Vec::<Vec<u8>>::new(), "{pem}");
        }
    }

    #[test]
    fn the_first_of_several_certificates_counts() {
        let pem = "-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAg==\n-----END CERTIFICATE-----\n";
        assert_eq!(decode(pem.as_bytes()), Some(vec![1]));
        assert_eq!(decode_all(pem.as_bytes()), [vec![1], vec![2]]);
    }

    #[test]
    fn a_malformed_block_spoils_the_chain() {
        let pem = "-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAg==\n";
        assert_eq!(decode(pem.as_bytes()), Some(vec![1]));
        assert_eq!(decode_all(pem.as_bytes()), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn url_encoding_is_that_of_nginx() {
        assert_eq!(
            url_encoded(DER),
            "-----BEGIN%20CERTIFICATE-----%0A%2B%2F%2B%2BAAE%3D%0A-----END%20CERTIFICATE-----%0A"
        );
        let lines: Vec<usize> = url_encoded(&[0; 96]).split("%0A").map(str::len).collect();
        assert_eq!(lines, [31 - 2, 64, 64, 27 + 2 - 2, 0]);
    }
}
