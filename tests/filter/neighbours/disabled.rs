//! Routes that disable the filter (`typed_per_filter_config`): who configures Envoy may do so, and
//! gives up the filter's protection there and nowhere else.

use serde_json::json;
use support::{Envoy, Listener, PROTOCOLS, Request, bootstrap::FILTER_NAME, mtls_protocols, pki};

use crate::common::{
    HOST, SHA256, assert_carries, assert_carries_none, configuration, forward, forwarding,
};

fn route() -> serde_json::Value {
    json!({
        "match": { "prefix": "/disabled" },
        "route": { "cluster": "origin" },
        "typed_per_filter_config": { FILTER_NAME: {
            "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true
        } }
    })
}

#[tokio::test]
async fn a_disabled_route_neither_gets_nor_uses_up_the_certificate() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .route(route())
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for path in ["/disabled", "/", "/disabled", "/"] {
            assert_eq!(client.get(HOST, path).await.status, 200);
        }
        let requests = scene.origin.requests();
        let [disabled, first, later, last] = &requests[requests.len() - 4..] else {
            panic!("four requests: {requests:#?}");
        };
        assert_carries(first, &pki().client);
        for request in [disabled, later, last] {
            assert_carries_none(request);
        }
    }
}

#[tokio::test]
async fn a_disabled_route_has_no_protection_and_no_other_route_lacks_it() {
    let required = json!({
        "hostname": "admin.example.com", "require_client_certificate": true, "sni_must_match": false
    });
    let scene = Envoy::with_filter(configuration(vec![forward(HOST), required]))
        .listener(Listener::optional().http3())
        .route(route())
        .scene()
        .await;
    for protocol in PROTOCOLS {
        let client = scene.connect_without_certificate(protocol).await;
        for (path, status) in [("/disabled", 200), ("/", 403), ("/x/../disabled", 403)] {
            let request = Request::get("admin.example.com", path).header(SHA256, "forged");
            let response = client.send(request).await;
            assert_eq!(response.status, status, "{protocol:?} {path}");
        }
        assert_eq!(scene.origin.last_request().path, "/disabled");
        assert_eq!(scene.origin.last_request().header(SHA256), Some("forged"));
    }
    assert_eq!(scene.origin.requests().len(), PROTOCOLS.len());
}
