//! Accepted configurations, and the log lines for them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, Update, pki};

use crate::common::{HOST, assert_carries, filter_errors, forward, forwarding};

#[tokio::test]
async fn good_configurations_are_taken() {
    let scene = Envoy::with_filter(forwarding(&["first.test"]))
        .discovered()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    for configuration in [
        // The body of Cloudflare's API, unchanged.
        json!({ "settings": [{ "hostname": HOST, "china_network": false, "client_certificate_forwarding": true }] }),
        json!({ "settings": [forward("xn--bcher-kva.test"), forward("192.0.2.1"), forward("2001:db8::1"), forward("*")] }),
        json!({ "settings": [forward("localhost"), forward("a-b.c1.test"), forward("*.a.test"), forward("*.b.a.test")] }),
        json!({ "settings": [], "verified_by": "attribute", "on_spoofed_header": "strip", "max_certificate_bytes": 0 }),
        json!({ "settings": [{
            "hostname": HOST, "china_network": true, "client_certificate_forwarding": true,
            "forward_on": "first_request", "forward_unverified": false
        }] }),
    ] {
        assert_eq!(
            scene.envoy.update_config(&configuration).await,
            Update::Accepted,
            "{configuration}"
        );
        assert_eq!(client.get(HOST, "/").await.status, 200);
    }
    assert_eq!(filter_errors(&scene.envoy), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_configuration_means_no_settings_with_a_warning() {
    let scene = Envoy::with_filter_text("")
        .listener(Listener::plaintext())
        .concurrency(2)
        .scene()
        .await;
    let client = scene.connect_without_certificate(Protocol::Http2).await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
    let warnings: Vec<String> = scene
        .envoy
        .log_lines_with("][warning][wasm]")
        .into_iter()
        .filter(|line| line.contains("wasm log"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("empty"), "{warnings:?}");
}

#[tokio::test]
async fn one_line_at_the_start_tells_version_and_number_of_settings() {
    let scene = Envoy::with_filter(forwarding(&["a.test", "b.test", "c.test"]))
        .discovered()
        .concurrency(2)
        .every_mtls_protocol()
        .scene()
        .await;
    let started = |settings: &str| {
        let version = env!("CARGO_PKG_VERSION");
        let lines = scene.envoy.log_lines_with("wasm log");
        lines
            .into_iter()
            .filter(|line| line.contains(version) && line.contains(settings))
            .count()
    };
    assert_eq!(started(" 3 settings"), 1, "{}", scene.envoy.log());
    assert_eq!(
        scene
            .envoy
            .update_config(&forwarding(&["a.test", "b.test"]))
            .await,
        Update::Accepted
    );
    assert_eq!(started(" 2 settings"), 1, "{}", scene.envoy.log());
}

#[tokio::test]
async fn ten_thousand_hostnames_load_in_under_a_second() {
    const HOSTNAMES: usize = 10_000;
    let configuration = |round: usize| -> Value {
        let mut settings: Vec<Value> = (0..HOSTNAMES - 1)
            .map(|number| forward(&format!("h{number}.r{round}.example.org")))
            .collect();
        settings.push(forward(HOST));
        json!({ "verified_by": "listener", "settings": settings })
    };
    let scene = Envoy::with_filter(forwarding(&["first.test"]))
        .discovered()
        .scene()
        .await;
    let mut fastest = Duration::MAX;
    for round in 0..3 {
        let configuration = configuration(round);
        let (start, used) = (Instant::now(), scene.envoy.processor_time());
        assert_eq!(
            scene.envoy.update_config(&configuration).await,
            Update::Accepted
        );
        let client = scene.connect(Protocol::Http2).await;
        client.get(HOST, "/").await;
        // Processor time where the system accounts for it, since other tests run on the machine at
        // the same time.
        let used = scene
            .envoy
            .processor_time()
            .zip(used)
            .map(|(after, before)| after.saturating_sub(before));
        let elapsed = start.elapsed();
        println!("{HOSTNAMES} hostnames loaded in {elapsed:?}, of which Envoy worked {used:?}");
        fastest = fastest.min(used.unwrap_or(elapsed));
        assert_carries(&scene.origin.last_request(), &pki().client);
        client
            .get(&format!("h{}.r{round}.example.org", HOSTNAMES - 2), "/")
            .await;
        assert_carries(&scene.origin.last_request(), &pki().client);
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}
