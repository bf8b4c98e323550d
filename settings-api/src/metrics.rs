//! The program's counters. Labels never carry a client's input.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Everything that is counted as it happens.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Responses of the API.
    pub(crate) requests: Family<RequestLabels, Counter>,
    /// Seconds from a request's head to the response's.
    pub(crate) request_duration: Histogram,
    /// Updates to Envoys.
    pub(crate) updates: Family<UpdateLabels, Counter>,
    /// Failed writes of the watched files.
    pub(crate) file_errors: Counter,
    /// Connections closed at once, for a limit.
    refused_connections: Family<RefusalLabels, Counter>,
    /// Failed accepts.
    accept_errors: Family<PortLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            request_duration: Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]),
            updates: Family::default(),
            file_errors: Counter::default(),
            refused_connections: Family::default(),
            accept_errors: Family::default(),
        }
    }
}

impl Metrics {
    /// Counts an update of one ECDS resource.
    pub(crate) fn count_update(&self, resource: &str, outcome: UpdateOutcome) {
        let labels = UpdateLabels {
            resource: resource.to_owned(),
            outcome,
        };
        self.updates.get_or_create(&labels).inc();
    }

    /// Counts a connection closed for a limit.
    pub(crate) fn count_refused_connection(&self, port: Port, reason: RefusalReason) {
        let labels = RefusalLabels { port, reason };
        self.refused_connections.get_or_create(&labels).inc();
    }

    /// Counts a failed accept.
    pub(crate) fn count_accept_error(&self, port: Port) {
        self.accept_errors.get_or_create(&PortLabels { port }).inc();
    }

    /// Registers every counter.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("requests", "Responses of the API", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "From a request's head to the response's",
            self.request_duration.clone(),
        );
        registry.register(
            "updates",
            "Updates sent to Envoys, and their answers",
            self.updates.clone(),
        );
        registry.register(
            "file_errors",
            "Failed writes of the watched files",
            self.file_errors.clone(),
        );
        registry.register(
            "refused_connections",
            "Connections closed at once, for a limit",
            self.refused_connections.clone(),
        );
        registry.register(
            "accept_errors",
            "Failed accepts, for a shortage of descriptors or memory",
            self.accept_errors.clone(),
        );
    }
}

/// Labels of a request to the API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    /// The request's method.
    pub(crate) method: MethodLabel,
    /// The route's pattern; empty when none matched.
    pub(crate) route: String,
    /// The response's status.
    pub(crate) status: u16,
}

/// A request's method. A client may send any token, so all unused ones share a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MethodLabel {
    /// `GET`
    Get,
    /// `PUT`
    Put,
    /// Any other.
    Other,
}

impl MethodLabel {
    /// The label's text.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Other => "other",
        }
    }
}

impl EncodeLabelValue for MethodLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// Labels of an update to an Envoy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct UpdateLabels {
    /// The ECDS resource name.
    pub(crate) resource: String,
    /// The update's outcome.
    pub(crate) outcome: UpdateOutcome,
}

/// The outcome of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UpdateOutcome {
    /// It was sent.
    Sent,
    /// Envoy accepted it (ACK).
    Accepted,
    /// Envoy rejected it (NACK) and keeps its last good one.
    Rejected,
}

impl EncodeLabelValue for UpdateOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        };
        name.encode(encoder)
    }
}

/// A port of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Port {
    /// The API's.
    Api,
    /// The xDS server's.
    Xds,
    /// The console's.
    Console,
}

impl Port {
    /// The port's name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Xds => "xDS server",
            Self::Console => "console",
        }
    }
}

impl EncodeLabelValue for Port {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Api => "api",
            Self::Xds => "xds",
            Self::Console => "console",
        };
        name.encode(encoder)
    }
}

/// The limit that a connection exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RefusalReason {
    /// The limit of the port.
    Total,
    /// The limit of the client's address.
    PerAddress,
}

impl RefusalReason {
    /// The reason in messages, with the option that sets the limit.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Total => "in all (--max-connections)",
            Self::PerAddress => "from this address (--max-connections-per-address)",
        }
    }
}

impl EncodeLabelValue for RefusalReason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Total => "total",
            Self::PerAddress => "per_address",
        };
        name.encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    port: Port,
    reason: RefusalReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PortLabels {
    port: Port,
}
