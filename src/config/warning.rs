//! Configurations that are taken, but can't do what they seem to ask for (contract §3).

use std::fmt;

use super::path::JsonPath;

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
