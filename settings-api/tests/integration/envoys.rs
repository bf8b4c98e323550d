//! The whole way: a PUT, and real Envoys forward the certificate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::bootstrap::FILTER_NAME;
use support::envoy::EnvoyBuilder;
use support::{Client, Envoy, Origin, pki};

use crate::program::{PATIENCE, Program, base, forward, remove};

const HOST: &str = "api.example.com";
const SHA256: &str = "cf-client-cert-sha256";

/// How an Envoy gets its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// ADS, delta.
    Aggregated,
    /// The extension configuration service.
    Sotw,
    /// The same, delta.
    Delta,
    /// A watched file.
    File,
}

/// An Envoy that gets its filter's configuration from the program; until it comes, the one of `default`.
fn envoy(program: &Program, source: Source, default: Option<Value>) -> EnvoyBuilder {
    let address = program.xds();
    let folder = program.path("xds");
    let nowhere = json!({ "settings": [] });
    Envoy::with_filter(default.clone().unwrap_or(nowhere)).edit_bootstrap(move |bootstrap| {
        bootstrap["node"]["id"] = json!(format!("{source:?}"));
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut().expect("clusters");
        clusters.push(json!({
            "name": "settings_api",
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": { "http2_protocol_options": {} }
            } },
            "load_assignment": { "cluster_name": "settings_api", "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                "address": { "socket_address": { "address": "127.0.0.1", "port_value": address.port() } }
            } }] }] }
        }));
        let service = json!({ "envoy_grpc": { "cluster_name": "settings_api" } });
        let api = |kind: &str| json!({ "api_type": kind, "transport_api_version": "V3", "grpc_services": [service] });
        let mut config_source = match source {
            Source::Aggregated => {
                bootstrap["dynamic_resources"] = json!({ "ads_config": api("DELTA_GRPC") });
                json!({ "ads": {} })
            }
            Source::Sotw => json!({ "api_config_source": api("GRPC") }),
            Source::Delta => json!({ "api_config_source": api("DELTA_GRPC") }),
            Source::File => json!({ "path_config_source": {
                "path": folder.join("client_cert_forwarder.json"), "watched_directory": { "path": folder }
            } }),
        };
        config_source["resource_api_version"] = json!("V3");
        config_source["initial_fetch_timeout"] = json!("1s");
        let filters = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
        let filter = filters.as_array_mut().expect("filters").iter_mut().find(|filter| filter["name"] == FILTER_NAME).expect("the filter");
        let inline = filter["typed_config"].take();
        let mut discovery = json!({ "config_source": config_source, "type_urls": [settings_api::xds::WASM_TYPE_URL] });
        if default.is_some() {
            discovery["default_config"] = inline;
        }
        *filter = json!({ "name": FILTER_NAME, "config_discovery": discovery });
    })
}

/// Whether the first request of a new connection comes with the client's certificate.
async fn forwards(envoy: &Envoy, origin: &Origin) -> bool {
    let path = format!("/{}", fastrand::u64(..));
    let client = Client::http1(envoy).with(&pki().client).connect().await;
    let response = client.get(HOST, &path).await;
    assert_eq!(response.status, 200, "{response:?}");
    origin.requests_for(&path)[0].header(SHA256) == Some(pki().client.sha256().as_str())
}

/// Waits until new connections forward, or don't; gives the time.
async fn wait_until_forwarding(envoy: &Envoy, origin: &Origin, wanted: bool) -> Duration {
    let start = Instant::now();
    while forwards(envoy, origin).await != wanted {
        assert!(
            start.elapsed() < PATIENCE,
            "still {}forwarding",
            if wanted { "not " } else { "" }
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_envoys_follow_each_put_within_a_second_and_no_request_fails() {
    let origin = Arc::new(Origin::start().await);
    let program = Program::start();
    let mut envoys = Vec::new();
    for source in [Source::Aggregated, Source::Sotw, Source::Delta] {
        envoys.push(Arc::new(
            envoy(&program, source, None)
                .concurrency(2)
                .start(&origin)
                .await,
        ));
    }
    program
        .wait_for_status(|status| status["accepted"] == 3)
        .await;
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let load: Vec<_> = envoys
        .iter()
        .map(|envoy| {
            let (envoy, stop, served) = (Arc::clone(envoy), Arc::clone(&stop), Arc::clone(&served));
            tokio::spawn(async move {
                let client = Client::http2(&envoy).with(&pki().client).connect().await;
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(client.get(HOST, "/load").await.status, 200);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for round in 0..6 {
        let wanted = round % 2 == 0;
        let setting = if wanted { forward(HOST) } else { remove(HOST) };
        let start = Instant::now();
        assert_eq!(program.put(json!([setting])).await.status, 202);
        for envoy in &envoys {
            wait_until_forwarding(envoy, &origin, wanted).await;
        }
        slowest = slowest.max(start.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    for requests in load {
        requests.await.expect("every request was answered 200");
    }
    println!(
        "slowest of 6 PUTs to 3 Envoys: {slowest:?}, {} requests meanwhile",
        served.load(Ordering::Relaxed)
    );
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let status = program
        .wait_for_status(|status| status["accepted"] == 3)
        .await;
    let nodes: Vec<_> = status["subscribers"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| (&node["node"], &node["protocol"]))
        .collect();
    assert_eq!(
        nodes,
        [
            (&json!("Aggregated"), &json!("delta")),
            (&json!("Delta"), &json!("delta")),
            (&json!("Sotw"), &json!("sotw"))
        ]
    );
}

#[tokio::test]
async fn an_envoy_that_watches_the_file_follows_too() {
    let origin = Origin::start().await;
    let program = Program::with(base(), &["--xds-directory", "xds"]);
    let envoy = envoy(&program, Source::File, None).start(&origin).await;
    assert!(!forwards(&envoy, &origin).await);
    program.put(json!([forward(HOST)])).await;
    let time = wait_until_forwarding(&envoy, &origin, true).await;
    assert!(time < Duration::from_secs(1), "{time:?}");
    program.put(json!([remove(HOST)])).await;
    wait_until_forwarding(&envoy, &origin, false).await;
}

#[tokio::test]
async fn an_envoy_that_starts_while_the_api_is_down_serves_its_static_configuration_until_it_is_back()
 {
    let origin = Origin::start().await;
    let mut program = Program::start();
    program.put(json!([remove(HOST)])).await;
    program.kill();
    let default = json!({ "verified_by": "listener", "settings": [forward(HOST)] });
    for source in [Source::Aggregated, Source::Sotw, Source::Delta] {
        let envoy = envoy(&program, source, Some(default.clone()))
            .start(&origin)
            .await;
        assert!(forwards(&envoy, &origin).await, "{source:?}");
        program.run();
        // From now on the API decides, and it has no settings.
        wait_until_forwarding(&envoy, &origin, false).await;
        program.kill();
        // And what it said last stays in force without it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!forwards(&envoy, &origin).await, "{source:?}");
    }
}

#[tokio::test]
async fn an_envoy_that_watches_the_file_starts_with_its_last_content_while_the_api_is_down() {
    let origin = Origin::start().await;
    let mut program = Program::with(base(), &["--xds-directory", "xds"]);
    program.put(json!([forward(HOST)])).await;
    assert_eq!(program.terminate(), Some(0));
    let envoy = envoy(&program, Source::File, None).start(&origin).await;
    assert!(forwards(&envoy, &origin).await);
}

#[tokio::test]
async fn an_envoy_that_refuses_an_update_keeps_the_last_good_one_and_is_seen_in_the_status() {
    let origin = Origin::start().await;
    for source in [Source::Aggregated, Source::Sotw, Source::Delta] {
        let mut program = Program::start();
        program.put(json!([forward(HOST)])).await;
        let envoy = envoy(&program, source, None).start(&origin).await;
        assert!(forwards(&envoy, &origin).await);
        program.terminate();
        let mut broken = base();
        broken["resources"]["client_cert_forwarder"]["wasm_filename"] =
            json!("/no/such/module.wasm");
        std::fs::write(program.path("base.json"), broken.to_string()).expect("a written file");
        program.run();
        let status = program
            .wait_for_status(|status| status["rejected"] == 1)
            .await;
        let error = status["subscribers"][0]["error"]
            .as_str()
            .expect("an error");
        assert!(error.contains("/no/such/module.wasm"), "{error}");
        assert!(forwards(&envoy, &origin).await, "{source:?}");
        std::fs::write(program.path("base.json"), base().to_string()).expect("a written file");
        program.terminate();
        program.run();
        program
            .wait_for_status(|status| status["accepted"] == 1)
            .await;
        assert!(forwards(&envoy, &origin).await, "{source:?}");
    }
}
