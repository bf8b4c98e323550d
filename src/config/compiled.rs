//! The compiled configuration: checked, immutable, and in the shape that a request asks for.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::ConfigError;
use super::schema::{
    CertificateChainSource, ForwardOn, HeaderFields, HostnameSettings, OnSpoofedHeader,
    PluginConfig,
};
use crate::certificate::Limits;
use crate::certificate::field::{Field, MANAGED_TRANSFORM};
use crate::delivery_state::DeliveryState;
use crate::hostname::{HostnamePattern, HostnameTable};
use crate::managed_headers::{ManagedHeaders, fold};

pub use super::schema::VerifiedBy;

/// The two headers of Cloudflare's *Forward a client certificate*.
const FORWARDING_HEADERS: [(&str, Field); 2] = [
    ("cf-client-cert-der-base64", Field::CertDerBase64),
    ("cf-client-cert-sha256", Field::CertFingerprintSha256),
];

/// First 8 bytes of a SHA-256: tells configurations, or settings, apart.
pub type Id = [u8; 8];

/// A configuration that requests can be served by.
#[derive(Debug)]
pub struct Config {
    /// Changes with every change of the configuration or of this filter's version.
    pub id: Id,
    /// One per hostname, in the order of the JSON.
    pub settings: Vec<Setting>,
    /// The names that only this filter may set.
    pub managed_headers: ManagedHeaders,
    /// Every field that some setting sends, each once; a header names its field by the place in here.
    pub fields: Vec<Field>,
    /// What a certificate's verification is read from.
    pub verified_by: VerifiedBy,
    /// Whether a request with a managed header is answered 400 (otherwise the header is removed).
    pub reject_spoofed_headers: bool,
    /// Whether the chain is read from `x-forwarded-client-cert`, and that header removed.
    pub chain_from_xfcc: bool,
    /// Longest encoded values.
    pub limits: Limits,
    /// Whether responses say what the filter did.
    pub explain: bool,
    /// Whether some setting refuses requests, so that no request may pass whose hostname is in doubt.
    pub refuses_requests: bool,
    /// Whether some setting sends `Client-Cert`, so that responses may vary on it (RFC 9440 §2.4).
    pub sends_rfc9440: bool,
    hostnames: HostnameTable,
}

/// What is done for one hostname.
#[derive(Debug)]
pub struct Setting {
    /// As metrics and `explain` name it: lower-case, a wildcard with its `*.`.
    pub hostname: String,
    /// Tells this setting from others, whatever configuration it stands in.
    pub id: Id,
    /// What says that a connection was served for this setting.
    pub delivery: DeliveryState,
    /// Whether the two forwarding headers go out, and when.
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
}

/// A header that the filter sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Lower-case name.
    pub name: String,
    /// What it carries.
    pub field: Field,
    /// Place of the field in [`Config::fields`].
    pub slot: usize,
}

impl Config {
    /// Reads, checks and compiles `json`; an empty one has no settings.
    ///
    /// # Errors
    /// The first thing that contract §3 does not allow.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.is_empty() {
            return Self::compile(&PluginConfig::from_json(br#"{"settings":[]}"#)?, json);
        }
        Self::compile(&PluginConfig::from_json(json)?, json)
    }

    /// The setting of the most specific pattern that `hostname` (see [`crate::authority::hostname`]) matches.
    #[must_use]
    pub fn setting(&self, hostname: &[u8]) -> Option<(usize, &Setting)> {
        let number = self.hostnames.lookup(hostname)?;
        Some((number, self.settings.get(number)?))
    }

    fn compile(config: &PluginConfig, json: &[u8]) -> Result<Self, ConfigError> {
        let mut hostnames = HostnameTable::default();
        let mut fields = FieldTable::default();
        let mut settings = Vec::with_capacity(config.settings.len());
        let text_id = id(&[json]);
        for (number, setting) in config.settings.iter().enumerate() {
            let path = format!("settings[{number}]");
            let pattern = HostnamePattern::parse(&setting.hostname)
                .map_err(|reason| ConfigError::new(format!("{path}.hostname"), reason))?;
            if let Some(first) = hostnames.insert(&pattern, number) {
                let reason = format!(
                    "{:?} is already the hostname of settings[{first}]",
                    setting.hostname
                );
                return Err(ConfigError::new(format!("{path}.hostname"), reason));
            }
            if setting.require_client_certificate && config.verified_by.is_none() {
                let reason = "needs \"verified_by\" to be given: \"listener\" or \"attribute\"";
                return Err(ConfigError::new(
                    format!("{path}.require_client_certificate"),
                    reason,
                ));
            }
            settings.push(Setting::compile(
                setting,
                &pattern,
                &path,
                config.max_certificate_bytes,
                &text_id,
                &mut fields,
            )?);
        }
        let names = || {
            config
                .settings
                .iter()
                .flat_map(|setting| &setting.request_headers.0)
                .map(|(name, _)| name.as_str())
        };
        let rfc9440_names = [CLIENT_CERT, CLIENT_CERT_CHAIN];
        let sends_rfc9440 = names().any(|name| rfc9440_names.contains(&folded(name).as_str()));
        let also_managed = sends_rfc9440.then_some(rfc9440_names).into_iter().flatten();
        Ok(Self {
            id: id(&[env!("CARGO_PKG_VERSION").as_bytes(), json]),
            managed_headers: ManagedHeaders::new(names().chain(also_managed)),
            fields: fields.fields,
            verified_by: config.verified_by.unwrap_or_default(),
            reject_spoofed_headers: config.on_spoofed_header == OnSpoofedHeader::Reject,
            chain_from_xfcc: config.certificate_chain_source == CertificateChainSource::Xfcc,
            limits: Limits {
                max_certificate_bytes: config.max_certificate_bytes as usize,
                max_certificate_chain_bytes: config.max_certificate_chain_bytes as usize,
            },
            explain: config.explain,
            refuses_requests: settings
                .iter()
                .any(|setting| setting.require_client_certificate || setting.sni_must_match),
            sends_rfc9440,
            hostnames,
            settings,
        })
    }
}

const CLIENT_CERT: &str = "client-cert";
const CLIENT_CERT_CHAIN: &str = "client-cert-chain";

impl Setting {
    /// Whether a connection that was served once needs the forwarding headers no more.
    #[must_use]
    pub fn forwards_once(&self) -> bool {
        self.forward_on == Some(ForwardOn::FirstRequest)
    }

    /// Whether even a request of a connection that was served needs to know of the certificate.
    #[must_use]
    pub fn acts_on_every_request(&self) -> bool {
        self.require_client_certificate
            || self.sni_must_match
            || !self.request_headers.is_empty()
            || !self.response_headers.is_empty()
    }

    fn compile(
        setting: &HostnameSettings,
        pattern: &HostnamePattern,
        path: &str,
        max_certificate_bytes: u32,
        text_id: &Id,
        fields: &mut FieldTable,
    ) -> Result<Self, ConfigError> {
        let hostname = pattern.to_string();
        // A higher limit may let through what was too large before: then the certificate is due again.
        let id = id(&[hostname.as_bytes(), &max_certificate_bytes.to_le_bytes()]);
        let forward_on = setting
            .client_certificate_forwarding
            .then_some(setting.forward_on);
        let forwarding_headers: &[_] = if forward_on.is_some() {
            &FORWARDING_HEADERS
        } else {
            &[]
        };
        let transform_headers: &[_] = if setting.add_client_certificate_headers {
            &MANAGED_TRANSFORM
        } else {
            &[]
        };
        let of_their_own = forwarding_headers
            .iter()
            .chain(transform_headers)
            .map(|(name, _)| *name)
            .collect();
        let request_path = format!("{path}.request_headers");
        let mut request_headers = compile_headers(
            &setting.request_headers,
            &request_path,
            of_their_own,
            fields,
        )?;
        // RFC 9440 §2.3: the chain never goes without the leaf.
        if !request_headers
            .iter()
            .any(|header| folded(&header.name) == CLIENT_CERT)
        {
            request_headers.retain(|header| folded(&header.name) != CLIENT_CERT_CHAIN);
        }
        request_headers.extend(
            transform_headers
                .iter()
                .map(|(name, field)| fields.header(name, *field)),
        );
        let response_path = format!("{path}.response_headers");
        let response_headers = compile_headers(
            &setting.response_headers,
            &response_path,
            HashSet::new(),
            fields,
        )?;
        if let Some((name, _)) = setting
            .response_headers
            .0
            .iter()
            .find(|(name, _)| folded(name).starts_with(CLIENT_CERT))
        {
            let reason = "RFC 9440 §2 allows this header in requests only";
            return Err(ConfigError::new(format!("{response_path}.{name}"), reason));
        }
        Ok(Self {
            id,
            // Without this filter's version: a matcher made for this text stays good for newer modules.
            delivery: DeliveryState::new(&id, text_id),
            hostname,
            forward_on,
            forwarding_headers: forwarding_headers
                .iter()
                .map(|(name, field)| fields.header(name, *field))
                .collect(),
            request_headers,
            response_headers,
            forward_unverified: setting.forward_unverified,
            require_client_certificate: setting.require_client_certificate,
            sni_must_match: setting
                .sni_must_match
                .unwrap_or(setting.require_client_certificate),
        })
    }
}

/// Checks and compiles `headers`; `taken` are the folded names that the setting already sets.
fn compile_headers(
    headers: &HeaderFields,
    path: &str,
    taken: HashSet<&str>,
    fields: &mut FieldTable,
) -> Result<Vec<Header>, ConfigError> {
    let mut seen: HashSet<String> = taken.into_iter().map(str::to_owned).collect();
    let mut compiled = Vec::with_capacity(headers.0.len());
    for (name, field) in &headers.0 {
        let refuse = |reason: &str| Err(ConfigError::new(format!("{path}.{name}"), reason));
        let lower = name.to_ascii_lowercase();
        if lower.starts_with(':') {
            return refuse("a pseudo-header can't be set");
        }
        if lower.is_empty() || !lower.bytes().all(is_token_byte) {
            let reason = "not a header name (RFC 9110 §5.1: letters, digits and !#$%&'*+-.^_`|~)";
            return refuse(&format!("{reason}{}", nearest_token(name)));
        }
        if lower == "host" || HOP_BY_HOP.contains(&lower.as_str()) {
            return refuse("this header belongs to the connection or to routing and can't be set");
        }
        if !seen.insert(folded(name)) {
            return refuse(
                "given twice (case is ignored, every punctuation mark counts as -, and other keys of this setting may set it)",
            );
        }
        compiled.push(fields.header(&lower, *field));
    }
    Ok(compiled)
}

/// RFC 9110 §7.6.1, and what frames a message.
pub(super) const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A hint at what `name` is with the characters replaced or left out that a header name can't have; empty when nothing is left.
fn nearest_token(name: &str) -> String {
    let replaced = name.replace(
        |character| !u8::try_from(character).is_ok_and(is_token_byte),
        "-",
    );
    let token = replaced.trim_matches('-');
    if token.is_empty() {
        return String::new();
    }
    format!(", did you mean {token:?}?")
}

fn folded(name: &str) -> String {
    fold(name.as_bytes()).map(char::from).collect()
}

#[derive(Default)]
struct FieldTable {
    fields: Vec<Field>,
    slots: HashMap<Field, usize>,
}

impl FieldTable {
    fn header(&mut self, name: &str, field: Field) -> Header {
        let slot = *self.slots.entry(field).or_insert_with(|| {
            self.fields.push(field);
            self.fields.len() - 1
        });
        Header {
            name: name.to_owned(),
            field,
            slot,
        }
    }
}

fn id(parts: &[&[u8]]) -> Id {
    let mut hash = Sha256::new();
    for part in parts {
        // The same in the module and in native programs, whose addresses differ in size: a matcher is made by one of these.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut id = Id::default();
    id.iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    id
}
