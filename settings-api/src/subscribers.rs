//! The Envoys that are connected, and what each of them said to what it was sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::fleet::Resource;
use crate::metrics::{Metrics, Outcome, UpdateLabels};

/// All that are connected.
#[derive(Debug, Default)]
pub struct Subscribers {
    metrics: Arc<Metrics>,
    next: AtomicU64,
    streams: Mutex<HashMap<u64, Stream>>,
    /// By resource name: the last version that some Envoy took.
    accepted: Mutex<BTreeMap<String, Arc<Resource>>>,
}

/// One xDS stream.
#[derive(Debug)]
struct Stream {
    protocol: &'static str,
    node: Node,
    resources: BTreeMap<String, Sent>,
}

/// Who an Envoy says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// `node.id`
    pub id: String,
    /// `node.cluster`
    pub cluster: String,
}

/// What became of one resource on one stream.
#[derive(Debug, Default)]
struct Sent {
    accepted_version: Option<String>,
    /// The version that was refused last, and why.
    rejected: Option<(String, String)>,
}

/// How one Envoy stands to the version in force, as `…/status` shows it.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// `node.id`
    pub node: String,
    /// `node.cluster`
    pub cluster: String,
    /// `sotw` or `delta`
    pub protocol: &'static str,
    /// `accepted`, `rejected` or `pending`
    pub state: &'static str,
    /// The version that this Envoy took last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_version: Option<String>,
    /// Why it refused the version in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Subscribers {
    /// Nobody yet.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            ..Self::default()
        }
    }

    /// How everybody who subscribed to a resource stands to it.
    #[must_use]
    pub fn of(&self, resource: &Resource) -> Vec<Standing> {
        let streams = lock(&self.streams);
        let mut standings: Vec<_> = streams
            .values()
            .filter_map(|stream| Some((stream, stream.resources.get(&resource.name)?)))
            .map(|(stream, sent)| standing(stream, sent, &resource.version))
            .collect();
        standings
            .sort_by(|one, other| (&one.cluster, &one.node).cmp(&(&other.cluster, &other.node)));
        standings
    }

    /// What a newcomer gets: the resource in force, unless it was refused by some and taken by nobody; then the last one that somebody took.
    #[must_use]
    pub fn for_newcomer(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        let last_good = lock(&self.accepted).get(&resource.name).cloned();
        let (mut is_taken, mut is_refused) = (false, false);
        for stream in lock(&self.streams).values() {
            if let Some(sent) = stream.resources.get(&resource.name) {
                let state = standing(stream, sent, &resource.version).state;
                is_taken |= state == "accepted";
                is_refused |= state == "rejected";
            }
        }
        match last_good {
            Some(last_good) if is_refused && !is_taken => last_good,
            _ => Arc::clone(resource),
        }
    }

    /// Adds a stream; it is there until the value is dropped.
    #[must_use]
    pub fn connect(self: &Arc<Self>, protocol: &'static str) -> Subscriber {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let stream = Stream {
            protocol,
            node: Node::default(),
            resources: BTreeMap::new(),
        };
        lock(&self.streams).insert(id, stream);
        Subscriber {
            id,
            all: Arc::clone(self),
        }
    }

    fn count(&self, resource: &str, outcome: Outcome) {
        let labels = UpdateLabels {
            resource: resource.to_owned(),
            outcome,
        };
        self.metrics.updates.get_or_create(&labels).inc();
    }
}

/// One stream's entry.
#[derive(Debug)]
pub struct Subscriber {
    id: u64,
    all: Arc<Subscribers>,
}

impl Subscriber {
    /// Says who it is; Envoy does in a stream's first request, and may in all.
    pub fn identify(&self, node: Node) {
        self.update(|stream| {
            if stream.node != node {
                tracing::info!(node = node.id, cluster = node.cluster, "Envoy connected");
                stream.node = node;
            }
        });
    }

    /// What it gets when it asks for a resource for the first time.
    #[must_use]
    pub fn first(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        self.all.for_newcomer(resource)
    }

    /// Notes that it asks for a resource.
    pub fn subscribed(&self, name: &str) {
        self.update(|stream| {
            stream.resources.entry(name.to_owned()).or_default();
        });
    }

    /// Notes that it no longer asks for a resource.
    pub fn unsubscribed(&self, name: &str) {
        self.update(|stream| {
            stream.resources.remove(name);
        });
    }

    /// Notes what it says to have from an earlier stream.
    pub fn has(&self, resource: &Resource) {
        self.update(|stream| {
            let sent = stream.resources.entry(resource.name.clone()).or_default();
            sent.accepted_version = Some(resource.version.clone());
        });
    }

    /// Notes that a resource was sent to it.
    pub fn sent(&self, resource: &Resource) {
        self.all.count(&resource.name, Outcome::Sent);
    }

    /// Notes an ACK of these resources.
    pub fn accepted(&self, resources: &[Arc<Resource>]) {
        for resource in resources {
            self.all.count(&resource.name, Outcome::Accepted);
            self.update(|stream| {
                let sent = stream.resources.entry(resource.name.clone()).or_default();
                sent.accepted_version = Some(resource.version.clone());
                sent.rejected = None;
            });
            lock(&self.all.accepted).insert(resource.name.clone(), Arc::clone(resource));
        }
    }

    /// Notes a NACK of these resources; those of them that it took before are not what it refuses.
    pub fn rejected(&self, resources: &[Arc<Resource>], why: &str) {
        for resource in resources {
            let mut culprit = None;
            self.update(|stream| {
                let node = stream.node.clone();
                let sent = stream.resources.entry(resource.name.clone()).or_default();
                if sent.accepted_version.as_deref() != Some(&resource.version) {
                    sent.rejected = Some((resource.version.clone(), why.to_owned()));
                    culprit = Some(node);
                }
            });
            if let Some(node) = culprit {
                self.all.count(&resource.name, Outcome::Rejected);
                tracing::error!(
                    node = node.id,
                    cluster = node.cluster,
                    resource = resource.name,
                    version = resource.version,
                    error = why,
                    "Envoy refused an update and keeps what it had"
                );
            }
        }
    }

    fn update(&self, change: impl FnOnce(&mut Stream)) {
        if let Some(stream) = lock(&self.all.streams).get_mut(&self.id) {
            change(stream);
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if let Some(stream) = lock(&self.all.streams).remove(&self.id) {
            tracing::info!(
                node = stream.node.id,
                cluster = stream.node.cluster,
                "Envoy disconnected"
            );
        }
    }
}

fn standing(stream: &Stream, sent: &Sent, version: &str) -> Standing {
    let error = sent
        .rejected
        .as_ref()
        .filter(|(rejected, _)| rejected == version)
        .map(|(_, why)| why.clone());
    let state = if error.is_some() {
        "rejected"
    } else if sent.accepted_version.as_deref() == Some(version) {
        "accepted"
    } else {
        "pending"
    };
    Standing {
        node: stream.node.id.clone(),
        cluster: stream.node.cluster.clone(),
        protocol: stream.protocol,
        state,
        accepted_version: sent.accepted_version.clone(),
        error,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
