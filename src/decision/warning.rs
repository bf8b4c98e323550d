//! The cases that call for a log line to the operator, and what it says.

use crate::certificate::PeerCertificateStatus;
use crate::outcome::Outcome;

/// A case that an operator can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A client presented a certificate that no source yields.
    SourceMissing,
    /// A certificate counts as unverified.
    Unverified,
    /// A client presented a certificate that `revoked_certificates` names.
    Revoked,
    /// A client presented a certificate that `allow_client_certificates` does not name.
    NotAllowed,
    /// A request was answered 421 because its TLS connection has no SNI.
    NoServerName,
}

impl Warning {
    /// Returns the warning that a certificate of this status calls for.
    #[must_use]
    pub fn of(status: PeerCertificateStatus) -> Option<Self> {
        match status {
            PeerCertificateStatus::Unreadable => Some(Self::SourceMissing),
            PeerCertificateStatus::Unverified => Some(Self::Unverified),
            PeerCertificateStatus::Revoked => Some(Self::Revoked),
            PeerCertificateStatus::Absent | PeerCertificateStatus::Verified => None,
        }
    }

    /// Returns the warning that this outcome calls for.
    #[must_use]
    pub fn of_outcome(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::SourceMissing => Some(Self::SourceMissing),
            Outcome::Unverified => Some(Self::Unverified),
            Outcome::Revoked => Some(Self::Revoked),
            _ => None,
        }
    }

    /// Names the case in keys of Envoy's shared data.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::SourceMissing => "source_missing",
            Self::Unverified => "unverified",
            Self::Revoked => "revoked",
            Self::NotAllowed => "not_allowed",
            Self::NoServerName => "no_server_name",
        }
    }

    /// Returns the log line: the case, and what to do about it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::SourceMissing => {
                "a client presented a certificate, but Envoy gives it neither as \
                 connection.peer_certificate (Envoy 1.38 and later) nor in the filter state \
                 client_cert_forwarder.pem: put Envoy's set_filter_state filter before this one, \
                 as envoy/envoy-before-1.38.yaml does"
            }
            Self::Unverified => {
                "a client certificate counts as unverified, because \
                 connection.peer_certificate_valid does not say that it was verified. Where the \
                 listener itself refuses every certificate that it can't verify, set \
                 \"verified_by\": \"listener\" (needed before Envoy 1.39, which lacks the \
                 attribute). Otherwise turn TLS session resumption off in the listener: Envoy \
                 reports every resumed session as unverified"
            }
            Self::Revoked => {
                "a client presented a certificate that revoked_certificates names: it counts as \
                 not verified. The access log's %RESPONSE_CODE_DETAILS% and the outcome \
                 \"revoked\" tell which requests"
            }
            Self::NotAllowed => {
                "a client presented a verified certificate that allow_client_certificates of the \
                 hostname does not name: its requests are answered 403. The access log's \
                 %RESPONSE_CODE_DETAILS% tells which requests"
            }
            Self::NoServerName => {
                "a request was answered 421, because its connection has no server name (SNI). \
                 Clients send none for an IP address: set \"sni_must_match\": false in its setting. \
                 Where clients do send one, Envoy does not read it: put \
                 envoy.filters.listener.tls_inspector into the listener's listener_filters, as \
                 envoy/optional-mtls.yaml does"
            }
        }
    }
}
