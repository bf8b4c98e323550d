//! Reads the downstream connection's certificate from Envoy, once per connection (contract §4.3, §4.4).

use crate::certificate::{Certificate, pem, xfcc};
use crate::config::{Config, compiled::VerifiedBy};
use crate::connection::{CERTIFICATE, Presented, Record};
use crate::host::Host;

/// Filled by Envoy's `set_filter_state` filter from `%DOWNSTREAM_PEER_CERT%`, for Envoys without `connection.peer_certificate`.
const FILTER_STATE: &str = "filter_state\0client_cert_forwarder.pem";

/// The connection's record: as it was kept with the connection, or else read now and kept.
pub fn record(host: &impl Host, config: &Config, xfcc: Option<&[u8]>) -> Record {
    let kept = host
        .property(CERTIFICATE)
        .and_then(|bytes| Record::from_bytes(bytes, &config.id));
    kept.unwrap_or_else(|| {
        let record = read(host, config, xfcc);
        host.set_connection_property(CERTIFICATE, record.as_bytes());
        record
    })
}

fn read(host: &impl Host, config: &Config, xfcc: Option<&[u8]>) -> Record {
    let server_name = server_name(host);
    let record = |presented, too_large, values: &[String]| {
        Record::new(
            &config.id,
            presented,
            too_large,
            server_name.as_deref(),
            values,
        )
    };
    if !is_true(host, "connection\0mtls") {
        return record(Presented::No, false, &[]);
    }
    let Some(der) = certificate(host) else {
        return record(Presented::SourceMissing, false, &[]);
    };
    let verified = match config.verified_by {
        VerifiedBy::Listener => true,
        VerifiedBy::Attribute => is_true(host, "connection\0peer_certificate_valid"),
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
fn certificate(host: &impl Host) -> Option<Vec<u8>> {
    ["connection\0peer_certificate", FILTER_STATE]
        .into_iter()
        .find_map(|path| pem::decode(&host.property(path)?))
}

/// The SNI; empty where the client sent none, `None` on plain text.
fn server_name(host: &impl Host) -> Option<Vec<u8>> {
    let given = |path| host.property(path).filter(|value| !value.is_empty());
    given("connection\0requested_server_name")
        .or_else(|| given("connection\0tls_version").map(|_| Vec::new()))
}

/// A boolean attribute is one byte; absent (an older Envoy) means false.
fn is_true(host: &impl Host, path: &str) -> bool {
    host.property(path)
        .is_some_and(|value| value.first().is_some_and(|byte| *byte != 0))
}
