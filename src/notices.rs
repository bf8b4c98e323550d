//! What an operator has to know about certificates that were not forwarded: one line per configuration and case.

use std::cell::Cell;

use crate::config::Config;
use crate::config::compiled::VerifiedBy;
use crate::host::{Host, Level};
use crate::metrics::Outcome;

/// Which cases this worker has met.
#[derive(Debug, Default)]
pub struct Notices {
    source_missing: Cell<bool>,
    unverified: Cell<bool>,
    no_server_name: Cell<bool>,
}

impl Notices {
    /// Logs what to do about `outcome`, where it calls for something and no worker has said so under this configuration.
    /// `Misdirected` stands for a connection without SNI.
    pub fn explain(&self, host: &impl Host, config: &Config, outcome: Outcome) {
        let (met, text) = match outcome {
            Outcome::SourceMissing => (&self.source_missing, SOURCE_MISSING),
            Outcome::Unverified if config.verified_by == VerifiedBy::Attribute => {
                (&self.unverified, UNVERIFIED)
            }
            Outcome::Misdirected => (&self.no_server_name, NO_SERVER_NAME),
            _ => return,
        };
        if !met.replace(true) && first_in_process(host, config, outcome.name()) {
            host.log(Level::Warn, text);
        }
    }
}

/// The line at the start, and after every change of the configuration.
pub fn loaded(host: &impl Host, config: &Config, no_configuration: bool) {
    if !first_in_process(host, config, "loaded") {
        return;
    }
    let (version, revision) = (
        env!("CARGO_PKG_VERSION"),
        env!("CLIENT_CERT_FORWARDER_REVISION"),
    );
    let settings = config.settings.len();
    if no_configuration {
        host.log(Level::Warn, "the plugin configuration is empty: nothing is forwarded, managed headers are still removed");
    }
    host.log(
        Level::Info,
        &format!(
            "client-cert-forwarder {version} (revision {revision}) serves {settings} settings"
        ),
    );
}

/// Whether no worker has said `what` under this configuration.
fn first_in_process(host: &impl Host, config: &Config, what: &str) -> bool {
    let id = u64::from_be_bytes(config.id);
    host.first_in_process(&format!("client_cert_forwarder.{id:016x}.{what}"))
}

const SOURCE_MISSING: &str = "a client presented a certificate, but Envoy gives it neither as connection.peer_certificate (Envoy 1.38 and later) nor in \
     the filter state client_cert_forwarder.pem: put Envoy's set_filter_state filter before this one, as envoy/envoy-before-1.38.yaml does";
const NO_SERVER_NAME: &str = "a request was answered 421, because Envoy gives no server name (SNI) for its connection: where clients do send one, put \
     envoy.filters.listener.tls_inspector into the listener's listener_filters, as envoy/optional-mtls.yaml does";
const UNVERIFIED: &str = "a client certificate counts as unverified, because connection.peer_certificate_valid does not say that it was verified. \
     Where the listener itself refuses what it can't verify, set \"verified_by\": \"listener\" (needed before Envoy 1.39, which lacks \
     the attribute). Otherwise turn TLS session resumption off in the listener: Envoy reports every resumed session as unverified";
