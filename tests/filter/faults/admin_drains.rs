//! An operator drains Envoy's listeners by the admin interface, under load: gracefully, so that
//! clients are told to leave before the listeners close, and at once. Open connections then differ:
//! Envoy 1.40 ends each after its next answer, earlier ones let them go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use support::{
    Answer, Client, Deployment, Envoy, Listener, Origin, Protocol, Scene, mtls_protocols,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    ADMIN, assert_delivered_per_connection, assert_nothing_spoofed, settings, spoofing, until,
};
use crate::common::{HOST, carried, protocols_count};

/// Everybody has noticed by then.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> Scene {
    let origin = Origin::start().await;
    let slow = Answer::status(200).after(Duration::from_millis(500));
    origin.answer("/slow", [slow]);
    Envoy::with_filter(settings())
        .listener(Listener::optional().every_mtls_protocol())
        // Gradually there is hardly a beginning of a drain in one second.
        .arguments(&["--drain-time-s", "1", "--drain-strategy", "immediate"])
        .scene_with(origin)
        .await
}

/// Path and number of answers of each connection.
type Connections = Vec<(String, usize)>;

/// Sends requests on one connection after the other until none can be opened. On one that stays
/// open it sends a few more once the listeners are gone, as `closed` tells. Each connection has its
/// own path, which starts with `name`.
async fn ask_until_closed(
    mut client: Client,
    name: String,
    closed: Arc<AtomicBool>,
    (hostname, status): (&'static str, u16),
) -> Connections {
    let mut connections = Vec::new();
    let mut remaining = 5;
    loop {
        let path = format!("{name}/{}", connections.len());
        let mut answered = 0;
        while remaining > 0
            && let Ok(response) = client.try_send(spoofing(hostname, &path)).await
        {
            assert_eq!(response.status, status, "{path}");
            answered += 1;
            remaining -= usize::from(closed.load(Ordering::Relaxed));
            sleep(Duration::from_millis(5)).await;
        }
        connections.push((path, answered));
        if closed.load(Ordering::Relaxed) {
            return connections;
        }
        // Over QUIC no one tells the client that the listener is gone.
        let next = timeout(Duration::from_secs(2), client.try_reconnect()).await;
        let Ok(Ok(next)) = next else {
            return connections;
        };
        client = next;
    }
}

/// Posts `drain` while clients of all kinds send requests, and fails unless each request succeeds
/// as without a drain. Returns the connections for [`HOST`].
async fn drain_under_load(drain: &str) -> Connections {
    let mut scene = start().await;
    let closed = Arc::new(AtomicBool::new(false));
    let (mut load, mut slow) = (JoinSet::new(), JoinSet::new());
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let name = format!("/load/{protocol:?}");
        load.spawn(ask_until_closed(
            client,
            name,
            Arc::clone(&closed),
            (HOST, 200),
        ));
        let client = scene.connect(protocol).await;
        slow.spawn(async move { client.get(HOST, "/slow").await.status });
    }
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    let name = "/anonymous".to_owned();
    let anonymous = ask_until_closed(anonymous, name, Arc::clone(&closed), (ADMIN, 403));
    let anonymous = tokio::spawn(anonymous);
    scene.origin.wait_for(30).await;
    assert_eq!(scene.envoy.admin_post(drain).await, "OK\n");
    until(async || {
        let connected = scene.client(Protocol::Http2).try_connect().await;
        connected.is_err()
    })
    .await;
    closed.store(true, Ordering::Relaxed);

    let over = timeout(PATIENCE, load.join_all()).await;
    let connections: Connections = over.expect("an end").into_iter().flatten().collect();
    let denied = timeout(PATIENCE, anonymous).await.expect("an end");
    let denied = denied.expect("no panic").into_iter();
    let denied: usize = denied.map(|(_, answered)| answered).sum();
    // Requests in progress are answered.
    assert_eq!(slow.join_all().await, vec![200; mtls_protocols().len()]);

    let requests = scene.origin.requests();
    assert_delivered_per_connection(&requests, &connections);
    assert!(requests.iter().all(|request| request.authority == HOST));
    assert_nothing_spoofed(&scene.origin);
    let slow = carried(&scene.origin.requests_for("/slow"));
    assert_eq!(slow, vec![true; mtls_protocols().len()]);
    let answered: usize = connections.iter().map(|(_, answered)| answered).sum();
    assert_eq!(requests.len(), answered + slow.len());
    let delivered = connections.iter().filter(|(_, answered)| *answered > 0);
    let count = |hostname: &str, outcome: &str, count: usize| {
        (hostname.to_owned(), outcome.to_owned(), count as u64)
    };
    let stripped = match Deployment::from_environment() {
        Deployment::Plain => answered,
        // Only where it decides does the filter count.
        Deployment::FastPath => connections
            .iter()
            .filter(|(_, answered)| *answered > 0)
            .count(),
    };
    let expected = [
        count(ADMIN, "denied", denied),
        count(ADMIN, "spoof_stripped", denied),
        count(HOST, "forwarded", delivered.count() + slow.len()),
        count(HOST, "spoof_stripped", stripped),
    ];
    assert_eq!(scene.envoy.outcomes().await, expected);
    assert!(scene.envoy.is_running());
    assert_eq!(scene.envoy.vm_reloads().await, 0);
    connections
}

#[tokio::test]
async fn a_graceful_drain_under_load_passes_no_request_without_the_filter_and_loses_none() {
    let connections = drain_under_load("/drain_listeners?graceful").await;
    // For a while clients are told to go and come back.
    let connections = connections.len() as u64;
    assert!(connections > 2 * protocols_count(), "{connections}");
}

#[tokio::test]
async fn a_drain_at_once_under_load_answers_what_it_has_taken() {
    drain_under_load("/drain_listeners").await;
}
