//! Envoy drains connections under load: its listeners change, or a connection reaches its number of
//! requests.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{Envoy, Listener, Origin, Protocol, bootstrap::wasm_filters, mtls_protocols};
use tokio::task::JoinSet;

use super::{
    ADMIN, assert_counted, assert_delivered_per_connection, assert_nothing_spoofed,
    assert_unharmed, keep_asking, settings, spoofing,
};
use crate::common::{HOST, carried, forward};

/// Fails unless all that reached the origin over those connections was answered to the client.
#[track_caller]
fn assert_no_answer_lost(origin: &Origin, connections: &[(String, usize)]) {
    for (path, answered) in connections {
        assert_eq!(origin.requests_for(path).len(), *answered, "{path}");
    }
}

/// Moves the bootstrap's listeners into a file that Envoy watches (LDS).
fn watch_listeners(bootstrap: &mut Value, folder: &Path) {
    let listeners = bootstrap["static_resources"]["listeners"].take();
    let mut listeners: Vec<Value> = listeners.as_array().expect("listeners").clone();
    for listener in &mut listeners {
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    }
    let resources = json!({ "resources": listeners });
    fs::write(folder.join("listeners.json"), resources.to_string()).expect("a written file");
    bootstrap["static_resources"]["listeners"] = json!([]);
    bootstrap["dynamic_resources"] = json!({ "lds_config": {
        "path_config_source": {
            "path": folder.join("listeners.json"),
            "watched_directory": { "path": folder }
        },
        "resource_api_version": "V3"
    } });
}

/// Changes the listeners, and returns when Envoy has the new ones and has drained the old.
async fn change_listeners(envoy: &Envoy, folder: &Path, change: impl Fn(&mut Value)) {
    let modified = || {
        envoy.stats_where(|name| {
            name == "listener_manager.listener_modified"
                || name == "listener_manager.listener_in_place_updated"
        })
    };
    let before = modified().await;
    let place: PathBuf = folder.join("listeners.json");
    let text = fs::read_to_string(&place).expect("listeners");
    let mut listeners: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut listeners);
    fs::write(place.with_extension("new"), listeners.to_string()).expect("a written file");
    fs::rename(place.with_extension("new"), &place).expect("a moved file");
    let start = Instant::now();
    loop {
        let draining = envoy.stats_where(|name| {
            name == "listener_manager.total_listeners_draining"
                || name == "listener_manager.total_filter_chains_draining"
        });
        if modified().await > before && draining.await == 0 {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "no new listeners: {}",
            envoy.admin("/stats?filter=listener_manager").await
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn listeners_that_change_under_load_lose_no_request_and_no_certificate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let watched = folder.path().to_owned();
    let mut scene = Envoy::with_filter(settings())
        .listener(Listener::optional().every_mtls_protocol())
        .adapt(move |bootstrap| watch_listeners(bootstrap, &watched))
        // Gradually there is hardly a beginning of a drain in one second.
        .arguments(&["--drain-time-s", "1", "--drain-strategy", "immediate"])
        .scene()
        .await;
    let over = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        load.spawn(keep_asking(client, protocol, Arc::clone(&over)));
    }
    // A new filter configuration changes the listeners' filter chains only.
    change_listeners(&scene.envoy, folder.path(), |listeners| {
        let mut settings = settings();
        let others = settings["settings"].as_array_mut().expect("settings");
        others.push(forward("new.example.com"));
        for filter in wasm_filters(listeners) {
            filter["config"]["configuration"]["value"] = json!(settings.to_string());
        }
    })
    .await;
    // This makes Envoy replace the whole listener.
    change_listeners(&scene.envoy, folder.path(), |listeners| {
        for listener in listeners["resources"].as_array_mut().expect("listeners") {
            listener["per_connection_buffer_limit_bytes"] = json!(500_000);
        }
    })
    .await;
    let anonymous = scene.connect_without_certificate(Protocol::Http2).await;
    let status = anonymous.send(spoofing(ADMIN, "/admin")).await.status;
    assert_eq!(status, 403);
    over.store(true, Ordering::Relaxed);
    let connections: Vec<_> = load.join_all().await.into_iter().flatten().collect();
    // Each change ended each connection.
    assert!(
        connections.len() >= 3 * mtls_protocols().len(),
        "{connections:?}"
    );
    assert_delivered_per_connection(&scene.origin.requests(), &connections);
    assert_no_answer_lost(&scene.origin, &connections);
    assert!(!scene.origin.has_seen("/admin"));
    let carriers = carried(&scene.origin.requests());
    let carriers = carriers.iter().filter(|carries| **carries).count() as u64;
    assert_counted(&scene.envoy, (carriers, 0), "after two changes").await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for hostname in [HOST, "new.example.com"] {
            let path = format!("/{protocol:?}/{hostname}");
            client.send(spoofing(hostname, &path)).await;
            client.send(spoofing(hostname, &path)).await;
            assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
        }
    }
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn a_connection_that_has_had_its_number_of_requests_hands_over_to_one_that_is_served_anew() {
    let listener = Listener::strict().every_mtls_protocol();
    let limits = json!({ "max_headers_count": 2000, "max_requests_per_connection": 4 });
    let mut scene = Envoy::with_filter(settings())
        .listener(listener.connection_manager("common_http_protocol_options", limits))
        .scene()
        .await;
    let over = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        load.spawn(keep_asking(client, protocol, Arc::clone(&over)));
    }
    scene.origin.wait_for(50).await;
    over.store(true, Ordering::Relaxed);
    let connections: Vec<_> = load.join_all().await.into_iter().flatten().collect();
    assert!(connections.len() > 8, "{connections:?}");
    assert_delivered_per_connection(&scene.origin.requests(), &connections);
    assert_no_answer_lost(&scene.origin, &connections);
    assert_counted(
        &scene.envoy,
        (connections.len() as u64, 0),
        "one per connection",
    )
    .await;
    assert_nothing_spoofed(&scene.origin);
    assert_unharmed(&mut scene).await;
}
