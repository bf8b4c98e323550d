//! Tunnels that a route terminates (`connect_config`): their headers reach no origin, so that
//! nothing was delivered (contract §4.5).

use serde_json::{Value, json};
use support::{Envoy, Listener, Origin, Protocol, Scene, fields::Message, mtls_protocols, pki};

use crate::common::{HOST, carried, forwarding, multiplexed};

/// The origin takes whatever a tunnel brings.
async fn start() -> Scene {
    let tunnel = |config: Value| {
        json!({ "cluster": "origin", "upgrade_configs": [
            { "upgrade_type": "CONNECT", "connect_config": config }
        ] })
    };
    let listener = Listener::strict()
        .every_mtls_protocol()
        .connection_manager("upgrade_configs", json!([{ "upgrade_type": "CONNECT" }]))
        .connection_manager("http2_protocol_options", json!({ "allow_connect": true }))
        .connection_manager(
            "http3_protocol_options",
            json!({ "allow_extended_connect": true }),
        );
    Envoy::with_filter(forwarding(&[HOST]))
        .listener(listener)
        .route(json!({ "match": { "connect_matcher": {} }, "route": tunnel(json!({})) }))
        .route(json!({
            "match": { "path": "/tunnel" },
            "route": tunnel(json!({ "allow_post": true }))
        }))
        .scene_with(Origin::start().await)
        .await
}

async fn wait_for(scene: &Scene, outcome: &str, count: u64) {
    for _ in 0..250 {
        if scene.envoy.counter(HOST, outcome).await >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(scene.envoy.counter(HOST, outcome).await, count, "{outcome}");
}

#[tokio::test]
async fn connect_over_http1_does_not_count() {
    let scene = start().await;
    let connector = scene.client(Protocol::Http1).with(&pki().client);
    let mut connection = connector.connect_raw().await;
    let request = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n");
    let response = connection.exchange(request.as_bytes()).await;
    assert_eq!(response.expect("a response").status, 200);
    // What the client sends inside is between it and the origin.
    let inner = b"GET /inside HTTP/1.1\r\nHost: inside\r\n\r\n";
    let response = connection.exchange(inner).await;
    assert_eq!(response.expect("a response").status, 200);
    assert_eq!(carried(&scene.origin.requests()), [false]);
    drop(connection);
    wait_for(&scene, "undelivered", 1).await;
    assert_eq!(scene.envoy.counter(HOST, "forwarded").await, 0);
}

#[tokio::test]
async fn after_connect_the_certificate_is_still_due() {
    let scene = start().await;
    for protocol in multiplexed() {
        let path = format!("/{protocol:?}");
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        for _ in 0..2 {
            let connect: [(&str, &[u8]); 2] =
                [(":method", b"CONNECT"), (":authority", HOST.as_bytes())];
            assert_eq!(connection.send(&connect).await, Some(200), "{protocol:?}");
        }
        for _ in 0..2 {
            assert_eq!(connection.send(&get(&path)).await, Some(200));
        }
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            [true, false],
            "{protocol:?}"
        );
    }
    let connections = mtls_protocols().len() as u64 - 1;
    assert_eq!(scene.envoy.counter(HOST, "forwarded").await, connections);
    wait_for(&scene, "undelivered", 2 * connections).await;
}

/// The limit of contract §4.5: to the filter such a POST is a request like any other, and Envoy's
/// answer reads like the origin's.
#[tokio::test]
async fn a_post_that_a_route_turns_into_a_tunnel_counts() {
    let scene = start().await;
    for protocol in multiplexed() {
        let path = format!("/{protocol:?}");
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let fields: [(&str, &[u8]); 4] = [
            (":method", b"POST"),
            (":scheme", b"https"),
            (":authority", HOST.as_bytes()),
            (":path", b"/tunnel"),
        ];
        let message = Message {
            fields: &fields,
            body: b"GET /inside HTTP/1.1\r\nHost: inside\r\n\r\n",
            trailers: &[],
            representations: None,
        };
        assert_eq!(connection.send_message(&message).await, Some(200));
        assert_eq!(connection.send(&get(&path)).await, Some(200));
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            [false],
            "{protocol:?}"
        );
    }
    // The route made tunnels: no request for their path came out. The end of the upload may end a
    // tunnel before the origin has read a byte, so there may be none inside it either.
    assert!(scene.origin.requests_for("/tunnel").is_empty());
    let inside = carried(&scene.origin.requests_for("/inside"));
    assert!(!inside.contains(&true), "{inside:?}");
}

fn get(path: &str) -> [(&str, &[u8]); 4] {
    [
        (":method", b"GET"),
        (":scheme", b"https"),
        (":authority", HOST.as_bytes()),
        (":path", path.as_bytes()),
    ]
}
