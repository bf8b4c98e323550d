//! What a plugin configuration can't ask for and have a fast path: whatever the filter has to see
//! every request for.

use crate::config::ConfigError;
use crate::config::schema::{
    CertificateChainSource, ForwardOn, HostnameSettings, OnSpoofedHeader, PluginConfig,
};

/// Whether nothing is left to do once the certificate was delivered.
///
/// # Errors
/// The first key that says otherwise.
pub(super) fn check(config: &PluginConfig) -> Result<(), ConfigError> {
    let of_all = [
        (
            config.on_spoofed_header == OnSpoofedHeader::Reject,
            "on_spoofed_header",
            "\"reject\" has to see every request",
        ),
        (
            config.certificate_chain_source == CertificateChainSource::Xfcc,
            "certificate_chain_source",
            "\"xfcc\" removes a header from every request",
        ),
        (config.explain, "explain", "adds a header to every response"),
    ];
    refuse_first("", &of_all)?;
    for (number, setting) in config.settings.iter().enumerate() {
        refuse_first(&format!("settings[{number}]."), &of_setting(setting))?;
    }
    if !config
        .settings
        .iter()
        .any(|setting| setting.client_certificate_forwarding)
    {
        return refuse(
            "settings",
            "none has client_certificate_forwarding: there is nothing to skip",
        );
    }
    Ok(())
}

type Reason = (bool, &'static str, &'static str);

fn of_setting(setting: &HostnameSettings) -> [Reason; 6] {
    let forwards_always =
        setting.client_certificate_forwarding && setting.forward_on == ForwardOn::EveryRequest;
    [
        (
            forwards_always,
            "forward_on",
            "\"every_request\" adds headers to every request",
        ),
        (
            setting.require_client_certificate,
            "require_client_certificate",
            "has to judge every request",
        ),
        (
            setting.sni_must_match == Some(true),
            "sni_must_match",
            "has to judge every request",
        ),
        (
            setting.add_client_certificate_headers,
            "add_client_certificate_headers",
            "adds headers to every request",
        ),
        (
            !setting.request_headers.0.is_empty(),
            "request_headers",
            "adds headers to every request",
        ),
        (
            !setting.response_headers.0.is_empty(),
            "response_headers",
            "adds headers to every response",
        ),
    ]
}

fn refuse_first(path: &str, reasons: &[Reason]) -> Result<(), ConfigError> {
    match reasons.iter().find(|(refused, _, _)| *refused) {
        Some((_, key, reason)) => refuse(&format!("{path}{key}"), reason),
        None => Ok(()),
    }
}

fn refuse(path: &str, reason: &str) -> Result<(), ConfigError> {
    let reason =
        format!("{reason}, so it can't have a fast path: leave it out, or deploy the filter alone");
    Err(ConfigError::new(path.to_owned(), reason))
}
