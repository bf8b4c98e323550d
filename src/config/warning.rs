//! Configurations that are taken, but can't do what they seem to ask for (contract §3).

use std::fmt;

use super::findings::Findings;
use super::path::{JsonPath, Place};
use super::schema::{CertificateChainSource, HeaderFields, HostnameSettings, PluginConfig};
use crate::certificate::field::Field;
use crate::hostname::HostnamePattern;

/// One line for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// `sni_must_match` for an IP address: RFC 6066 §3 has no server name for one.
    ServerNameOfAddress(JsonPath),
    /// A header carries the chain, and `certificate_chain_source` is `none`.
    ChainWithoutSource(JsonPath),
    /// `certificate_chain_source` is `xfcc`, and no header carries the chain.
    SourceWithoutChain(JsonPath),
    /// `forward_on` without `client_certificate_forwarding`.
    ForwardOnWithoutForwarding(JsonPath),
    /// `max_certificate_bytes` is 0, so that no certificate fits.
    NoCertificateFits(JsonPath),
}

impl Warning {
    /// Where in the JSON the cause is.
    #[must_use]
    pub fn path(&self) -> &JsonPath {
        match self {
            Self::ServerNameOfAddress(path)
            | Self::ChainWithoutSource(path)
            | Self::SourceWithoutChain(path)
            | Self::ForwardOnWithoutForwarding(path)
            | Self::NoCertificateFits(path) => path,
        }
    }

    /// Says what happens instead, and what to do.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ServerNameOfAddress(_) => {
                "clients send no server name (SNI) for an IP address, so \"sni_must_match\" \
                 answers each request 421: set \"sni_must_match\": false"
            }
            Self::ChainWithoutSource(_) => {
                "carries no chain, because \"certificate_chain_source\" is \"none\": \
                 set it to \"xfcc\""
            }
            Self::SourceWithoutChain(_) => {
                "\"xfcc\" has no use, because no header carries the chain: \
                 leave it out, or add a header with \"certChainRFC9440\""
            }
            Self::ForwardOnWithoutForwarding(_) => {
                "has no effect without \"client_certificate_forwarding\": true"
            }
            Self::NoCertificateFits(_) => {
                "no certificate is that short, so none is put into a header: \
                 leave it out for the default of 10240"
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = super::error::on_one_line(&self.path().to_string());
        write!(formatter, "{line}: {}", self.reason())
    }
}

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
