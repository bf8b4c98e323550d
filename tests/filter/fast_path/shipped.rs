//! The fast paths in `envoy/`: each is what its generator prints, and does as its comment says.

use std::{fs, time::Duration};

use client_cert_forwarder::fast_path::FastPath;
use rcgen::SanType;
use serde_json::{Value, json};
use support::{
    Answer, Client, Envoy, Installation, Listener, Origin, Protocol, Request, Version,
    envoy_version, pki,
    wasm::{repository, wasm_module},
};

use super::entered;
use crate::common::{HOST, SHA256, assert_carries, carried};

const MODES: &str = "envoy/fast-path-modes.yaml";
const ECDS: &str = "envoy/ecds/fast-path.yaml";
const COMPOSE: &str = "envoy/compose/envoy-fast-path.yaml";

const ADMIN: &str = "admin.example.com";
const PUBLIC: &str = "public.example.com";

fn shipped(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The configurations of every `ExtensionWithMatcher` around a composite filter in the tree.
fn fast_paths(tree: &Value) -> Vec<&Value> {
    let is_one =
        tree.get("xds_matcher").is_some() && tree["extension_config"]["name"] == "composite";
    if is_one {
        return vec![tree];
    }
    match tree {
        Value::Object(fields) => fields.values().flat_map(fast_paths).collect(),
        Value::Array(items) => items.iter().flat_map(fast_paths).collect(),
        _ => Vec::new(),
    }
}

/// The plugin configuration in it.
fn plugin_configuration(tree: &Value) -> Option<&str> {
    match tree {
        Value::Object(fields) => match fields.get("configuration") {
            Some(configuration) => configuration["value"].as_str(),
            None => fields.values().find_map(plugin_configuration),
        },
        Value::Array(items) => items.iter().find_map(plugin_configuration),
        _ => None,
    }
}

#[test]
fn each_shipped_fast_path_is_what_the_generator_prints() {
    let vm = json!({
        "runtime": "envoy.wasm.runtime.v8",
        "code": { "local": { "filename": "/etc/envoy/client_cert_forwarder.wasm" } }
    });
    for (path, count) in [(MODES, 2), (ECDS, 1), (COMPOSE, 1)] {
        let tree: Value = serde_saphyr::from_str(&shipped(path)).expect("YAML");
        let found = fast_paths(&tree);
        assert_eq!(found.len(), count, "{path}");
        for shipped in found {
            let configuration = plugin_configuration(shipped).expect("a plugin configuration");
            let generated = FastPath::new(configuration).expect("an eligible configuration");
            assert!(
                *shipped == generated.http_filter(&vm)["typed_config"],
                "{path} is out of date: `make fast-path` prints another filter for\n{configuration}"
            );
        }
    }
}

async fn start(
    installation: &Installation,
    origin: &Origin,
    path: &str,
    listeners: Vec<Listener>,
) -> Envoy {
    let bootstrap = installation.adapt_to(&shipped(path), origin.address());
    let bootstrap = bootstrap.replace("port_value: 8444", "port_value: 0");
    // The tests ask for more than docker-compose's health check may.
    let lines = bootstrap
        .lines()
        .filter(|line| !line.contains("allow_paths"));
    let bootstrap = lines.collect::<Vec<_>>().join("\n");
    let envoy = Envoy::with_bootstrap(bootstrap).log_every_call();
    let envoy = listeners
        .into_iter()
        .fold(envoy, support::envoy::EnvoyBuilder::listener);
    envoy.start(origin).await
}

fn client<'a>(
    envoy: &'a Envoy,
    protocol: Protocol,
    listener: &str,
) -> support::client::Connector<'a> {
    Client::over(protocol, envoy).listener(listener)
}

/// The modes need Envoy 1.38, as the file says.
fn is_supported() -> bool {
    envoy_version() >= Version(1, 38, 0)
}

#[tokio::test]
async fn the_shipped_modes_forward_on_every_request_and_enforce() {
    if !is_supported() {
        return;
    }
    let origin = Origin::start().await;
    let installation = Installation::new(&wasm_module());
    let listeners = vec![
        Listener::strict().named("every_request"),
        Listener::optional().named("enforcement"),
    ];
    let envoy = start(&installation, &origin, MODES, listeners).await;
    let varies = || Answer::status(200).header("vary", "client-cert");
    origin.answer("/vary", [varies(), varies(), varies()]);
    let workload = pki().client_with(|params| {
        let id = "spiffe://example.org/ns/prod/sa/a"
            .try_into()
            .expect("ASCII");
        params.subject_alt_names = vec![SanType::URI(id)];
    });
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let before = entered(&envoy).await;
        let every = client(&envoy, protocol, "every_request")
            .with(&pki().client)
            .connect()
            .await;
        for _ in 0..3 {
            let forged = Request::get(HOST, "/vary")
                .header("client-cert", "forged")
                .header(SHA256, "forged");
            let response = every.send(forged).await;
            assert_eq!(response.headers.header("vary"), Some("*"), "{protocol:?}");
            let request = origin.last_request();
            assert_carries(&request, &pki().client);
            let expected = format!(":{}:", pki().client.der_base64());
            assert_eq!(request.headers.all("client-cert"), [expected.as_bytes()]);
        }
        assert_eq!(entered(&envoy).await - before, 1, "{protocol:?}");

        let before = entered(&envoy).await;
        let connect = |sni: &str| client(&envoy, protocol, "enforcement").sni(sni);
        let admitted = connect(ADMIN).with(&workload).connect().await;
        for _ in 0..3 {
            assert_eq!(admitted.get(ADMIN, "/admin").await.status, 200);
            let id = origin
                .last_request()
                .header("x-client-id")
                .map(str::to_owned);
            assert_eq!(id.as_deref(), Some("spiffe://example.org/ns/prod/sa/a"));
        }
        assert_eq!(entered(&envoy).await - before, 1, "{protocol:?}");
        let other = connect(ADMIN).with(&pki().other_client).connect().await;
        let anonymous = connect(ADMIN).connect().await;
        let elsewhere = connect(PUBLIC).with(&workload).connect().await;
        for (client, status) in [(&other, 403), (&anonymous, 403), (&elsewhere, 421)] {
            for _ in 0..2 {
                assert_eq!(
                    client.get(ADMIN, "/refused").await.status,
                    status,
                    "{protocol:?}"
                );
            }
            assert_eq!(
                client.get(PUBLIC, "/public").await.status,
                200,
                "{protocol:?}"
            );
        }
    }
    assert!(!origin.has_seen("/refused"));
}

#[tokio::test]
async fn the_shipped_resource_takes_the_plain_filters_place_under_open_connections() {
    if !envoy_version().has_peer_certificate() {
        return; // The example says that it is for Envoy 1.38 and later.
    }
    let origin = Origin::start().await;
    let installation = Installation::new(&wasm_module());
    let watched = installation.path().join("ecds");
    fs::create_dir(&watched).expect("a new folder");
    let place = watched.join("client_cert_forwarder.yaml");
    let resource = |path: &str| installation.adapt(&shipped(path));
    fs::write(&place, resource("envoy/ecds/client_cert_forwarder.yaml")).expect("a written file");
    let listeners = vec![Listener::strict().named("https")];
    let envoy = start(&installation, &origin, "envoy/ecds/envoy.yaml", listeners).await;
    let connect = async || {
        let client = client(&envoy, Protocol::Http2, "https").with(&pki().client);
        client.connect().await
    };
    let old = connect().await;
    for _ in 0..2 {
        old.get(HOST, "/old").await;
    }
    let new_resource = watched.join("fast-path.yaml");
    fs::write(&new_resource, resource(ECDS)).expect("a written file");
    fs::rename(&new_resource, &place).expect("a moved file");
    // In force once a request of a new connection is not the VM's any more.
    let end = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let fresh = connect().await;
        fresh.get(HOST, "/fresh").await;
        let before = entered(&envoy).await;
        assert_eq!(fresh.get(HOST, "/fresh").await.status, 200);
        if entered(&envoy).await == before {
            break;
        }
        assert!(std::time::Instant::now() < end, "it is not in force");
    }
    for _ in 0..3 {
        old.get(HOST, "/old").await;
    }
    assert_eq!(
        carried(&origin.requests_for("/old")),
        [true, false, false, false, false]
    );
    let failed = "extension_config_discovery.http_filter.client_cert_forwarder.config_fail";
    assert_eq!(envoy.stat(failed).await, 0);
}

#[tokio::test]
async fn the_shipped_envoy_of_docker_compose_does_what_the_plain_one_does() {
    if !is_supported() {
        return;
    }
    let origin = Origin::start().await;
    let installation = Installation::new(&wasm_module());
    let listeners = vec![Listener::optional().named("https")];
    let envoy = start(&installation, &origin, COMPOSE, listeners).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (hostname, expected, entries) in [
            (HOST, [true, false, false], 1),
            ("other.example.com", [true, true, true], 1),
        ] {
            let path = format!("/{protocol:?}/{hostname}");
            let before = entered(&envoy).await;
            let client = client(&envoy, protocol, "https")
                .with(&pki().client)
                .connect()
                .await;
            for _ in 0..3 {
                client.get(hostname, &path).await;
            }
            assert_eq!(carried(&origin.requests_for(&path)), expected, "{path}");
            assert_eq!(entered(&envoy).await - before, entries, "{path}");
        }
    }
}
