//! The counters, as Prometheus sees them (contract §4.9).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Client, Envoy, Listener, Origin, Request, pki};

use crate::common::{configuration, forward, forward_every, forwarding};

fn counted(hostname: &str, outcome: &str, count: u64) -> (String, String, u64) {
    (hostname.to_owned(), outcome.to_owned(), count)
}

#[tokio::test]
async fn every_outcome_is_counted_under_its_setting() {
    let origin = Origin::start().await;
    let settings = vec![
        forward("api.example.com"),
        forward_every("*.example.com"),
        forward("*"),
    ];
    let mut configuration = configuration(settings);
    configuration["max_certificate_bytes"] = json!(pki().client.der_base64().len());
    let envoy = Envoy::with_filter(configuration)
        .listener(Listener::optional())
        .start(&origin)
        .await;

    let client = Client::http2(&envoy).with(&pki().client).connect().await;
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
    let huge = Client::http2(&envoy).with(&pki().huge).connect().await;
    huge.get("api.example.com", "/").await;
    huge.get("b.example.com", "/").await;
    let anonymous = Client::http2(&envoy).connect().await;
    anonymous.get("api.example.com", "/").await;
    anonymous.get("api.example.com", "/").await;

    assert_eq!(
        envoy.outcomes().await,
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
        envoy.filter_metrics().await.iter().any(|line| line == name),
        "{:#?}",
        envoy.filter_metrics().await
    );
}

#[tokio::test]
async fn the_steady_state_of_a_connection_costs_no_counter() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["api.example.com"]))
        .start(&origin)
        .await;
    let client = Client::http2(&envoy).with(&pki().client).connect().await;
    client.get("api.example.com", "/").await;
    let before = envoy.filter_metrics().await;
    for _ in 0..20 {
        client.get("api.example.com", "/").await;
        client.get("unknown.example.org", "/").await;
    }
    assert_eq!(envoy.filter_metrics().await, before);
}

#[tokio::test]
async fn no_request_makes_a_counter_of_its_own() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["api.example.com", "*.example.org"]))
        .start(&origin)
        .await;
    let client = Client::http2(&envoy).with(&pki().client).connect().await;
    let labels = async || -> BTreeSet<String> {
        envoy
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
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["api.example.com"]))
        .concurrency(3)
        .start(&origin)
        .await;
    for _ in 0..12 {
        let client = Client::http2(&envoy).with(&pki().client).connect().await;
        client.get("api.example.com", "/").await;
        client.get("api.example.com", "/").await;
    }
    assert_eq!(
        envoy.outcomes().await,
        [counted("api.example.com", "forwarded", 12)]
    );
}

#[tokio::test]
async fn counters_go_on_over_an_update() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["api.example.com"]))
        .discovered()
        .start(&origin)
        .await;
    let next: Value = forwarding(&["new.example.com", "api.example.com"]);
    for round in 1..=2 {
        let client = Client::http2(&envoy).with(&pki().client).connect().await;
        client.get("api.example.com", "/").await;
        assert_eq!(envoy.counter("api.example.com", "forwarded").await, round);
        if round == 1 {
            assert_eq!(envoy.update_config(&next).await, support::Update::Accepted);
        }
    }
}

#[tokio::test]
async fn neither_certificates_nor_their_fields_are_logged() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["api.example.com"]))
        .listener(Listener::strict())
        .listener(Listener::accept_untrusted().named("untrusted"))
        .start(&origin)
        .await;
    for (listener, identity) in [
        ("main", &pki().client),
        ("main", &pki().huge),
        ("main", &pki().long_serial),
        ("untrusted", &pki().untrusted),
    ] {
        let client = Client::http2(&envoy)
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
            assert!(!envoy.log_contains(secret), "{secret} is in the log");
        }
    }
    assert!(
        envoy.log_contains("wasm log"),
        "the log has what the filter says: {}",
        envoy.log()
    );
}
