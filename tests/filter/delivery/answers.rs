//! The certificate is delivered once the origin answers (contract §4.5).

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use support::{Answer, Envoy, Listener, Protocol, Request, mtls_protocols, pki};

use crate::common::{
    HOST, assert_carries, assert_carries_none, carried, carries_certificate, forwarding,
    multiplexed, protocols_count,
};

/// A filter behind ours that answers requests itself when they ask for it.
fn fault_filter() -> Value {
    json!({
        "name": "envoy.filters.http.fault",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "abort": { "header_abort": {}, "percentage": { "numerator": 100 } }
        }
    })
}

#[tokio::test]
async fn a_request_that_the_origin_never_answered_does_not_count() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::strict().every_mtls_protocol().filter_after(fault_filter()))
        .route(json!({ "match": { "path": "/timeout" }, "route": { "cluster": "origin", "timeout": "0.2s" } }))
        .scene()
        .await;
    scene.origin.answer("/reset", [Answer::reset()]);
    scene.origin.answer(
        "/timeout",
        [Answer::status(200).after(Duration::from_secs(5))],
    );
    for &protocol in mtls_protocols() {
        for (failing, status) in [
            (Request::get(HOST, "/no-upstream"), 503),
            (Request::get(HOST, "/refused"), 503),
            (Request::get(HOST, "/local-reply"), 418),
            (Request::get(HOST, "/redirect"), 301),
            (Request::get(HOST, "/reset"), 503),
            (Request::get(HOST, "/timeout"), 504),
            (
                Request::get(HOST, "/fault").header("x-envoy-fault-abort-request", "503"),
                503,
            ),
        ] {
            let context = format!("{protocol:?}, {failing:?}");
            let client = scene.connect(protocol).await;
            for _ in 0..2 {
                assert_eq!(
                    client.send(failing.clone()).await.status,
                    status,
                    "{context}"
                );
            }
            let undelivered = scene.envoy.counter(HOST, "undelivered").await;
            client.get(HOST, "/").await;
            client.get(HOST, "/").await;
            let requests = scene.origin.requests_for("/");
            assert_eq!(
                carried(&requests[requests.len() - 2..]),
                [true, false],
                "{context}"
            );
            assert_eq!(
                scene.envoy.counter(HOST, "undelivered").await,
                undelivered,
                "{context}"
            );
        }
    }
    // Seven ways to fail, two requests each.
    assert_eq!(
        scene.envoy.counter(HOST, "undelivered").await,
        14 * protocols_count()
    );
    assert_eq!(
        scene.envoy.counter(HOST, "forwarded").await,
        7 * protocols_count()
    );
}

#[tokio::test]
async fn every_answer_of_the_origins_application_counts() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        for status in [200, 204, 304, 401, 404, 429, 500] {
            scene.origin.answer("/status", [Answer::status(status)]);
            let client = scene.connect(protocol).await;
            assert_eq!(client.get(HOST, "/status").await.status, status);
            client.get(HOST, "/").await;
            let requests = scene.origin.requests();
            assert_eq!(
                carried(&requests[requests.len() - 2..]),
                [true, false],
                "{protocol:?}, {status}"
            );
        }
    }
    assert_eq!(scene.envoy.counter(HOST, "undelivered").await, 0);
}

#[tokio::test]
async fn an_answer_of_the_origins_parser_or_gateway_does_not_count() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    let unprocessed = [400, 408, 413, 414, 417, 421, 425, 431, 502, 503, 504];
    for &protocol in mtls_protocols() {
        for status in unprocessed {
            scene.origin.answer("/status", [Answer::status(status)]);
            let client = scene.connect(protocol).await;
            assert_eq!(client.get(HOST, "/status").await.status, status);
            client.get(HOST, "/").await;
            client.get(HOST, "/").await;
            let requests = scene.origin.requests();
            assert_eq!(
                carried(&requests[requests.len() - 3..]),
                [true, true, false],
                "{protocol:?}, {status}"
            );
        }
    }
    let expected = (unprocessed.len() * mtls_protocols().len()) as u64;
    assert_eq!(scene.envoy.counter(HOST, "undelivered").await, expected);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_counts() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    scene.origin.answer("/early", [Answer::before_body()]);
    let client = scene.connect(Protocol::Http2).await;
    // Larger than the windows and buffers on the way.
    let upload = Request::post(HOST, "/early", vec![b'x'; 8 << 20]);
    let response = client.begin(upload).await.expect("a response");
    assert_eq!(response.status, 200);
    client.get(HOST, "/").await;
    assert_carries(&scene.origin.requests_for("/early")[0], &pki().client);
    assert_carries_none(&scene.origin.requests_for("/")[0]);
}

#[tokio::test]
async fn an_answer_counts_from_its_head_on() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    scene.origin.answer("/stream", [Answer::open_ended()]);
    for protocol in multiplexed() {
        let client = scene.connect(protocol).await;
        let stream = client
            .begin(Request::get(HOST, "/stream"))
            .await
            .expect("a response");
        client.get(HOST, "/").await;
        assert_carries(&scene.origin.last_request_for("/stream"), &pki().client);
        assert_carries_none(&scene.origin.last_request_for("/"));
        scene.origin.release();
        assert_eq!(stream.finish().await.expect("the rest").body, "started");
        client.get(HOST, "/").await;
        assert_carries_none(&scene.origin.last_request_for("/"));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_counts() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    scene.origin.answer("/cut", [Answer::cut_short()]);
    let client = scene.connect(Protocol::Http2).await;
    let exchange = client
        .begin(Request::get(HOST, "/cut"))
        .await
        .expect("the head of a response");
    // Envoys differ in how the client sees the break; the origin had answered.
    let _ = exchange.finish().await;
    client.get(HOST, "/").await;
    assert_eq!(carried(&scene.origin.requests()), [true, false]);
}

#[tokio::test]
async fn all_attempts_of_a_retried_request_carry_the_certificate() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    for (answers, status, is_due_again) in [
        (
            vec![Answer::reset(), Answer::status(503), Answer::status(200)],
            200,
            false,
        ),
        (vec![Answer::status(503)], 503, true),
    ] {
        scene.origin.answer("/retry", answers);
        let client = scene.connect(Protocol::Http2).await;
        assert_eq!(client.get(HOST, "/retry").await.status, status);
        client.get(HOST, "/").await;
        let requests = scene.origin.requests();
        let requests = &requests[requests.len() - 4..];
        assert_eq!(
            carried(requests),
            [true, true, true, is_due_again],
            "{requests:#?}"
        );
    }
}

#[tokio::test]
async fn a_retried_request_that_never_got_an_answer_does_not_count() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    scene.origin.answer("/retry", [Answer::reset()]);
    let client = scene.connect(Protocol::Http2).await;
    assert_eq!(client.get(HOST, "/retry").await.status, 503);
    client.get(HOST, "/").await;
    assert_eq!(carried(&scene.origin.requests()), [true, true, true, true]);
    assert_eq!(scene.envoy.counter(HOST, "undelivered").await, 1);
}

#[tokio::test]
async fn a_request_that_the_client_gave_up_does_not_count() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    scene
        .origin
        .answer("/slow", [Answer::status(200).after(Duration::from_secs(5))]);
    for protocol in multiplexed() {
        let seen = scene.origin.requests().len();
        let client = scene.connect(protocol).await;
        tokio::select! {
            response = client.begin(Request::get(HOST, "/slow")) => panic!("answered: {:?}", response.map(|head| head.status)),
            () = scene.origin.wait_for(seen + 1) => {}
        }
        wait_until(async || {
            scene.envoy.counter(HOST, "undelivered").await
                == 1 + u64::from(protocol == Protocol::Http3)
        })
        .await;
        client.get(HOST, "/").await;
        client.get(HOST, "/").await;
        assert_eq!(
            carried(&scene.origin.requests()[seen..]),
            [true, true, false],
            "{protocol:?}"
        );
    }
}

#[tokio::test]
async fn a_later_failure_takes_no_delivery_back() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    scene.origin.answer(
        "/slow-reset",
        [Answer::reset().after(Duration::from_millis(300))],
    );
    let client = Arc::new(scene.connect(Protocol::Http2).await);
    let slow = {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.get(HOST, "/slow-reset").await.status })
    };
    scene.origin.wait_for(1).await;
    client.get(HOST, "/").await;
    assert_eq!(slow.await.expect("a response"), 503);
    client.get(HOST, "/refused").await;
    client.get(HOST, "/").await;
    let requests = scene.origin.requests();
    assert!(
        carries_certificate(&requests[0]),
        "nothing was delivered when this one was sent: {requests:#?}"
    );
    assert!(!carries_certificate(&requests[2]), "{requests:#?}");
}

#[tokio::test]
async fn a_failure_for_one_hostname_does_not_touch_another() {
    let scene = Envoy::with_filter(forwarding(&["a.example.com", "b.example.com"]))
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    for (hostname, path) in [
        ("a.example.com", "/a"),
        ("b.example.com", "/refused"),
        ("a.example.com", "/a"),
        ("b.example.com", "/b"),
        ("b.example.com", "/b"),
    ] {
        client.get(hostname, path).await;
    }
    assert_eq!(carried(&scene.origin.requests_for("/a")), [true, false]);
    assert_eq!(carried(&scene.origin.requests_for("/b")), [true, false]);
}

async fn wait_until(condition: impl AsyncFn() -> bool) {
    for _ in 0..250 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not so within 5 s");
}
