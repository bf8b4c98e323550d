//! Bodies, trailers, streams and upgrades pass unchanged, whether the filter is created for a
//! request or not.

use std::time::Duration;

use serde_json::json;
use support::{
    Answer, Deployment, Envoy, Listener, Protocol, Request, Scene, aborted::Part,
    envoy::EnvoyBuilder, fields::Message, mtls_protocols, pki,
};

use super::delegation_errors;
use crate::common::{HOST, carried, forwarding, multiplexed, protocols_count};

fn fast_path() -> EnvoyBuilder {
    Envoy::with_filter(forwarding(&[HOST])).deployment(Deployment::FastPath)
}

async fn start() -> Scene {
    fast_path().every_mtls_protocol().scene().await
}

#[tokio::test]
async fn large_bodies_and_trailers_pass_both_ways() {
    // More than Envoy buffers.
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    let scene = fast_path()
        .every_mtls_protocol()
        .upstream_http2()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let answer = || Answer::status(200).trailer("x-checksum", "down");
        scene.origin.answer(&path, [answer(), answer()]);
        let client = scene.connect(protocol).await;
        for _ in 0..2 {
            let request = Request::post(HOST, &path, body.clone())
                .trailer("x-checksum", "up")
                .trailer("cf-client-cert-sha256", "spoofed");
            let response = client.send(request).await;
            assert_eq!(response.status, 200, "{protocol:?}");
            assert!(response.body == body, "{protocol:?}: another body");
            // The origin tells the body's length, and with that HTTP/1.1 has no trailers.
            if protocol != Protocol::Http1 {
                assert_eq!(response.trailers.header("x-checksum"), Some("down"));
            }
        }
        let requests = scene.origin.requests_for(&path);
        assert_eq!(carried(&requests), [true, false], "{protocol:?}");
        for request in &requests {
            assert!(request.body == body, "{protocol:?}: another body");
            assert_eq!(request.trailers.header("x-checksum"), Some("up"));
            assert_eq!(request.trailers.names(), ["x-checksum"], "{protocol:?}");
        }
    }
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_a_delivery_and_one_of_envoys_own_is_none() {
    let scene = start().await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        scene
            .origin
            .answer(&path, [Answer::open_ended(), Answer::status(200)]);
        let connector = || scene.client(protocol).with(&pki().client);
        let client = connector().connect().await;
        assert_eq!(client.get(HOST, "/refused").await.status, 503);
        assert_eq!(client.get(HOST, "/local-reply").await.status, 418);
        let begun = client.begin(Request::get(HOST, &path)).await;
        assert_eq!(begun.expect("an answer").status, 200, "{protocol:?}");
        // The rest never comes, so over HTTP/1.1 the next request needs another connection.
        if protocol != Protocol::Http1 {
            client.get(HOST, &path).await;
            assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
        }
    }
    let counted = async |outcome| scene.envoy.counter(HOST, outcome).await;
    for _ in 0..250 {
        if counted("undelivered").await == 2 * protocols_count() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(counted("undelivered").await, 2 * protocols_count());
    assert_eq!(counted("forwarded").await, protocols_count());
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
}

#[tokio::test]
async fn a_websocket_brings_the_certificate_when_it_is_first_and_is_skipped_later() {
    let upgrades = json!([{ "upgrade_type": "websocket" }]);
    let scene = fast_path()
        .listener(Listener::strict().connection_manager("upgrade_configs", upgrades))
        .scene()
        .await;
    scene
        .origin
        .answer("/socket", [Answer::upgrade(), Answer::upgrade()]);
    let upgrade = format!(
        "GET /socket HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         CF-Client-Cert-SHA256: spoofed\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let plain = format!("GET /plain HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    for (before, expected) in [(None, true), (Some(plain), false)] {
        let mut connection = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        if let Some(before) = before {
            let response = connection.exchange(before.as_bytes()).await;
            assert_eq!(response.expect("a response").status, 200);
        }
        let response = connection.exchange(upgrade.as_bytes()).await;
        assert_eq!(response.expect("a response").status, 101);
        assert_eq!(connection.echoed(b"hello").await, b"hello");
        let requests = scene.origin.requests_for("/socket");
        assert_eq!(carried(&requests).last(), Some(&expected));
    }
    assert_eq!(carried(&scene.origin.requests_for("/plain")), [true]);
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
}

#[tokio::test]
async fn so_does_one_over_http2_or_http3() {
    let upgrades = json!([{ "upgrade_type": "websocket" }]);
    let listener = Listener::strict()
        .every_mtls_protocol()
        .connection_manager("upgrade_configs", upgrades)
        .connection_manager("http2_protocol_options", json!({ "allow_connect": true }))
        .connection_manager(
            "http3_protocol_options",
            json!({ "allow_extended_connect": true }),
        );
    let scene = fast_path().listener(listener).scene().await;
    scene.origin.answer("/socket", [Answer::upgrade()]);
    // Extended CONNECT (RFC 8441, RFC 9220).
    let connect: [(&str, &[u8]); 7] = [
        (":method", b"CONNECT"),
        (":protocol", b"websocket"),
        (":scheme", b"https"),
        (":authority", HOST.as_bytes()),
        (":path", b"/socket"),
        ("sec-websocket-version", b"13"),
        ("cf-client-cert-sha256", b"spoofed"),
    ];
    let upgrade = Message {
        fields: &connect,
        body: b"hello",
        trailers: &[],
        representations: None,
    };
    for protocol in multiplexed() {
        let path = format!("/plain/{protocol:?}");
        let plain: [(&str, &[u8]); 4] = [
            (":method", b"GET"),
            (":scheme", b"https"),
            (":authority", HOST.as_bytes()),
            (":path", path.as_bytes()),
        ];
        for first in [true, false] {
            let connector = scene.client(protocol).with(&pki().client);
            let mut connection = connector.connect_fields().await;
            if !first {
                assert_eq!(connection.send(&plain).await, Some(200), "{protocol:?}");
            }
            let socket = connection.begin(&upgrade, Part::OpenBody).await;
            let mut socket = socket.expect("an open connection");
            let status = connection.answer(&mut socket).await;
            assert_eq!(status, Some(200), "{protocol:?}");
            let echoed = connection.data(&mut socket).await;
            assert_eq!(echoed.as_deref(), Some(&b"hello"[..]), "{protocol:?}");
            let sockets = carried(&scene.origin.requests_for("/socket"));
            assert_eq!(sockets.last(), Some(&first), "{protocol:?}");
            // An answered upgrade is a delivery, while the socket is open too.
            assert_eq!(connection.send(&plain).await, Some(200), "{protocol:?}");
        }
        let requests = carried(&scene.origin.requests_for(&path));
        assert_eq!(requests, [false, true, false], "{protocol:?}");
    }
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
}
