//! The requests that the filter answers itself, and with what (contract §4.1, §4.7, §4.10).

use super::Warning;
use crate::certificate::PeerCertificateStatus;
use crate::outcome::Outcome;

/// Why a request does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Envoy could not give or change the headers. Such a request never goes on.
    UnreadableHeaders,
    /// The client sent a managed header, and `on_spoofed_header` is `"reject"`.
    SpoofedHeader,
    /// Origins could read the hostname differently, while some setting refuses requests.
    AmbiguousHostname,
    /// The connection was opened for another setting's hostname, or without SNI.
    Misdirected {
        /// Whether the connection has TLS, but Envoy gives no SNI.
        without_server_name: bool,
    },
    /// The setting requires a verified certificate, and this is the connection's status.
    CertificateRequired(PeerCertificateStatus),
}

impl Refusal {
    /// Returns the outcome to count; `None` where the request could not be read far enough.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        Some(match self {
            Self::UnreadableHeaders => return None,
            Self::SpoofedHeader => Outcome::SpoofRejected,
            Self::AmbiguousHostname | Self::CertificateRequired(_) => Outcome::Denied,
            Self::Misdirected { .. } => Outcome::Misdirected,
        })
    }

    /// Returns what an operator can do about a refusal that is not the client's fault.
    #[must_use]
    pub fn warning(self) -> Option<Warning> {
        match self {
            Self::Misdirected {
                without_server_name: true,
            } => Some(Warning::NoServerName),
            Self::CertificateRequired(status) => Warning::of(status),
            _ => None,
        }
    }

    /// Returns the HTTP status; Envoy derives a gRPC status from it for gRPC requests.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::UnreadableHeaders => 500,
            Self::SpoofedHeader | Self::AmbiguousHostname => 400,
            Self::Misdirected { .. } => 421,
            Self::CertificateRequired(_) => 403,
        }
    }

    /// Returns the access log's `%RESPONSE_CODE_DETAILS%`.
    #[must_use]
    pub fn details(self) -> &'static str {
        match self {
            Self::UnreadableHeaders => "client_cert_forwarder_unreadable_headers",
            Self::SpoofedHeader => "client_cert_forwarder_spoofed_header",
            Self::AmbiguousHostname => "client_cert_forwarder_ambiguous_hostname",
            Self::Misdirected { .. } => "client_cert_forwarder_misdirected",
            Self::CertificateRequired(_) => "client_cert_forwarder_denied",
        }
    }

    /// Returns the body: one line of plain text for the client.
    #[must_use]
    pub fn body(self) -> &'static str {
        match self {
            Self::UnreadableHeaders => "The headers of this request could not be processed.\n",
            Self::SpoofedHeader => "A header of this request may only be set by the proxy.\n",
            Self::AmbiguousHostname => {
                "The host of this request is not a DNS name or an IP address.\n"
            }
            Self::Misdirected { .. } => {
                "This connection was opened for another host. Send the request again over a \
                 connection of its own.\n"
            }
            Self::CertificateRequired(PeerCertificateStatus::Absent) => {
                "This host requires a client certificate, and none was presented.\n"
            }
            Self::CertificateRequired(PeerCertificateStatus::Unreadable) => {
                "This host requires a client certificate, and the one presented could not be \
                 read.\n"
            }
            Self::CertificateRequired(_) => {
                "This host requires a client certificate, and the one presented was not \
                 verified.\n"
            }
        }
    }
}
