//! `allow_client_certificates` and `revoked_certificates` (contract §4.11), on open connections.

mod allowed;
mod hostile_certificates;
mod long_lists;
mod recipes;
mod revoked;
mod told;

use std::time::{Duration, Instant};

use client_cert_forwarder::certificate::names::Names;
use serde_json::{Value, json};
use support::{Envoy, Identity};
use tokio::time;

use crate::common::HOST;

/// [`HOST`] with these keys besides, under a listener that verifies.
fn settings(revoked: Value, keys: Value) -> Value {
    let mut setting = json!({ "hostname": HOST });
    let (Value::Object(setting_keys), Value::Object(keys)) = (&mut setting, keys) else {
        panic!("an object of keys");
    };
    setting_keys.extend(keys);
    json!({ "verified_by": "listener", "revoked_certificates": revoked, "settings": [setting] })
}

fn names(identity: &Identity) -> Names<'_> {
    Names::read(identity.der()).expect("a certificate")
}

/// The entries that name the certificate, one by each form.
fn entries(identity: &Identity) -> [Value; 2] {
    let names = names(identity);
    [
        json!({ "sha256": identity.sha256() }),
        json!({ "issuer_dn": names.issuer_dn, "serial": names.serial }),
    ]
}

/// Waits until Envoy's log, which it flushes from time to time, contains `text`.
async fn assert_logged(envoy: &Envoy, text: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while !envoy.log_contains(text) {
        assert!(Instant::now() < end, "not logged: {text}");
        time::sleep(Duration::from_millis(20)).await;
    }
}
