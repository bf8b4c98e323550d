//! Computed fields stay in the connection's filter state.

use serde_json::json;
use support::{Deployment, Envoy, Listener, mtls_protocols};

/// The filter's unit tests count the reads; this test shows that Envoy keeps the computed value.
#[tokio::test]
async fn what_was_computed_is_kept_with_the_connection_over_every_protocol() {
    let configuration = json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "api.example.com", "request_headers": { "X-Serial": "certSerial" } }]
    });
    let listener = Listener::strict().every_mtls_protocol().access_log(
        "ACCESS %REQ(:PATH)% [%FILTER_STATE(wasm.client_cert_forwarder.certificate:PLAIN)%]",
    );
    let scene = Envoy::with_filter(configuration)
        .listener(listener)
        .scene()
        .await;
    let is_kept = async |path: &str| {
        let start = format!("ACCESS {path} ");
        for _ in 0..500 {
            if let Some(line) = scene.envoy.log_lines_with(&start).first() {
                return !line.ends_with("[-]");
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no access log line for {path}");
    };
    // On the fast path the fields are there from the first request on.
    let always = Deployment::from_environment() == Deployment::FastPath;
    for &protocol in mtls_protocols() {
        let path = |name: &str| format!("/{protocol:?}/{name}");
        let client = scene.connect(protocol).await;
        for (hostname, name, expected) in [
            ("other.example.com", "before", always),
            ("api.example.com", "computed", true),
            ("other.example.com", "after", true),
        ] {
            client.get(hostname, &path(name)).await;
            assert_eq!(is_kept(&path(name)).await, expected, "{}", path(name));
        }
        let client = client.reconnect().await;
        client.get("other.example.com", &path("new")).await;
        assert_eq!(is_kept(&path("new")).await, always, "{protocol:?}");
    }
}
