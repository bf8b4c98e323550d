//! The configuration's types (contract §3). Their doc comments are the JSON Schema's descriptions.

mod access;
mod plugin_config;
#[cfg(feature = "schema")]
pub(super) mod rules;

pub use super::deserialize::{objects, read_object};
pub use access::{AllowedCertificate, RevokedCertificate};
pub(super) use plugin_config::MAX_LIMIT;
pub use plugin_config::{
    CertificateChainSource, ForwardOn, HeaderFields, HostnameSettings, OnSpoofedHeader,
    PluginConfig, VerifiedBy,
};
