//! RFC 9440, *Client-Cert HTTP Header Field*: its two headers and the rules for setting them.

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

/// Whether responses may not carry a header of this name (see [`crate::header_names::folded`]).
///
/// Every name that starts with `client-cert` is refused, so that none can be taken for these two.
#[must_use]
pub fn is_request_only(folded: &str) -> bool {
    folded.starts_with(CLIENT_CERT)
}

#[cfg(test)]
mod tests {
    use super::is_request_only;

    #[test]
    fn responses_carry_neither_header_nor_one_that_resembles_them() {
        for name in ["client-cert", "client-cert-chain", "client-certificate"] {
            assert!(is_request_only(name), "{name}");
        }
        assert!(!is_request_only("x-client-cert"));
    }
}
