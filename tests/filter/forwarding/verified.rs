//! Which certificates count as verified (contract §4.4).

use serde_json::{Value, json};
use support::{
    Client, Envoy, Identity, Listener, Origin, Protocol, envoy_version, mtls_protocols, pki,
};

use crate::common::{HOST, assert_carries, assert_carries_none, forward, protocols_count};

/// One setting that forwards; `verified_by` as given, or not given at all.
fn verified_by(verified_by: Option<&str>, setting: Value) -> Value {
    let mut configuration = json!({ "settings": [setting] });
    if let Some(verified_by) = verified_by {
        configuration["verified_by"] = json!(verified_by);
    }
    configuration
}

fn forward_unverified() -> Value {
    json!({ "hostname": HOST, "client_certificate_forwarding": true, "forward_unverified": true })
}

/// One request for the hostname over a new connection.
async fn connect_and_get(protocol: Protocol, envoy: &Envoy, identity: &Identity) -> Client {
    let client = Client::over(protocol, envoy).with(identity).connect().await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
    client
}

/// Fails unless the last request carried the certificate, or carried none, as `expected`.
#[track_caller]
fn assert_last(origin: &Origin, identity: &Identity, expected: bool) {
    let request = origin.requests().pop().expect("a request");
    if expected {
        assert_carries(&request, identity);
    } else {
        assert_carries_none(&request);
    }
}

#[tokio::test]
async fn the_attribute_verifies_a_full_handshake_where_envoy_has_it() {
    for given in [None, Some("attribute")] {
        let scene = Envoy::with_filter(verified_by(given, forward(HOST)))
            .every_mtls_protocol()
            .scene()
            .await;
        let verified = envoy_version().has_peer_certificate_valid();
        for &protocol in mtls_protocols() {
            let client = connect_and_get(protocol, &scene.envoy, &pki().client).await;
            assert_last(&scene.origin, &pki().client, verified);
            client.get(HOST, "/").await;
            assert_last(&scene.origin, &pki().client, false);
        }
        let (forwarded, unverified, notices) = if verified {
            (protocols_count(), 0, 0)
        } else {
            (0, 2 * protocols_count(), 1)
        };
        assert_eq!(scene.envoy.counter(HOST, "forwarded").await, forwarded);
        assert_eq!(scene.envoy.counter(HOST, "unverified").await, unverified);
        assert_eq!(
            scene
                .envoy
                .log_lines_with("connection.peer_certificate_valid")
                .len(),
            notices
        );
    }
}

#[tokio::test]
async fn the_listener_verifies_every_certificate_that_is_there() {
    let scene = Envoy::with_filter(verified_by(Some("listener"), forward(HOST)))
        .every_mtls_protocol()
        .listener(Listener::optional().named("optional"))
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        connect_and_get(protocol, &scene.envoy, &pki().client).await;
        assert_last(&scene.origin, &pki().client, true);
    }
    let client = scene
        .client(Protocol::Http2)
        .listener("optional")
        .with(&pki().client)
        .connect()
        .await;
    client.get(HOST, "/").await;
    assert_last(&scene.origin, &pki().client, true);
    assert_eq!(
        scene.envoy.counter(HOST, "forwarded").await,
        protocols_count() + 1
    );
}

#[tokio::test]
async fn a_resumed_session_counts_as_unverified_by_attribute() {
    let scene = Envoy::with_filter(verified_by(Some("attribute"), forward(HOST)))
        .concurrency(2)
        .scene()
        .await;
    let first = connect_and_get(Protocol::Http2, &scene.envoy, &pki().client).await;
    assert_last(
        &scene.origin,
        &pki().client,
        envoy_version().has_peer_certificate_valid(),
    );
    let unverified = scene.envoy.counter(HOST, "unverified").await;
    for round in 1..=3 {
        let again = first.reconnect().await;
        assert!(again.resumed());
        again.get(HOST, "/").await;
        assert_last(&scene.origin, &pki().client, false);
        assert_eq!(
            scene.envoy.counter(HOST, "unverified").await,
            unverified + round
        );
    }
    let notices = scene
        .envoy
        .log_lines_with("connection.peer_certificate_valid");
    assert_eq!(
        notices.len(),
        1,
        "once, whatever the number of workers: {notices:?}"
    );
    assert!(
        notices[0].contains("resumption") && notices[0].contains("verified_by"),
        "what to do: {notices:?}"
    );
}

#[tokio::test]
async fn a_resumed_session_counts_as_verified_by_listener() {
    let scene = Envoy::with_filter(verified_by(Some("listener"), forward(HOST)))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let first = connect_and_get(protocol, &scene.envoy, &pki().client).await;
        let again = first.reconnect().await;
        // QUIC's client does not tell.
        assert!(again.resumed() || protocol == Protocol::Http3);
        again.get(HOST, "/").await;
        assert_last(&scene.origin, &pki().client, true);
    }
    assert_eq!(scene.envoy.counter(HOST, "unverified").await, 0);
}

#[tokio::test]
async fn a_resumed_session_of_tls_1_2_is_treated_the_same() {
    for (given, resumed_counts) in [("attribute", false), ("listener", true)] {
        let scene = Envoy::with_filter(verified_by(Some(given), forward(HOST)))
            .scene()
            .await;
        let first = scene
            .client(Protocol::Http2)
            .with(&pki().client)
            .tls12()
            .connect()
            .await;
        first.get(HOST, "/").await;
        assert_last(
            &scene.origin,
            &pki().client,
            resumed_counts || envoy_version().has_peer_certificate_valid(),
        );
        let again = first.reconnect().await;
        assert!(again.resumed());
        again.get(HOST, "/").await;
        assert_last(&scene.origin, &pki().client, resumed_counts);
    }
}

#[tokio::test]
async fn without_resumption_the_attribute_verifies_every_connection() {
    let scene = Envoy::with_filter(verified_by(Some("attribute"), forward(HOST)))
        .listener(Listener::strict().every_mtls_protocol().no_resumption())
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let first = connect_and_get(protocol, &scene.envoy, &pki().client).await;
        let again = first.reconnect().await;
        assert!(!again.resumed());
        again.get(HOST, "/").await;
        assert_last(
            &scene.origin,
            &pki().client,
            envoy_version().has_peer_certificate_valid(),
        );
    }
}

#[tokio::test]
async fn an_untrusted_certificate_is_not_forwarded() {
    let scene = Envoy::with_filter(verified_by(Some("attribute"), forward(HOST)))
        .listener(
            Listener::accept_untrusted()
                .every_mtls_protocol()
                .no_resumption(),
        )
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        connect_and_get(protocol, &scene.envoy, &pki().untrusted).await;
        assert_last(&scene.origin, &pki().untrusted, false);
        connect_and_get(protocol, &scene.envoy, &pki().client).await;
        assert_last(
            &scene.origin,
            &pki().client,
            envoy_version().has_peer_certificate_valid(),
        );
    }
    let unverified = if envoy_version().has_peer_certificate_valid() {
        protocols_count()
    } else {
        2 * protocols_count()
    };
    assert_eq!(scene.envoy.counter(HOST, "unverified").await, unverified);
}

#[tokio::test]
async fn unverified_certificates_are_forwarded_where_the_setting_says_so() {
    let scene = Envoy::with_filter(verified_by(Some("attribute"), forward_unverified()))
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        for identity in [&pki().untrusted, &pki().client] {
            let client = connect_and_get(protocol, &scene.envoy, identity).await;
            assert_last(&scene.origin, identity, true);
            let again = client.reconnect().await;
            again.get(HOST, "/").await;
            assert_last(&scene.origin, identity, true);
            again.get(HOST, "/").await;
            assert_last(&scene.origin, identity, false);
        }
    }
    assert_eq!(
        scene.envoy.counter(HOST, "forwarded").await,
        4 * protocols_count()
    );
    assert_eq!(scene.envoy.counter(HOST, "unverified").await, 0);
}
