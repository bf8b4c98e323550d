//! No input makes the VM fail (contract §4.8, §4.10).

mod certificates;
mod header_bytes;
mod large_values;
mod metadata;
mod random_requests;

use support::{Protocol, Scene, pki};

use crate::common::{HOST, assert_carries};

/// Fails when the VM was restarted or the filter no longer forwards.
async fn assert_alive(scene: &Scene) {
    let client = scene.connect(Protocol::Http2).await;
    assert_eq!(client.get(HOST, "/alive").await.status, 200);
    assert_carries(&scene.origin.last_request_for("/alive"), &pki().client);
    assert_eq!(scene.envoy.vm_reloads().await, 0);
    let failures = scene.envoy.log_lines_with("][critical][wasm]");
    assert!(failures.is_empty(), "{failures:?}");
}
