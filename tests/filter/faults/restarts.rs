//! Envoy is killed and started again, or replaced by a hot restart, under load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use support::{Answer, Client, Envoy, Listener, Origin, Protocol, Scene, mtls_protocols};
use tokio::task::JoinSet;

use super::{
    ADMIN, assert_counted, assert_delivered_per_connection, assert_nothing_spoofed,
    assert_unharmed, connect, counted, keep_asking, settings, spoofing,
};
use crate::common::{HOST, carried};

#[tokio::test]
async fn an_envoy_that_is_killed_under_load_and_started_again_serves_new_connections_from_the_first_request()
 {
    let mut scene = Envoy::with_filter(settings())
        .listener(Listener::optional().every_mtls_protocol())
        .scene()
        .await;
    let before = scene.envoy.address("main");
    let sent = Arc::new(AtomicUsize::new(0));
    let mut load = JoinSet::new();
    for &protocol in mtls_protocols() {
        for number in 0..3 {
            let client = scene.connect(protocol).await;
            let (path, sent) = (format!("/{protocol:?}/{number}"), Arc::clone(&sent));
            load.spawn(async move {
                let mut answered = 0;
                // An Envoy that is dead says nothing over QUIC.
                while let Ok(Ok(response)) = tokio::time::timeout(
                    Duration::from_secs(1),
                    client.try_send(spoofing(HOST, &path)),
                )
                .await
                {
                    assert_eq!(response.status, 200, "{path}");
                    answered += 1;
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                (path, answered)
            });
        }
    }
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    let start = Instant::now();
    while sent.load(Ordering::Relaxed) < 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "no load");
        let status = anonymous.send(spoofing(ADMIN, "/admin")).await.status;
        assert_eq!(status, 403);
    }
    scene.envoy.kill_and_start_again().await;
    assert_eq!(scene.envoy.address("main"), before);
    let answered = load.join_all().await;
    assert!(answered.iter().all(|(_, count)| *count > 0), "{answered:?}");
    assert_delivered_per_connection(&scene.origin.requests(), &answered);

    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    let status = anonymous.send(spoofing(ADMIN, "/admin")).await.status;
    assert_eq!(status, 403);
    let seen = scene.origin.requests().len();
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        client.send(spoofing(HOST, "/new")).await;
        client.send(spoofing(HOST, "/new")).await;
    }
    let expected = [true, false].repeat(mtls_protocols().len());
    assert_eq!(carried(&scene.origin.requests()[seen..]), expected);
    let new = mtls_protocols().len() as u64;
    assert_counted(&scene.envoy, (new, 0), "the new process counts from 0").await;
    assert!(!scene.origin.has_seen("/admin"));
    assert_nothing_spoofed(&scene.origin);
    assert_eq!(scene.envoy.vm_reloads().await, 0);
}

#[tokio::test]
async fn over_a_hot_restart_old_connections_go_on_and_new_ones_start_anew() {
    let origin = Origin::start().await;
    origin.answer(
        "/slow",
        [Answer::status(200).after(Duration::from_millis(1200))],
    );
    let mut old = Envoy::with_filter(settings())
        .listener(Listener::optional().every_mtls_protocol())
        .hot_restart()
        .arguments(&["--drain-time-s", "1", "--parent-shutdown-time-s", "2"])
        .start(&origin)
        .await;
    let (mut open, mut slow) = (Vec::new(), JoinSet::new());
    for &protocol in mtls_protocols() {
        let client = connect(protocol, &old).await;
        client.send(spoofing(HOST, "/old")).await;
        open.push(client);
        let client = connect(protocol, &old).await;
        slow.spawn(async move { client.get(HOST, "/slow").await.status });
    }
    let anonymous = Client::http2(&old).connect().await;
    let over = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for &protocol in mtls_protocols() {
        let client = connect(protocol, &old).await;
        load.spawn(keep_asking(client, protocol, Arc::clone(&over)));
    }

    let mut new = Scene {
        envoy: old.successor().await,
        origin,
    };
    assert!(old.is_running());
    for client in &open {
        assert_eq!(client.send(spoofing(HOST, "/old")).await.status, 200);
    }
    let protocols = mtls_protocols().len();
    let expected = [vec![true; protocols], vec![false; protocols]].concat();
    assert_eq!(carried(&new.origin.requests_for("/old")), expected);
    for anonymous in [
        anonymous,
        new.connect_without_certificate(Protocol::Http2).await,
    ] {
        let status = anonymous.send(spoofing(ADMIN, "/admin")).await.status;
        assert_eq!(status, 403);
    }
    assert_unharmed(&mut new).await;
    assert_eq!(slow.join_all().await, vec![200; protocols]);
    assert_eq!(
        carried(&new.origin.requests_for("/slow")),
        vec![true; protocols]
    );

    let patience = Instant::now();
    while old.is_running() {
        assert!(patience.elapsed() < Duration::from_secs(20), "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Relaxed);
    let connections: Vec<_> = load.join_all().await.into_iter().flatten().collect();
    assert!(connections.len() >= 2 * protocols, "{connections:?}");
    assert_delivered_per_connection(&new.origin.requests(), &connections);
    assert!(!new.origin.has_seen("/admin"));
    assert_nothing_spoofed(&new.origin);
    // The new process takes over some of the old one's counts, Envoy decides how many; from now on
    // it counts alone.
    let (forwarded, undelivered) = counted(&new.envoy).await;
    assert_unharmed(&mut new).await;
    let expected = (forwarded + protocols as u64, undelivered);
    assert_counted(&new.envoy, expected, "after the old process").await;
}
