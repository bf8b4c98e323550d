//! The counters, as Prometheus sees them (contract §4.9).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, Request, pki};

use crate::common::{configuration, forward, forward_every, forwarding};

fn counted(hostname: &str, outcome: &str, count: u64) -> (String, String, u64) {
    (hostname.to_owned(), outcome.to_owned(), count)
}

#[tokio::test]
async fn every_outcome_is_counted_under_its_setting() {
    let settings = vec![
        forward("api.example.com"),
        forward_every("*.example.com"),
        forward("*"),
    ];
    let mut configuration = configuration(settings);
    configuration["max_certificate_bytes"] = json!(pki().client.der_base64().len());
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::optional())
        .scene()
        .await;

    let client = scene.connect(Protocol::Http2).await;
    client.get("api.example.com", "/refused").await;
    client.get("api.example.com", "/").await;
    client.get("api.example.com", "/").await;
    client.get("a.example.com", "/").await;
    client.get("b.example.com", "/").await;
    client.get("b.example.com", "/no-upstream").await;
    client.get("elsewhere.test", "/").await;
    client
        .send(
            Request::get("elsewhere.test", "/")
                .header("cf-cert-verified", "1")
                .header("cf_cert_a", "1"),
        )
        .await;
    let huge = scene.connect_with(Protocol::Http2, &pki().huge).await;
    huge.get("api.example.com", "/").await;
    huge.get("b.example.com", "/").await;
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    anonymous.get("api.example.com", "/").await;
    anonymous.get("api.example.com", "/").await;

    assert_eq!(
        scene.envoy.outcomes().await,
        [
            counted("*", "forwarded", 1),
            counted("*", "spoof_stripped", 1),
            counted("*.example.com", "forwarded", 2),
            counted("*.example.com", "too_large", 1),
            counted("*.example.com", "undelivered", 1),
            counted("api.example.com", "forwarded", 1),
            counted("api.example.com", "no_certificate", 2),
            counted("api.example.com", "too_large", 1),
            counted("api.example.com", "undelivered", 1),
        ]
    );
    let name =
        r#"client_cert_forwarder_requests{hostname="api.example.com",outcome="forwarded"} 1"#;
    assert!(
        scene
            .envoy
            .filter_metrics()
            .await
            .iter()
            .any(|line| line == name),
        "{:#?}",
        scene.envoy.filter_metrics().await
    );
}

#[tokio::test]
async fn the_steady_state_of_a_connection_costs_no_counter() {
    let scene = Envoy::with_filter(forwarding(&["api.example.com"]))
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    client.get("api.example.com", "/").await;
    let before = scene.envoy.filter_metrics().await;
    for _ in 0..20 {
        client.get("api.example.com", "/").await;
        client.get("unknown.example.org", "/").await;
    }
    assert_eq!(scene.envoy.filter_metrics().await, before);
}

#[tokio::test]
async fn no_request_makes_a_counter_of_its_own() {
    let scene = Envoy::with_filter(forwarding(&["api.example.com", "*.example.org"]))
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    let labels = async || -> BTreeSet<String> {
        scene
            .envoy
            .outcomes()
            .await
            .into_iter()
            .map(|(hostname, _, _)| hostname)
            .collect()
    };
    for number in 0..30 {
        for hostname in [
            format!("h{number}.example.org"),
            format!("h{number}.unknown.test"),
        ] {
            client
                .send(Request::get(&hostname, "/").header("cf-cert-verified", "1"))
                .await;
            client.get(&hostname, "/refused").await;
        }
    }
    let labels = labels().await;
    assert!(labels.contains("*.example.org"), "{labels:?}");
    assert!(
        labels.len() <= 3 && labels.iter().all(|label| !label.starts_with('h')),
        "{labels:?}"
    );
}

#[tokio::test]
async fn workers_count_together() {
    let scene = Envoy::with_filter(forwarding(&["api.example.com"]))
        .concurrency(3)
        .scene()
        .await;
    for _ in 0..12 {
        let client = scene.connect(Protocol::Http2).await;
        client.get("api.example.com", "/").await;
        client.get("api.example.com", "/").await;
    }
    assert_eq!(
        scene.envoy.outcomes().await,
        [counted("api.example.com", "forwarded", 12)]
    );
}

#[tokio::test]
async fn counters_go_on_over_an_update() {
    let scene = Envoy::with_filter(forwarding(&["api.example.com"]))
        .discovered()
        .scene()
        .await;
    let next: Value = forwarding(&["new.example.com", "api.example.com"]);
    for round in 1..=2 {
        let client = scene.connect(Protocol::Http2).await;
        client.get("api.example.com", "/").await;
        assert_eq!(
            scene.envoy.counter("api.example.com", "forwarded").await,
            round
        );
        if round == 1 {
            assert_eq!(
                scene.envoy.update_config(&next).await,
                support::Update::Accepted
            );
        }
    }
}

#[tokio::test]
async fn neither_certificates_nor_their_fields_are_logged() {
    let scene = Envoy::with_filter(forwarding(&["api.example.com"]))
        .listener(Listener::strict())
        .listener(Listener::accept_untrusted().named("untrusted"))
        .scene()
        .await;
    for (listener, identity) in [
        ("main", &pki().client),
        ("main", &pki().huge),
        ("main", &pki().long_serial),
        ("untrusted", &pki().untrusted),
    ] {
        let client = scene
            .client(Protocol::Http2)
            .listener(listener)
            .with(identity)
            .connect()
            .await;
        client
            .send(Request::get("api.example.com", "/").header("cf-client-cert-sha256", "spoofed"))
            .await;
        client.get("api.example.com", "/refused").await;
        for secret in [
            &identity.der_base64()[..60],
            &identity.sha256(),
            "Client Certificate Forwarder",
            "spoofed",
        ] {
            assert!(!scene.envoy.log_contains(secret), "{secret} is in the log");
        }
    }
    assert!(
        scene.envoy.log_contains("wasm log"),
        "the log has what the filter says: {}",
        scene.envoy.log()
    );
}
