//! What the filter looks for among a request's headers, found in one pass.

use crate::config::Config;
use crate::header_map::HeaderMap;

/// What the connection manager says of the client's certificate.
pub(super) const XFCC: &[u8] = b"x-forwarded-client-cert";

/// One request's headers, as far as they matter here.
pub(super) struct Inbound<'a> {
    /// `:authority`, which Envoy makes of HTTP/1.1's `Host` too; empty where there is none.
    pub(super) authority: &'a [u8],
    /// Names that only this filter may set, as the client spelled them.
    pub(super) spoofed: Vec<&'a [u8]>,
    /// What the connection manager says of the certificate, where the chain is read from it.
    pub(super) xfcc: Option<&'a [u8]>,
}

impl<'a> Inbound<'a> {
    pub(super) fn scan(headers: HeaderMap<'a>, config: &Config) -> Self {
        let mut inbound = Self {
            authority: b"",
            spoofed: Vec::new(),
            xfcc: None,
        };
        for (name, value) in headers.iter() {
            if name == b":authority" {
                inbound.authority = value;
            } else if config.chain_from_xfcc && name == XFCC {
                inbound.xfcc = Some(value);
            } else if config.managed_headers.contains(name) {
                inbound.spoofed.push(name);
            }
        }
        inbound
    }
}
