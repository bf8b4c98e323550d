//! The program's own metrics, as `GET /metrics` shows them (OpenMetrics text). Labels are never made from what a client sends.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::fleet::Fleet;
use crate::subscribers::Subscribers;

/// A request to the API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// GET, PUT or other.
    pub method: &'static str,
    /// The route's pattern; empty when there is none.
    pub route: String,
    /// The answer's status.
    pub status: u16,
}

/// An ECDS resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResourceLabels {
    /// Its name.
    pub resource: String,
}

/// What Envoys say to an update.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UpdateLabels {
    /// Name of the ECDS resource.
    pub resource: String,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was sent.
    Sent,
    /// Envoy took it (ACK).
    Accepted,
    /// Envoy refused it (NACK) and keeps what it had.
    Rejected,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        };
        name.encode(encoder)
    }
}

/// The settings of a zone or account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScopeLabels {
    scope: String,
}

/// What is counted while it happens.
#[derive(Debug)]
pub struct Metrics {
    /// Answers of the API.
    pub requests: Family<RequestLabels, Counter>,
    /// Seconds from a request's head to the answer's.
    pub request_duration: Histogram,
    /// Updates to Envoys.
    pub updates: Family<UpdateLabels, Counter>,
    /// Writes of the watched files that failed.
    pub file_errors: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            request_duration: Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]),
            updates: Family::default(),
            file_errors: Counter::default(),
        }
    }
}

impl Metrics {
    /// Everything as text; what is a state now is read off `fleet` and `subscribers`.
    ///
    /// # Errors
    /// Never in practice: writing to a string.
    pub fn text(
        &self,
        fleet: &Fleet,
        subscribers: &Subscribers,
    ) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("settings_api");
        registry.register("requests", "Answers of the API", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "From a request's head to the answer's",
            self.request_duration.clone(),
        );
        registry.register(
            "updates",
            "Updates sent to Envoys, and what they said to them",
            self.updates.clone(),
        );
        registry.register(
            "file_errors",
            "Writes of the watched files that failed",
            self.file_errors.clone(),
        );

        let hostnames = Family::<ScopeLabels, Gauge>::default();
        for (scope, count) in fleet.counts() {
            let labels = ScopeLabels {
                scope: scope.to_string(),
            };
            hostnames
                .get_or_create(&labels)
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        registry.register("hostnames", "Hostnames with settings", hostnames);

        let connected = Family::<ResourceLabels, Gauge>::default();
        let rejecting = Family::<ResourceLabels, Gauge>::default();
        for (name, resource) in &*fleet.published().borrow() {
            let labels = ResourceLabels {
                resource: name.clone(),
            };
            let nodes = subscribers.of(resource);
            let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            connected.get_or_create(&labels).set(count(nodes.len()));
            let rejected = nodes.iter().filter(|node| node.error.is_some()).count();
            rejecting.get_or_create(&labels).set(count(rejected));
        }
        registry.register("subscribers", "Envoys that are connected", connected);
        registry.register(
            "rejecting_subscribers",
            "Envoys that refused the version in force",
            rejecting,
        );

        let uptime = Gauge::<f64, AtomicU64>::default();
        uptime.set(crate::probes::uptime().as_secs_f64());
        registry.register("uptime_seconds", "Since the program started", uptime);

        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}
