//! A new configuration arrives (ECDS) while the VM is down: Envoy creates a new VM at once,
//! whatever the backoff, and no request passes between the two configurations.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Envoy, Origin, Protocol, Update, mtls_protocols, trapping_module::Trap};

use super::{ADMIN, assert_nothing_spoofed, counted, delivered, failing, spoofing, trapping};
use crate::common::{HOST, carried, configuration, forward, protocols_count};

/// A hostname without a setting before the update, which requires a certificate afterwards.
const LATE: &str = "late.example.com";

/// The new configuration, in which [`ADMIN`] requires nothing any more.
fn updated() -> Value {
    let late = json!({
        "hostname": LATE, "client_certificate_forwarding": true,
        "require_client_certificate": true, "sni_must_match": false
    });
    configuration(vec![forward(HOST), late])
}

/// The statuses of requests that the filter must see in any configuration: of a client without a
/// certificate, and of the others.
async fn asked(anonymous: &Client, known: &[Client]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (hostname, path) in [(ADMIN, "/down/admin"), (LATE, "/down/late")] {
        statuses.push(anonymous.send(spoofing(hostname, path)).await.status);
    }
    for client in known {
        statuses.push(client.send(spoofing(HOST, "/down/known")).await.status);
    }
    statuses
}

/// Sends requests until the new configuration refuses one that the old one would have let pass.
/// Returns the number answered while no filter was running.
async fn until_it_is_in_force(anonymous: &Client) -> usize {
    let start = Instant::now();
    for refused in 0.. {
        match anonymous.send(spoofing(LATE, "/late")).await.status {
            403 => return refused,
            status => assert_eq!(status, 503),
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it stays down");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("so many requests take longer");
}

/// Delivered connections stay delivered, all get the certificate for the new setting, and the old
/// requirement is gone.
async fn assert_updated(origin: &Origin, anonymous: &Client, known: &[Client], unlucky: &[Client]) {
    let status = anonymous.send(spoofing(ADMIN, "/opened")).await.status;
    assert_eq!(status, 200);
    for (name, clients, delivered) in [("known", known, true), ("unlucky", unlucky, false)] {
        for (number, client) in clients.iter().enumerate() {
            for (hostname, first) in [(HOST, !delivered), (LATE, true)] {
                let path = format!("/{name}/{number}/{hostname}");
                for _ in 0..2 {
                    assert_eq!(client.send(spoofing(hostname, &path)).await.status, 200);
                }
                let carried = carried(&origin.requests_for(&path));
                assert_eq!(carried, [first, false], "{path}");
            }
        }
    }
}

async fn reloads(envoy: &Envoy) -> u64 {
    let failed = envoy.stat("wasm.client_cert_forwarder.vm_reload_failure");
    assert_eq!(failed.await, 0);
    envoy
        .stat("wasm.client_cert_forwarder.vm_reload_success")
        .await
}

#[tokio::test]
async fn an_update_brings_a_vm_back_that_is_down_and_one_that_is_refused_does_not() {
    // It stays down.
    let (envoy, _module) = failing(Trap::RequestHeaders, "3600s");
    let mut scene = envoy.discovered().scene().await;
    let known = delivered(&scene).await;
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    let mut unlucky = Vec::new();
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let trap = trapping(spoofing(HOST, "/trap"));
        assert_eq!(client.send(trap).await.status, 503, "{protocol:?}");
        unlucky.push(client);
    }
    let nobody = vec![503; 2 + known.len()];
    assert_eq!(asked(&anonymous, &known).await, nobody);

    let mut bad = updated();
    bad["settings"][1]["forward_on"] = json!("sometimes");
    assert_eq!(scene.envoy.update_config(&bad).await, Update::Rejected);
    assert_eq!(asked(&anonymous, &known).await, nobody);

    assert_eq!(
        scene.envoy.update_config(&updated()).await,
        Update::Accepted
    );
    until_it_is_in_force(&anonymous).await;
    assert_updated(&scene.origin, &anonymous, &known, &unlucky).await;
    for path in ["/trap", "/late", "/down/admin", "/down/late", "/down/known"] {
        assert!(!scene.origin.has_seen(path), "{path}");
    }
    assert_nothing_spoofed(&scene.origin);
    assert_eq!(counted(&scene.envoy).await, (2 * protocols_count(), 0));
    let late = scene.envoy.counter(LATE, "forwarded").await;
    assert_eq!(late, 2 * protocols_count());
    assert_eq!(reloads(&scene.envoy).await, 0);
    assert!(scene.envoy.is_running());
}

#[tokio::test]
async fn a_vm_that_fails_around_an_update_is_loaded_with_the_new_configuration() {
    let (envoy, _module) = failing(Trap::RequestHeaders, "0.3s");
    let mut scene = envoy.discovered().scene().await;
    let known = delivered(&scene).await;
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    let mut unlucky = Vec::new();
    for &protocol in mtls_protocols() {
        unlucky.push(scene.connect(protocol).await);
    }
    let trap = async || {
        let trap = trapping(spoofing(HOST, "/trap"));
        assert_eq!(unlucky[0].send(trap).await.status, 503);
    };
    trap().await;
    assert_eq!(
        scene.envoy.update_config(&updated()).await,
        Update::Accepted
    );
    until_it_is_in_force(&anonymous).await;
    // This VM is the new one; later ones are those that Envoy loads after it has failed.
    let mut refused = 0;
    for _ in 0..5 {
        trap().await;
        refused += until_it_is_in_force(&anonymous).await;
    }
    assert_ne!(refused, 0, "it was not down");
    assert_ne!(reloads(&scene.envoy).await, 0);
    assert_updated(&scene.origin, &anonymous, &known, &unlucky).await;
    assert!(!scene.origin.has_seen("/trap") && !scene.origin.has_seen("/late"));
    assert_nothing_spoofed(&scene.origin);
    assert_eq!(counted(&scene.envoy).await, (2 * protocols_count(), 0));
    assert!(scene.envoy.is_running());
}
