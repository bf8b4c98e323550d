//! The whole way: a PUT, and real Envoys forward the certificate.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::envoy::EnvoyBuilder;
use support::wasm::repository;
use support::{Client, Envoy, Listener, Origin, pki, wasm_module};

use crate::fixtures::{OTHER_ZONE, base, forward, remove};
use crate::program::{PATIENCE, Program};

const HOST: &str = "api.example.com";
const SHA256: &str = "cf-client-cert-sha256";

/// How an Envoy gets its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// ADS, delta.
    Aggregated,
    /// The extension configuration service.
    Sotw,
    /// The same, delta: `envoy/settings-api.yaml` as it is.
    Delta,
    /// A watched file: `envoy/settings-api-files.yaml` as it is.
    File,
}

pub(crate) const DEFAULT_SETTINGS: &str = r#"{ "verified_by": "listener", "settings": [] }"#;

const ADS: &str = "
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    grpc_services:
      - envoy_grpc: { cluster_name: settings_api }
";

/// Runs the shipped example with this test's paths and ports. Until the program sends settings, it
/// has those of `default`.
pub(crate) async fn envoy(
    program: &Program,
    source: Source,
    default: &str,
    origin: &Origin,
) -> Envoy {
    let builder = builder(program, source, default, origin);
    builder.start(origin).await
}

/// The same, not yet started.
pub(crate) fn builder(
    program: &Program,
    source: Source,
    default: &str,
    origin: &Origin,
) -> EnvoyBuilder {
    let example = match source {
        Source::File => "envoy/settings-api-files.yaml",
        _ => "envoy/settings-api.yaml",
    };
    let mut yaml = std::fs::read_to_string(repository().join(example)).expect("the example");
    let place = program.folder().display();
    let port = |address: std::net::SocketAddr| format!("port_value: {} }}", address.port());
    let mut replacements = vec![
        ("/etc/envoy/tls", format!("{place}/tls")),
        (
            "address: 0.0.0.0, port_value: 8443",
            "address: 127.0.0.1, port_value: 0".into(),
        ),
        ("port_value: 9901", "port_value: 0".into()),
        ("port_value: 8080 }", port(origin.address())),
        ("id: envoy-1", format!("id: {source:?}")),
    ];
    if source != Source::File {
        replacements.push((
            "/etc/envoy/client_cert_forwarder.wasm",
            wasm_module().display().to_string(),
        ));
        replacements.push(("port_value: 18000 }", port(program.xds())));
        replacements.push((DEFAULT_SETTINGS, default.into()));
        replacements.push((
            "initial_fetch_timeout: 5s",
            "initial_fetch_timeout: 1s".into(),
        ));
    } else {
        replacements.push(("/etc/envoy/settings", format!("{place}/settings")));
    }
    for (installed, here) in replacements {
        assert!(yaml.contains(installed), "{installed} is not in {example}");
        yaml = yaml.replace(installed, &here);
    }
    match source {
        Source::Aggregated => {
            let start = yaml.find("api_config_source:").expect("the source");
            let end = yaml.find("type_urls:").expect("the type");
            yaml.replace_range(start..end, "ads: {}\n                      ");
            yaml.push_str(ADS);
        }
        Source::Sotw => yaml = yaml.replace("DELTA_GRPC", "GRPC"),
        Source::Delta | Source::File => {}
    }
    install_certificates(&program.path("tls"));
    Envoy::with_bootstrap(yaml)
        .listener(Listener::strict().named("https"))
        .concurrency(2)
}

fn install_certificates(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, content) in [
        ("server.crt", pki().server.chain_pem()),
        ("server.key", pki().server.key_pem()),
        ("client-ca.crt", pki().ca_pem.clone()),
    ] {
        std::fs::write(folder.join(name), content).expect("a written file");
    }
}

/// Whether the first request of a new connection comes with the client's certificate.
async fn forwards(envoy: &Envoy, origin: &Origin) -> bool {
    forwards_for(HOST, envoy, origin).await
}

async fn forwards_for(host: &str, envoy: &Envoy, origin: &Origin) -> bool {
    let path = format!("/{}", fastrand::u64(..));
    let client = Client::http1(envoy)
        .listener("https")
        .with(&pki().client)
        .connect()
        .await;
    let response = client.get(host, &path).await;
    assert_eq!(response.status, 200, "{response:?}");
    origin.requests_for(&path)[0].header(SHA256) == Some(pki().client.sha256().as_str())
}

/// Waits until new connections forward, or don't; gives the time.
pub(crate) async fn wait_until_forwarding(
    envoy: &Envoy,
    origin: &Origin,
    wanted: bool,
) -> Duration {
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
            envoy(&program, source, DEFAULT_SETTINGS, &origin).await,
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
                let client = Client::http2(&envoy)
                    .listener("https")
                    .with(&pki().client)
                    .connect()
                    .await;
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
    let program = Program::with(base(), &["--xds-directory", "settings"]);
    let envoy = envoy(&program, Source::File, DEFAULT_SETTINGS, &origin).await;
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
    let default = json!({ "verified_by": "listener", "settings": [forward(HOST)] }).to_string();
    for source in [Source::Aggregated, Source::Sotw, Source::Delta] {
        let envoy = envoy(&program, source, &default, &origin).await;
        assert!(forwards(&envoy, &origin).await, "{source:?}");
        program.run();
        // From now on the API decides, and it has no settings.
        wait_until_forwarding(&envoy, &origin, false).await;
        program.kill();
        // Its last settings stay in force without it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!forwards(&envoy, &origin).await, "{source:?}");
    }
}

#[tokio::test]
async fn an_envoy_that_watches_the_file_starts_with_its_last_content_while_the_api_is_down() {
    let origin = Origin::start().await;
    let mut program = Program::with(base(), &["--xds-directory", "settings"]);
    program.put(json!([forward(HOST)])).await;
    assert_eq!(program.terminate(), Some(0));
    let envoy = envoy(&program, Source::File, DEFAULT_SETTINGS, &origin).await;
    assert!(forwards(&envoy, &origin).await);
}

#[tokio::test]
async fn an_envoy_that_refuses_an_update_keeps_the_last_good_one_and_is_seen_in_the_status() {
    let origin = Origin::start().await;
    for source in [Source::Aggregated, Source::Sotw, Source::Delta] {
        let mut program = Program::start();
        program.put(json!([forward(HOST)])).await;
        let envoy = envoy(&program, source, DEFAULT_SETTINGS, &origin).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wildcard_serves_its_own_zone_and_no_name_of_another_one() {
    let origin = Origin::start().await;
    let mut base = base();
    base["zones"][OTHER_ZONE] = json!({ "domains": ["eu.example.com"] });
    let program = Program::with(base, &[]);
    let envoy = envoy(&program, Source::Delta, DEFAULT_SETTINGS, &origin).await;
    assert_eq!(
        program.put(json!([forward("*.example.com")])).await.status,
        202
    );
    wait_until_forwarding(&envoy, &origin, true).await;
    for (host, expected) in [
        ("a.example.com", true),
        ("neu.example.com", true),
        ("eu.example.com", false),
        ("a.eu.example.com", false),
    ] {
        let found = forwards_for(host, &envoy, &origin).await;
        assert_eq!(found, expected, "{host}");
    }
}
