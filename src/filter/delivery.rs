//! Whether the origin's application processed a request (contract §4.5).

/// Statuses that a parser, a gateway or a server short of time answers before the application sees
/// the request: 400, 408, 413, 414, 417, 421, 425, 431, 502, 503, 504 (RFC 9110 §15, RFC 6585 §5,
/// RFC 8470 §5.2). Node, for one, answers 431 to headers over 16 KiB.
const UNPROCESSED: [&[u8]; 11] = [
    b"400", b"408", b"413", b"414", b"417", b"421", b"425", b"431", b"502", b"503", b"504",
];

/// Envoy's `%RESPONSE_CODE_DETAILS%` for an answer of the origin, and for nothing else.
pub(super) const BY_ORIGIN: &[u8] = b"via_upstream";

/// Whether this `:status` says that the application never processed the request.
pub(super) fn is_unprocessed(status: &[u8]) -> bool {
    UNPROCESSED.contains(&status)
}

#[cfg(test)]
mod tests {
    use super::is_unprocessed;

    #[test]
    fn answers_of_parsers_and_gateways_are_told_from_the_applications() {
        for status in [
            "200", "204", "304", "401", "403", "404", "429", "500", "501",
        ] {
            assert!(!is_unprocessed(status.as_bytes()), "{status}");
        }
        for status in ["400", "408", "413", "414", "417", "421", "425", "431"] {
            assert!(is_unprocessed(status.as_bytes()), "{status}");
        }
        for status in ["502", "503", "504"] {
            assert!(is_unprocessed(status.as_bytes()), "{status}");
        }
    }
}
