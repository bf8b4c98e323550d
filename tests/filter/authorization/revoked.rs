//! Certificates that are revoked while their connections are open.

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, Request, Scene, Update, mtls_protocols, pki};

use super::{assert_logged, entries, settings};
use crate::common::{HOST, carried};

const LOG: &str = "details=%RESPONSE_CODE_DETAILS%\n";

async fn scene(configuration: Value) -> Scene {
    Envoy::with_filter(configuration)
        .listener(Listener::strict().every_mtls_protocol().access_log(LOG))
        .discovered()
        .scene()
        .await
}

#[tokio::test]
async fn the_next_request_of_an_open_connection_is_refused_once_its_certificate_is_revoked() {
    let required = json!({ "require_client_certificate": true });
    for entry in entries(&pki().client) {
        let scene = scene(settings(json!([]), required.clone())).await;
        let mut clients = Vec::new();
        for &protocol in mtls_protocols() {
            let client = scene.connect(protocol).await;
            assert_eq!(client.get(HOST, "/").await.status, 200);
            let other = scene.client(protocol).with(&pki().other_client);
            let other = other.connect().await;
            assert_eq!(other.get(HOST, "/").await.status, 200);
            clients.push((client, other));
        }
        let revoked = settings(json!([entry]), required.clone());
        assert_eq!(scene.envoy.update_config(&revoked).await, Update::Accepted);
        for (client, other) in &clients {
            let response = client.get(HOST, "/").await;
            assert_eq!(response.status, 403, "{entry}");
            // The client is told no more than anybody with a certificate that is not verified.
            assert!(
                String::from_utf8_lossy(&response.body).contains("was not verified"),
                "{response:?}"
            );
            assert_eq!(other.get(HOST, "/").await.status, 200, "{entry}");
        }
        let count = clients.len() as u64;
        assert_eq!(scene.envoy.counter(HOST, "denied").await, count);
        assert_logged(&scene.envoy, "details=client_cert_forwarder_revoked").await;
        assert_logged(&scene.envoy, "that revoked_certificates names").await;
    }
}

#[tokio::test]
async fn a_session_resumed_with_a_revoked_certificate_is_refused() {
    let required = json!({ "require_client_certificate": true });
    let scene = Envoy::with_filter(settings(json!([]), required.clone()))
        .listener(Listener::strict())
        .discovered()
        .scene()
        .await;
    for client in [
        scene.client(Protocol::Http1),
        scene.client(Protocol::Http2),
        scene.client(Protocol::Http1).tls12(),
    ] {
        let first = client.with(&pki().client).connect().await;
        assert_eq!(first.get(HOST, "/").await.status, 200);
        let [_, by_serial] = entries(&pki().client);
        let revoked = settings(json!([by_serial]), required.clone());
        assert_eq!(scene.envoy.update_config(&revoked).await, Update::Accepted);
        let second = first.reconnect().await;
        assert!(second.resumed());
        assert_eq!(second.get(HOST, "/").await.status, 403);
        let unrevoked = settings(json!([]), required.clone());
        let updated = scene.envoy.update_config(&unrevoked).await;
        assert_eq!(updated, Update::Accepted);
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_not_forwarded_and_its_status_says_so() {
    let keys = json!({
        "client_certificate_forwarding": true,
        "request_headers": { "X-Revoked": "certRevoked", "X-Verified": "certVerified" }
    });
    let scene = scene(settings(json!([]), keys.clone())).await;
    let mut clients = Vec::new();
    for &protocol in mtls_protocols() {
        clients.push(scene.connect(protocol).await);
    }
    for client in &clients {
        client.get(HOST, "/").await;
        let request = scene.origin.last_request();
        assert_eq!(request.headers.header("x-revoked"), Some("0"));
        assert_eq!(request.headers.header("x-verified"), Some("SUCCESS"));
    }
    let [by_fingerprint, _] = entries(&pki().client);
    let revoked = settings(json!([by_fingerprint]), keys);
    assert_eq!(scene.envoy.update_config(&revoked).await, Update::Accepted);
    for client in &clients {
        client.send(Request::get(HOST, "/")).await;
        let request = scene.origin.last_request();
        assert_eq!(request.headers.header("x-revoked"), Some("1"));
        assert_eq!(request.headers.header("x-verified"), Some("FAILED"));
        assert_eq!(carried(std::slice::from_ref(&request)), [false]);
    }
}
