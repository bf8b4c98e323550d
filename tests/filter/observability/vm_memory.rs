//! The figures that decide the soak and the benchmarks: a VM's linear memory, and Envoy's allocated
//! bytes.

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{Deployment, Envoy, Listener, Protocol};
use tempfile::TempDir;

/// WebAssembly's unit of memory, in bytes.
const PAGE: u64 = 64 * 1024;

/// Five pages at first, and three more at every request.
const GROWS: &str = r#"(module
    (memory (export "memory") 5)
    (func (export "_initialize"))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) (i32.const 1024))
    (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_context_create") (param i32 i32))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (drop (memory.grow (i32.const 3)))
        (i32.const 0)))"#;

#[tokio::test]
async fn a_module_that_grows_is_seen_to_grow_by_just_as_much() {
    let folder = TempDir::new().expect("a temporary folder");
    let module = folder.path().join("grows.wasm");
    fs::write(&module, wat::parse_str(GROWS).expect("a module")).expect("a written file");
    let scene = Envoy::with_bootstrap(direct_response(&module).to_string())
        .listener(Listener::plaintext())
        .concurrency(2)
        .scene()
        .await;
    let Some(before) = scene.envoy.vm_memory() else {
        return; // Only Linux tells.
    };
    // One for each worker, the main thread's, and the one that they were made from.
    assert_eq!(before, [5 * PAGE; 4]);
    assert_eq!(
        scene.envoy.stat("wasm.envoy.wasm.runtime.v8.active").await,
        4
    );

    let client = scene.connect_without_certificate(Protocol::Http1).await;
    for _ in 0..4 {
        assert_eq!(client.get("localhost", "/").await.status, 200);
    }
    let mut after = scene.envoy.vm_memory().expect("it was there before");
    after.sort_unstable();
    assert_eq!(after, [5, 5, 5, 5 + 4 * 3].map(|pages| pages * PAGE));
}

#[tokio::test]
async fn every_vm_of_the_filter_is_found_with_the_memory_that_its_module_starts_with() {
    let scene = Envoy::with_filter(json!({ "settings": [] })).scene().await;
    let Some(memories) = scene.envoy.vm_memory() else {
        return;
    };
    let count = scene.envoy.stat("wasm.envoy.wasm.runtime.v8.active").await;
    assert_eq!(memories.len() as u64, count, "{memories:?}");
    for memory in memories {
        assert_eq!(memory % PAGE, 0);
        // The stack alone is a megabyte; 4 more are far above the need of a configuration without
        // settings.
        assert!((16..80).contains(&(memory / PAGE)), "{memory} bytes");
    }
}

#[tokio::test]
async fn what_envoy_keeps_for_open_connections_is_seen_as_allocated() {
    let scene = Envoy::with_filter(json!({ "settings": [] })).scene().await;
    let before = scene.envoy.allocated_memory().await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(scene.connect(Protocol::Http2).await);
    }
    let grown = scene.envoy.allocated_memory().await.saturating_sub(before);
    // A TLS connection takes some tens of kilobytes.
    assert!(
        (20 * 10_000..20 * 1_000_000).contains(&grown),
        "{grown} bytes for 20 connections"
    );
}

/// An Envoy that answers everything itself, with that module in front.
fn direct_response(module: &Path) -> Value {
    let mut filter = Deployment::Plain.filters("").remove(0);
    filter["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = json!(module);
    json!({
        "admin": { "address": ephemeral() },
        "static_resources": { "listeners": [{
            "name": "main",
            "address": ephemeral(),
            "filter_chains": [{ "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "main",
                    "http_filters": [
                        filter,
                        {
                            "name": "envoy.filters.http.router",
                            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
                        }
                    ],
                    "route_config": { "virtual_hosts": [{
                        "name": "all", "domains": ["*"],
                        "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200 } }]
                    }] }
                }
            }] }]
        }] }
    })
}

fn ephemeral() -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } })
}
