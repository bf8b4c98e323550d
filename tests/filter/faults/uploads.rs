//! An origin that ends an upload over HTTP/2 in the middle of its body.

use serde_json::json;
use support::{
    Answer, Envoy, Origin, Protocol, Request, Scene, aborted::Part, fields::Message,
    mtls_protocols, pki,
};

use super::{SPOOFED, assert_counted, assert_unharmed, request_fields, spoofing};
use crate::common::{HOST, assert_carries, carried, forwarding, multiplexed, protocols_count};

/// More than Envoy sends before the origin, which has stopped reading by then, allows it.
const UPLOAD: usize = 1 << 20;

async fn start() -> Scene {
    Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .upstream_http2()
        .route(json!({ "match": { "prefix": "/again" }, "route": {
            "cluster": "origin",
            "retry_policy": {
                "retry_on": "reset", "num_retries": 2,
                "retry_back_off": { "base_interval": "0.01s", "max_interval": "0.02s" }
            }
        } }))
        .scene_with(Origin::start_http2().await)
        .await
}

#[tokio::test]
async fn an_upload_that_the_origin_resets_in_its_body_delivers_nothing() {
    let mut scene = start().await;
    scene.origin.answer("/reset", [Answer::reset_in_body()]);
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let upload = Request::post(HOST, "/reset", vec![b'x'; UPLOAD]);
        let upload = upload.header("cf-client-cert-sha256", SPOOFED);
        let answer = client.try_send(upload).await.map(|answer| answer.status);
        let client = match protocol {
            // Envoy ends the connection of a client that goes on sending.
            Protocol::Http1 => scene.connect(protocol).await,
            _ => {
                assert_eq!(answer.expect("an answer"), 503, "{protocol:?}");
                client
            }
        };
        let after = format!("/after/{protocol:?}");
        for _ in 0..2 {
            assert_eq!(client.send(spoofing(HOST, &after)).await.status, 200);
        }
        assert_eq!(carried(&scene.origin.requests_for(&after)), [true, false]);
    }
    let resets = scene.origin.requests_for("/reset");
    assert_eq!(resets.len(), mtls_protocols().len());
    for request in &resets {
        assert_carries(request, &pki().client);
        assert!(!request.body.is_empty() && request.body.len() < UPLOAD);
    }
    let reset = scene
        .envoy
        .stat("cluster.origin.upstream_rq_rx_reset")
        .await;
    assert_eq!(reset, protocols_count());
    let protocols = protocols_count();
    assert_counted(&scene.envoy, (protocols, protocols), "resets").await;
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn an_upload_that_is_sent_again_after_a_reset_in_its_body_carries_what_it_did() {
    let mut scene = start().await;
    for protocol in multiplexed() {
        let path = format!("/again/{protocol:?}");
        // The attempt after that one is answered before the body has ended.
        scene
            .origin
            .answer(&path, [Answer::reset_in_body(), Answer::status(200)]);
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let message = Message {
            fields: &request_fields("POST", HOST, &path),
            body: b"first",
            trailers: &[],
            representations: None,
        };
        let begun = connection.begin(&message, Part::OpenBody).await;
        let mut begun = begun.expect("an open connection");
        assert_eq!(connection.answer(&mut begun).await, Some(200));
        let after = request_fields("GET", HOST, &path);
        assert_eq!(connection.send(&after).await, Some(200), "{protocol:?}");
        let attempts = scene.origin.requests_for(&path);
        assert_eq!(carried(&attempts), [true, true, false], "{protocol:?}");
        for attempt in &attempts[..2] {
            assert_carries(attempt, &pki().client);
        }
        assert_eq!(attempts[0].body, "first");
    }
    assert_counted(&scene.envoy, (protocols_count() - 1, 0), "sent again").await;
    assert_unharmed(&mut scene).await;
}
