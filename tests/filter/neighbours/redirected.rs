//! Redirects that Envoy follows itself (`internal_redirect_policy`): the request passes the filter
//! once more, with the headers that the filter gave it.

use serde_json::{Value, json};
use support::{Answer, Deployment, Envoy, Scene, mtls_protocols, pki};

use crate::common::{HOST, assert_carries, assert_carries_none, forwarding};

async fn start(on_spoofed_header: &str) -> Scene {
    let mut configuration: Value = forwarding(&[HOST]);
    configuration["on_spoofed_header"] = on_spoofed_header.into();
    let scene = Envoy::with_filter(configuration)
        .every_mtls_protocol()
        .route(json!({
            "match": { "prefix": "/redirected" },
            "route": { "cluster": "origin", "internal_redirect_policy": {} }
        }))
        .scene()
        .await;
    let elsewhere = Answer::status(302).header("location", "https://api.example.com/elsewhere");
    scene.origin.answer("/redirected", [elsewhere]);
    scene
}

#[tokio::test]
async fn a_redirected_request_carries_the_certificate_to_both_places() {
    assert_eq!(HOST, "api.example.com");
    let scene = start("strip").await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for is_first in [true, false] {
            assert_eq!(client.get(HOST, "/redirected").await.status, 200);
            for path in ["/redirected", "/elsewhere"] {
                let request = scene.origin.last_request_for(path);
                if is_first {
                    assert_carries(&request, &pki().client);
                } else {
                    assert_carries_none(&request);
                }
            }
        }
    }
}

/// Why `ccf check` warns of it: the filter can't tell its own headers from a client's.
#[tokio::test]
async fn with_reject_a_redirected_request_is_answered_400() {
    // "reject" has no fast path.
    if Deployment::from_environment() != Deployment::Plain {
        return;
    }
    let scene = start("reject").await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let status = client.get(HOST, "/redirected").await.status;
        assert_eq!(status, 400, "{protocol:?}");
    }
    assert!(!scene.origin.has_seen("/elsewhere"));
}
