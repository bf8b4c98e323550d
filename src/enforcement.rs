//! Requests that the filter answers itself (spec §4.1, §4.7).

use crate::config::Config;
use crate::config::compiled::Setting;
use crate::connection::{Presented, Record};
use crate::host::LocalReply;
use crate::metrics::Outcome;

/// Why a request for `setting` may not go on over the connection that `record` tells of; `None` when it may.
#[must_use]
pub fn refusal(
    config: &Config,
    setting: &Setting,
    record: &Record,
) -> Option<(Outcome, LocalReply)> {
    let body = match record.presented {
        Presented::Verified => None,
        Presented::No => Some("This host requires a client certificate, and none was presented.\n"),
        Presented::SourceMissing => Some(
            "This host requires a client certificate, and the one presented could not be read.\n",
        ),
        Presented::Unverified => Some(
            "This host requires a client certificate, and the one presented was not verified.\n",
        ),
    };
    let denied = body
        .filter(|_| setting.require_client_certificate)
        .map(|body| {
            (
                Outcome::Denied,
                reply(403, "client_cert_forwarder_denied", body),
            )
        });
    // Plain text has no connection to come back with: there 403 says more than 421.
    if setting.sni_must_match
        && !(record.server_name.is_none() && denied.is_some())
        && !sni_matches(config, setting, record)
    {
        let body = "This connection was opened for another host. Send the request again over a connection of its own.\n";
        return Some((
            Outcome::Misdirected,
            reply(421, "client_cert_forwarder_misdirected", body),
        ));
    }
    denied
}

/// Whether the connection was opened for a hostname of the same setting. Unlike an authority the SNI is a name as it stands (RFC 6066
/// §3): with a port or a dot behind it, Envoy would not have chosen that hostname's filter chain.
fn sni_matches(config: &Config, setting: &Setting, record: &Record) -> bool {
    let server_name = record.server_name.as_deref().unwrap_or_default();
    let opened_for = config.setting(&server_name.to_ascii_lowercase());
    !server_name.is_empty() && opened_for.is_some_and(|(_, other)| other.id == setting.id)
}

/// For a request whose hostname the origin could read differently, while some setting refuses requests.
#[must_use]
pub fn ambiguous_hostname() -> LocalReply {
    reply(
        400,
        "client_cert_forwarder_ambiguous_hostname",
        "The host of this request is not a DNS name or an IP address.\n",
    )
}

/// For a client that sent a header of the filter's.
#[must_use]
pub fn spoofed_header() -> LocalReply {
    reply(
        400,
        "client_cert_forwarder_spoofed_header",
        "A header of this request may only be set by the proxy.\n",
    )
}

/// For headers that Envoy could not give or change.
#[must_use]
pub fn unreadable_headers() -> LocalReply {
    reply(
        500,
        "client_cert_forwarder_unreadable_headers",
        "The headers of this request could not be processed.\n",
    )
}

fn reply(status: u16, details: &'static str, body: &'static str) -> LocalReply {
    LocalReply {
        status,
        details,
        body,
    }
}
