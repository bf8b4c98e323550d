//! Two configurations that send different fields and allow different clients take turns while
//! streams of old connections go on: no request is served by one and marked by the other.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use client_cert_forwarder::certificate::names::Names;
use serde_json::{Value, json};
use support::{
    Client, Envoy, Headers, Identity, Protocol, Request, Scene, Update, mtls_protocols, pki,
};
use tokio::task::JoinSet;

use crate::common::{DER, HOST};

/// Most changes, and the time after which there are no more.
const CHANGES: usize = 30;
const LIMIT: Duration = Duration::from_secs(6);

/// Streams at a time on each connection of HTTP/2 and HTTP/3.
const STREAMS: usize = 3;

/// The two configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Configuration {
    /// Sends `certSerial` as `X-Id`, and allows both clients.
    A,
    /// Sends `certSubjectDN` as `X-Id`, and allows [`support::pki::Pki::client`] alone.
    B,
}

use Configuration::{A, B};

impl Configuration {
    fn of_change(change: usize) -> Configuration {
        [A, B][change % 2]
    }

    fn json(self) -> Value {
        let entry = |identity: &Identity| json!({ "sha256": identity.sha256() });
        let (client, other) = (entry(&pki().client), entry(&pki().other_client));
        let (marker, field, allowed) = match self {
            A => ("X-Config-A", "certSerial", json!([client, other])),
            B => ("X-Config-B", "certSubjectDN", json!([client])),
        };
        let headers = json!({ "X-Id": field, marker: "certVerified" });
        // So that either configuration removes both markers of a client's own.
        let markers = json!({ "X-Config-A": "certVerified", "X-Config-B": "certVerified" });
        let unused = json!({ "hostname": "unused.example.org", "request_headers": markers });
        json!({ "verified_by": "listener", "settings": [unused, {
            "hostname": HOST,
            "client_certificate_forwarding": true,
            "forward_on": "every_request",
            "require_client_certificate": true,
            "sni_must_match": false,
            "allow_client_certificates": allowed,
            "request_headers": headers,
            "response_headers": headers
        }] })
    }

    /// The configuration whose headers these are; fails unless all of them are.
    fn of(headers: &Headers, identity: &Identity, context: &str) -> Configuration {
        let names = Names::read(identity.der()).expect("a certificate");
        let seen = ["x-id", "x-config-a", "x-config-b"].map(|name| headers.all(name));
        for (configuration, id) in [(A, &names.serial), (B, &names.subject_dn)] {
            let mut expected = [vec![id.as_bytes()], Vec::new(), Vec::new()];
            expected[configuration as usize + 1].push(b"SUCCESS");
            if seen == expected {
                return configuration;
            }
        }
        panic!("{context}: headers of neither configuration: {headers:#?}");
    }

    fn allows(self, identity: &Identity) -> bool {
        self == A || std::ptr::eq(identity, &pki().client)
    }
}

/// How far the changes are: twice their number while the newest is in force, one more while the
/// next is on its way.
#[derive(Default)]
struct Progress {
    state: AtomicUsize,
    is_over: AtomicUsize,
    /// By the number of a request, the configuration that answered it.
    answered: Mutex<HashMap<usize, Configuration>>,
    sent: AtomicUsize,
}

impl Progress {
    fn now(&self) -> usize {
        self.state.load(Ordering::SeqCst)
    }
}

/// Sends one request, and checks who answered it and how.
async fn ask(client: &Client, identity: &Identity, progress: &Progress) {
    let number = progress.sent.fetch_add(1, Ordering::SeqCst);
    let before = progress.now();
    let request = Request::get(HOST, &format!("/{number}"))
        .header("x_id", "forged")
        .header("x.config_a", "forged")
        .header("x-config-b", "forged");
    let response = client.send(request).await;
    let is_settled = before == progress.now() && before.is_multiple_of(2);
    let context = format!("request {number}");
    let configuration = Configuration::of(&response.headers, identity, &context);
    let status = if configuration.allows(identity) {
        200
    } else {
        403
    };
    assert_eq!(response.status, status, "{context} under {configuration:?}");
    if is_settled {
        assert_eq!(
            configuration,
            Configuration::of_change(before / 2),
            "{context}"
        );
    }
    if response.status == 200 {
        let mut answered = progress.answered.lock().expect("a lock");
        answered.insert(number, configuration);
    }
}

async fn load(client: Arc<Client>, identity: &'static Identity, progress: Arc<Progress>) {
    while progress.is_over.load(Ordering::SeqCst) == 0 {
        ask(&client, identity, &progress).await;
    }
}

/// Changes the configuration, and waits until a request shows the new one: with one worker, all
/// later requests must then be of it.
async fn change(scene: &Scene, probe: &Client, progress: &Progress, change: usize) {
    let next = Configuration::of_change(change);
    progress.state.store(2 * change - 1, Ordering::SeqCst);
    let updated = scene.envoy.update_config(&next.json()).await;
    assert_eq!(updated, Update::Accepted);
    loop {
        let response = probe.get(HOST, "/probe").await;
        if Configuration::of(&response.headers, &pki().client, "probe") == next {
            break;
        }
    }
    progress.state.store(2 * change, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_old_connections_meet_one_configuration_or_the_other_and_no_mixture() {
    let scene = Envoy::with_filter(A.json())
        .every_mtls_protocol()
        .discovered()
        .scene()
        .await;
    let progress = Arc::new(Progress::default());
    let probe = scene.connect(Protocol::Http1).await;
    let mut connections = JoinSet::new();
    for &protocol in mtls_protocols() {
        for identity in [&pki().client, &pki().other_client] {
            let client = Arc::new(scene.connect_with(protocol, identity).await);
            let streams = if protocol == Protocol::Http1 {
                1
            } else {
                STREAMS
            };
            for _ in 0..streams {
                connections.spawn(load(Arc::clone(&client), identity, Arc::clone(&progress)));
            }
        }
    }
    let (start, mut changes) = (Instant::now(), 0);
    while changes < 4 || (changes < CHANGES && start.elapsed() < LIMIT) {
        changes += 1;
        change(&scene, &probe, &progress, changes).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    progress.is_over.store(1, Ordering::SeqCst);
    while let Some(ended) = connections.join_next().await {
        ended.expect("a connection that was answered by the rules");
    }
    assert_eq!(scene.envoy.vm_reloads().await, 0);
    let answered = progress.answered.lock().expect("a lock");
    println!(
        "{} requests, {} answered by the origin, {changes} changes in {:.1?}",
        progress.sent.load(Ordering::SeqCst),
        answered.len(),
        start.elapsed()
    );
    assert_at_origin(&scene, &answered);
}

/// The origin saw the requests that were answered 200, each with the certificate and the fields of
/// the configuration that marked its response.
#[track_caller]
fn assert_at_origin(scene: &Scene, answered: &HashMap<usize, Configuration>) {
    let requests = scene.origin.requests();
    let numbered = requests
        .iter()
        .filter_map(|request| Some((request, request.path.strip_prefix('/')?.parse().ok()?)));
    let mut count = 0;
    for (request, number) in numbered {
        let number: usize = number;
        let context = format!("request {number} at the origin");
        let [der] = *request.headers.all(DER) else {
            panic!("{context}: {request:#?}");
        };
        let identities = [&pki().client, &pki().other_client];
        let identity = identities
            .into_iter()
            .find(|identity| identity.der_base64().as_bytes() == der)
            .unwrap_or_else(|| panic!("{context}: {request:#?}"));
        let configuration = Configuration::of(&request.headers, identity, &context);
        assert!(configuration.allows(identity), "{context}");
        assert_eq!(answered.get(&number), Some(&configuration), "{context}");
        count += 1;
    }
    assert_eq!(count, answered.len());
    let seen = |configuration| answered.values().any(|other| *other == configuration);
    assert!(seen(A) && seen(B), "one configuration served nobody");
}
