//! Each mode of contract §6: Envoy repeats what the filter decided, header by header.

use serde_json::{Value, json};
use support::{
    Deployment, Envoy, Identity, Listener, Protocol, Request, Scene, Update, Version,
    envoy_version, pki,
};

use super::entered;
use crate::common::{DER, HOST, forwarding};
use crate::enforcement::verifies_by_attribute;

const REQUESTS: usize = 3;

/// Name, settings, and how many of [`REQUESTS`] enter the VM of a connection with a certificate.
fn modes() -> Vec<(&'static str, Value, usize)> {
    let fields =
        json!({ "X-Verified": "certVerified", "X-Serial": "certSerial", "X.Dn": "certSubjectDN" });
    vec![
        (
            "first request",
            json!({ "client_certificate_forwarding": true }),
            1,
        ),
        (
            "every request",
            json!({ "client_certificate_forwarding": true, "forward_on": "every_request" }),
            1,
        ),
        ("request headers", json!({ "request_headers": fields }), 1),
        (
            "first request, and request headers",
            json!({ "client_certificate_forwarding": true, "request_headers": fields }),
            1,
        ),
        (
            "transform",
            json!({ "add_client_certificate_headers": true }),
            1,
        ),
        (
            "response headers",
            json!({ "response_headers": { "X-Verified": "certVerified", "X-Serial": "certSerial", "X-San": "certSanUri" } }),
            1,
        ),
        (
            "forward unverified",
            json!({ "forward_unverified": true, "request_headers": fields, "response_headers": fields }),
            1,
        ),
        (
            "enforcement",
            json!({ "require_client_certificate": true, "request_headers": fields }),
            1,
        ),
        (
            "RFC 9440",
            json!({ "request_headers": { "Client-Cert": "certRFC9440" } }),
            1,
        ),
    ]
}

fn configuration(setting: &Value) -> Value {
    let mut setting = setting.clone();
    setting["hostname"] = HOST.into();
    setting["sni_must_match"] = false.into();
    let verified_by = ["listener", "attribute"][usize::from(verifies_by_attribute())];
    json!({ "verified_by": verified_by, "settings": [setting] })
}

async fn scene(deployment: Deployment, setting: &Value) -> Scene {
    Envoy::with_filter(configuration(setting))
        .deployment(deployment)
        .listener(Listener::accept_untrusted().named("optional"))
        .log_every_call()
        .scene()
        .await
}

/// What clients and origin see of [`REQUESTS`] requests on one connection.
async fn seen(scene: &Scene, protocol: Protocol, identity: Option<&Identity>) -> Vec<String> {
    let mut connector = scene.client(protocol).listener("optional");
    if let Some(identity) = identity {
        connector = connector.with(identity);
    }
    let client = connector.connect().await;
    let mut seen = Vec::new();
    for _ in 0..REQUESTS {
        let before = scene.origin.requests().len();
        let request = Request::get(HOST, "/")
            .header("cf_client.cert-sha256", "spoofed")
            .header("x_serial", "spoofed")
            .header("x-dn", "spoofed")
            .header("client_cert", "spoofed");
        let response = client.send(request).await;
        let is_ours = |name: &str| name.starts_with("x-") || name.starts_with("x.");
        let told = |name: &str| !["x-request-id", "x-envoy-upstream-service-time"].contains(&name);
        let mut lines = vec![response.status.to_string()];
        for (name, value) in &response.headers.0 {
            if is_ours(name) && told(name) {
                lines.push(format!("< {name}: {}", value.escape_ascii()));
            }
        }
        for request in &scene.origin.requests()[before..] {
            for (name, value) in &request.headers.0 {
                if told(name) && !name.starts_with("x-forwarded") && !name.starts_with("x-envoy") {
                    lines.push(format!("> {name}: {}", value.escape_ascii()));
                }
            }
        }
        lines.sort();
        seen.push(lines.join("\n"));
    }
    seen
}

#[tokio::test]
async fn every_mode_shows_the_same_on_both_deployments() {
    for (name, setting, entries) in modes() {
        if name == "RFC 9440" && envoy_version() < Version(1, 38, 0) {
            continue; // Its `Vary` rule needs a composite filter's `filter_chain`.
        }
        let plain = scene(Deployment::Plain, &setting).await;
        let fast = scene(Deployment::FastPath, &setting).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for identity in [Some(&pki().client), None, Some(&pki().untrusted)] {
                let before = entered(&fast.envoy).await;
                let expected = seen(&plain, protocol, identity).await;
                let observed = seen(&fast, protocol, identity).await;
                assert_eq!(observed, expected, "{name} over {protocol:?}");
                let all = expected.join("\n");
                assert!(!all.contains("cf_client"), "{name}: {all}");
                if identity.is_some_and(|identity| std::ptr::eq(identity, &pki().client)) {
                    let entered = entered(&fast.envoy).await - before;
                    assert_eq!(entered, entries, "{name} over {protocol:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_never_answered_from_a_stored_decision() {
    let setting = json!({ "require_client_certificate": true });
    let scene = scene(Deployment::FastPath, &setting).await;
    let client = scene
        .client(Protocol::Http2)
        .listener("optional")
        .connect()
        .await;
    for _ in 0..REQUESTS {
        assert_eq!(client.get(HOST, "/").await.status, 403);
    }
    assert_eq!(entered(&scene.envoy).await, REQUESTS);
    assert_eq!(scene.envoy.counter(HOST, "denied").await, REQUESTS as u64);
}

#[tokio::test]
async fn an_update_is_in_force_with_the_next_request_of_an_open_connection() {
    let limit = |bytes: u32| {
        let mut configuration = forwarding(&[HOST]);
        configuration["max_certificate_bytes"] = bytes.into();
        configuration["settings"][0]["forward_on"] = "every_request".into();
        configuration
    };
    let scene = Envoy::with_filter(limit(10_000))
        .deployment(Deployment::FastPath)
        .discovered()
        .log_every_call()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    for (number, bytes) in [10_000, 0, 20_000, 1, 10_000].into_iter().enumerate() {
        if number > 0 {
            let update = scene.envoy.update_config(&limit(bytes)).await;
            assert_eq!(update, Update::Accepted);
        }
        for _ in 0..2 {
            client.get(HOST, "/").await;
            let carried = scene.origin.last_request().headers.header(DER).is_some();
            assert_eq!(carried, bytes > 1, "{bytes}");
        }
    }
    assert_eq!(entered(&scene.envoy).await, 5);
}
