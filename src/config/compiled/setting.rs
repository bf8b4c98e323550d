//! One setting, compiled.

use std::iter;

use super::allow_list::AllowList;
use super::header_bytes;
use super::headers::{self, Direction, FieldTable, Header};
use super::id::{Id, id};
use crate::certificate::field::{Field, MANAGED_TRANSFORM};
use crate::config::findings::Findings;
use crate::config::path::Place;
use crate::config::schema::{ForwardOn, HeaderFields, HostnameSettings, PluginConfig};
use crate::delivery_state::DeliveryState;
use crate::hostname::{HostnamePattern, HostnameTable};

/// The two headers of Cloudflare's *Forward a client certificate*.
const FORWARDING_HEADERS: [(&str, Field); 2] = [
    ("cf-client-cert-der-base64", Field::CertDerBase64),
    ("cf-client-cert-sha256", Field::CertFingerprintSha256),
];

/// What the filter does for one hostname.
#[derive(Debug)]
pub struct Setting {
    /// As metrics and `explain` name it: lower-case, a wildcard with its `*.`.
    pub hostname: String,
    /// Tells this setting from others, in whatever configuration it stands.
    pub id: Id,
    /// Says whether the origin has the certificate of a connection.
    pub delivery: DeliveryState,
    /// Tells the setting from others of its own configuration and of any other one.
    pub token: Id,
    /// When the two forwarding headers go out, if they do.
    pub forward_on: Option<ForwardOn>,
    /// The two forwarding headers; empty when they don't go out.
    pub forwarding_headers: Vec<Header>,
    /// Headers of every request.
    pub request_headers: Vec<Header>,
    /// Headers of every response.
    pub response_headers: Vec<Header>,
    /// Whether unverified certificates are sent too.
    pub forward_unverified: bool,
    /// Whether requests without a verified certificate are answered 403.
    pub require_client_certificate: bool,
    /// Whether connections opened for another setting's hostname are answered 421.
    pub sni_must_match: bool,
    /// The certificates that may call, where not every verified one may.
    pub allow_client_certificates: Option<AllowList>,
}

/// What a setting shares with the configuration around it.
pub(super) struct Shared<'a> {
    pub(super) plugin: &'a PluginConfig,
    /// Id of the configuration's text.
    pub(super) text: Id,
    pub(super) hostnames: &'a mut HostnameTable,
    pub(super) fields: &'a mut FieldTable,
    pub(super) findings: &'a mut Findings,
}

impl Setting {
    /// Whether a connection whose certificate was delivered needs no more forwarding headers.
    #[must_use]
    pub fn forwards_once(&self) -> bool {
        self.forward_on == Some(ForwardOn::FirstRequest)
    }

    /// Whether the filter needs the certificate on requests after the delivery too.
    #[must_use]
    pub fn acts_on_every_request(&self) -> bool {
        self.require_client_certificate
            || self.sni_must_match
            || !self.request_headers.is_empty()
            || !self.response_headers.is_empty()
    }

    /// Whether requests after the delivery depend on the certificate, and their decision with them.
    #[must_use]
    pub fn replays_fields(&self) -> bool {
        self.forward_on == Some(ForwardOn::EveryRequest) || self.acts_on_every_request()
    }

    pub(super) fn compile(
        setting: &HostnameSettings,
        number: usize,
        place: &Place<'_>,
        shared: &mut Shared<'_>,
    ) -> Self {
        check_verified_by(setting, place, shared);
        let hostname = hostname(setting, number, place, shared);
        // A higher limit may admit what was too large before: then the certificate is due again.
        let limit = shared.plugin.max_certificate_bytes.to_le_bytes();
        let id = id(&[hostname.as_bytes(), &limit]);
        let requires = setting.require_client_certificate;
        Self {
            id,
            delivery: DeliveryState::new(&id),
            token: token(&id, &shared.text),
            hostname,
            forward_on: setting
                .client_certificate_forwarding
                .then_some(setting.forward_on),
            forwarding_headers: shared.fields.own(forwarding_headers(setting)),
            request_headers: request_headers(setting, place, shared),
            response_headers: response_headers(setting, place, shared),
            allow_client_certificates: allow_list(setting, place, shared),
            forward_unverified: setting.forward_unverified,
            require_client_certificate: requires,
            sni_must_match: setting.sni_must_match.unwrap_or(requires),
        }
    }
}

fn token(setting: &Id, text: &Id) -> Id {
    id(&[setting, text])
}

/// Returns the canonical hostname and enters it into the table of hostnames.
fn hostname(
    setting: &HostnameSettings,
    number: usize,
    place: &Place<'_>,
    shared: &mut Shared<'_>,
) -> String {
    let pattern = HostnamePattern::parse(&setting.hostname);
    let refusal = match &pattern {
        Ok(pattern) => shared.hostnames.insert(pattern, number).map(|first| {
            let hostname = &setting.hostname;
            format!("{hostname:?} is already the hostname of settings[{first}]")
        }),
        Err(reason) => Some(reason.clone()),
    };
    if let Some(reason) = refusal {
        shared.findings.error(&place.key("hostname"), reason);
    }
    pattern.map_or_else(|_| setting.hostname.clone(), |pattern| pattern.to_string())
}

/// Whoever refuses requests by the verification must say what it is read from.
fn check_verified_by(setting: &HostnameSettings, place: &Place<'_>, shared: &mut Shared<'_>) {
    if setting.require_client_certificate && shared.plugin.verified_by.is_none() {
        let place = place.key("require_client_certificate");
        let reason = "needs \"verified_by\" to be given: \"listener\" or \"attribute\"";
        shared.findings.error(&place, reason);
    }
}

/// An allow list without `require_client_certificate` would let in who shows no certificate.
fn allow_list(
    setting: &HostnameSettings,
    place: &Place<'_>,
    shared: &mut Shared<'_>,
) -> Option<AllowList> {
    let allowed = setting.allow_client_certificates.as_ref()?;
    let place = place.key("allow_client_certificates");
    let list = AllowList::compile(allowed, &place, shared.findings);
    if !setting.require_client_certificate {
        let reason = "needs \"require_client_certificate\": true";
        shared.findings.error(&place, reason);
    }
    Some(list)
}

fn forwarding_headers(setting: &HostnameSettings) -> &'static [(&'static str, Field)] {
    if setting.client_certificate_forwarding {
        &FORWARDING_HEADERS
    } else {
        &[]
    }
}

fn transform_headers(setting: &HostnameSettings) -> &'static [(&'static str, Field)] {
    if setting.add_client_certificate_headers {
        &MANAGED_TRANSFORM
    } else {
        &[]
    }
}

fn request_headers(
    setting: &HostnameSettings,
    place: &Place<'_>,
    shared: &mut Shared<'_>,
) -> Vec<Header> {
    let taken = forwarding_headers(setting)
        .iter()
        .chain(transform_headers(setting))
        .map(|(name, _)| *name);
    let mut headers = headers::compile(
        &setting.request_headers,
        Direction::Request,
        taken,
        shared.fields,
        &place.key("request_headers"),
        shared.findings,
    );
    headers.extend(shared.fields.own(transform_headers(setting)));
    let forwarded = forwarding_headers(setting).iter().map(|(_, field)| *field);
    let fields = forwarded.chain(headers.iter().map(|header| header.field));
    check_bytes(
        &setting.request_headers,
        fields,
        &place.key("request_headers"),
        shared,
    );
    headers
}

fn response_headers(
    setting: &HostnameSettings,
    place: &Place<'_>,
    shared: &mut Shared<'_>,
) -> Vec<Header> {
    let headers = headers::compile(
        &setting.response_headers,
        Direction::Response,
        iter::empty(),
        shared.fields,
        &place.key("response_headers"),
        shared.findings,
    );
    let fields = headers.iter().map(|header| header.field);
    check_bytes(
        &setting.response_headers,
        fields,
        &place.key("response_headers"),
        shared,
    );
    headers
}

/// Refuses headers that could be too long alone, or together as `fields` of one message.
fn check_bytes(
    headers: &HeaderFields,
    fields: impl Iterator<Item = Field>,
    place: &Place<'_>,
    shared: &mut Shared<'_>,
) {
    let mut is_refused = false;
    for (name, field) in &headers.0 {
        if let Some(reason) = header_bytes::refuse_header(shared.plugin, *field) {
            is_refused = true;
            shared.findings.error(&place.key(name), reason);
        }
    }
    match header_bytes::refuse_message(shared.plugin, fields) {
        Some(reason) if !is_refused => shared.findings.error(place, reason),
        _ => {}
    }
}
