//! A list of 50,000 revoked certificates: what a VM takes for it, and how soon a change is in
//! force.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Envoy, Listener, Update, mtls_protocols, pki};

use super::{entries, settings};
use crate::common::HOST;

const ENTRIES: usize = 50_000;

/// Half of them by fingerprint, half by issuer and serial number, and at the end `last`.
fn revoked(last: Option<Value>) -> Vec<Value> {
    let entry = |number: usize| match number % 2 {
        0 => json!({ "sha256": format!("{number:064x}") }),
        _ => json!({ "issuer_dn": "CN=Client CA,O=Example", "serial": format!("{number:040X}") }),
    };
    let count = ENTRIES - usize::from(last.is_some());
    (1..=count).map(entry).chain(last).collect()
}

#[tokio::test]
async fn a_list_of_50_000_certificates_fits_and_a_change_of_it_is_in_force_within_seconds() {
    let required = json!({ "require_client_certificate": true });
    let scene = Envoy::with_filter(settings(json!([]), required.clone()))
        .listener(Listener::strict().every_mtls_protocol())
        .discovered()
        .scene()
        .await;
    let largest = |memories: Option<Vec<u64>>| memories.and_then(|all| all.into_iter().max());
    let before = largest(scene.envoy.vm_memory());
    let mut clients = Vec::new();
    for &protocol in mtls_protocols() {
        clients.push(scene.connect(protocol).await);
    }
    let [_, by_serial] = entries(&pki().client);
    let (mut slowest, mut text_length) = (Duration::ZERO, 0);
    for (last, status) in [(None, 200), (Some(by_serial), 403)] {
        let list = Value::Array(revoked(last));
        let text = settings(list, required.clone()).to_string();
        let start = Instant::now();
        assert_eq!(
            scene.envoy.update_config_text(&text).await,
            Update::Accepted
        );
        for client in &clients {
            assert_eq!(client.get(HOST, "/").await.status, status);
        }
        slowest = slowest.max(start.elapsed());
        text_length = text.len();
    }
    // A worker and the main thread load it, and Envoy once more to check it, one after the other.
    println!(
        "{ENTRIES} entries, {text_length} bytes: in force {slowest:.1?} after the change at most"
    );
    assert!(slowest < Duration::from_secs(30), "{slowest:?}");
    if let (Some(before), Some(after)) = (before, largest(scene.envoy.vm_memory())) {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "a VM's memory: {:.1} MiB, and {:.1} MiB without them",
            mib(after),
            mib(before)
        );
        assert!(after < 64 << 20, "{after} bytes");
    }
    assert_eq!(scene.envoy.vm_reloads().await, 0);
}
