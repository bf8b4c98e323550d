//! `GET /metrics`: OpenMetrics text of the counters, and of gauges computed per scrape.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Instant, SystemTime};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::process;
use crate::metrics::Metrics;
use crate::reload_status::{ReloadStatus, ReloadedFile};
use crate::snapshot_cache::{SnapshotCache, StoreHealth};
use crate::xds::subscribers::{SubscriberState, Subscribers};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    resource: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabels {
    file: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CrlLabels {
    file: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScopeLabels {
    scope: String,
}

/// Answers with everything that is counted.
pub(super) async fn metrics(
    State(counters): State<Arc<Metrics>>,
    State(cache): State<Arc<SnapshotCache>>,
    State(subscribers): State<Arc<Subscribers>>,
    State(reloads): State<Arc<ReloadStatus>>,
    State(started): State<Instant>,
) -> Response {
    let mut registry = Registry::default();
    process::register(&mut registry, started);
    let own = registry.sub_registry_with_prefix("settings_api");
    counters.register(own);
    register_hostnames(own, &cache);
    register_subscribers(own, &cache, &subscribers);
    register_store(own, &cache);
    register_reloads(own, &reloads);
    register_crls(own, &cache);
    register_uptime(own, started);
    register_build_info(own);
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn register_hostnames(registry: &mut Registry, cache: &SnapshotCache) {
    let hostnames = Family::<ScopeLabels, Gauge>::default();
    for (scope, count) in cache.counts() {
        let labels = ScopeLabels {
            scope: scope.to_string(),
        };
        hostnames.get_or_create(&labels).set(gauge(count));
    }
    registry.register("hostnames", "Hostnames with settings", hostnames);
}

fn register_subscribers(registry: &mut Registry, cache: &SnapshotCache, subscribers: &Subscribers) {
    let connected = Family::<ResourceLabels, Gauge>::default();
    let rejecting = Family::<ResourceLabels, Gauge>::default();
    for (name, resource) in &*cache.subscribe().borrow() {
        let labels = ResourceLabels {
            resource: name.clone(),
        };
        let statuses = subscribers.statuses(resource);
        let rejected = statuses
            .iter()
            .filter(|status| status.state == SubscriberState::Rejected);
        rejecting
            .get_or_create(&labels)
            .set(gauge(rejected.count()));
        connected.get_or_create(&labels).set(gauge(statuses.len()));
    }
    registry.register("subscribers", "Envoys that are connected", connected);
    registry.register(
        "rejecting_subscribers",
        "Envoys that rejected the version in force",
        rejecting,
    );
}

fn register_store(registry: &mut Registry, cache: &SnapshotCache) {
    let reachable = Gauge::<i64>::default();
    reachable.set(i64::from(cache.store_health() == StoreHealth::Reachable));
    registry.register(
        "store_reachable",
        "1 if the settings store answered last time",
        reachable,
    );
}

fn register_reloads(registry: &mut Registry, reloads: &ReloadStatus) {
    let failed = Family::<FileLabels, Gauge>::default();
    let errors = reloads.errors();
    for file in ReloadedFile::ALL {
        let labels = FileLabels { file: file.name() };
        let is_failed = errors.iter().any(|(failed, _)| *failed == file);
        failed.get_or_create(&labels).set(i64::from(is_failed));
    }
    registry.register(
        "reload_failed",
        "1 if the file's latest content can't be used",
        failed,
    );
}

fn register_crls(registry: &mut Registry, cache: &SnapshotCache) {
    let valid = Family::<CrlLabels, Gauge>::default();
    let entries = Family::<CrlLabels, Gauge>::default();
    let next_update = Family::<CrlLabels, Gauge<f64, AtomicU64>>::default();
    for status in cache.crls().statuses() {
        let labels = CrlLabels {
            file: status.file.clone(),
        };
        let is_valid = i64::from(status.valid);
        valid.get_or_create(&labels).set(is_valid);
        entries.get_or_create(&labels).set(gauge(status.entries()));
        if let Some(seconds) = status.seconds_to_next_update(SystemTime::now()) {
            next_update.get_or_create(&labels).set(seconds);
        }
    }
    registry.register(
        "crl_valid",
        "1 if the file's latest content is in force and current",
        valid,
    );
    registry.register(
        "crl_entries",
        "Revoked certificates in the lists in force",
        entries,
    );
    registry.register(
        "crl_next_update_seconds",
        "Until the first list expires; negative once it has",
        next_update,
    );
}

fn register_uptime(registry: &mut Registry, started: Instant) {
    let uptime = Gauge::<f64, AtomicU64>::default();
    uptime.set(started.elapsed().as_secs_f64());
    registry.register("uptime_seconds", "Since the program started", uptime);
}

fn register_build_info(registry: &mut Registry) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "The program's version", Info::new(version));
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
