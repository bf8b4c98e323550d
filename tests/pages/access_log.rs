//! Access logs and spans of the shipped configurations, in a real Envoy.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use support::{
    Client, Deployment, Envoy, Installation, Listener, Origin, Protocol, envoy_version,
    mtls_protocols, pki, wasm::repository, wasm_module,
};

const HOST: &str = "api.example.com";
const SUBJECT: &str = "O=Client Certificate Forwarder,CN=Test Client";

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The tests read Envoy's stderr.
fn to_stderr(text: &str) -> String {
    text.replace("access_loggers.stdout", "access_loggers.stderr")
        .replace("StdoutAccessLog", "StderrAccessLog")
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
        Protocol::Http3 => "HTTP/3",
    }
}

/// The log's entry for that path.
async fn entry(envoy: &Envoy, path: &str) -> Value {
    for _ in 0..500 {
        let lines = envoy.log_lines_with(&format!("\"path\":\"{path}\""));
        if let Some(line) = lines.first() {
            return serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no entry for {path}");
}

/// An Envoy with that shipped file.
async fn shipped(file: &str, listener: Listener, origin: &Origin) -> Envoy {
    let installation = Installation::new(&wasm_module());
    let mut yaml = to_stderr(&installation.adapt_to(&read(file), origin.address()));
    // As the tests' clients expect it.
    yaml = yaml.replace("name: https_quic", "name: https-quic");
    Envoy::with_bootstrap(yaml)
        .listener(listener.named("https"))
        .start(origin)
        .await
}

#[tokio::test]
async fn the_shipped_envoy_logs_hostname_outcome_and_certificate_over_every_protocol() {
    if !envoy_version().has_quic_client_certificates() {
        return; // The file says that it is for Envoy 1.40.
    }
    let origin = Origin::start().await;
    let listener = Listener::strict().every_mtls_protocol();
    let envoy = shipped("envoy/envoy.yaml", listener, &origin).await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = Client::over(protocol, &envoy).listener("https");
        let client = client.with(&pki().client).connect().await;
        assert_eq!(
            client.get(HOST, &format!("{path}?secret=1")).await.status,
            200
        );
        let entry = entry(&envoy, &path).await;
        for (key, expected) in [
            ("protocol", json!(name(protocol))),
            ("hostname", json!(HOST)),
            ("method", json!("GET")),
            ("status", json!(200)),
            ("details", json!("via_upstream")),
            ("sni", json!(HOST)),
            ("certificate_subject", json!(SUBJECT)),
            ("certificate_sha256", json!(pki().client.sha256())),
        ] {
            assert_eq!(entry[key], expected, "{key} in {entry}");
        }
    }
    assert!(!envoy.log_contains("secret=1"), "queries are not logged");
}

#[tokio::test]
async fn the_log_tells_why_a_request_was_refused() {
    let origin = Origin::start().await;
    let listener = Listener::accept_untrusted();
    let envoy = shipped("envoy/optional-mtls.yaml", listener, &origin).await;
    let client = |sni: &'static str| Client::http2(&envoy).listener("https").sni(sni);
    for (sni, path, status, details) in [
        (
            "admin.example.com",
            "/denied",
            403,
            "client_cert_forwarder_denied",
        ),
        (
            "www.example.com",
            "/misdirected",
            421,
            "client_cert_forwarder_misdirected",
        ),
    ] {
        let client = client(sni).connect().await;
        assert_eq!(client.get("admin.example.com", path).await.status, status);
        let entry = entry(&envoy, path).await;
        // Envoy may put more behind the details of a reply by a wasm filter.
        let logged = entry["details"].as_str().expect("details");
        assert!(logged.contains(details), "{entry}");
        assert_eq!(entry["status"], status, "{entry}");
        assert_eq!(entry["certificate_sha256"], Value::Null, "{entry}");
    }
}

#[tokio::test]
async fn the_page_shows_an_entry_as_envoy_writes_it() {
    let page = read("docs/observability.md");
    let (_, example) = page.split_once("\n    {\n").expect("an example");
    let (example, _) = example.split_once("\n    }\n").expect("its end");
    let mut example: Value = serde_json::from_str(&format!("{{{example}}}")).expect("JSON");
    let origin = Origin::start().await;
    let listener = Listener::accept_untrusted();
    let envoy = shipped("envoy/optional-mtls.yaml", listener, &origin).await;
    let client = Client::http2(&envoy).listener("https");
    let client = client.sni("admin.example.com").connect().await;
    client.get("admin.example.com", "/").await;
    let mut entry = entry(&envoy, "/").await;
    for value in [&mut example, &mut entry] {
        let time = value["time"].take();
        let time = time.as_str().expect("a time");
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        assert!(value["connection"].take().is_number());
    }
    assert_eq!(entry, example);
}

#[test]
fn every_shipped_envoy_has_the_same_log() {
    let format = |file: &str| -> Vec<String> {
        let text = read(file);
        let lines = text.lines().map(str::trim);
        let lines = lines.skip_while(|line| *line != "json_format:");
        lines.take(12).map(str::to_owned).collect()
    };
    let expected = format("envoy/envoy.yaml");
    assert_eq!(expected.len(), 12);
    for file in [
        "envoy/envoy-before-1.38.yaml",
        "envoy/optional-mtls.yaml",
        "envoy/settings-api.yaml",
        "envoy/settings-api-files.yaml",
        "envoy/ecds/envoy.yaml",
        "envoy/compose/envoy.yaml",
        "envoy/compose/envoy-settings-api.yaml",
    ] {
        assert_eq!(format(file), expected, "{file}");
    }
}

fn fast_path() -> support::envoy::EnvoyBuilder {
    Envoy::with_filter_text(&read("examples/observability/access-log-plugin.json"))
        .deployment(Deployment::FastPath)
}

#[tokio::test]
async fn on_the_fast_path_the_log_has_the_filters_own_fields_over_every_protocol() {
    let text = to_stderr(&read("examples/observability/access-log.yaml"));
    let log: Value = serde_saphyr::from_str(&text).expect("YAML");
    let listener = Listener::strict()
        .every_mtls_protocol()
        .connection_manager("access_log", log["access_log"].clone());
    let scene = fast_path().listener(listener).scene().await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for number in 1..=2 {
            let path = format!("/{protocol:?}/{number}");
            assert_eq!(client.get(HOST, &path).await.status, 200);
            let entry = entry(&scene.envoy, &path).await;
            for (key, expected) in [
                ("protocol", name(protocol)),
                ("certificate_subject", SUBJECT),
                ("certificate_sha256", &pki().client.sha256()),
                ("certificate_verified", "SUCCESS"),
            ] {
                assert_eq!(entry[key], expected, "{key} in {entry}");
            }
        }
    }
}

#[tokio::test]
async fn spans_have_the_certificates_fields_as_attributes() {
    let yaml: Value =
        serde_saphyr::from_str(&read("examples/observability/tracing.yaml")).expect("YAML");
    let collector = Origin::start().await;
    let address = collector.address();
    let listener = Listener::strict().connection_manager("tracing", yaml["tracing"].clone());
    let scene = fast_path()
        .listener(listener)
        .adapt(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            let mut cluster = clusters[0].clone();
            cluster["name"] = json!("otel_collector");
            cluster["load_assignment"]["cluster_name"] = json!("otel_collector");
            let endpoint = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0];
            endpoint["endpoint"]["address"]["socket_address"]["port_value"] = address.port().into();
            clusters.as_array_mut().expect("clusters").push(cluster);
        })
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    // Envoy sends spans when it has five, or after five seconds.
    for _ in 0..6 {
        assert_eq!(client.get(HOST, "/").await.status, 200);
    }
    collector.wait_for(1).await;
    let export = &collector.requests()[0];
    assert_eq!(export.path, "/v1/traces");
    let text = String::from_utf8_lossy(&export.body);
    for expected in [
        "client.certificate.subject",
        SUBJECT,
        "client.certificate.verified",
        "SUCCESS",
        "tls.client.hash.sha256",
        &pki().client.sha256(),
        "response.code_details",
        "via_upstream",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}
