//! What an operator has to know about certificates that were not forwarded: one line per configuration and case.

use std::cell::Cell;

use crate::config::Config;
use crate::config::compiled::VerifiedBy;
use crate::hostcalls::{Hostcalls, Level};
use crate::metrics::Outcome;

/// Which cases this worker has met.
#[derive(Debug, Default)]
pub struct Warnings {
    source_missing: Cell<bool>,
    unverified: Cell<bool>,
    no_server_name: Cell<bool>,
}

impl Warnings {
    /// Logs what to do about `outcome`, where it calls for something and no worker has said so under this configuration.
    /// `Misdirected` stands for a connection without SNI.
    pub fn explain(&self, envoy: &impl Hostcalls, config: &Config, outcome: Outcome) {
        let (met, text) = match outcome {
            Outcome::SourceMissing => (&self.source_missing, SOURCE_MISSING),
            Outcome::Unverified if config.verified_by == VerifiedBy::Attribute => {
                (&self.unverified, UNVERIFIED)
            }
            Outcome::Misdirected => (&self.no_server_name, NO_SERVER_NAME),
            _ => return,
        };
        if !met.replace(true) && first_in_process(envoy, config, outcome.name()) {
            envoy.log(Level::Warn, text);
        }
    }
}

/// The line at the start, and after every change of the configuration.
pub fn loaded(envoy: &impl Hostcalls, config: &Config, no_configuration: bool) {
    if !first_in_process(envoy, config, "loaded") {
        return;
    }
    let (version, revision) = (
        env!("CARGO_PKG_VERSION"),
        env!("CLIENT_CERT_FORWARDER_REVISION"),
    );
    let settings = config.settings.len();
    if no_configuration {
        envoy.log(Level::Warn, "the plugin configuration is empty: nothing is forwarded, managed headers are still removed");
    }
    envoy.log(
        Level::Info,
        &format!(
            "client-cert-forwarder {version} (revision {revision}) serves {settings} settings"
        ),
    );
}

/// Whether no worker has said `what` under this configuration.
fn first_in_process(envoy: &impl Hostcalls, config: &Config, what: &str) -> bool {
    let id = u64::from_be_bytes(config.id);
    envoy.first_in_process(&format!("client_cert_forwarder.{id:016x}.{what}"))
}

const SOURCE_MISSING: &str = "a client presented a certificate, but Envoy gives it neither as connection.peer_certificate (Envoy 1.38 and later) nor in \
     the filter state client_cert_forwarder.pem: put Envoy's set_filter_state filter before this one, as envoy/envoy-before-1.38.yaml does";
const NO_SERVER_NAME: &str = "a request was answered 421, because Envoy gives no server name (SNI) for its connection: where clients do send one, put \
     envoy.filters.listener.tls_inspector into the listener's listener_filters, as envoy/optional-mtls.yaml does";
const UNVERIFIED: &str = "a client certificate counts as unverified, because connection.peer_certificate_valid does not say that it was verified. \
     Where the listener itself refuses what it can't verify, set \"verified_by\": \"listener\" (needed before Envoy 1.39, which lacks \
     the attribute). Otherwise turn TLS session resumption off in the listener: Envoy reports every resumed session as unverified";
