//! Whether the origin's application processed a request (contract §4.5).

/// Statuses that a parser, a gateway or a server short of time answers before the application sees
/// the request: 400, 408, 413, 414, 417, 421, 425, 431, 502, 503, 504 (RFC 9110 §15, RFC 6585 §5,
/// RFC 8470 §5.2). Node, for one, answers 431 to headers over 16 KiB.
const UNPROCESSED: [&[u8]; 11] = [
    b"400", b"408", b"413", b"414", b"417", b"421", b"425", b"431", b"502", b"503", b"504",
];

/// Whether a response with these code details and this `:status` shows that the request was
/// delivered. Envoy's details are `via_upstream` for the origin's answer alone.
pub(super) fn is_delivered(code_details: Option<&[u8]>, status: Option<&[u8]>) -> bool {
    code_details == Some(b"via_upstream")
        && !status.is_some_and(|status| UNPROCESSED.contains(&status))
}

#[cfg(test)]
mod tests {
    use super::is_delivered;

    #[test]
    fn only_answers_of_the_origins_application_count() {
        let table = [
            (Some("via_upstream"), "200", true),
            (Some("via_upstream"), "404", true),
            (Some("via_upstream"), "500", true),
            (Some("via_upstream"), "431", false),
            (Some("via_upstream"), "503", false),
            (Some("direct_response"), "200", false),
            (
                Some("upstream_reset_before_response_started{}"),
                "503",
                false,
            ),
            (None, "200", false),
        ];
        for (details, status, expected) in table {
            let delivered = is_delivered(details.map(str::as_bytes), Some(status.as_bytes()));
            assert_eq!(delivered, expected, "{details:?} {status}");
        }
    }
}
