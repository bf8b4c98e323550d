//! The parts of a request's headers that matter here, found in one pass.

use crate::config::Config;
use crate::headers::managed::ManagedHeaders;
use crate::headers::map::HeaderMap;

/// Where the connection manager writes the client's certificate chain.
pub(super) const XFCC: &[u8] = b"x-forwarded-client-cert";

/// One request's headers, as far as a decision depends on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbound<'a> {
    /// `:authority`, which Envoy makes of HTTP/1.1's `Host` too; empty where there is none.
    pub authority: &'a [u8],
    /// Managed names among the headers, as the client spelled them.
    pub spoofed: Vec<&'a [u8]>,
    /// The `Connection` header without the managed names in it, where it names some.
    pub connection: Option<Vec<u8>>,
    /// `x-forwarded-client-cert`, where the chain is read from it.
    pub xfcc: Option<&'a [u8]>,
    /// Whether the method is CONNECT, whose headers reach no origin (RFC 9110 §9.3.6).
    pub is_connect: bool,
}

impl<'a> Inbound<'a> {
    /// Picks them out of `headers`.
    #[must_use]
    pub fn scan(headers: HeaderMap<'a>, config: &Config) -> Self {
        let mut inbound = Self::default();
        let mut connection = Vec::new();
        for (name, value) in headers.iter() {
            match name {
                b":authority" => inbound.authority = value,
                b":method" => inbound.is_connect = value == b"CONNECT",
                b"connection" => connection.push(value),
                _ if config.chain_from_xfcc && name == XFCC => inbound.xfcc = Some(value),
                _ if config.managed_headers.contains(name) => inbound.spoofed.push(name),
                _ => {}
            }
        }
        inbound.connection = without_managed(&connection, &config.managed_headers);
        inbound
    }

    /// Whether the client tried to set managed headers, or to have them removed behind Envoy.
    #[must_use]
    pub fn is_spoofed(&self) -> bool {
        !self.spoofed.is_empty() || self.connection.is_some()
    }
}

/// Joins the options of the `Connection` headers that name no managed header; `None` where none
/// does.
///
/// Envoy strips `Connection` with the headers that it names, except on upgrades: there it passes it
/// on, and the next proxy would drop the certificate (RFC 9110 §7.6.1).
fn without_managed(values: &[&[u8]], managed: &ManagedHeaders) -> Option<Vec<u8>> {
    let options = || {
        let options = values
            .iter()
            .flat_map(|value| value.split(|byte| *byte == b','));
        options.map(<[u8]>::trim_ascii)
    };
    if !options().any(|option| managed.contains(option)) {
        return None;
    }
    let kept: Vec<&[u8]> = options()
        .filter(|option| !managed.contains(option))
        .collect();
    Some(kept.join(&b", "[..]))
}
