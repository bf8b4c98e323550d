//! Shared by most tests: the usual configurations, and whether a request carried the certificate.

use serde_json::{Value, json};
use support::{
    Envoy, Identity, Protocol,
    der::{Template, public_key},
    mtls_protocols,
    origin::Recorded,
    pki,
};

/// The two headers that forwarding sends.
pub(crate) const DER: &str = "cf-client-cert-der-base64";
pub(crate) const SHA256: &str = "cf-client-cert-sha256";

/// The hostname that most tests use, which clients also connect for unless told otherwise.
pub(crate) const HOST: &str = "api.example.com";

/// Forwarding for each hostname, on a listener that verifies.
pub(crate) fn forwarding(hostnames: &[&str]) -> Value {
    configuration(hostnames.iter().map(|hostname| forward(hostname)).collect())
}

/// Those settings, on a listener that verifies: every Envoy of the matrix can forward then.
pub(crate) fn configuration(settings: Vec<Value>) -> Value {
    json!({ "verified_by": "listener", "settings": settings })
}

/// One setting that forwards.
pub(crate) fn forward(hostname: &str) -> Value {
    json!({ "hostname": hostname, "client_certificate_forwarding": true })
}

/// The same, on every request.
pub(crate) fn forward_every(hostname: &str) -> Value {
    json!({ "hostname": hostname, "client_certificate_forwarding": true, "forward_on": "every_request" })
}

/// Whether the request carried a certificate at all.
pub(crate) fn carries_certificate(request: &Recorded) -> bool {
    request.headers.names().iter().any(|name| is_managed(name))
}

/// Whether each of the requests carried a certificate.
pub(crate) fn carried(requests: &[Recorded]) -> Vec<bool> {
    requests.iter().map(carries_certificate).collect()
}

/// Fails unless the request carried exactly that certificate, once.
#[track_caller]
pub(crate) fn assert_carries(request: &Recorded, identity: &Identity) {
    assert_eq!(
        request.headers.all(DER),
        [identity.der_base64().as_bytes()],
        "{request:#?}"
    );
    assert_eq!(
        request.headers.all(SHA256),
        [identity.sha256().as_bytes()],
        "{request:#?}"
    );
    let managed = request
        .headers
        .names()
        .into_iter()
        .filter(|name| is_managed(name))
        .count();
    assert_eq!(managed, 2, "{request:#?}");
}

/// Fails when the request carried a certificate, or anything that an origin could take for one.
#[track_caller]
pub(crate) fn assert_carries_none(request: &Recorded) {
    assert!(!carries_certificate(request), "{request:#?}");
}

/// Whether an origin that folds names could take this one for a managed header (contract §4.1).
pub(crate) fn is_managed(name: &str) -> bool {
    let folded = name
        .to_ascii_lowercase()
        .replace(|byte: char| !byte.is_ascii_alphanumeric(), "-");
    folded.starts_with("cf-client-cert-") || folded.starts_with("cf-cert-")
}

/// The protocols with concurrent streams over which this Envoy can ask for a client certificate.
pub(crate) fn multiplexed() -> impl Iterator<Item = Protocol> {
    mtls_protocols()
        .iter()
        .copied()
        .filter(|protocol| *protocol != Protocol::Http1)
}

/// How many protocols there are to test with a client certificate, as the counters see it.
pub(crate) fn protocols_count() -> u64 {
    mtls_protocols().len() as u64
}

/// The errors that the filter itself has logged.
pub(crate) fn filter_errors(envoy: &Envoy) -> Vec<String> {
    envoy
        .log_lines_with("][error][wasm]")
        .iter()
        .filter_map(|line| {
            let (_, text) = line.split_once("wasm log")?;
            Some(text.split_once(": ")?.1.to_owned())
        })
        .collect()
}

/// A client that has the private key of this certificate.
pub(crate) fn client_of(template: Template) -> Identity {
    let mut identity = pki().client_with(|_| {});
    let public_key = public_key(identity.der()).expect("the key of a certificate by rcgen");
    let template = Template {
        public_key,
        ..template
    };
    identity.chain = vec![template.der().into()];
    identity
}
