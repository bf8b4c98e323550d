//! Reads the downstream connection's certificate from Envoy, once per connection (contract §4.3, §4.4).

use crate::certificate::{Certificate, pem, xfcc};
use crate::config::{Config, compiled::VerifiedBy};
use crate::connection::{CERTIFICATE, PeerCertificate, Presented};
use crate::hostcalls::Hostcalls;

/// Filled by Envoy's `set_filter_state` filter from `%DOWNSTREAM_PEER_CERT%`, for Envoys without `connection.peer_certificate`.
const FILTER_STATE: &str = "filter_state\0client_cert_forwarder.pem";

/// The connection's record: as it was kept with the connection, or else read now and kept.
pub fn record(envoy: &impl Hostcalls, config: &Config, xfcc: Option<&[u8]>) -> PeerCertificate {
    let kept = envoy
        .property(CERTIFICATE)
        .and_then(|bytes| PeerCertificate::from_bytes(bytes, &config.id));
    kept.unwrap_or_else(|| {
        let record = read(envoy, config, xfcc);
        envoy.set_connection_property(CERTIFICATE, record.as_bytes());
        record
    })
}

fn read(envoy: &impl Hostcalls, config: &Config, xfcc: Option<&[u8]>) -> PeerCertificate {
    let server_name = server_name(envoy);
    let record = |presented, too_large, values: &[String]| {
        PeerCertificate::new(
            &config.id,
            presented,
            too_large,
            server_name.as_deref(),
            values,
        )
    };
    if !is_true(envoy, "connection\0mtls") {
        return record(Presented::No, false, &[]);
    }
    let Some(der) = certificate(envoy) else {
        return record(Presented::SourceMissing, false, &[]);
    };
    let verified = match config.verified_by {
        VerifiedBy::Listener => true,
        VerifiedBy::Attribute => is_true(envoy, "connection\0peer_certificate_valid"),
    };
    let presented = if verified {
        Presented::Verified
    } else {
        Presented::Unverified
    };
    let chain = xfcc.map_or_else(Vec::new, |value| {
        xfcc::without_leaf(xfcc::chain(value), &der)
    });
    let certificate = Certificate::new(der, chain);
    let values: Vec<String> = config
        .fields
        .iter()
        .map(|field| certificate.value(*field, &config.limits))
        .collect();
    record(presented, certificate.too_large(&config.limits), &values)
}

/// DER of the leaf, from whichever source has it.
fn certificate(envoy: &impl Hostcalls) -> Option<Vec<u8>> {
    ["connection\0peer_certificate", FILTER_STATE]
        .into_iter()
        .find_map(|path| pem::decode(&envoy.property(path)?))
}

/// The SNI; empty where the client sent none, `None` on plain text.
fn server_name(envoy: &impl Hostcalls) -> Option<Vec<u8>> {
    let given = |path| envoy.property(path).filter(|value| !value.is_empty());
    given("connection\0requested_server_name")
        .or_else(|| given("connection\0tls_version").map(|_| Vec::new()))
}

/// A boolean attribute is one byte; absent (an older Envoy) means false.
fn is_true(envoy: &impl Hostcalls, path: &str) -> bool {
    envoy
        .property(path)
        .is_some_and(|value| value.first().is_some_and(|byte| *byte != 0))
}
