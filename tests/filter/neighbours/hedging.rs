//! Hedged requests: Envoy sends one more before the first has failed, and takes the first answer.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Answer, Envoy, Scene, mtls_protocols, pki};

use crate::common::{HOST, assert_carries, assert_carries_none, carries_certificate, forwarding};

fn route(timeout: &str) -> Value {
    json!({
        "match": { "prefix": "/hedged" },
        "route": {
            "cluster": "origin",
            "timeout": timeout,
            "hedge_policy": { "hedge_on_per_try_timeout": true },
            "retry_policy": { "retry_on": "5xx", "num_retries": 2, "per_try_timeout": "0.2s" }
        }
    })
}

async fn start(timeout: &str) -> Scene {
    Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .route(route(timeout))
        .scene()
        .await
}

#[tokio::test]
async fn each_hedged_attempt_carries_the_certificate_and_the_winner_delivers_it() {
    let scene = start("20s").await;
    for (number, &protocol) in mtls_protocols().iter().enumerate() {
        let path = format!("/hedged/{number}");
        let slow = Answer::status(200).after(Duration::from_secs(10));
        scene.origin.answer(&path, [slow, Answer::status(200)]);
        let client = scene.connect(protocol).await;
        assert_eq!(client.get(HOST, &path).await.status, 200, "{protocol:?}");
        let attempts = scene.origin.requests_for(&path);
        assert!(attempts.len() > 1, "{protocol:?}: {attempts:#?}");
        for attempt in &attempts {
            assert_carries(attempt, &pki().client);
        }
        client.get(HOST, "/").await;
        assert_carries_none(&scene.origin.last_request_for("/"));
        let forwarded = scene.envoy.counter(HOST, "forwarded").await;
        assert_eq!(forwarded, number as u64 + 1, "{protocol:?}");
    }
}

#[tokio::test]
async fn hedged_attempts_without_an_answer_deliver_nothing() {
    let scene = start("0.7s").await;
    let slow = Answer::status(200).after(Duration::from_secs(10));
    scene.origin.answer("/hedged", [slow]);
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        assert_eq!(
            client.get(HOST, "/hedged").await.status,
            504,
            "{protocol:?}"
        );
        client.get(HOST, "/").await;
        assert!(
            carries_certificate(&scene.origin.last_request_for("/")),
            "{protocol:?}"
        );
    }
}
