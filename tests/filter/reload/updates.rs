//! Configuration updates under open connections (contract §3, §4.5).

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use support::{Answer, Envoy, Protocol, Update, mtls_protocols, pki};

use crate::common::{
    HOST, assert_carries, carried, configuration, filter_errors, forward, forward_every, forwarding,
};

#[tokio::test]
async fn an_open_connection_follows_each_new_configuration() {
    let silent = json!({ "hostname": HOST, "client_certificate_forwarding": false });
    for (from, to, what, expected) in [
        (
            forward(HOST),
            forward(HOST),
            "the same setting",
            [true, false, false, false],
        ),
        (
            forward("*.example.com"),
            forward(HOST),
            "another setting",
            [true, false, true, false],
        ),
        (
            forward(HOST),
            forward("*.example.com"),
            "a wildcard setting",
            [true, false, true, false],
        ),
        (
            silent.clone(),
            forward(HOST),
            "forwarding on",
            [false, false, true, false],
        ),
        (
            forward(HOST),
            silent,
            "forwarding off",
            [true, false, false, false],
        ),
        (
            forward(HOST),
            forward_every(HOST),
            "every request",
            [true, false, true, true],
        ),
        (
            forward("other.example.com"),
            forward(HOST),
            "a new hostname",
            [false, false, true, false],
        ),
    ] {
        let scene = Envoy::with_filter(configuration(vec![from]))
            .discovered()
            .every_mtls_protocol()
            .scene()
            .await;
        let mut clients = Vec::new();
        for &protocol in mtls_protocols() {
            clients.push((format!("/{protocol:?}"), scene.connect(protocol).await));
        }
        for (path, client) in &clients {
            client.get(HOST, path).await;
            client.get(HOST, path).await;
        }
        // The unrelated second setting makes this a change even where the first one stays the same.
        let next = configuration(vec![to, forward("unrelated.example.org")]);
        assert_eq!(
            scene.envoy.update_config(&next).await,
            Update::Accepted,
            "{what}"
        );
        for (path, client) in &clients {
            client.get(HOST, path).await;
            client.get(HOST, path).await;
            assert_eq!(
                carried(&scene.origin.requests_for(path)),
                expected,
                "{what}, {path}"
            );
        }
    }
}

#[tokio::test]
async fn settings_that_change_places_keep_what_was_delivered_for_them() {
    let scene = Envoy::with_filter(forwarding(&["a.example.com", "b.example.com"]))
        .discovered()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    client.get("a.example.com", "/").await;
    let swapped = forwarding(&["b.example.com", "a.example.com"]);
    assert_eq!(scene.envoy.update_config(&swapped).await, Update::Accepted);
    for hostname in ["a.example.com", "b.example.com", "b.example.com"] {
        client.get(hostname, "/").await;
    }
    assert_eq!(
        carried(&scene.origin.requests()),
        [true, false, true, false]
    );
}

#[tokio::test]
async fn many_updates_under_open_connections_lose_nothing() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .concurrency(2)
        .scene()
        .await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(scene.connect(Protocol::Http2).await);
    }
    for round in 0..6 {
        let (own, path) = (format!("round{round}.example.com"), format!("/{round}"));
        assert_eq!(
            scene.envoy.update_config(&forwarding(&[HOST, &own])).await,
            Update::Accepted
        );
        for client in &clients {
            client.get(&own, &path).await;
            client.get(HOST, "/").await;
        }
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            [true; 4],
            "round {round}"
        );
    }
    let requests = scene.origin.requests_for("/");
    assert_eq!(carried(&requests[..4]), [true; 4]);
    assert!(
        !carried(&requests[4..]).contains(&true),
        "{:?}",
        carried(&requests)
    );
    assert_eq!(scene.envoy.vm_reloads().await, 0);
}

#[tokio::test]
async fn a_request_under_way_during_an_update_is_delivered_for_its_own_setting_only() {
    let scene = Envoy::with_filter(forwarding(&["*.example.com"]))
        .discovered()
        .scene()
        .await;
    scene.origin.answer(
        "/slow",
        [Answer::status(200).after(Duration::from_millis(600))],
    );
    let client = Arc::new(scene.connect(Protocol::Http2).await);
    let slow = {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.get(HOST, "/slow").await.status })
    };
    scene.origin.wait_for(1).await;
    assert_eq!(
        scene
            .envoy
            .update_config(&forwarding(&[HOST, "*.example.com"]))
            .await,
        Update::Accepted
    );
    assert_eq!(slow.await.expect("a response"), 200);
    client.get(HOST, "/").await;
    client.get(HOST, "/").await;
    client.get("www.example.com", "/").await;
    assert_eq!(
        carried(&scene.origin.requests()),
        [true, true, false, false]
    );
}

#[tokio::test]
async fn a_bad_update_leaves_the_old_configuration_in_force_and_says_why_in_one_line() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .concurrency(2)
        .every_mtls_protocol()
        .scene()
        .await;
    let open = scene.connect(Protocol::Http2).await;
    open.get(HOST, "/open").await;

    let mut bad = forwarding(&["one.example.com", "two.example.com", HOST]);
    bad["settings"][2]["forward_on"] = json!("sometimes");
    assert_eq!(scene.envoy.update_config(&bad).await, Update::Rejected);
    assert_eq!(
        filter_errors(&scene.envoy),
        [
            r#"settings[2].forward_on: unknown value "sometimes", expected "first_request" or "every_request""#
        ]
    );

    open.get(HOST, "/open").await;
    assert_eq!(carried(&scene.origin.requests_for("/open")), [true, false]);
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        client.get(HOST, "/new").await;
        assert_carries(&scene.origin.last_request_for("/new"), &pki().client);
    }

    let good: Value = forwarding(&["one.example.com"]);
    assert_eq!(scene.envoy.update_config(&good).await, Update::Accepted);
    open.get("one.example.com", "/again").await;
    assert_carries(&scene.origin.requests_for("/again")[0], &pki().client);
    assert_eq!(scene.envoy.vm_reloads().await, 0);
}
