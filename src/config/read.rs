//! From JSON to the types of [`super::schema`], key by key (contract §3).

use super::Warning;
use super::findings::Findings;
use super::json::{Json, quoted};
use super::path::Place;
use super::read_access::{allowed_certificates, revoked_certificates};
use super::reader::{Keys, Reader, Words};
use super::schema::{
    CertificateChainSource, ForwardOn, HeaderFields, HostnameSettings, MAX_LIMIT, OnSpoofedHeader,
    PluginConfig, VerifiedBy,
};
use crate::certificate::field::Field;

pub(super) use super::read_access::Revoked;

/// Reads the whole configuration with its `revoked_certificates`.
pub(super) fn plugin_config(json: &Json<'_>, findings: &mut Findings) -> PluginConfig {
    let mut revoked = Vec::new();
    let mut add = |entry: &Revoked<'_>| revoked.push(entry.into());
    let config = all_but_revoked(json, &mut add, findings);
    PluginConfig {
        revoked_certificates: revoked,
        ..config
    }
}

/// Reads the configuration; entries of `revoked_certificates` go to `add`. What cannot be read
/// keeps its default and has an error.
pub(super) fn all_but_revoked(
    json: &Json<'_>,
    add: &mut dyn FnMut(&Revoked<'_>),
    findings: &mut Findings,
) -> PluginConfig {
    let mut config = PluginConfig::default();
    let mut reader = Reader { findings };
    reader.object(
        json,
        &Place::Top,
        &PLUGIN_CONFIG,
        &mut |reader, key, value, at| {
            if key == "revoked_certificates" {
                revoked_certificates(reader, value, at, add);
                return true;
            }
            plugin_config_member(&mut config, reader, key, value, at)
        },
    );
    config
}

const TOP_KEYS: &[&str] = &[
    "settings",
    "verified_by",
    "on_spoofed_header",
    "certificate_chain_source",
    "max_certificate_bytes",
    "max_certificate_chain_bytes",
    "explain",
    "revoked_certificates",
    "$schema",
];

const PLUGIN_CONFIG: Keys = Keys {
    own: TOP_KEYS,
    required: &["settings"],
    elsewhere: (SETTING_KEYS, "into an object of \"settings\""),
};

fn plugin_config_member(
    config: &mut PluginConfig,
    reader: &mut Reader<'_>,
    key: &str,
    value: &Json<'_>,
    at: &Place<'_>,
) -> bool {
    match key {
        "settings" => config.settings = settings(reader, value, at),
        // After an unknown word something is given: that it is required needs no second error.
        "verified_by" => {
            config.verified_by = Some(reader.word(value, at).unwrap_or_default());
        }
        "on_spoofed_header" => set(&mut config.on_spoofed_header, reader.word(value, at)),
        "certificate_chain_source" => {
            set(&mut config.certificate_chain_source, reader.word(value, at));
        }
        "max_certificate_bytes" => {
            set(
                &mut config.max_certificate_bytes,
                reader.number(value, MAX_LIMIT, at),
            );
        }
        "max_certificate_chain_bytes" => {
            set(
                &mut config.max_certificate_chain_bytes,
                reader.number(value, MAX_LIMIT, at),
            );
        }
        "explain" => set(&mut config.explain, reader.boolean(value, at)),
        "$schema" => drop(reader.text(value, at)),
        _ => return false,
    }
    true
}

fn settings(reader: &mut Reader<'_>, json: &Json<'_>, place: &Place<'_>) -> Vec<HostnameSettings> {
    let items = reader.items(json, place).unwrap_or_default();
    let mut settings = Vec::with_capacity(items.len());
    for (number, item) in items.iter().enumerate() {
        settings.push(hostname_settings(reader, item, &place.index(number)));
    }
    settings
}

/// Reads one setting.
pub(super) fn hostname_settings(
    reader: &mut Reader<'_>,
    json: &Json<'_>,
    place: &Place<'_>,
) -> HostnameSettings {
    let mut setting = HostnameSettings::default();
    let mut has_forward_on = false;
    reader.object(
        json,
        place,
        &HOSTNAME_SETTINGS,
        &mut |reader, key, value, at| {
            has_forward_on |= key == "forward_on";
            hostname_settings_member(&mut setting, reader, key, value, at)
        },
    );
    if has_forward_on && !setting.client_certificate_forwarding {
        let path = (&place.key("forward_on")).into();
        reader
            .findings
            .warn(Warning::ForwardOnWithoutForwarding(path));
    }
    setting
}

const SETTING_KEYS: &[&str] = &[
    "hostname",
    "china_network",
    "client_certificate_forwarding",
    "forward_on",
    "forward_unverified",
    "require_client_certificate",
    "sni_must_match",
    "allow_client_certificates",
    "add_client_certificate_headers",
    "request_headers",
    "response_headers",
];

const HOSTNAME_SETTINGS: Keys = Keys {
    own: SETTING_KEYS,
    required: &["hostname"],
    elsewhere: (TOP_KEYS, "to the top level, beside \"settings\""),
};

fn hostname_settings_member(
    setting: &mut HostnameSettings,
    reader: &mut Reader<'_>,
    key: &str,
    value: &Json<'_>,
    at: &Place<'_>,
) -> bool {
    let flag = match key {
        "hostname" => {
            set(
                &mut setting.hostname,
                reader.text(value, at).map(str::to_owned),
            );
            return true;
        }
        "forward_on" => {
            set(&mut setting.forward_on, reader.word(value, at));
            return true;
        }
        "sni_must_match" => {
            setting.sni_must_match = reader.boolean(value, at);
            return true;
        }
        "allow_client_certificates" => {
            setting.allow_client_certificates = Some(allowed_certificates(reader, value, at));
            return true;
        }
        "request_headers" => {
            setting.request_headers = header_fields(reader, value, at);
            return true;
        }
        "response_headers" => {
            setting.response_headers = header_fields(reader, value, at);
            return true;
        }
        "china_network" => &mut setting.china_network,
        "client_certificate_forwarding" => &mut setting.client_certificate_forwarding,
        "forward_unverified" => &mut setting.forward_unverified,
        "require_client_certificate" => &mut setting.require_client_certificate,
        "add_client_certificate_headers" => &mut setting.add_client_certificate_headers,
        _ => return false,
    };
    set(flag, reader.boolean(value, at));
    true
}

/// Reads header names with their fields; the compiler refuses names that are given twice.
fn header_fields(reader: &mut Reader<'_>, json: &Json<'_>, place: &Place<'_>) -> HeaderFields {
    let members = reader.members(json, place).unwrap_or_default();
    let mut pairs = Vec::with_capacity(members.len());
    for (name, value) in members {
        let at = place.key(name);
        let Some(text) = reader.text(value, &at) else {
            continue;
        };
        let field = Field::from_name(text).unwrap_or_else(|| {
            let hint = Field::nearest_name(text).map(|near| format!(", did you mean {near:?}?"));
            let hint = hint.unwrap_or_default();
            reader.error(&at, format!("unknown field name {}{hint}", quoted(text)));
            Field::CertPresented
        });
        pairs.push((name.clone().into_owned(), field));
    }
    HeaderFields(pairs)
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

impl Words for VerifiedBy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("attribute", Self::Attribute), ("listener", Self::Listener)];
}

impl Words for OnSpoofedHeader {
    const WORDS: &'static [(&'static str, Self)] =
        &[("strip", Self::Strip), ("reject", Self::Reject)];
}

impl Words for CertificateChainSource {
    const WORDS: &'static [(&'static str, Self)] = &[("none", Self::None), ("xfcc", Self::Xfcc)];
}

impl Words for ForwardOn {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("first_request", Self::FirstRequest),
        ("every_request", Self::EveryRequest),
    ];
}
