//! The plugin configuration and its settings.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::access::{AllowedCertificate, RevokedCertificate};
#[cfg(feature = "schema")]
use super::rules;
use crate::certificate::field::Field;

/// Highest `max_certificate_bytes` and `max_certificate_chain_bytes`: 48 KiB.
pub(crate) const MAX_LIMIT: u32 = 49_152;

/// The plugin configuration. The body of Cloudflare's `PUT …/access/certificates/settings` is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "schema",
    schemars(extend(
        "if" = rules::requires_a_certificate(),
        "then" = rules::verified_by_is_given()
    ))
)]
pub struct PluginConfig {
    /// One object per hostname.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<HostnameSettings>"))]
    pub settings: Vec<HostnameSettings>,
    /// What says that a certificate was verified; required where a setting requires a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "VerifiedBy"))]
    pub verified_by: Option<VerifiedBy>,
    /// What happens to a request with a header that only this filter may set.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "OnSpoofedHeader"))]
    pub on_spoofed_header: OnSpoofedHeader,
    /// Where the certificate chain comes from.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "CertificateChainSource"))]
    pub certificate_chain_source: CertificateChainSource,
    /// Longest encoded leaf certificate put in a header, in bytes.
    #[serde(default = "default_max_certificate_bytes")]
    #[cfg_attr(feature = "schema", schemars(range(max = MAX_LIMIT)))]
    pub max_certificate_bytes: u32,
    /// Longest encoded certificate chain put in a header, in bytes.
    #[serde(default = "default_max_certificate_chain_bytes")]
    #[cfg_attr(feature = "schema", schemars(range(max = MAX_LIMIT)))]
    pub max_certificate_chain_bytes: u32,
    /// Whether responses say what the filter did, and why.
    #[serde(default)]
    pub explain: bool,
    /// Certificates that count as not verified from now on, on open connections too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_certificates: Vec<RevokedCertificate>,
}

impl Default for PluginConfig {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            verified_by: None,
            on_spoofed_header: OnSpoofedHeader::default(),
            certificate_chain_source: CertificateChainSource::default(),
            max_certificate_bytes: default_max_certificate_bytes(),
            max_certificate_chain_bytes: default_max_certificate_chain_bytes(),
            explain: false,
            revoked_certificates: Vec::new(),
        }
    }
}

fn default_max_certificate_bytes() -> u32 {
    10_240
}

fn default_max_certificate_chain_bytes() -> u32 {
    16_384
}

/// What is done for one hostname.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "schema",
    schemars(extend("dependentSchemas" = rules::allow_needs_require()))
)]
pub struct HostnameSettings {
    /// `api.example.com`, `*.example.com` (any depth below, not itself) or `*`; the most specific
    /// wins.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = rules::HOSTNAME)))]
    pub hostname: String,
    /// Accepted so that Cloudflare's bodies work; has no effect.
    #[serde(default)]
    pub china_network: bool,
    /// Send `Cf-Client-Cert-Der-Base64` and `Cf-Client-Cert-Sha256`.
    #[serde(default)]
    pub client_certificate_forwarding: bool,
    /// Which requests of a connection carry these two headers.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "ForwardOn"))]
    pub forward_on: ForwardOn,
    /// Forward certificates that were not verified too.
    #[serde(default)]
    pub forward_unverified: bool,
    /// Answer 403 to requests without a verified certificate.
    #[serde(default)]
    pub require_client_certificate: bool,
    /// Answer 421 on connections whose SNI is not for this hostname; by default as
    /// `require_client_certificate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub sni_must_match: Option<bool>,
    /// The certificates that may call: those that match at least one of these. Needs
    /// `require_client_certificate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<AllowedCertificate>"))]
    pub allow_client_certificates: Option<Vec<AllowedCertificate>>,
    /// Send the 17 `cf-cert-*` headers of Cloudflare's Managed Transform "Add TLS client auth
    /// headers" on every request.
    #[serde(default)]
    pub add_client_certificate_headers: bool,
    /// Header name → field name, on every request to the origin.
    #[serde(default, skip_serializing_if = "HeaderFields::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("anyOf" = rules::chain_needs_leaf())))]
    pub request_headers: HeaderFields,
    /// Header name → field name, on every response to the client.
    #[serde(default, skip_serializing_if = "HeaderFields::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("propertyNames" = rules::no_rfc9440_header())))]
    pub response_headers: HeaderFields,
}

/// What says that a certificate was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// Envoy's attribute `connection.peer_certificate_valid`, false on resumed TLS sessions.
    #[default]
    Attribute,
    /// The listener refuses every certificate that it can't verify.
    Listener,
}

/// What happens to a request that carries a header that only the filter may set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnSpoofedHeader {
    /// The header is removed and the request goes on.
    #[default]
    Strip,
    /// The request is answered 400.
    Reject,
}

/// Where the certificate chain comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CertificateChainSource {
    /// There is none.
    #[default]
    None,
    /// The `Chain` of the `x-forwarded-client-cert` that Envoy set (`SANITIZE_SET`).
    Xfcc,
}

/// Which requests carry the certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ForwardOn {
    /// The first of a connection.
    #[default]
    FirstRequest,
    /// All.
    EveryRequest,
}

/// Header names and the fields they carry, in the JSON's order. A name may stand in it twice, for
/// the compiler to refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFields(pub Vec<(String, Field)>);

impl HeaderFields {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for HeaderFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, field) in &self.0 {
            map.serialize_entry(name, field.name())?;
        }
        map.end()
    }
}
