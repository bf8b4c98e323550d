//! The fast path (contract §6): once the certificate is delivered, requests of the connection no
//! longer enter the VM, and nothing else changes.
//!
//! Most other tests run against the fast path too, with `DEPLOYMENT=fast-path` (see the Makefile).

mod failures;
mod limits;
mod modes;
mod passing_on;
mod shipped;
mod vm_failure;

use std::{fs, time::Duration};

use support::{
    Client, Deployment, Envoy, Installation, Listener, Origin, Protocol, Update,
    bootstrap::wasm_filters,
    envoy_version, mtls_protocols, pki,
    wasm::{repository, wasm_module},
};

use crate::common::{HOST, carried, forwarding, protocols_count};

const CALLBACK: &str = "proxy_on_request_headers";

/// How many requests have entered the VM; the others have not even a context there.
async fn entered(envoy: &Envoy) -> usize {
    // Envoy writes its log a little later than it answers.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let requests = envoy.calls_of(CALLBACK);
    // The parent of a plugin's own context has the number 0.
    let contexts = envoy.log_lines_with("[host->vm] proxy_on_context_create(");
    let of_requests = contexts.iter().filter(|line| !line.contains(", 0)"));
    assert_eq!(of_requests.count(), requests, "contexts");
    requests
}

/// How often a composite filter failed to create the filter of its action; it lets such requests
/// pass.
async fn delegation_errors(envoy: &Envoy) -> u64 {
    let made = envoy
        .stats_where(|name| name.ends_with(".composite.filter_delegation_success"))
        .await;
    assert_ne!(made, 0, "the statistics have other names");
    envoy
        .stats_where(|name| name.ends_with(".composite.filter_delegation_error"))
        .await
}

#[tokio::test]
async fn a_connection_with_a_delivery_does_not_enter_the_vm_again() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .deployment(Deployment::FastPath)
        .every_mtls_protocol()
        .log_every_call()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect(protocol).await;
        for hostname in [HOST, HOST, "elsewhere.example", HOST] {
            assert_eq!(client.get(hostname, &path).await.status, 200);
        }
        let requests = scene.origin.requests_for(&path);
        assert_eq!(
            carried(&requests),
            [true, false, false, false],
            "{protocol:?}"
        );
    }
    assert_eq!(entered(&scene.envoy).await as u64, protocols_count());
    assert_eq!(
        scene.envoy.counter(HOST, "forwarded").await,
        protocols_count()
    );
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
}

#[tokio::test]
async fn the_plain_deployment_enters_it_for_every_request() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .deployment(Deployment::Plain)
        .log_every_call()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http1).await;
    for _ in 0..3 {
        client.get(HOST, "/").await;
    }
    assert_eq!(entered(&scene.envoy).await, 3);
}

#[tokio::test]
async fn each_hostname_gets_the_certificate_once_and_is_then_skipped() {
    let hostnames = [
        HOST,
        "www.example.com",
        "*.example.com",
        "*.deep.example.com",
        "*",
    ];
    let scene = Envoy::with_filter(forwarding(&hostnames))
        .deployment(Deployment::FastPath)
        .every_mtls_protocol()
        .log_every_call()
        .scene()
        .await;
    let sequence = [
        // A first request for each, the wildcards first, so that they could shadow the narrower
        // settings.
        ("any.example.org", true),
        ("one.example.com", true),
        ("one.deep.example.com", true),
        (HOST, true),
        ("www.example.com", true),
        // Served already.
        ("other.example.org", false),
        ("two.example.com", false),
        ("two.deep.example.com", false),
        (HOST, false),
        ("www.example.com", false),
    ];
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect(protocol).await;
        for (hostname, _) in sequence {
            client.get(hostname, &path).await;
        }
        let expected = sequence.map(|(_, carried)| carried);
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            expected,
            "{protocol:?}"
        );
    }
    assert_eq!(entered(&scene.envoy).await as u64, 5 * protocols_count());
}

#[tokio::test]
async fn an_authority_in_an_unusual_form_is_left_to_the_filter() {
    let scene = Envoy::with_filter(forwarding(&[HOST, "*.example.com"]))
        .deployment(Deployment::FastPath)
        .log_every_call()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http1).await;
    let sequence = [
        ("www.example.com", true),
        ("API.example.com", true),
        ("api.example.com:8443", false),
        ("API.EXAMPLE.com", false),
        ("api.example.com.", false),
        (HOST, false),
    ];
    for (hostname, _) in sequence {
        client.get(hostname, "/").await;
    }
    assert_eq!(
        carried(&scene.origin.requests()),
        sequence.map(|(_, carried)| carried)
    );
    assert_eq!(entered(&scene.envoy).await, 5, "all but the last");
}

#[tokio::test]
async fn a_request_that_was_not_delivered_leaves_no_delivery_state() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .deployment(Deployment::FastPath)
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect(protocol).await;
        client.get(HOST, "/refused").await;
        client.get(HOST, "/local-reply").await;
        client.get(HOST, &path).await;
        client.get(HOST, &path).await;
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            [true, false],
            "{protocol:?}"
        );
    }
}

#[tokio::test]
async fn after_an_update_an_open_connection_enters_the_vm_once_and_sends_nothing_twice() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .deployment(Deployment::FastPath)
        .discovered()
        .every_mtls_protocol()
        .log_every_call()
        .scene()
        .await;
    let mut clients = Vec::new();
    for &protocol in mtls_protocols() {
        let connector = scene.client(protocol).with(&pki().client);
        clients.push((format!("/{protocol:?}"), connector.connect().await));
    }
    for (path, client) in &clients {
        client.get(HOST, path).await;
    }
    let before = entered(&scene.envoy).await;
    let update = forwarding(&[HOST, "new.example.com"]);
    assert_eq!(scene.envoy.update_config(&update).await, Update::Accepted);
    for (path, client) in &clients {
        for _ in 0..3 {
            client.get(HOST, path).await;
        }
        client.get("new.example.com", path).await;
        client.get("new.example.com", path).await;
        let expected = [true, false, false, false, true, false];
        assert_eq!(
            carried(&scene.origin.requests_for(path)),
            expected,
            "{path}"
        );
    }
    // Once to renew the delivery state, once to deliver for the new hostname.
    assert_eq!(
        (entered(&scene.envoy).await - before) as u64,
        2 * protocols_count()
    );
}

/// The shipped `envoy/fast-path.yaml` with only paths, ports and `edit` changed, and its
/// installation.
async fn start_example(origin: &Origin, edit: impl Fn(String) -> String) -> (Envoy, Installation) {
    let installation = Installation::new(&wasm_module());
    let example = fs::read_to_string(repository().join("envoy/fast-path.yaml"));
    let example = installation.adapt_to(&edit(example.expect("the example")), origin.address());
    let envoy = Envoy::with_bootstrap(example)
        .listener(Listener::strict().named("https"))
        .log_every_call()
        .start(origin)
        .await;
    (envoy, installation)
}

#[tokio::test]
async fn the_shipped_example_forwards_once_and_then_skips() {
    if !envoy_version().has_quic_client_certificates() {
        return;
    }
    let origin = Origin::start().await;
    let (envoy, _installation) = start_example(&origin, |example| example).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let path = format!("/{protocol:?}");
        let client = Client::over(protocol, &envoy)
            .listener("https")
            .with(&pki().client)
            .connect()
            .await;
        for hostname in [HOST, "www.example.com", HOST, "mail.example.com"] {
            client.get(hostname, &path).await;
        }
        let expected = [true, true, false, false];
        assert_eq!(
            carried(&origin.requests_for(&path)),
            expected,
            "{protocol:?}"
        );
    }
    assert_eq!(entered(&envoy).await, 4);
}

#[tokio::test]
async fn a_matcher_that_was_left_behind_by_an_edit_skips_nothing() {
    if !envoy_version().has_quic_client_certificates() {
        return;
    }
    let origin = Origin::start().await;
    let (envoy, _installation) = start_example(&origin, |example| {
        let (before, after) = (
            r#""hostname": "*.example.com","#,
            r#""hostname": "*.example.com", "forward_on": "every_request","#,
        );
        assert!(example.contains(before));
        example.replace(before, after)
    })
    .await;
    let client = Client::http1(&envoy)
        .listener("https")
        .with(&pki().client)
        .connect()
        .await;
    for _ in 0..2 {
        client.get(HOST, "/").await;
        client.get("www.example.com", "/").await;
    }
    assert_eq!(carried(&origin.requests()), [true, true, false, true]);
    assert_eq!(entered(&envoy).await, 4);
}

#[tokio::test]
async fn envoy_does_not_start_with_a_filter_that_it_could_not_make() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .deployment(Deployment::FastPath)
        .adapt(|bootstrap| {
            for filter in wasm_filters(bootstrap) {
                filter["config"]["configuration"]["value"] = "{".into();
            }
        })
        .try_start(&origin)
        .await;
    let log = envoy.err().expect("an Envoy that does not start");
    assert!(log.contains("client_cert_forwarder"), "{log}");
}
