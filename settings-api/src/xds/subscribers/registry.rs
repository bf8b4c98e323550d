//! The registry of open streams.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use humantime::format_rfc3339_millis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::bounds::LogBudget;
use super::status::{ProtocolKind, SubscriberState, SubscriberStatus};
use crate::metrics::{Metrics, UpdateOutcome};
use crate::model::snapshot::Resource;

/// All open streams.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    metrics: Arc<Metrics>,
    next: AtomicU64,
    streams: Mutex<HashMap<u64, Stream>>,
    log: LogBudget,
    /// By resource name: the last version that some Envoy accepted.
    accepted: Mutex<BTreeMap<String, Arc<Resource>>>,
}

/// One open stream, of this replica or of another one, which tells of it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Stream {
    protocol: ProtocolKind,
    connected: SystemTime,
    node: Node,
    resources: BTreeMap<String, Answers>,
}

/// An Envoy's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Node {
    id: String,
    cluster: String,
}

/// One stream's answers to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Answers {
    /// The time of the last one, or else of the subscription.
    since: SystemTime,
    accepted_version: Option<String>,
    rejected: Option<Rejection>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Rejection {
    version: String,
    reason: String,
}

impl Subscribers {
    /// Starts without streams.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            ..Self::default()
        }
    }

    /// Lists the statuses of all subscribers of a resource.
    pub(crate) fn statuses(&self, resource: &Resource) -> Vec<SubscriberStatus> {
        let streams = lock(&self.streams);
        let statuses = streams.values().map(|stream| stream.status(resource));
        let mut statuses: Vec<_> = statuses.flatten().collect();
        sort(&mut statuses);
        statuses
    }

    /// Lists those of this replica and of others, of which `known` tells by name.
    pub(crate) fn statuses_with(
        &self,
        resource: &Resource,
        replica: &str,
        known: &[(String, Value)],
    ) -> Vec<SubscriberStatus> {
        let mut statuses = self.statuses(resource);
        for status in &mut statuses {
            status.replica = Some(replica.to_owned());
        }
        for (replica, streams) in known {
            // Another version of the program may tell of it in another form.
            let Ok(streams) = Vec::<Stream>::deserialize(streams) else {
                continue;
            };
            statuses.extend(streams.iter().filter_map(|stream| {
                let replica = Some(replica.clone());
                let status = stream.status(resource)?;
                Some(SubscriberStatus { replica, ..status })
            }));
        }
        sort(&mut statuses);
        statuses
    }

    /// Tells what is known of all streams, for other replicas.
    pub(crate) fn known(&self) -> Value {
        let streams = lock(&self.streams);
        let mut streams: Vec<_> = streams.iter().collect();
        streams.sort_by_key(|(id, _)| **id);
        let streams = streams.into_iter().map(|(_, stream)| json!(stream));
        streams.collect()
    }

    /// Chooses the version for a newcomer: the one in force, unless some rejected it and nobody
    /// accepted it; then the last one that somebody accepted.
    pub(crate) fn for_newcomer(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        let last_good = lock(&self.accepted).get(&resource.name).cloned();
        let (mut is_accepted, mut is_rejected) = (false, false);
        for stream in lock(&self.streams).values() {
            match stream.status(resource).map(|status| status.state) {
                Some(SubscriberState::Accepted) => is_accepted = true,
                Some(SubscriberState::Rejected) => is_rejected = true,
                Some(SubscriberState::Pending) | None => {}
            }
        }
        match last_good {
            Some(last_good) if is_rejected && !is_accepted => last_good,
            _ => Arc::clone(resource),
        }
    }

    /// Registers a stream until the value is dropped.
    pub(crate) fn connect(self: &Arc<Self>, protocol: ProtocolKind) -> Subscriber {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let stream = Stream {
            protocol,
            connected: SystemTime::now(),
            node: Node::default(),
            resources: BTreeMap::new(),
        };
        lock(&self.streams).insert(id, stream);
        Subscriber {
            id,
            all: Arc::clone(self),
        }
    }
}

impl Stream {
    fn status(&self, resource: &Resource) -> Option<SubscriberStatus> {
        let answers = self.resources.get(&resource.name)?;
        let version = &resource.version;
        let error = answers
            .rejected
            .as_ref()
            .filter(|rejection| rejection.version == *version)
            .map(|rejection| rejection.reason.clone());
        let state = if error.is_some() {
            SubscriberState::Rejected
        } else if answers.accepted_version.as_ref() == Some(version) {
            SubscriberState::Accepted
        } else {
            SubscriberState::Pending
        };
        Some(SubscriberStatus {
            node: self.node.id.clone(),
            cluster: self.node.cluster.clone(),
            protocol: self.protocol,
            state,
            connected: format_rfc3339_millis(self.connected).to_string(),
            since: format_rfc3339_millis(answers.since).to_string(),
            accepted_version: answers.accepted_version.clone(),
            error,
            replica: None,
        })
    }

    fn answers(&mut self, name: &str) -> &mut Answers {
        let entry = self.resources.entry(name.to_owned());
        entry.or_insert_with(|| Answers {
            since: SystemTime::now(),
            accepted_version: None,
            rejected: None,
        })
    }
}

impl Answers {
    /// Records the version in force here. A repeated ACK doesn't change its time.
    fn accept(&mut self, version: &str) {
        if self.rejected.take().is_some() || self.accepted_version.as_deref() != Some(version) {
            self.since = SystemTime::now();
            self.accepted_version = Some(version.to_owned());
        }
    }

    fn reject(&mut self, version: &str, reason: &str) {
        self.since = SystemTime::now();
        self.rejected = Some(Rejection {
            version: version.to_owned(),
            reason: reason.to_owned(),
        });
    }
}

/// One stream's entry in the registry.
#[derive(Debug)]
pub(crate) struct Subscriber {
    id: u64,
    all: Arc<Subscribers>,
}

impl Subscriber {
    /// Records the Envoy's name.
    pub(crate) fn identify(&self, id: String, cluster: String) {
        let node = Node { id, cluster };
        self.update(|stream| {
            if stream.node != node {
                if self.may_log() {
                    tracing::info!(node = node.id, cluster = node.cluster, "Envoy connected");
                }
                stream.node = node;
            }
        });
    }

    /// Chooses the version to send first.
    pub(crate) fn first(&self, resource: &Arc<Resource>) -> Arc<Resource> {
        self.all.for_newcomer(resource)
    }

    /// Records a subscription.
    pub(crate) fn subscribed(&self, name: &str) {
        self.update(|stream| {
            stream.answers(name);
        });
    }

    /// Records the end of a subscription.
    pub(crate) fn unsubscribed(&self, name: &str) {
        self.update(|stream| {
            stream.resources.remove(name);
        });
    }

    /// Records the version that it has from an earlier stream.
    pub(crate) fn has(&self, resource: &Resource) {
        self.update(|stream| {
            stream.answers(&resource.name).accepted_version = Some(resource.version.clone());
        });
    }

    /// Counts an update.
    pub(crate) fn sent(&self, resource: &Resource) {
        self.count(resource, UpdateOutcome::Sent);
    }

    /// Records an ACK of these resources.
    pub(crate) fn accepted(&self, resources: &[Arc<Resource>]) {
        for resource in resources {
            self.count(resource, UpdateOutcome::Accepted);
            self.update(|stream| {
                stream.answers(&resource.name).accept(&resource.version);
            });
            lock(&self.all.accepted).insert(resource.name.clone(), Arc::clone(resource));
        }
    }

    /// Records a NACK of these resources. Those that it accepted before can't be the culprits.
    pub(crate) fn rejected(&self, resources: &[Arc<Resource>], reason: &str) {
        for resource in resources {
            let mut culprit = None;
            self.update(|stream| {
                let node = stream.node.clone();
                let answers = stream.answers(&resource.name);
                if answers.accepted_version.as_ref() != Some(&resource.version) {
                    answers.reject(&resource.version, reason);
                    culprit = Some(node);
                }
            });
            if let Some(node) = culprit {
                self.count(resource, UpdateOutcome::Rejected);
                if self.may_log() {
                    tracing::error!(
                        node = node.id,
                        cluster = node.cluster,
                        resource = resource.name,
                        version = resource.version,
                        error = reason,
                        "Envoy refused an update and keeps its last good one"
                    );
                }
            }
        }
    }

    /// Whether a line about this subscriber may be logged.
    pub(crate) fn may_log(&self) -> bool {
        self.all.log.allows()
    }

    fn count(&self, resource: &Resource, outcome: UpdateOutcome) {
        self.all.metrics.count_update(&resource.name, outcome);
    }

    fn update(&self, change: impl FnOnce(&mut Stream)) {
        if let Some(stream) = lock(&self.all.streams).get_mut(&self.id) {
            change(stream);
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let stream = lock(&self.all.streams).remove(&self.id);
        if let Some(stream) = stream.filter(|_| self.may_log()) {
            tracing::info!(
                node = stream.node.id,
                cluster = stream.node.cluster,
                "Envoy disconnected"
            );
        }
    }
}

fn sort(statuses: &mut [SubscriberStatus]) {
    statuses.sort_by(|one, other| (&one.cluster, &one.node).cmp(&(&other.cluster, &other.node)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
