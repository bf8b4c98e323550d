//! The other filters and routes on connections that were admitted before: on the fast path their
//! requests are those that Envoy serves by stored decisions.

use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Answer, Client, Envoy, Identity, Listener, Request, Scene, bootstrap::FILTER_NAME,
    mtls_protocols, origin::Recorded, pki,
};

use super::ext_authz;
use crate::common::{HOST, SHA256, assert_carries};

const ID: &str = "x-id";
const FORGED: &str = "forged";

/// [`HOST`] admits the usual client alone, and sends its certificate and a field each time.
fn enforcing() -> Value {
    json!({ "verified_by": "listener", "settings": [{
        "hostname": HOST,
        "client_certificate_forwarding": true,
        "forward_on": "every_request",
        "require_client_certificate": true,
        "sni_must_match": false,
        "allow_client_certificates": [{ "sha256": pki().client.sha256() }],
        "request_headers": { ID: "certFingerprintSHA256" }
    }] })
}

fn hedged() -> Value {
    json!({
        "match": { "prefix": "/hedged" },
        "route": {
            "cluster": "origin",
            "timeout": "20s",
            "hedge_policy": { "hedge_on_per_try_timeout": true },
            "retry_policy": { "retry_on": "5xx", "num_retries": 2, "per_try_timeout": "0.2s" }
        }
    })
}

fn disabled() -> Value {
    json!({
        "match": { "prefix": "/disabled" },
        "route": { "cluster": "origin" },
        "typed_per_filter_config": { FILTER_NAME: {
            "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true
        } }
    })
}

async fn start(listener: Listener) -> Scene {
    Envoy::with_filter(enforcing())
        .listener(listener.every_mtls_protocol())
        .route(hedged())
        .route(disabled())
        .scene()
        .await
}

fn forging(path: &str) -> Request {
    Request::get(HOST, path)
        .header(SHA256, FORGED)
        .header("cf_client.cert-der_base64", FORGED)
        .header("X_Id", FORGED)
}

async fn status(client: &Client, path: &str) -> u16 {
    client.send(forging(path)).await.status
}

/// A connection on which two requests were served.
async fn admitted(scene: &Scene, protocol: support::Protocol) -> Client {
    let client = scene.connect(protocol).await;
    for _ in 0..2 {
        assert_eq!(status(&client, "/before").await, 200, "{protocol:?}");
    }
    client
}

#[track_caller]
fn assert_identity(request: &Recorded, identity: &Identity) {
    assert_carries(request, identity);
    assert_eq!(request.headers.all(ID), [identity.sha256().as_bytes()]);
    assert_eq!(request.header("x_id"), None, "{request:#?}");
}

#[tokio::test]
async fn each_hedged_attempt_of_an_admitted_connection_carries_the_identity() {
    let scene = start(Listener::optional()).await;
    for (number, &protocol) in mtls_protocols().iter().enumerate() {
        let path = format!("/hedged/{number}");
        let slow = Answer::status(200).after(Duration::from_secs(10));
        scene.origin.answer(&path, [slow, Answer::status(200)]);
        let client = admitted(&scene, protocol).await;
        assert_eq!(status(&client, &path).await, 200, "{protocol:?}");
        let attempts = scene.origin.requests_for(&path);
        assert!(attempts.len() > 1, "{protocol:?}: {attempts:#?}");
        for attempt in &attempts {
            assert_identity(attempt, &pki().client);
        }
    }
}

#[tokio::test]
async fn an_authorization_service_behind_sees_the_identity_of_each_request() {
    let managed = json!({ "patterns": [{ "prefix": "cf" }, { "prefix": "x" }] });
    let scene = start(Listener::optional().filter_after(ext_authz(&managed))).await;
    scene
        .origin
        .answer("/authorize/denied", [Answer::status(403)]);
    for &protocol in mtls_protocols() {
        let client = admitted(&scene, protocol).await;
        for (path, expected) in [("/asked", 200), ("/denied", 403), ("/asked", 200)] {
            assert_eq!(status(&client, path).await, expected, "{protocol:?} {path}");
            let question = scene.origin.last_request_for(&format!("/authorize{path}"));
            assert_identity(&question, &pki().client);
        }
        assert_identity(&scene.origin.last_request_for("/asked"), &pki().client);
        // Nobody else is asked about.
        let other = scene.connect_with(protocol, &pki().other_client).await;
        let anonymous = scene.connect_without_certificate(protocol).await;
        for client in [&other, &anonymous] {
            assert_eq!(status(client, "/refused").await, 403, "{protocol:?}");
        }
        assert!(!scene.origin.has_seen("/authorize/refused"));
    }
    assert!(!scene.origin.has_seen("/denied"));
}

#[tokio::test]
async fn a_disabled_route_neither_uses_nor_makes_an_admission() {
    let scene = start(Listener::optional()).await;
    for &protocol in mtls_protocols() {
        let client = admitted(&scene, protocol).await;
        let other = scene.connect_with(protocol, &pki().other_client).await;
        for (client, expected) in [(&client, 200), (&other, 403)] {
            for _ in 0..2 {
                assert_eq!(status(client, "/disabled").await, 200, "{protocol:?}");
                // Its protection is given up, and nothing is added.
                let request = scene.origin.last_request_for("/disabled");
                assert_eq!(request.headers.all(SHA256), [FORGED.as_bytes()]);
                assert_eq!(request.header(ID), None, "{protocol:?}");
                assert_eq!(status(client, "/other").await, expected, "{protocol:?}");
            }
        }
        assert_identity(&scene.origin.last_request_for("/other"), &pki().client);
    }
}
