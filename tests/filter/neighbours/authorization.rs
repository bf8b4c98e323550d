//! Envoy's `ext_authz`, which holds a request until a service has answered: in front of the filter
//! and behind it.

use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Answer, Client, Deployment, Envoy, Listener, Request, Scene, Update, mtls_protocols, pki,
};

use crate::common::{
    DER, HOST, SHA256, assert_carries, assert_carries_none, carries_certificate, forwarding,
    multiplexed,
};

/// Asks the origin for `/authorize` and the request's path, and lets every header through that the
/// filter manages.
fn ext_authz() -> Value {
    let managed = json!({ "patterns": [{ "prefix": "cf" }, { "prefix": "client-cert" }, { "exact": "x-user" }] });
    let mut filter = super::ext_authz(&managed);
    filter["typed_config"]["http_service"]["authorization_response"] =
        json!({ "allowed_upstream_headers": managed });
    filter
}

async fn start(listener: Listener) -> Scene {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .listener(listener.every_mtls_protocol())
        .scene()
        .await;
    let slow = Answer::status(200)
        .after(Duration::from_millis(300))
        .header("x-user", "somebody")
        .header(SHA256, "forged by the service")
        .header("cf_client_cert_der_base64", "forged by the service");
    scene.origin.answer("/authorize/slow", [slow]);
    let silent = Answer::status(200).after(Duration::from_millis(300));
    scene.origin.answer("/authorize/silent", [silent]);
    scene
        .origin
        .answer("/authorize/denied", [Answer::status(403)]);
    scene
}

fn forged(path: &str) -> Request {
    Request::get(HOST, path)
        .header(SHA256, "forged")
        .header("cf_client_cert_der_base64", "forged")
}

#[tokio::test]
async fn behind_a_pause_the_filter_still_decides_alone() {
    let scene = start(Listener::strict().filter_before(ext_authz())).await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for is_first in [true, false] {
            assert_eq!(client.send(forged("/slow")).await.status, 200);
            let request = scene.origin.last_request_for("/slow");
            // The service was asked, and its answer was heard.
            assert_eq!(request.header("x-user"), Some("somebody"));
            if is_first {
                assert_carries(&request, &pki().client);
            } else {
                assert_carries_none(&request);
            }
        }
    }
}

#[tokio::test]
async fn streams_that_were_paused_together_lose_no_certificate() {
    let scene = start(Listener::strict().filter_before(ext_authz())).await;
    for protocol in multiplexed() {
        let client = scene.connect(protocol).await;
        let before = scene.origin.requests_for("/slow").len();
        let both = tokio::join!(client.send(forged("/slow")), client.send(forged("/slow")));
        assert_eq!((both.0.status, both.1.status), (200, 200));
        let requests = scene.origin.requests_for("/slow");
        assert!(carries_certificate(&requests[before]), "{protocol:?}");
        client.get(HOST, "/after").await;
        assert_carries_none(&scene.origin.last_request_for("/after"));
    }
}

/// Updates the configuration while `ext_authz` holds a request, over each protocol.
async fn update_during_the_pause(scene: &Scene) {
    for (number, &protocol) in mtls_protocols().iter().enumerate() {
        let client = scene.connect(protocol).await;
        let seen = scene.origin.requests().len();
        let update = forwarding(&[HOST, &format!("new-{number}.example.com")]);
        let (response, updated) = tokio::join!(client.send(forged("/silent")), async {
            scene.origin.wait_for(seen + 1).await;
            scene.envoy.update_config(&update).await
        });
        assert_eq!((response.status, updated), (200, Update::Accepted));
        assert_carries(&scene.origin.last_request_for("/silent"), &pki().client);
        client.get(HOST, "/after").await;
        client.get(HOST, "/after").await;
        assert_carries_none(&scene.origin.last_request_for("/after"));
    }
}

/// In the plain deployment: on the fast path Envoy's composite filter, up to 1.40.0, fails for a
/// request that was held in front of it while its configuration changed (SECURITY.md,
/// *Placement*).
#[tokio::test]
async fn a_configuration_that_changes_while_a_request_is_held_in_front_loses_no_certificate() {
    if Deployment::from_environment() == Deployment::Plain {
        let listener = Listener::strict().filter_before(ext_authz());
        update_during_the_pause(&start(listener).await).await;
    }
}

#[tokio::test]
async fn a_configuration_that_changes_while_a_request_is_held_behind_loses_no_certificate() {
    let listener = Listener::strict().filter_after(ext_authz());
    update_during_the_pause(&start(listener).await).await;
}

#[tokio::test]
async fn a_service_behind_the_filter_sees_the_identity_and_its_refusal_delivers_nothing() {
    let scene = start(Listener::strict().filter_after(ext_authz())).await;
    let identity = &pki().client;
    for &protocol in mtls_protocols() {
        let client: Client = scene.connect(protocol).await;
        assert_eq!(client.send(forged("/denied")).await.status, 403);
        assert!(!scene.origin.has_seen("/denied"));
        let question = scene.origin.last_request_for("/authorize/denied");
        assert_eq!(question.headers.all(SHA256), [identity.sha256().as_bytes()]);
        assert_eq!(
            question.headers.all(DER),
            [identity.der_base64().as_bytes()]
        );
        assert_eq!(question.header("cf_client_cert_der_base64"), None);
        client.get(HOST, "/after").await;
        assert_carries(&scene.origin.last_request_for("/after"), identity);
    }
    let denied = mtls_protocols().len() as u64;
    assert_eq!(scene.envoy.counter(HOST, "undelivered").await, denied);
}
