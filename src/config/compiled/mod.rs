//! The compiled configuration: checked, immutable, and in the shape that a request needs.

mod allow_list;
mod header_bytes;
mod headers;
mod id;
mod revocations;
mod setting;
mod warnings;

use super::findings::Findings;
use super::path::Place;
use super::schema::{CertificateChainSource, HostnameSettings, OnSpoofedHeader, PluginConfig};
use super::{ConfigError, Warning, read, syntax};
use crate::certificate::Limits;
use crate::certificate::field::Field;
use crate::headers::managed::ManagedHeaders;
use crate::headers::names::folded;
use crate::hostname::HostnameTable;
use crate::rfc9440;
use crate::stored_decision;
use headers::FieldTable;
use id::id;
use setting::Shared;

pub use super::schema::VerifiedBy;
pub use allow_list::AllowList;
pub use headers::Header;
pub use id::Id;
pub use revocations::{Revocations, RevokedBy};
pub use setting::Setting;

/// A configuration that requests can be served by.
#[derive(Debug)]
pub struct Config {
    /// Changes with every change of the configuration or of this filter's version.
    pub id: Id,
    /// Marks what is stored for Envoy to carry out: changes with the JSON alone, so that a matcher
    /// stays good for newer modules.
    pub mark: Box<str>,
    /// One per hostname, in the order of the JSON.
    pub settings: Vec<Setting>,
    /// The names that only this filter may set.
    pub managed_headers: ManagedHeaders,
    /// Every field that some setting sends, each once; a header names its field by its index.
    pub fields: Vec<Field>,
    /// What says that a certificate was verified.
    pub verified_by: VerifiedBy,
    /// Whether a request with a managed header is answered 400 (otherwise the header is removed).
    pub reject_spoofed_headers: bool,
    /// Whether the chain is read from `x-forwarded-client-cert`, and that header removed.
    pub chain_from_xfcc: bool,
    /// Longest encoded values.
    pub limits: Limits,
    /// Whether responses say what the filter did.
    pub explain: bool,
    /// Whether some setting refuses requests, so that none may pass whose hostname is in doubt.
    pub refuses_requests: bool,
    /// Whether some setting sends certificates that are not verified.
    pub forwards_unverified: bool,
    /// Whether some setting sends `Client-Cert`, so that responses may vary on it (RFC 9440 §2.4).
    pub sends_rfc9440: bool,
    /// Certificates that count as not verified.
    pub revocations: Revocations,
    /// What the configuration asks for in vain.
    pub warnings: Vec<Warning>,
    hostnames: HostnameTable,
}

impl Config {
    /// Reads, checks and compiles `json`; an empty one has no settings.
    ///
    /// # Errors
    /// The first thing that contract §3 does not allow.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let mut findings = Findings::only_first();
        let mut revocations = Revocations::default();
        let plugin = if json.is_empty() {
            PluginConfig::default()
        } else {
            let mut add = |entry: &read::Revoked<'_>| revocations.add(entry);
            read::all_but_revoked(&syntax::parse(json)?, &mut add, &mut findings)
        };
        let config = Self::compile(&plugin, json, &mut findings);
        let warnings = findings.into_result()?;
        Ok(Self {
            warnings,
            revocations,
            ..config
        })
    }

    /// Returns the setting of the most specific pattern that `hostname` matches, and its number.
    ///
    /// `hostname` is as [`crate::authority::hostname`] returns it.
    #[must_use]
    pub fn setting(&self, hostname: &[u8]) -> Option<(usize, &Setting)> {
        let number = self.hostnames.lookup(hostname)?;
        Some((number, self.settings.get(number)?))
    }

    /// Compiles `plugin`, which was read from `json`. The outcome is good only without errors.
    pub(super) fn compile(plugin: &PluginConfig, json: &[u8], findings: &mut Findings) -> Self {
        warnings::find(plugin, findings);
        let mut hostnames = HostnameTable::default();
        let mut fields = FieldTable::default();
        let text = id(&[json]);
        let mut shared = Shared {
            plugin,
            text,
            hostnames: &mut hostnames,
            fields: &mut fields,
            findings,
        };
        let settings = compile_settings(&plugin.settings, &mut shared);
        let sends_rfc9440 =
            request_header_names(plugin).any(|name| rfc9440::HEADERS.contains(&&*folded(name)));
        Self {
            mark: stored_decision::mark(&text).into(),
            id: id(&[env!("CARGO_PKG_VERSION").as_bytes(), json]),
            managed_headers: managed_headers(plugin, sends_rfc9440),
            fields: fields.fields,
            verified_by: plugin.verified_by.unwrap_or_default(),
            reject_spoofed_headers: plugin.on_spoofed_header == OnSpoofedHeader::Reject,
            chain_from_xfcc: plugin.certificate_chain_source == CertificateChainSource::Xfcc,
            limits: Limits {
                max_certificate_bytes: plugin.max_certificate_bytes as usize,
                max_certificate_chain_bytes: plugin.max_certificate_chain_bytes as usize,
            },
            explain: plugin.explain,
            refuses_requests: settings
                .iter()
                .any(|setting| setting.require_client_certificate || setting.sni_must_match),
            forwards_unverified: settings.iter().any(|setting| setting.forward_unverified),
            sends_rfc9440,
            revocations: Revocations::default(),
            warnings: Vec::new(),
            hostnames,
            settings,
        }
    }
}

fn compile_settings(settings: &[HostnameSettings], shared: &mut Shared<'_>) -> Vec<Setting> {
    let (top, mut compiled) = (Place::Top, Vec::with_capacity(settings.len()));
    let place = top.key("settings");
    for (number, setting) in settings.iter().enumerate() {
        compiled.push(Setting::compile(
            setting,
            number,
            &place.index(number),
            shared,
        ));
    }
    compiled
}

fn managed_headers(plugin: &PluginConfig, sends_rfc9440: bool) -> ManagedHeaders {
    let both = sends_rfc9440.then_some(rfc9440::HEADERS);
    ManagedHeaders::new(request_header_names(plugin).chain(both.into_iter().flatten()))
}

fn request_header_names(plugin: &PluginConfig) -> impl Iterator<Item = &str> {
    plugin
        .settings
        .iter()
        .flat_map(|setting| &setting.request_headers.0)
        .map(|(name, _)| name.as_str())
}
