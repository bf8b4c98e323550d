//! Origins that fail in the middle of a request, and Envoy's own reactions: retries, hedging,
//! circuit breaking.

use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Answer, Client, Envoy, Origin, Protocol, Request, aborted::Part, fields::Message,
    mtls_protocols, origin::Recorded, pki,
};

use super::{
    SPOOFED, assert_counted, assert_unharmed, cluster, counted, request_fields, spoofing, until,
};
use crate::common::{HOST, assert_carries, carried, forwarding, multiplexed, protocols_count};

/// Repeats the request, and fails unless the first carries the certificate and the second doesn't.
async fn assert_delivered_next(client: &Client, origin: &Origin, path: &str) {
    for _ in 0..2 {
        assert_eq!(client.send(spoofing(HOST, path)).await.status, 200);
    }
    assert_eq!(carried(&origin.requests_for(path)), [true, false], "{path}");
}

#[tokio::test]
async fn an_origin_that_resets_while_the_body_is_coming_has_not_answered() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    scene.origin.answer("/reset-early", [Answer::reset_early()]);
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let upload = Request::post(HOST, "/reset-early", vec![b'x'; 1 << 20]);
        let upload = upload.header("cf-client-cert-sha256", SPOOFED);
        // Over HTTP/1.1 Envoy ends the connection of a client that goes on sending.
        let answer = client.try_send(upload).await.map(|answer| answer.status);
        assert!(!matches!(answer, Ok(200)), "{protocol:?}: {answer:?}");
        let client = match protocol {
            Protocol::Http1 => scene.connect(protocol).await,
            _ => client,
        };
        assert_delivered_next(&client, &scene.origin, &format!("/after/{protocol:?}")).await;
    }
    for request in scene.origin.requests_for("/reset-early") {
        assert_carries(&request, &pki().client);
    }
    let protocols = protocols_count();
    assert_counted(&scene.envoy, (protocols, protocols), "resets").await;
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn an_answer_to_a_request_that_never_ends_counts() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    scene.origin.answer("/early", [Answer::before_body()]);
    for protocol in multiplexed() {
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let message = Message {
            fields: &request_fields("POST", HOST, "/early"),
            body: b"the beginning",
            trailers: &[],
            representations: None,
        };
        let begun = connection.begin(&message, Part::OpenBody).await;
        let mut begun = begun.expect("an open connection");
        assert_eq!(connection.answer(&mut begun).await, Some(200));
        let next = request_fields("GET", HOST, "/next");
        assert_eq!(connection.send(&next).await, Some(200), "{protocol:?}");
        connection.reset(begun).await;
        assert_eq!(connection.send(&next).await, Some(200), "{protocol:?}");
    }
    let mut connection = scene
        .client(Protocol::Http1)
        .with(&pki().client)
        .connect_raw()
        .await;
    let head = format!("POST /early HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nfirst");
    connection.write(head.as_bytes()).await;
    assert_eq!(connection.read_head().await, Some(200));
    for request in scene.origin.requests_for("/early") {
        assert_carries(&request, &pki().client);
    }
    assert!(!carried(&scene.origin.requests_for("/next")).contains(&true));
    assert_eq!(counted(&scene.envoy).await, (protocols_count(), 0));
    assert_unharmed(&mut scene).await;
}

/// A route that gives each attempt little time.
fn impatient(prefix: &str, hedges: bool) -> Value {
    json!({ "match": { "prefix": prefix }, "route": {
        "cluster": "origin",
        "timeout": "10s",
        "retry_policy": { "retry_on": "5xx", "num_retries": 2, "per_try_timeout": "0.15s" },
        "hedge_policy": { "hedge_on_per_try_timeout": hedges }
    } })
}

#[tokio::test]
async fn attempts_after_a_timeout_and_hedged_ones_carry_what_the_first_did() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .route(impatient("/patient", false))
        .route(impatient("/hedged", true))
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        for (path, delay) in [
            // The first attempt is given up, the second is answered.
            (format!("/patient/{protocol:?}"), Duration::from_secs(20)),
            // The first attempt is answered late, while others are still under way.
            (format!("/hedged/{protocol:?}"), Duration::from_millis(700)),
        ] {
            let hedged = path.starts_with("/hedged");
            let second = if hedged { 20_000 } else { 0 };
            let second = Answer::status(201).after(Duration::from_millis(second));
            scene
                .origin
                .answer(&path, [Answer::status(200).after(delay), second]);
            let client = scene.connect(protocol).await;
            let status = client.send(spoofing(HOST, &path)).await.status;
            assert_eq!(status, if hedged { 200 } else { 201 }, "{path}");
            let attempts = scene.origin.requests_for(&path);
            assert!(attempts.len() >= 2, "{path}: {attempts:#?}");
            let sent = |attempt: &Recorded| {
                let mut fields = attempt.headers.0.clone();
                // Envoy's own say which attempt it is and how much time is left.
                fields.retain(|(name, _)| !name.starts_with("x-envoy-"));
                fields
            };
            for attempt in &attempts[1..] {
                assert_eq!(sent(&attempts[0]), sent(attempt), "{path}");
            }
            assert_carries(&attempts[0], &pki().client);
            client.send(spoofing(HOST, "/next")).await;
        }
    }
    assert!(!carried(&scene.origin.requests_for("/next")).contains(&true));
    assert_eq!(counted(&scene.envoy).await, (2 * protocols_count(), 0));
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn an_attempt_that_reached_nobody_and_the_next_one_elsewhere_are_one_delivery() {
    let origin = Origin::start().await;
    let address = origin.address();
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .adapt(move |bootstrap| {
            let endpoint = |port: u16| {
                json!({ "endpoint": { "address": {
                "socket_address": { "address": "127.0.0.1", "port_value": port }
            } } })
            };
            // Two endpoints: an attempt at the unused port fails, the next one reaches the origin.
            let failing = json!({
                "connect_timeout": "1s",
                "load_assignment": { "cluster_name": "failover", "endpoints": [
                    { "lb_endpoints": [endpoint(1), endpoint(address.port())] }
                ] }
            });
            cluster(bootstrap, "failover", failing);
        })
        .route(json!({ "match": { "prefix": "/failover" }, "route": {
            "cluster": "failover",
            "retry_policy": {
                "retry_on": "connect-failure", "num_retries": 8,
                "retry_back_off": { "base_interval": "0.01s", "max_interval": "0.02s" }
            }
        } }))
        .scene_with(origin)
        .await;
    let mut failed = 0;
    for &protocol in mtls_protocols() {
        // Round robin: one of two connections starts with the unused port.
        for number in 0..2 {
            let client = scene.connect(protocol).await;
            let path = format!("/failover/{protocol:?}/{number}");
            assert_delivered_next(&client, &scene.origin, &path).await;
        }
        let retries = scene
            .envoy
            .stat("cluster.failover.upstream_rq_retry_success")
            .await;
        assert!(retries > failed, "{protocol:?}: nothing was retried");
        failed = retries;
    }
    assert_eq!(counted(&scene.envoy).await, (2 * protocols_count(), 0));
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn a_request_that_an_open_circuit_breaker_refused_was_not_delivered() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .adapt(|bootstrap| {
            let limits = json!({ "max_connections": 1, "max_pending_requests": 1, "max_requests": 1 });
            let breaker = json!({ "circuit_breakers": { "thresholds": [limits] } });
            cluster(bootstrap, "narrow", breaker);
        })
        .route(json!({ "match": { "prefix": "/narrow" }, "route": { "cluster": "narrow", "timeout": "0s" } }))
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let (held, after) = (
            format!("/narrow/held/{protocol:?}"),
            format!("/narrow/{protocol:?}"),
        );
        scene
            .origin
            .answer(&held, [Answer::status(200).after(Duration::from_secs(60))]);
        // One request occupies the only connection, the next one waits for it, and any further one
        // is refused.
        let first = scene.connect(protocol).await;
        let second = scene.connect(protocol).await;
        let unlucky = scene.connect(protocol).await;
        let asked = held.clone();
        let holding = tokio::spawn(async move { first.get(HOST, &asked).await.status });
        until(async || scene.origin.has_seen(&held)).await;
        let waiting = tokio::spawn(async move { second.get(HOST, "/narrow/waits").await.status });
        let pending = "cluster.narrow.upstream_rq_pending_active";
        until(async || scene.envoy.stat(pending).await == 1).await;
        let refused = unlucky.send(spoofing(HOST, "/narrow/refused")).await;
        assert_eq!(refused.status, 503, "{protocol:?}");
        assert_eq!(refused.header("x-envoy-overloaded"), Some("true"));
        // That client gives up: there is room again.
        holding.abort();
        assert_eq!(waiting.await.expect("a task"), 200);
        assert_delivered_next(&unlucky, &scene.origin, &after).await;
    }
    assert!(!scene.origin.has_seen("/narrow/refused"));
    let protocols = protocols_count();
    let expected = (2 * protocols, 2 * protocols);
    assert_counted(&scene.envoy, expected, "circuit breaker").await;
    assert_unharmed(&mut scene).await;
}
