//! Decides what becomes of a request. Nothing here changes Envoy.

use super::inbound::{Inbound, XFCC};
use super::{Decision, HeaderValue, Idle, Pass, Progress, Refusal, TrailersDecision, Verdict};
use crate::authority;
use crate::certificate::PeerCertificateStatus;
use crate::config::Config;
use crate::config::compiled::{Header, Setting};
use crate::config::schema::ForwardOn;
use crate::connection::{Connection, PeerCertificate};
use crate::headers::map::HeaderMap;
use crate::outcome::Outcome;

/// Decides what the filter does with `request`.
pub fn decide<'a>(
    request: &Inbound<'a>,
    config: &'a Config,
    connection: &'a mut impl Connection,
) -> Decision<'a> {
    let matched = config.setting(&authority::hostname(request.authority));
    let is_rejected = request.is_spoofed() && config.reject_spoofed_headers;
    let strips = request.is_spoofed() && !is_rejected;
    let decision = |setting, verdict, response_headers| Decision {
        setting,
        strips,
        verdict,
        response_headers,
    };
    if is_rejected {
        let refusal = Verdict::Refuse(Refusal::SpoofedHeader);
        let number = matched.map(|(number, _)| number);
        return decision(number, refusal, response_headers(matched, connection));
    }
    if config.refuses_requests && !authority::is_unambiguous(request.authority) {
        let refusal = Verdict::Refuse(Refusal::AmbiguousHostname);
        return decision(None, refusal, Vec::new());
    }
    let Some((number, setting)) = matched else {
        return decision(None, pass_idle(request, Idle::NoSetting), Vec::new());
    };
    let due = is_due(setting, connection);
    if !due && !setting.acts_on_every_request() {
        return decision(Some(number), pass_idle(request, idle(setting)), Vec::new());
    }
    let certificate = connection.peer_certificate(number, setting);
    let verdict = match refusal(config, number, setting, certificate) {
        Some(refusal) => Verdict::Refuse(refusal),
        None => pass(
            request,
            request_headers(setting, certificate, due),
            progress(request, setting, certificate, due),
        ),
    };
    let response_headers = values(&setting.response_headers, setting, certificate).collect();
    decision(Some(number), verdict, response_headers)
}

/// Decides what the filter does with a request's trailers: some origins merge them into the
/// headers.
#[must_use]
pub fn decide_trailers<'a>(trailers: HeaderMap<'a>, config: &Config) -> TrailersDecision<'a> {
    let names = trailers.iter().map(|(name, _)| name);
    let spoofed: Vec<&[u8]> = names
        .filter(|name| config.managed_headers.contains(name))
        .collect();
    if config.reject_spoofed_headers && !spoofed.is_empty() {
        TrailersDecision::Refuse(Refusal::SpoofedHeader)
    } else {
        TrailersDecision::Strip(spoofed)
    }
}

/// Whether the forwarding headers are due. The steady state of a connection ends with this one
/// question to Envoy.
fn is_due(setting: &Setting, connection: &mut impl Connection) -> bool {
    match setting.forward_on {
        None => false,
        Some(ForwardOn::EveryRequest) => true,
        Some(ForwardOn::FirstRequest) => !connection.was_delivered(setting),
    }
}

fn idle(setting: &Setting) -> Idle {
    if setting.forward_on.is_some() {
        Idle::AlreadyDelivered
    } else {
        Idle::NoForwarding
    }
}

fn pass_idle<'a>(request: &Inbound<'a>, reason: Idle) -> Verdict<'a> {
    pass(request, Vec::new(), Progress::Idle(reason))
}

fn pass<'a>(request: &Inbound<'a>, add: Vec<HeaderValue<'a>>, progress: Progress) -> Verdict<'a> {
    let xfcc = request.xfcc.map(|_| XFCC);
    Verdict::Pass(Pass {
        remove: request.spoofed.iter().copied().chain(xfcc).collect(),
        connection: request.connection.clone(),
        add,
        progress,
    })
}

/// Returns the headers to add to the request; `due` is whether the forwarding headers are.
fn request_headers<'a>(
    setting: &'a Setting,
    certificate: &'a PeerCertificate,
    due: bool,
) -> Vec<HeaderValue<'a>> {
    let forwarding: &[Header] = if due && may_send(setting, certificate.status) {
        &setting.forwarding_headers
    } else {
        &[]
    };
    let headers = forwarding.iter().chain(&setting.request_headers);
    values(headers, setting, certificate)
        .filter(|header| !header.value.is_empty())
        .collect()
}

fn response_headers<'a>(
    setting: Option<(usize, &'a Setting)>,
    connection: &'a mut impl Connection,
) -> Vec<HeaderValue<'a>> {
    match setting {
        Some((number, setting)) if !setting.response_headers.is_empty() => {
            let certificate = connection.peer_certificate(number, setting);
            values(&setting.response_headers, setting, certificate).collect()
        }
        _ => Vec::new(),
    }
}

/// Pairs `headers` with their values, empty where there is nothing to say.
fn values<'a>(
    headers: impl IntoIterator<Item = &'a Header>,
    setting: &Setting,
    certificate: &'a PeerCertificate,
) -> impl Iterator<Item = HeaderValue<'a>> {
    let sends = may_send(setting, certificate.status);
    headers.into_iter().map(move |header| HeaderValue {
        header,
        value: match certificate.status.value(header.field) {
            Some(status) => status.as_bytes(),
            None if sends => certificate.value(header.slot),
            None => &[],
        },
    })
}

/// Whether the certificate's own fields may be sent, and not only its status.
fn may_send(setting: &Setting, status: PeerCertificateStatus) -> bool {
    match status {
        PeerCertificateStatus::Verified => true,
        PeerCertificateStatus::Unverified | PeerCertificateStatus::Revoked => {
            setting.forward_unverified
        }
        PeerCertificateStatus::Absent | PeerCertificateStatus::Unreadable => false,
    }
}

/// What is known of the outcome. A connection to which `setting` delivered earlier costs no
/// counter.
fn progress(
    request: &Inbound<'_>,
    setting: &Setting,
    certificate: &PeerCertificate,
    due: bool,
) -> Progress {
    let sends_fields = setting.forward_on.is_none() && !setting.request_headers.is_empty();
    if !due && !sends_fields {
        return Progress::Idle(idle(setting));
    }
    match outcome(setting, certificate) {
        Outcome::Forwarded | Outcome::TooLarge if request.is_connect => {
            Progress::Concluded(Outcome::Undelivered)
        }
        sent @ (Outcome::Forwarded | Outcome::TooLarge) => Progress::Pending(sent),
        unsent => Progress::Concluded(unsent),
    }
}

fn outcome(setting: &Setting, certificate: &PeerCertificate) -> Outcome {
    match certificate.status {
        PeerCertificateStatus::Absent => Outcome::NoCertificate,
        PeerCertificateStatus::Unreadable => Outcome::SourceMissing,
        PeerCertificateStatus::Revoked if !setting.forward_unverified => Outcome::Revoked,
        status if !may_send(setting, status) => Outcome::Unverified,
        _ if certificate.too_large => Outcome::TooLarge,
        _ => Outcome::Forwarded,
    }
}

/// Why a request for `setting` may not go on over this connection (contract §4.7, §4.11).
fn refusal(
    config: &Config,
    number: usize,
    setting: &Setting,
    certificate: &PeerCertificate,
) -> Option<Refusal> {
    let lacks_certificate =
        setting.require_client_certificate && certificate.status != PeerCertificateStatus::Verified;
    // Plain text has no connection to come back with: there 403 says more than 421.
    let is_plain_text = certificate.server_name().is_none();
    if setting.sni_must_match
        && !(is_plain_text && lacks_certificate)
        && !sni_matches(config, setting, certificate)
    {
        return Some(Refusal::Misdirected {
            without_server_name: certificate.server_name().is_some_and(<[u8]>::is_empty),
        });
    }
    if lacks_certificate {
        return Some(Refusal::CertificateRequired(certificate.status));
    }
    let lacks_admission = setting.allow_client_certificates.is_some()
        && certificate.is_admitted(number) != Some(true);
    lacks_admission.then_some(Refusal::NotAllowed)
}

/// Whether the connection was opened for a hostname of the same setting.
///
/// Unlike an authority the SNI is a name as it stands (RFC 6066 §3): with a port or a dot at the
/// end, Envoy would not have chosen that hostname's filter chain.
fn sni_matches(config: &Config, setting: &Setting, certificate: &PeerCertificate) -> bool {
    let server_name = certificate.server_name().unwrap_or_default();
    let opened_for = config.setting(&server_name.to_ascii_lowercase());
    !server_name.is_empty() && opened_for.is_some_and(|(_, other)| other.id == setting.id)
}
