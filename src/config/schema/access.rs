//! The types of `allow_client_certificates` and `revoked_certificates`.

use serde::Serialize;

#[cfg(feature = "schema")]
use super::rules;

/// Matches a certificate that matches every key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
pub struct AllowedCertificate {
    /// SHA-256 of the DER in hex, with or without colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = rules::SHA256)))]
    pub sha256: Option<String>,
    /// The subject, exactly as the field `certSubjectDN` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = rules::DN)))]
    pub subject_dn: Option<String>,
    /// The issuer, exactly as the field `certIssuerDN` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = rules::DN)))]
    pub issuer_dn: Option<String>,
    /// A DNS name of the subject alternative name; `*.` in front stands for any depth below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = rules::DNS)))]
    pub san_dns: Option<String>,
    /// A URI of the subject alternative name; `*` at the end stands for any path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = rules::URI)))]
    pub san_uri: Option<String>,
    /// An e-mail address of the subject alternative name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = rules::EMAIL)))]
    pub san_email: Option<String>,
}

/// A certificate that counts as not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RevokedCertificate {
    /// The one with this fingerprint.
    Fingerprint {
        /// SHA-256 of the DER in hex, with or without colons.
        sha256: String,
    },
    /// The one that this issuer gave this serial number, as certificate revocation lists name it.
    Serial {
        /// The issuer, exactly as the field `certIssuerDN` has it.
        issuer_dn: String,
        /// The serial number as the field `certSerial` has it: hex, a negative one with `-`.
        serial: String,
    },
}
