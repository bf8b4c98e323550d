//! No input makes the VM fail (contract §4.8, §4.10).

mod certificates;
mod header_bytes;
mod random_requests;

use support::{Client, Envoy, Origin, pki};

use crate::common::{HOST, assert_carries};

/// Fails when the VM was restarted or the filter no longer forwards.
async fn assert_alive(envoy: &Envoy, origin: &Origin) {
    let client = Client::http2(envoy).with(&pki().client).connect().await;
    assert_eq!(client.get(HOST, "/alive").await.status, 200);
    assert_carries(
        origin.requests_for("/alive").last().expect("a request"),
        &pki().client,
    );
    assert_eq!(envoy.vm_reloads().await, 0);
    let failures = envoy.log_lines_with("][critical][wasm]");
    assert!(failures.is_empty(), "{failures:?}");
}
