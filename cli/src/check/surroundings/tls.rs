//! The TLS context: whether certificates are asked for, and whether "verified" is true.

use client_cert_forwarder::config::Config;
use client_cert_forwarder::config::compiled::VerifiedBy;

use super::filter_chain::Chain;
use crate::check::Finding;
use crate::configurations::Trail;
use crate::document::Node;

/// Whether Envoy asks clients for certificates at all.
pub(super) fn asks_for_certificates(trail: &Trail) -> Option<Finding> {
    let (context, path) = Chain::of(trail)?.tls_context()?;
    let common = context.at(&["common_tls_context"]).unwrap_or(context);
    Validation::of(common).is_none().then(|| {
        Finding::error(
            common.line,
            format!("{path}.common_tls_context.validation_context"),
            "missing: Envoy asks no client for a certificate without it; name the CA of the \
             clients in trusted_ca",
        )
    })
}

/// Whether "verified" is true, as `verified_by` says.
pub(super) fn verifies(trail: &Trail, config: &Config) -> Option<Finding> {
    let (context, path) = Chain::of(trail)?.tls_context()?;
    let common = context.at(&["common_tls_context"]).unwrap_or(context);
    let path = |key: &str| format!("{path}.{key}");
    let validation = Validation::of(common)?;
    match config.verified_by {
        VerifiedBy::Listener => validation.is_lax().map(|(line, reason)| {
            let path = path("common_tls_context.validation_context");
            Finding::error(line, path, reason)
        }),
        VerifiedBy::Attribute => resumption(context).map(|(line, key)| {
            Finding::warning(
                line,
                path(key),
                "\"verified_by\": \"attribute\" counts each resumed TLS session as unverified: set \
                 disable_stateless_session_resumption and disable_stateful_session_resumption \
                 to true",
            )
        }),
    }
}

/// How clients' certificates are verified.
struct Validation<'a> {
    /// `CertificateValidationContext`; `None` where a secret holds it.
    context: Option<&'a Node>,
    /// Whether a part of it comes from a secret (SDS).
    has_secret: bool,
}

impl<'a> Validation<'a> {
    fn of(common: &'a Node) -> Option<Self> {
        if let Some(context) = common.get("validation_context") {
            return Some(Self {
                context: Some(context),
                has_secret: false,
            });
        }
        if let Some(combined) = common.get("combined_validation_context") {
            let context = combined.get("default_validation_context");
            return Some(Self {
                context: context.map(AsRef::as_ref),
                has_secret: true,
            });
        }
        common
            .get("validation_context_sds_secret_config")
            .map(|_| Self {
                context: None,
                has_secret: true,
            })
    }

    /// Why an unverified certificate passes the handshake, and the line that says so.
    fn is_lax(&self) -> Option<(usize, &'static str)> {
        let context = self.context?;
        let mode = context.get("trust_chain_verification");
        if let Some(mode) = mode.filter(|mode| mode.text() == Some("ACCEPT_UNTRUSTED")) {
            return Some((
                mode.line,
                "ACCEPT_UNTRUSTED lets certificates through that are not verified, and \
                 \"verified_by\": \"listener\" takes them for verified: set \"verified_by\": \
                 \"attribute\", or leave ACCEPT_UNTRUSTED out",
            ));
        }
        let verifies = [
            "trusted_ca",
            "ca_certificate_provider_instance",
            "verify_certificate_hash",
            "verify_certificate_spki",
            "custom_validator_config",
        ];
        let is_verified = verifies.iter().any(|key| context.get(key).is_some());
        (!is_verified && !self.has_secret).then_some((
            context.line,
            "verifies nothing without trusted_ca, and \"verified_by\": \"listener\" takes every \
             certificate for verified: name the CA of the clients",
        ))
    }
}

/// The key that is missing to turn session resumption off.
fn resumption(context: &Node) -> Option<(usize, &'static str)> {
    [
        "disable_stateless_session_resumption",
        "disable_stateful_session_resumption",
    ]
    .into_iter()
    .find(|key| !context.get(key).is_some_and(|disabled| disabled.is_true()))
    .map(|key| {
        (
            context.get(key).map_or(context.line, |value| value.line),
            key,
        )
    })
}
