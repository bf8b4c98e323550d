//! Where the certificate comes from (contract §4.3).

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, envoy_version, mtls_protocols, pki};

use crate::common::{
    HOST, assert_carries, assert_carries_none, configuration, forward_every, forwarding,
    protocols_count,
};

/// Sets the filter state key that the filter reads to that text.
fn filter_state_text(text: &str) -> Value {
    let mut filter = support::bootstrap::filter_state_filter();
    filter["typed_config"]["on_request_headers"][0]["format_string"]["text_format_source"]["inline_string"] =
        json!(text);
    filter
}

#[tokio::test]
async fn the_attribute_alone_is_enough_where_envoy_has_it() {
    let scene = Envoy::with_filter(configuration(vec![forward_every(HOST)]))
        .filter_state(false)
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for _ in 0..2 {
            client.get(HOST, "/").await;
        }
    }
    for request in scene.origin.requests() {
        if envoy_version().has_peer_certificate() {
            assert_carries(&request, &pki().client);
        } else {
            assert_carries_none(&request);
        }
    }
    let missing = if envoy_version().has_peer_certificate() {
        0
    } else {
        2 * protocols_count()
    };
    assert_eq!(scene.envoy.counter(HOST, "source_missing").await, missing);
    let lines = scene.envoy.log_lines_with("envoy-before-1.38.yaml");
    assert_eq!(
        lines.len() as u64,
        missing.min(1),
        "once per configuration, with what to do: {lines:?}"
    );
}

#[tokio::test]
async fn the_filter_state_serves_envoys_without_the_attribute() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .filter_state(true)
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        for identity in [&pki().client, &pki().chained, &pki().long_serial] {
            let client = scene.connect_with(protocol, identity).await;
            client.get(HOST, "/").await;
            assert_carries(&scene.origin.last_request(), identity);
            client.get(HOST, "/").await;
            assert_carries_none(&scene.origin.last_request());
        }
    }
}

#[tokio::test]
async fn filter_state_that_is_no_certificate_is_never_forwarded() {
    for text in [
        "garbage",
        "%ff%fe%",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n",
        "-----BEGIN%20CERTIFICATE-----%0A%",
    ] {
        // A percent sign is doubled in Envoy's format strings.
        let filter = filter_state_text(&text.replace('%', "%%"));
        let scene = Envoy::with_filter(forwarding(&[HOST]))
            .filter_state(false)
            .listener(Listener::strict().filter_before(filter))
            .scene()
            .await;
        let client = scene.connect(Protocol::Http2).await;
        assert_eq!(client.get(HOST, "/").await.status, 200, "{text:?}");
        if envoy_version().has_peer_certificate() {
            assert_carries(&scene.origin.only_request(), &pki().client);
        } else {
            assert_carries_none(&scene.origin.only_request());
            assert_eq!(
                scene.envoy.counter(HOST, "source_missing").await,
                1,
                "{text:?}"
            );
        }
        assert_eq!(scene.envoy.vm_reloads().await, 0);
    }
}

#[tokio::test]
async fn filter_state_says_nothing_of_a_client_without_a_certificate() {
    let pem = pki().client.chain_pem();
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .filter_state(false)
        .listener(Listener::optional().filter_before(filter_state_text(&pem)))
        .listener(
            Listener::plaintext()
                .named("plain")
                .filter_before(filter_state_text(&pem)),
        )
        .scene()
        .await;
    for listener in ["main", "plain"] {
        let client = scene
            .client(Protocol::Http2)
            .listener(listener)
            .connect()
            .await;
        client.get(HOST, "/").await;
        assert_carries_none(&scene.origin.last_request());
    }
    assert_eq!(scene.envoy.counter(HOST, "no_certificate").await, 2);
}
