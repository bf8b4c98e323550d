//! RFC 9440, *Client-Cert HTTP Header Field*: its two headers, their encoding and the rules for
//! them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::headers::map::HeaderMap;

/// Carries the leaf (§2.2).
pub const CLIENT_CERT: &str = "client-cert";
/// Carries the chain without the leaf (§2.3).
pub const CLIENT_CERT_CHAIN: &str = "client-cert-chain";
/// Both. Where a configuration sets one, both are managed: an origin trusts either.
pub const HEADERS: [&str; 2] = [CLIENT_CERT, CLIENT_CERT_CHAIN];

/// A rule that a setting's headers break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    /// §2 allows the headers in requests only.
    InResponse,
    /// §2.3: the chain never goes without the leaf.
    ChainWithoutLeaf,
}

impl BrokenRule {
    /// Says what is wrong and what would be right.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::InResponse => "RFC 9440 §2 allows this header in requests only",
            Self::ChainWithoutLeaf => {
                "RFC 9440 §2.3 sends no chain without the leaf: \
                 add \"Client-Cert\": \"certRFC9440\" beside it"
            }
        }
    }
}

/// Whether responses may not carry a header of this name (see [`crate::headers::names::folded`]).
///
/// Every name that starts with `client-cert` is refused, so that none can be taken for these two.
#[must_use]
pub fn is_request_only(folded: &str) -> bool {
    folded.starts_with(CLIENT_CERT)
}

/// Encodes a certificate as a byte sequence, `:MIIB…:` (§2.1; RFC 9651 §3.3.5).
pub(crate) fn item(der: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(der))
}

/// Encodes certificates as a list, `:MIIB…:, :MIIC…:` (RFC 9651 §3.1); empty for none.
pub(crate) fn list(certificates: &[Vec<u8>]) -> String {
    let items: Vec<String> = certificates.iter().map(|der| item(der)).collect();
    items.join(", ")
}

/// Whether a `Vary` among these serialised response headers names one of the two headers (§2.4).
///
/// Caches between the filter and the client can't tell responses apart by a header that only the
/// origin sees.
#[must_use]
pub fn varies_on_certificate(headers: &[u8]) -> bool {
    let headers = HeaderMap::parse(headers);
    let varies = headers
        .into_iter()
        .flat_map(HeaderMap::iter)
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"vary"));
    let mut names = varies.flat_map(|(_, value)| value.split(|byte| *byte == b','));
    names.any(|name| {
        let name = name.trim_ascii();
        HEADERS
            .iter()
            .any(|header| name.eq_ignore_ascii_case(header.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_request_only, item, list, varies_on_certificate};
    use crate::certificate::pem;
    use crate::headers::map::serialize;
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert_eq, proptest};
    use sfv::{BareItem, Item, List, ListEntry, Parser};

    /// RFC 9440's appendix A, figures 1 to 3: the certificates as PEM, leaf first, and the two
    /// headers without their line breaks.
    const CERTIFICATES: &[u8] = include_bytes!("certificate/testdata/rfc9440.pem");
    const CLIENT_CERT: &str = include_str!("certificate/testdata/rfc9440-client-cert.txt");
    const CLIENT_CERT_CHAIN: &str =
        include_str!("certificate/testdata/rfc9440-client-cert-chain.txt");

    #[test]
    fn the_examples_of_appendix_a_come_out() {
        let certificates = pem::decode_all(CERTIFICATES);
        let (leaf, chain) = certificates.split_first().unwrap();
        assert_eq!(item(leaf), CLIENT_CERT.trim_end());
        assert_eq!(list(chain), CLIENT_CERT_CHAIN.trim_end());
    }

    #[test]
    fn responses_carry_neither_header_nor_one_that_resembles_them() {
        for name in ["client-cert", "client-cert-chain", "client-certificate"] {
            assert!(is_request_only(name), "{name}");
        }
        assert!(!is_request_only("x-client-cert"));
    }

    #[test]
    fn a_vary_that_names_either_header_in_any_case_is_found() {
        for (headers, expected) in [
            (&[("vary", "Client-Cert")][..], true),
            (&[("Vary", "accept, CLIENT-CERT-CHAIN ")], true),
            (&[("vary", "accept"), ("vary", "client-cert")], true),
            (&[("vary", "client-certificate, x-client-cert")], false),
            (&[("x-vary", "client-cert")], false),
            (&[], false),
        ] {
            let pairs: Vec<(&[u8], &[u8])> = headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect();
            assert_eq!(
                varies_on_certificate(&serialize(&pairs)),
                expected,
                "{headers:?}"
            );
        }
        assert!(!varies_on_certificate(b"no map"));
    }

    proptest! {
        #[test]
        fn values_parse_as_structured_fields(certificates in vec(vec(any::<u8>(), 0..200), 1..5)) {
            let leaf: Item = Parser::new(&item(&certificates[0])).parse().unwrap();
            prop_assert_eq!(&leaf.bare_item, &BareItem::ByteSequence(certificates[0].clone()));

            let chain: List = Parser::new(&list(&certificates)).parse().unwrap();
            let expected: List = certificates
                .into_iter()
                .map(|der| ListEntry::Item(Item::new(BareItem::ByteSequence(der))))
                .collect();
            prop_assert_eq!(chain, expected);
        }
    }
}
