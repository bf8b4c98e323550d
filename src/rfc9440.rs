//! RFC 9440, *Client-Cert HTTP Header Field*: the rule for responses that vary on its headers.

use crate::header_map::HeaderMap;

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
        name.eq_ignore_ascii_case(b"client-cert") || name.eq_ignore_ascii_case(b"client-cert-chain")
    })
}
