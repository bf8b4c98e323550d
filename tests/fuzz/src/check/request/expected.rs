//! What becomes of a request, decided from the contract (contract §4) and the case alone.

use client_cert_forwarder::config::compiled::{Setting, VerifiedBy};
use client_cert_forwarder::config::schema::ForwardOn;

use super::Case;
use super::lines::Line;
use crate::model::encoding::{base64, pem_blocks, percent_decoded};
use crate::model::hostname;

/// Configurations, each with the names that are managed because of its `request_headers`.
pub(super) const CONFIGURATIONS: [(&str, &[&str]); 5] = [
    (
        r#"{"settings":[{"hostname":"api.example.com","china_network":false,"client_certificate_forwarding":true}]}"#,
        &[],
    ),
    (
        r#"{"verified_by":"listener","settings":[
            {"hostname":"api.example.com","client_certificate_forwarding":true},
            {"hostname":"*.example.com","client_certificate_forwarding":true,"forward_on":"every_request","sni_must_match":true},
            {"hostname":"admin.example.com","require_client_certificate":true,
             "request_headers":{"Client-Cert":"certRFC9440","X-Cert-Subject":"certSubjectDN"}}]}"#,
        &["Client-Cert", "Client-Cert-Chain", "X-Cert-Subject"],
    ),
    (
        r#"{"verified_by":"listener","on_spoofed_header":"reject","certificate_chain_source":"xfcc","explain":true,"settings":[
            {"hostname":"*","client_certificate_forwarding":true,
             "request_headers":{"X-Chain":"certWithChainDerBase64","X-Status":"certVerified"},
             "response_headers":{"X-San":"certSanDns","X-Thumbprint":"certThumbprint"}}]}"#,
        &["X-Chain", "X-Status"],
    ),
    (
        r#"{"max_certificate_bytes":40,"explain":true,"certificate_chain_source":"xfcc","settings":[
            {"hostname":"*.example.com","client_certificate_forwarding":true,"forward_unverified":true,"add_client_certificate_headers":true},
            {"hostname":"api.example.com","sni_must_match":true,"response_headers":{"Cf-Cert-Presented":"certPresented"}}]}"#,
        &[],
    ),
    ("", &[]),
];

const DER: &[u8] = b"cf-client-cert-der-base64";
const SHA256: &[u8] = b"cf-client-cert-sha256";

/// The status that the filter itself answers; `None` when the request goes on.
pub(super) fn refusal(case: &Case, headers: &[Line]) -> Option<u16> {
    let config = case.config;
    let authority = authority(headers);
    if config.reject_spoofed_headers && is_spoofed(case, headers) {
        return Some(400);
    }
    if config.refuses_requests && !hostname::is_unambiguous(authority) {
        return Some(400);
    }
    let place = setting(case, &hostname::normalised(authority))?;
    let setting = &config.settings[place];
    let is_denied = setting.require_client_certificate && !is_verified(case);
    let has_tls = case.is(b't') || !case.server_name.is_empty();
    let opened_for = setting_of_server_name(case);
    if setting.sni_must_match && opened_for != Some(place) && (has_tls || !is_denied) {
        return Some(421);
    }
    is_denied.then_some(403)
}

/// Checks the two forwarding headers; whether the request carries them.
pub(super) fn assert_forwarded(
    case: &Case,
    before: &[Line],
    after: &[Line],
    is_delivered: bool,
) -> bool {
    let of_filter = |name: &[u8]| {
        let found = after
            .iter()
            .find(|line| line.is_of_filter && line.name == name);
        found.map(|line| line.value.clone())
    };
    let place = setting(case, &hostname::normalised(authority(before)));
    let setting = place.map(|place| &case.config.settings[place]);
    if setting.is_none() {
        let of_filter = after.iter().filter(|line| line.is_of_filter);
        let added = of_filter.filter(|line| line.name != b"connection");
        assert_eq!(added.count(), 0, "{after:?}");
    }
    let der = setting
        .filter(|setting| is_due(setting, is_delivered))
        .filter(|setting| is_verified(case) || (setting.forward_unverified && case.is(b'm')))
        .and_then(|_| certificate(case));
    let value = der.as_ref().map(|der| base64(der).into_bytes());
    let value = value.filter(|value| value.len() <= case.config.limits.max_certificate_bytes);
    assert_eq!(of_filter(DER), value);
    assert_eq!(
        of_filter(SHA256).map(|digits| digits.len()),
        der.as_ref().map(|_| 64)
    );
    der.is_some()
}

/// Whether the client sets a managed header, or names one in `Connection`.
fn is_spoofed(case: &Case, headers: &[Line]) -> bool {
    headers.iter().any(|line| {
        let mut options = line.value.split(|byte| *byte == b',');
        let names_one = options.any(|option| case.is_managed(option.trim_ascii()));
        case.is_managed(&line.name) || (line.name == b"connection" && names_one)
    })
}

/// Whether the last `:method` is CONNECT, whose headers reach no origin.
pub(super) fn is_connect(headers: &[Line]) -> bool {
    let method = headers.iter().rev().find(|line| line.name == b":method");
    method.is_some_and(|line| line.value == b"CONNECT")
}

/// Whether a response's `Vary` names one of RFC 9440's headers (§2.4).
pub(super) fn varies(headers: &[Line]) -> bool {
    headers.iter().any(|line| {
        let names = String::from_utf8_lossy(&line.value).to_ascii_lowercase();
        let mut names = names.split(',').map(str::trim_ascii);
        line.name.eq_ignore_ascii_case(b"vary")
            && names.any(|name| ["client-cert", "client-cert-chain"].contains(&name))
    })
}

/// Whether the configuration takes a certificate on this connection as verified.
pub(super) fn is_said_to_be_verified(case: &Case) -> bool {
    case.config.verified_by == VerifiedBy::Listener || case.is(b'v')
}

fn is_due(setting: &Setting, is_delivered: bool) -> bool {
    match setting.forward_on {
        None => false,
        Some(ForwardOn::EveryRequest) => true,
        Some(ForwardOn::FirstRequest) => !is_delivered,
    }
}

fn certificate(case: &Case) -> Option<Vec<u8>> {
    let first = pem_blocks(&percent_decoded(case.pem)).into_iter().next();
    first.flatten()
}

fn is_verified(case: &Case) -> bool {
    case.is(b'm') && is_said_to_be_verified(case) && certificate(case).is_some()
}

fn authority(headers: &[Line]) -> &[u8] {
    let named = headers.iter().rev().find(|line| line.name == b":authority");
    named.map_or(b"", |line| &line.value)
}

fn setting(case: &Case, hostname: &[u8]) -> Option<usize> {
    let settings = &case.config.settings;
    let hostnames: Vec<String> = settings
        .iter()
        .map(|setting| setting.hostname.clone())
        .collect();
    hostname::best(hostname, &hostnames)
}

fn setting_of_server_name(case: &Case) -> Option<usize> {
    let is_given = !case.server_name.is_empty();
    setting(case, &case.server_name.to_ascii_lowercase()).filter(|_| is_given)
}
