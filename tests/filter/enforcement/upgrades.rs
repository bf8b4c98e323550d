//! WebSocket and CONNECT: upgrades and tunnels are requests like any other to §4.7.

use serde_json::json;
use support::{Answer, Client, Envoy, Identity, Listener, Origin, Protocol, Scene, pki};

use super::{ADMIN, PUBLIC, asking_protocols, settings, verifies_by_attribute};

async fn start() -> Scene {
    let origin = Origin::start().await;
    origin.answer("/socket", [Answer::upgrade()]);
    let listener = Listener::accept_untrusted()
        .http3()
        .no_resumption()
        .connection_manager(
            "upgrade_configs",
            json!([{ "upgrade_type": "websocket" }, { "upgrade_type": "CONNECT" }]),
        )
        .connection_manager("http2_protocol_options", json!({ "allow_connect": true }))
        .connection_manager(
            "http3_protocol_options",
            json!({ "allow_extended_connect": true }),
        );
    Envoy::with_filter(settings("attribute"))
        .listener(listener)
        .route(json!({
            "match": { "connect_matcher": {} },
            "route": { "cluster": "origin", "upgrade_configs": [{ "upgrade_type": "CONNECT", "connect_config": {} }] }
        }))
        .scene_with(origin)
        .await
}

fn connector<'a>(
    envoy: &'a Envoy,
    protocol: Protocol,
    identity: Option<&'a Identity>,
) -> support::client::Connector<'a> {
    let client = Client::over(protocol, envoy);
    identity.map_or_else(
        || Client::over(protocol, envoy),
        |identity| client.with(identity),
    )
}

fn websocket(hostname: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: {hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

#[tokio::test]
async fn a_websocket_needs_a_verified_certificate() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = start().await;
    for (identity, hostname, status) in [
        (None, ADMIN, 403),
        (Some(&pki().untrusted), ADMIN, 403),
        (Some(&pki().client), ADMIN, 101),
        (None, PUBLIC, 101),
    ] {
        let mut connection = connector(&scene.envoy, Protocol::Http1, identity)
            .connect_raw()
            .await;
        let response = connection.exchange(websocket(hostname).as_bytes()).await;
        assert_eq!(response.expect("a response").status, status, "{hostname}");
        if status == 101 {
            assert_eq!(connection.echoed(b"hello").await, b"hello");
        }
    }
    let hostnames: Vec<String> = scene
        .origin
        .requests()
        .into_iter()
        .map(|request| request.authority)
        .collect();
    assert_eq!(hostnames, [ADMIN, PUBLIC]);
}

#[tokio::test]
async fn a_websocket_over_http2_or_http3_needs_a_verified_certificate() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = start().await;
    for &protocol in &asking_protocols()[1..] {
        for (identity, hostname, status) in [
            (None, ADMIN, 403),
            (Some(&pki().untrusted), ADMIN, 403),
            (Some(&pki().client), ADMIN, 200),
            (None, PUBLIC, 200),
        ] {
            let mut connection = connector(&scene.envoy, protocol, identity)
                .connect_fields()
                .await;
            let fields: [(&str, &[u8]); 6] = [
                (":method", b"CONNECT"),
                (":protocol", b"websocket"),
                (":scheme", b"https"),
                (":authority", hostname.as_bytes()),
                (":path", b"/socket"),
                ("sec-websocket-version", b"13"),
            ];
            assert_eq!(
                connection.send(&fields).await,
                Some(status),
                "{protocol:?} {hostname}"
            );
        }
    }
    assert_eq!(
        scene.origin.requests().len(),
        2 * (asking_protocols().len() - 1)
    );
}

#[tokio::test]
async fn a_tunnel_needs_a_verified_certificate() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = start().await;
    for (identity, target, host, status) in [
        (None, "admin.example.com:443", "admin.example.com:443", 403),
        (None, "ADMIN.example.com.:443", PUBLIC, 403),
        (None, "user@admin.example.com:443", PUBLIC, 400),
        (Some(&pki().untrusted), "admin.example.com:443", ADMIN, 403),
        (Some(&pki().client), "admin.example.com:443", ADMIN, 200),
        (None, "public.example.com:443", ADMIN, 200),
    ] {
        let mut connection = connector(&scene.envoy, Protocol::Http1, identity)
            .connect_raw()
            .await;
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = connection.exchange(request.as_bytes()).await;
        assert_eq!(response.expect("a response").status, status, "{request:?}");
        if status == 200 {
            let inner = b"GET /inside HTTP/1.1\r\nHost: inside\r\n\r\n";
            let response = connection.exchange(inner).await;
            assert_eq!(response.expect("a response").status, 200);
        }
    }
    assert_eq!(scene.origin.requests_for("/inside").len(), 2);
    assert_eq!(scene.origin.requests().len(), 2);
    for protocol in [Protocol::Http2, Protocol::Http3] {
        let mut connection = connector(&scene.envoy, protocol, None)
            .connect_fields()
            .await;
        let fields: [(&str, &[u8]); 2] = [
            (":method", b"CONNECT"),
            (":authority", b"admin.example.com:443"),
        ];
        assert_eq!(connection.send(&fields).await, Some(403), "{protocol:?}");
    }
}
