//! Faults of origins, clients, Envoy and the filter itself: whatever fails, the certificate is
//! neither lost nor repeated after its delivery, and no spoofed header passes (contract §4.1, §4.5,
//! §4.7, §4.10).
//!
//! `reload` tests configuration updates, and `delivery::model` random faults of all kinds.

mod aborts;
mod admin_drains;
mod drains;
mod goaway;
mod large_values;
mod local_replies;
mod origins;
mod restarts;
mod uploads;
mod vm_failure;
mod vm_updates;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use support::{
    Client, Envoy, Headers, Listener, Origin, Protocol, Request, Scene, TRAP_FIELDS,
    envoy::EnvoyBuilder,
    mtls_protocols,
    origin::Recorded,
    pki,
    trapping_module::{Trap, write_trapping_module},
};
use tempfile::TempDir;

use crate::common::{HOST, carried, configuration, forward, is_managed};

/// The hostname that requires a certificate.
const ADMIN: &str = "admin.example.com";
/// The value of spoofed headers.
const SPOOFED: &str = "spoofed";

/// [`HOST`] forwards; [`ADMIN`] requires a certificate, also over connections for other hostnames.
fn settings() -> Value {
    let admin = json!({
        "hostname": ADMIN, "client_certificate_forwarding": true,
        "require_client_certificate": true, "sni_must_match": false
    });
    configuration(vec![forward(HOST), admin])
}

/// A GET with spoofed headers.
fn spoofing(authority: &str, path: &str) -> Request {
    Request::get(authority, path)
        .header("cf-client-cert-sha256", SPOOFED)
        .header("cf_client.cert-der_base64", SPOOFED)
}

/// Fails when anything of a client's own under a managed name has reached the origin, ever.
#[track_caller]
fn assert_nothing_spoofed(origin: &Origin) {
    let is_spoofed = |fields: &Headers| {
        let mut fields = fields.0.iter();
        fields.any(|(name, value)| is_managed(name) && value == SPOOFED.as_bytes())
    };
    let spoofed: Vec<Recorded> = origin
        .requests()
        .into_iter()
        .filter(|request| is_spoofed(&request.headers) || is_spoofed(&request.trailers))
        .collect();
    assert!(spoofed.is_empty(), "{spoofed:#?}");
}

/// Fails unless Envoy runs, its VM has never failed, and a new connection of each protocol delivers
/// the certificate once.
async fn assert_unharmed(scene: &mut Scene) {
    assert!(scene.envoy.is_running());
    assert_eq!(scene.envoy.vm_reloads().await, 0);
    for &protocol in mtls_protocols() {
        let path = format!("/unharmed/{protocol:?}");
        let client = scene.connect(protocol).await;
        for _ in 0..2 {
            let response = client.send(spoofing(HOST, &path)).await;
            assert_eq!(response.status, 200, "{protocol:?}");
        }
        let requests = scene.origin.requests_for(&path);
        let last = carried(&requests[requests.len() - 2..]);
        assert_eq!(last, [true, false], "{protocol:?}");
    }
    assert_nothing_spoofed(&scene.origin);
}

/// A connection with the usual certificate.
async fn connect(protocol: Protocol, envoy: &Envoy) -> Client {
    let client = Client::over(protocol, envoy).with(&pki().client);
    client.connect().await
}

/// An Envoy whose VM can be made to fail; it reloads the VM at the first request after that time.
/// The folder holds its module.
fn failing(trap: Trap, backoff: &'static str) -> (EnvoyBuilder, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let module = folder.path().join("trapping.wasm");
    write_trapping_module(&module, trap);
    let envoy = Envoy::with_filter(settings())
        .module(&module)
        .adapt_filter(move |filter| {
            filter["config"]["reload_config"] = json!({ "backoff": { "base_interval": backoff } });
        })
        .listener(Listener::optional().every_mtls_protocol());
    (envoy, folder)
}

/// A connection of each protocol on which the certificate was delivered.
async fn delivered(scene: &Scene) -> Vec<Client> {
    let mut delivered = Vec::new();
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        assert_eq!(client.get(HOST, "/before").await.status, 200);
        delivered.push(client);
    }
    let before = carried(&scene.origin.requests_for("/before"));
    assert_eq!(before, vec![true; delivered.len()]);
    delivered
}

/// `forwarded` and `undelivered` of [`HOST`].
async fn counted(envoy: &Envoy) -> (u64, u64) {
    let forwarded = envoy.counter(HOST, "forwarded").await;
    (forwarded, envoy.counter(HOST, "undelivered").await)
}

/// Fails unless `forwarded` and `undelivered` of [`HOST`] become these. Waits, as Envoy counts a
/// cancelled request only when it ends the stream.
async fn assert_counted(envoy: &Envoy, expected: (u64, u64), context: &str) {
    for _ in 0..250 {
        if counted(envoy).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(counted(envoy).await, expected, "{context}");
}

/// Waits for it.
async fn until(condition: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not so within 10 s");
}

/// The same request with so many fields that the trap of a module springs.
fn trapping(mut request: Request) -> Request {
    for number in 0..TRAP_FIELDS {
        request = request.header(&format!("x-trap-{number}"), "1");
    }
    request
}

/// The header fields of a request.
fn request_fields<'a>(
    method: &'a str,
    authority: &'a str,
    path: &'a str,
) -> [(&'a str, &'a [u8]); 5] {
    [
        (":method", method.as_bytes()),
        (":scheme", b"https"),
        (":authority", authority.as_bytes()),
        (":path", path.as_bytes()),
        ("cf-client-cert-sha256", SPOOFED.as_bytes()),
    ]
}

/// Adds a copy of the origin's cluster with those fields replaced.
fn cluster(bootstrap: &mut Value, name: &str, fields: Value) {
    let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
    let clusters = clusters.expect("clusters");
    let mut cluster = clusters[0].clone();
    cluster["name"] = name.into();
    for (field, value) in fields.as_object().expect("an object") {
        cluster[field] = value.clone();
    }
    clusters.push(cluster);
}

/// Fails unless each connection carried the certificate on its first answered request and on none
/// answered later. The path is the connection's number.
#[track_caller]
fn assert_delivered_per_connection(requests: &[Recorded], answered: &[(String, usize)]) {
    for (path, count) in answered {
        let of_connection: Vec<Recorded> = requests
            .iter()
            .filter(|request| request.path == *path)
            .cloned()
            .collect();
        let carriers = carried(&of_connection);
        assert!(carriers.len() >= *count, "{path}: {carriers:?}");
        if let [first, later @ ..] = &carriers[..] {
            assert!(first & !later.contains(&true), "{path}: {carriers:?}");
        }
    }
}

/// Sends requests on one connection after the other, each with its own path. Returns the paths with
/// their numbers of answers.
async fn keep_asking(
    mut client: Client,
    protocol: Protocol,
    over: Arc<AtomicBool>,
) -> Vec<(String, usize)> {
    let mut connections = Vec::new();
    loop {
        let path = format!("/load/{protocol:?}/{}", connections.len());
        let mut answered = 0;
        while let Ok(response) = client.try_send(spoofing(HOST, &path)).await {
            assert_eq!(response.status, 200, "{path}");
            answered += 1;
            if over.load(Ordering::Relaxed) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        connections.push((path, answered));
        if over.load(Ordering::Relaxed) {
            return connections;
        }
        client = client.reconnect().await;
    }
}
