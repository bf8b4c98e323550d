//! `envoy/ecds/` as shipped: settings change under load, and clients notice nothing but the change.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{
    Client, Envoy, Installation, Listener, Origin, Protocol, Request, envoy_version, pki,
    wasm::repository, wasm_module,
};
use tokio::{sync::watch, task::JoinSet, time};

use crate::common::{HOST, carries_certificate, forward};

/// Connections, one half HTTP/1.1 and the other HTTP/2.
const CONNECTIONS: usize = 20;
/// Each connection sends a request per interval: 2,000 a second in all, if the machine keeps up.
const INTERVAL: Duration = Duration::from_millis(10);
/// How often the settings change, and the time from one change to the next at least.
const CHANGES: usize = 50;
const PAUSE: Duration = Duration::from_millis(100);
/// The load ends after so many requests, or after so long on a busy machine.
const REQUESTS: usize = 12_000;
const LOAD: Duration = Duration::from_secs(18);
/// All of it takes no longer.
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_changes_under_two_thousand_requests_a_second_fail_no_request() {
    if !envoy_version().has_peer_certificate() {
        return; // The example says that it is for Envoy 1.38 and later.
    }
    time::timeout(LIMIT, changes_under_load())
        .await
        .unwrap_or_else(|_| panic!("not over in {LIMIT:?}"));
}

async fn changes_under_load() {
    let origin = Origin::start().await;
    let installation = Installation::new(&wasm_module());
    let watched = installation.path().join("ecds");
    fs::create_dir(&watched).expect("a new folder");
    let resource = installation.adapt(&shipped("client_cert_forwarder.yaml"));
    move_into_place(&watched, &with_changes(&resource, 0));
    let bootstrap = installation.adapt_to(&shipped("envoy.yaml"), origin.address());
    let envoy = Envoy::with_bootstrap(bootstrap)
        .listener(Listener::strict().named("https"))
        .concurrency(2)
        .start(&origin)
        .await;

    let (changed, progress) = watch::channel(Progress::Change(0));
    let sent = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    for number in 0..CONNECTIONS {
        let protocol = [Protocol::Http1, Protocol::Http2][number % 2];
        let client = Client::over(protocol, &envoy)
            .listener("https")
            .with(&pki().client)
            .connect()
            .await;
        connections.spawn(load(number, client, Arc::clone(&sent), progress.clone()));
    }

    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for change in 1..=CHANGES {
        let moved = Instant::now();
        let reloads = counter(&envoy, "config_reload").await;
        move_into_place(&watched, &with_changes(&resource, change));
        while counter(&envoy, "config_reload").await == reloads {
            time::sleep(Duration::from_millis(5)).await;
        }
        slowest = slowest.max(moved.elapsed());
        changed.send_replace(Progress::Change(change));
        time::sleep(PAUSE.saturating_sub(moved.elapsed())).await;
    }
    while sent.load(Ordering::Relaxed) < REQUESTS && start.elapsed() < LOAD {
        time::sleep(PAUSE).await;
    }
    changed.send_replace(Progress::Over);
    // Clients that are kept keep their connections open.
    let _clients = connections.join_all().await;
    let sent = sent.load(Ordering::Relaxed);
    let elapsed = start.elapsed();
    println!(
        "{sent} requests in {elapsed:.1?} ({:.0} a second of the 2,000 wanted), {CHANGES} changes, the slowest {slowest:.0?}",
        sent as f64 / elapsed.as_secs_f64()
    );

    assert_eq!(counter(&envoy, "config_fail").await, 0);
    let connected = envoy
        .admin("/stats?filter=^http.https.downstream_cx_(total|destroy)$")
        .await;
    assert_eq!(
        connected,
        format!(
            "http.https.downstream_cx_destroy: 0\nhttp.https.downstream_cx_total: {CONNECTIONS}\n"
        )
    );
    assert_eq!(
        origin.requests().len(),
        sent,
        "requests that the origin got"
    );
    assert_delivered_once(&origin);
}

#[derive(Clone, Copy)]
enum Progress {
    /// So many changes are in force.
    Change(usize),
    Over,
}

/// Sends requests on one connection: to the first hostname throughout, and two to the hostname of
/// each change once it is in force.
async fn load(
    number: usize,
    client: Client,
    sent: Arc<AtomicUsize>,
    progress: watch::Receiver<Progress>,
) -> Client {
    let path = format!("/{number}");
    let mut ticks = time::interval(INTERVAL);
    let mut asked = 0;
    let mut get = async |hostname: &str| {
        ticks.tick().await;
        sent.fetch_add(1, Ordering::Relaxed);
        let response = client
            .try_send(Request::get(hostname, &path))
            .await
            .unwrap_or_else(|error| panic!("connection {number}, {hostname}: {error}"));
        assert_eq!(response.status, 200, "connection {number}, {hostname}");
        response
            .headers
            .header("client-cert-forwarder")
            .map(str::to_owned)
    };
    loop {
        let now = *progress.borrow();
        match now {
            Progress::Over if asked == CHANGES => break,
            Progress::Change(change) if asked >= change => {
                get(HOST).await;
                continue;
            }
            _ => {}
        }
        let hostname = changed_hostname(asked + 1);
        let explained = |outcome| Some(format!("{outcome}; hostname=\"{hostname}\""));
        // Envoy counts a reload before its workers have all got it.
        let mut first = get(&hostname).await;
        while first.as_deref() == Some("no_setting") {
            first = get(&hostname).await;
        }
        assert_eq!(first, explained("forwarded"), "connection {number}");
        let second = get(&hostname).await;
        assert_eq!(
            second,
            explained("already_forwarded"),
            "connection {number}"
        );
        asked += 1;
    }
    client
}

/// Each connection brought the certificate once for the first hostname, and once for each change's.
#[track_caller]
fn assert_delivered_once(origin: &Origin) {
    let requests = origin.requests();
    let mut hostnames: Vec<String> = (1..=CHANGES).map(changed_hostname).collect();
    hostnames.push(HOST.to_owned());
    for hostname in hostnames {
        let mut carriers: Vec<&str> = requests
            .iter()
            .filter(|request| request.authority == hostname && carries_certificate(request))
            .map(|request| request.path.as_str())
            .collect();
        carriers.sort_unstable();
        let mut expected: Vec<String> = (0..CONNECTIONS)
            .map(|number| format!("/{number}"))
            .collect();
        expected.sort_unstable();
        assert_eq!(carriers, expected, "{hostname}");
    }
}

fn changed_hostname(change: usize) -> String {
    format!("change-{change}.example.com")
}

/// The resource with the settings of that many changes, as JSON, which YAML includes.
fn with_changes(resource: &str, changes: usize) -> String {
    let mut resource: Value = serde_saphyr::from_str(resource).expect("YAML");
    let value = &mut resource["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    let shipped: Value =
        serde_json::from_str(value.as_str().expect("the shipped settings")).expect("JSON");
    assert_eq!(shipped["settings"][0]["hostname"], HOST);
    let mut settings = shipped;
    settings["explain"] = json!(true);
    for change in 1..=changes {
        let setting = forward(&changed_hostname(change));
        settings["settings"]
            .as_array_mut()
            .expect("an array")
            .push(setting);
    }
    *value = json!(settings.to_string());
    resource.to_string()
}

/// As the comment in the shipped file says.
fn move_into_place(watched: &Path, resource: &str) {
    let (new, place) = (
        watched.join("client_cert_forwarder.yaml.new"),
        watched.join("client_cert_forwarder.yaml"),
    );
    fs::write(&new, resource).expect("a written file");
    fs::rename(&new, &place).expect("a moved file");
}

async fn counter(envoy: &Envoy, name: &str) -> u64 {
    let name = format!("extension_config_discovery.http_filter.client_cert_forwarder.{name}");
    let text = envoy.admin(&format!("/stats?filter=^{name}$")).await;
    text.trim()
        .strip_prefix(&format!("{name}: "))
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("no counter {name}: {text:?}"))
}

fn shipped(name: &str) -> String {
    fs::read_to_string(repository().join("envoy/ecds").join(name)).expect("a shipped file")
}
