//! The values of `Client-Cert` and `Client-Cert-Chain` (RFC 9440 §2.2 and §2.3, structured fields
//! of RFC 9651 §3.3.5 and §3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Writes one byte sequence: `:MIIB…:`.
pub(super) fn item(der: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(der))
}

/// Writes a list of byte sequences: `:MIIB…:, :MIIC…:`. Empty for no certificates.
pub(super) fn list(certificates: &[Vec<u8>]) -> String {
    let items: Vec<String> = certificates.iter().map(|der| item(der)).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::pem;
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::{prop_assert_eq, proptest};
    use sfv::{BareItem, Item, List, ListEntry, Parser};

    /// Figures 1 to 3 of RFC 9440's appendix A: the certificates as PEM, leaf first, and the two
    /// headers, without their line breaks.
    const CERTIFICATES: &[u8] = include_bytes!("testdata/rfc9440.pem");
    const CLIENT_CERT: &str = include_str!("testdata/rfc9440-client-cert.txt");
    const CLIENT_CERT_CHAIN: &str = include_str!("testdata/rfc9440-client-cert-chain.txt");

    #[test]
    fn the_examples_of_appendix_a_come_out() {
        let certificates = pem::decode_all(CERTIFICATES);
        let (leaf, chain) = certificates.split_first().unwrap();
        assert_eq!(item(leaf), CLIENT_CERT.trim_end());
        assert_eq!(list(chain), CLIENT_CERT_CHAIN.trim_end());
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
