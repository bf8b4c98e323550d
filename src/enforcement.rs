//! Requests that the filter answers itself (contract §4.1, §4.7).

use crate::config::Config;
use crate::config::compiled::Setting;
use crate::connection::{PeerCertificate, Presented};
use crate::hostcalls::LocalReply;
use crate::metrics::Outcome;

/// Why a request for `setting` may not go on over the connection that `record` tells of; `None` when it may.
#[must_use]
pub fn refusal(
    config: &Config,
    setting: &Setting,
    record: &PeerCertificate,
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
        && !(record.server_name().is_none() && denied.is_some())
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
fn sni_matches(config: &Config, setting: &Setting, record: &PeerCertificate) -> bool {
    let server_name = record.server_name().unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::refusal;
    use crate::config::Config;
    use crate::connection::{PeerCertificate, Presented};

    /// Status of the refusal for `hostname` of a connection with that certificate and SNI; 0 when there is none.
    fn status(hostname: &str, presented: Presented, server_name: Option<&[u8]>) -> u16 {
        let json = br#"{"verified_by":"listener","settings":[
            {"hostname":"both.example","require_client_certificate":true},
            {"hostname":"cert.example","require_client_certificate":true,"sni_must_match":false},
            {"hostname":"sni.example","sni_must_match":true},
            {"hostname":"*.example","sni_must_match":true},
            {"hostname":"free.example"}]}"#;
        let config = Config::from_json(json).unwrap();
        let (_, setting) = config.setting(hostname.as_bytes()).unwrap();
        let record = PeerCertificate::new(&config.id, presented, false, server_name, &[]);
        refusal(&config, setting, &record).map_or(0, |(_, reply)| reply.status)
    }

    #[test]
    fn only_a_verified_certificate_is_enough() {
        for (presented, expected) in [
            (Presented::No, 403),
            (Presented::SourceMissing, 403),
            (Presented::Unverified, 403),
            (Presented::Verified, 0),
        ] {
            assert_eq!(status("cert.example", presented, None), expected);
            assert_eq!(
                status("both.example", presented, Some(b"both.example")),
                expected
            );
            assert_eq!(status("free.example", presented, None), 0);
        }
    }

    #[test]
    fn the_sni_has_to_be_a_name_of_the_same_setting_as_it_stands() {
        for (hostname, server_name, expected) in [
            ("sni.example", &b"sni.example"[..], 0),
            ("sni.example", b"SNI.example", 0),
            ("sni.example", b"", 421),
            ("sni.example", b"free.example", 421),
            ("sni.example", b"other.test", 421),
            ("sni.example", b"sni.example.", 421),
            ("sni.example", b"sni.example:443", 421),
            ("sni.example", b"x@sni.example", 421),
            ("www.example", b"mail.example", 0),
            ("www.example", b"sni.example", 421),
            ("free.example", b"other.test", 0),
        ] {
            let found = status(hostname, Presented::Verified, Some(server_name));
            assert_eq!(found, expected, "{hostname} {}", server_name.escape_ascii());
        }
    }

    #[test]
    fn plain_text_is_denied_where_a_certificate_is_missing_and_else_misdirected() {
        assert_eq!(status("both.example", Presented::No, None), 403);
        assert_eq!(status("sni.example", Presented::No, None), 421);
        // A connection for another host is sent away first: over its own the client may present a certificate.
        assert_eq!(
            status("both.example", Presented::No, Some(b"free.example")),
            421
        );
    }
}
