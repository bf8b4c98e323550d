//! Envoy's cache filters send requests of their own: nothing that stands behind them in the chain
//! sees these. They must stand behind the filter.

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, Request, Scene, envoy_version, pki, version::Version};

use crate::common::{
    HOST, SHA256, assert_carries, assert_carries_none, configuration, forward_every,
};

/// A hostname that requires a certificate.
const ADMIN: &str = "admin.example.com";

/// The cache filters of this Envoy, each with a store in memory.
fn caches() -> Vec<Value> {
    let cache = |name: &str, kind: &str, store: &str| {
        json!({
            "name": format!("envoy.filters.http.{name}"),
            "typed_config": {
                "@type": format!("type.googleapis.com/envoy.extensions.filters.http.{name}.v3.{kind}"),
                "typed_config": {
                    "@type": format!("type.googleapis.com/envoy.extensions.http.{name}.simple_http_cache.v3.{store}")
                }
            }
        })
    };
    let mut caches = vec![cache("cache", "CacheConfig", "SimpleHttpCacheConfig")];
    if envoy_version() >= Version(1, 38, 0) {
        caches.push(cache(
            "cache_v2",
            "CacheV2Config",
            "SimpleHttpCacheV2Config",
        ));
    }
    caches
}

async fn start(listener: Listener) -> Scene {
    let required = json!({
        "hostname": ADMIN, "require_client_certificate": true, "sni_must_match": false
    });
    Envoy::with_filter(configuration(vec![forward_every(HOST), required]))
        .listener(listener)
        .scene()
        .await
}

fn forged(hostname: &str, path: &str) -> Request {
    Request::get(hostname, path).header(SHA256, "forged")
}

#[tokio::test]
async fn behind_the_filter_a_cache_changes_nothing() {
    for cache in caches() {
        let name = cache["name"].clone();
        let scene = start(Listener::optional().filter_after(cache)).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let path = format!("/{protocol:?}");
            let client = scene.connect(protocol).await;
            assert_eq!(client.send(forged(HOST, &path)).await.status, 200);
            assert_carries(&scene.origin.last_request_for(&path), &pki().client);
            let client = scene.connect_without_certificate(protocol).await;
            let path = format!("{path}/none");
            assert_eq!(client.send(forged(HOST, &path)).await.status, 200);
            assert_carries_none(&scene.origin.last_request_for(&path));
            let status = client.send(forged(ADMIN, "/admin")).await.status;
            assert_eq!(status, 403, "{name} {protocol:?}");
        }
        assert!(!scene.origin.has_seen("/admin"), "{name}");
    }
}

/// Why the documentation forbids it: if this fails, Envoy has become better.
#[tokio::test]
async fn in_front_of_the_filter_a_cache_lets_everything_pass() {
    for cache in caches() {
        let name = cache["name"].clone();
        let scene = start(Listener::optional().filter_before(cache)).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = scene.connect_without_certificate(protocol).await;
            let path = format!("/{protocol:?}");
            let status = client.send(forged(ADMIN, &path)).await.status;
            assert_eq!(status, 200, "{name} {protocol:?}");
            let request = scene.origin.last_request_for(&path);
            assert_eq!(request.header(SHA256), Some("forged"), "{name}");
            // Only what a cache asks the origin for itself: other methods pass the filter.
            let post = Request::post(ADMIN, "/post", "body");
            assert_eq!(client.send(post).await.status, 403, "{name} {protocol:?}");
        }
    }
}
