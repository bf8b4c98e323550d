//! Finds what a configuration asks for in vain (contract §3).

use crate::certificate::field::Field;
use crate::config::Warning;
use crate::config::findings::Findings;
use crate::config::path::Place;
use crate::config::schema::{CertificateChainSource, HeaderFields, HostnameSettings, PluginConfig};
use crate::hostname::HostnamePattern;

/// Records what `plugin` asks for in vain, but for [`Warning::ForwardOnWithoutForwarding`].
pub(super) fn find(plugin: &PluginConfig, findings: &mut Findings) {
    let (top, mut has_chain) = (Place::Top, false);
    let has_source = plugin.certificate_chain_source == CertificateChainSource::Xfcc;
    if plugin.max_certificate_bytes == 0 {
        let path = (&top.key("max_certificate_bytes")).into();
        findings.warn(Warning::NoCertificateFits(path));
    }
    let settings = top.key("settings");
    for (number, setting) in plugin.settings.iter().enumerate() {
        let place = settings.index(number);
        find_address(setting, &place, findings);
        for (key, headers) in [
            ("request_headers", &setting.request_headers),
            ("response_headers", &setting.response_headers),
        ] {
            let headers_place = place.key(key);
            for name in names_of_chain(headers) {
                has_chain = true;
                if !has_source {
                    let path = (&headers_place.key(name)).into();
                    findings.warn(Warning::ChainWithoutSource(path));
                }
            }
        }
    }
    if has_source && !has_chain {
        let path = (&top.key("certificate_chain_source")).into();
        findings.warn(Warning::SourceWithoutChain(path));
    }
}

fn find_address(setting: &HostnameSettings, place: &Place<'_>, findings: &mut Findings) {
    let sni_must_match = setting
        .sni_must_match
        .unwrap_or(setting.require_client_certificate);
    let is_address =
        || HostnamePattern::parse(&setting.hostname).is_ok_and(|pattern| pattern.is_address());
    if sni_must_match && is_address() {
        let path = (&place.key("hostname")).into();
        findings.warn(Warning::ServerNameOfAddress(path));
    }
}

fn names_of_chain(headers: &HeaderFields) -> impl Iterator<Item = &str> {
    let of_chain = [
        Field::CertChainRfc9440,
        Field::CertChainRfc9440TooLarge,
        Field::CertWithChainDerBase64,
    ];
    headers
        .0
        .iter()
        .filter(move |(_, field)| of_chain.contains(field))
        .map(|(name, _)| name.as_str())
}
