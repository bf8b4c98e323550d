//! Headers as long as the limits admit, on an HTTP/2 connection to the origin that others share.

use std::time::Duration;

use rcgen::CustomExtension;
use serde_json::json;
use support::{Client, Envoy, Identity, Listener, Origin, origin::Answer, pki};

use crate::common::{HOST, forwarding};

/// Highest limit that a header with `certPemUrlEncoded` admits: a third of 64 KiB.
const LIMIT: usize = 21_845;

/// A certificate whose base64 is nearly as long as the limit, and nearly all `/`.
fn slashes() -> Identity {
    pki().client_with(|params| {
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 99999, 9],
            vec![0xff; LIMIT / 4 * 3 - 600],
        )];
    })
}

#[tokio::test]
async fn the_longest_header_leaves_a_shared_connection_to_the_origin_open() {
    let origin = Origin::start().await;
    origin.answer("/slow", [Answer::status(200).after(Duration::from_secs(2))]);
    // Envoy decodes HPACK as strictly as any origin, and stands for one here.
    let second = Envoy::with_filter_text("")
        .listener(Listener::plaintext())
        .start(&origin)
        .await;
    let mut configuration = forwarding(&[HOST]);
    configuration["max_certificate_bytes"] = json!(LIMIT);
    configuration["settings"][0]["request_headers"] = json!({ "X-Pem": "certPemUrlEncoded" });
    let envoy = Envoy::with_filter(configuration)
        .upstream_http2()
        .concurrency(1)
        .start(&Origin::at(second.address("main")))
        .await;

    let bystander = Client::http2(&envoy).with(&pki().client).connect().await;
    let slow = tokio::spawn(async move { bystander.get(HOST, "/slow").await.status });
    origin.wait_for(1).await;
    let identity = slashes();
    let client = Client::http2(&envoy).with(&identity).connect().await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
    assert_eq!(slow.await.expect("the bystander's request"), 200);

    let request = origin.requests_for("/").pop().expect("a request");
    let length = request.header("x-pem").map_or(0, str::len);
    assert!((55_000..=65_536 + 2_000).contains(&length), "{length}");
    let connections = envoy
        .admin("/stats?filter=cluster.origin.upstream_cx_total")
        .await;
    assert!(
        connections.contains("upstream_cx_total: 1"),
        "{connections}"
    );
}
