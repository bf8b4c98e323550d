//! Envoy or a later filter answers instead of the origin, also in the middle of a request.

use serde_json::json;
use support::{
    Envoy, Listener, Protocol, Request, aborted::Part, fields::Message, mtls_protocols, pki,
};

use super::{SPOOFED, assert_counted, assert_unharmed, request_fields, spoofing};
use crate::common::{HOST, carried, forwarding, multiplexed, protocols_count};

#[tokio::test]
async fn a_later_filter_that_refuses_the_body_takes_the_certificate_with_it() {
    let buffer = json!({
        "name": "envoy.filters.http.buffer",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
            "max_request_bytes": 1000
        }
    });
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(
            Listener::strict()
                .every_mtls_protocol()
                .filter_after(buffer),
        )
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let upload = Request::post(HOST, "/upload", vec![b'x'; 1 << 20]);
        let upload = upload.header("cf-client-cert-sha256", SPOOFED);
        let answer = client.try_send(upload).await.map(|answer| answer.status);
        let client = match protocol {
            // Envoy ends the connection of a client that may go on sending.
            Protocol::Http1 => scene.connect(protocol).await,
            _ => {
                assert_eq!(answer.expect("an answer"), 413, "{protocol:?}");
                client
            }
        };
        let path = format!("/after/{protocol:?}");
        for _ in 0..2 {
            assert_eq!(client.send(spoofing(HOST, &path)).await.status, 200);
        }
        assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
    }
    assert!(!scene.origin.has_seen("/upload"));
    let protocols = protocols_count();
    assert_counted(&scene.envoy, (protocols, protocols), "413").await;
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn envoys_own_timeouts_in_the_middle_of_a_request_deliver_nothing() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(
            Listener::strict()
                .every_mtls_protocol()
                .connection_manager("request_timeout", json!("0.2s")),
        )
        .scene()
        .await;
    for protocol in multiplexed() {
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let message = Message {
            fields: &request_fields("POST", HOST, "/slow-body"),
            body: b"first",
            trailers: &[],
            representations: None,
        };
        let begun = connection.begin(&message, Part::OpenBody).await;
        let status = connection.answer(&mut begun.expect("a stream")).await;
        assert_eq!(status, Some(408), "{protocol:?}");
        let path = format!("/after/{protocol:?}");
        let next = request_fields("GET", HOST, &path);
        for _ in 0..2 {
            assert_eq!(connection.send(&next).await, Some(200), "{protocol:?}");
        }
        assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
    }
    let mut connection = scene
        .client(Protocol::Http1)
        .with(&pki().client)
        .connect_raw()
        .await;
    let head =
        format!("POST /slow-body HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nfirst");
    connection.write(head.as_bytes()).await;
    assert_eq!(connection.read_head().await, Some(408));
    let multiplexed = protocols_count() - 1;
    assert_counted(&scene.envoy, (multiplexed, multiplexed + 1), "408").await;
    assert_unharmed(&mut scene).await;
}
