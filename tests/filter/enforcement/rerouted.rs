//! Other filters and routes that change a request (contract §4.7): how far they can affect
//! enforcement.

use serde_json::{Value, json};
use support::{Answer, Deployment, Envoy, Listener, Protocol, Request, Version, envoy_version};

use super::{ADMIN, PUBLIC, settings};
use crate::common::{HOST, SHA256, configuration, forward, forward_every};

/// Envoy's Lua filter with that code for requests, where `request` is the handle.
fn lua(code: &str) -> Value {
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": format!("function envoy_on_request(request) {code} end") }
        }
    })
}

/// Writes `:authority`, which Envoy's header_mutation filter refuses to.
fn set_authority(hostname: &str) -> Value {
    lua(&format!(
        "request:headers():replace(':authority', '{hostname}') request:clearRouteCache()"
    ))
}

#[tokio::test]
async fn a_hostname_that_an_earlier_filter_wrote_is_the_one_that_counts() {
    let scene = Envoy::with_filter(settings("listener"))
        .listener(
            Listener::optional()
                .named("to-admin")
                .filter_before(set_authority(ADMIN)),
        )
        .listener(
            Listener::optional()
                .named("away")
                .filter_before(set_authority(PUBLIC)),
        )
        .scene()
        .await;
    for (listener, hostname, status) in [("to-admin", PUBLIC, 403), ("away", ADMIN, 200)] {
        let client = scene
            .client(Protocol::Http2)
            .listener(listener)
            .connect()
            .await;
        assert_eq!(client.get(hostname, "/").await.status, status, "{listener}");
    }
    assert_eq!(scene.origin.only_request().authority, PUBLIC);
}

#[tokio::test]
async fn a_later_filter_that_clears_the_route_cache_changes_no_refusal() {
    let code = "request:headers():replace('x-later', '1') request:clearRouteCache()";
    let scene = Envoy::with_filter(settings("listener"))
        .listener(Listener::optional().filter_after(lua(code)))
        .route(json!({
            "match": { "prefix": "/", "headers": [{ "name": "x-later", "present_match": true }] },
            "route": { "cluster": "origin" },
            "request_headers_to_add": [{ "header": { "key": "x-rerouted", "value": "yes" } }]
        }))
        .scene()
        .await;
    let client = scene.connect_without_certificate(Protocol::Http2).await;
    for (hostname, status) in [(ADMIN, 403), (PUBLIC, 200), (ADMIN, 403)] {
        assert_eq!(client.get(hostname, "/").await.status, status, "{hostname}");
    }
    // The later filter did run, for the request that went on.
    assert_eq!(
        scene.origin.only_request().header("x-rerouted"),
        Some("yes")
    );
}

/// Filters after this one are the operator's own: this one judges the hostname that it sees.
#[tokio::test]
async fn a_filter_or_route_that_writes_the_hostname_has_to_stand_before_this_filter() {
    let scene = Envoy::with_filter(settings("listener"))
        .listener(
            Listener::optional()
                .named("later")
                .filter_after(set_authority(ADMIN)),
        )
        .listener(Listener::optional().named("route"))
        .route(json!({
            "match": { "prefix": "/rewritten" },
            "route": { "cluster": "origin", "host_rewrite_literal": ADMIN }
        }))
        .scene()
        .await;
    for (listener, path) in [("later", "/"), ("route", "/rewritten")] {
        let client = scene
            .client(Protocol::Http2)
            .listener(listener)
            .connect()
            .await;
        assert_eq!(client.get(PUBLIC, path).await.status, 200);
        assert_eq!(client.get(ADMIN, path).await.status, 403);
        assert_eq!(scene.origin.requests_for(path).len(), 1);
        assert_eq!(scene.origin.requests_for(path)[0].authority, ADMIN);
    }
}

#[tokio::test]
async fn an_internal_redirect_to_the_protected_hostname_is_judged_again() {
    let to_admin = Answer::status(302).header("location", "https://admin.example.com/secret");
    let scene = Envoy::with_filter(settings("listener"))
        .listener(Listener::optional())
        .route(json!({
            "match": { "prefix": "/internal" },
            "route": { "cluster": "origin", "internal_redirect_policy": { "max_internal_redirects": 1 } }
        }))
        .scene()
        .await;
    scene.origin.answer("/internal", [to_admin]);
    let client = scene.connect_without_certificate(Protocol::Http2).await;
    assert_eq!(client.get(PUBLIC, "/internal").await.status, 403);
    assert!(scene.origin.requests_for("/secret").is_empty());
    let client = scene.connect(Protocol::Http2).await;
    assert_eq!(client.get(PUBLIC, "/internal").await.status, 200);
    assert_eq!(scene.origin.requests_for("/secret").len(), 1);
}

/// Selects a direct response for requests with a forwarding header.
fn route_by_managed_header() -> Value {
    json!({
        "match": { "prefix": "/", "headers": [{ "name": SHA256, "present_match": true }] },
        "direct_response": { "status": 218 }
    })
}

/// Makes Envoy select the route again.
fn clear_route_cache() -> Value {
    json!({
        "name": "envoy.filters.http.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "clear_route_cache": true
        }
    })
}

/// Envoy selects the route again when the wasm filter adds or removes a header, but not when its
/// own `header_mutation` does (SECURITY.md, *Placement*).
#[tokio::test]
async fn a_route_by_a_managed_header_sees_what_the_filter_said_and_not_what_the_client_made_up() {
    let mut listener = Listener::optional();
    if Deployment::from_environment() == Deployment::FastPath {
        if envoy_version() < Version(1, 38, 0) {
            return; // Its `set_filter_state` can't clear the route cache.
        }
        listener = listener.filter_after(clear_route_cache());
    }
    let scene = Envoy::with_filter(configuration(vec![forward(PUBLIC), forward_every(HOST)]))
        .listener(listener)
        .route(route_by_managed_header())
        .scene()
        .await;
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    for hostname in [PUBLIC, "example.org", "example.org", PUBLIC] {
        let spoofing = Request::get(hostname, "/").header(SHA256, "x");
        assert_eq!(anonymous.send(spoofing).await.status, 200, "{hostname}");
    }
    let client = scene.connect(Protocol::Http2).await;
    for _ in 0..3 {
        assert_eq!(client.get(PUBLIC, "/").await.status, 218);
        assert_eq!(client.get(HOST, "/").await.status, 218);
    }
}

/// Why the documentation forbids it: if this fails, Envoy has become better.
#[tokio::test]
async fn on_the_fast_path_alone_a_clients_header_selects_a_route_before_it_is_removed() {
    let scene = Envoy::with_filter(configuration(vec![forward(PUBLIC)]))
        .deployment(Deployment::FastPath)
        .listener(Listener::optional())
        .route(route_by_managed_header())
        .scene()
        .await;
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    for status in [200, 218] {
        let spoofing = Request::get("example.org", "/").header(SHA256, "x");
        assert_eq!(anonymous.send(spoofing).await.status, status);
    }
}
