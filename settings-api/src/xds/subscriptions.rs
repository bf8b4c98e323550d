//! The resources that one stream subscribes to, and the last update of each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::bounds::{MAX_NAME, MAX_SUBSCRIPTIONS};
use super::subscribers::Subscriber;
use crate::model::snapshot::{Resource, Snapshot};

/// One stream's subscriptions, by resource name.
#[derive(Default)]
pub(super) struct Subscriptions(BTreeMap<String, Subscription>);

/// How far the client is with one resource.
enum Subscription {
    /// It has nothing, and was sent nothing.
    New,
    /// It has this version from an earlier stream.
    Has(String),
    /// It was told that the resource doesn't exist.
    Missing,
    /// It was served while `version` was in force.
    Served {
        /// The version then in force.
        version: String,
        /// The resource sent, maybe an older version; none if the client had it already.
        resource: Option<Arc<Resource>>,
    },
}

/// A change of the subscriptions.
#[derive(Default)]
pub(super) struct Interest {
    /// Names to subscribe to, each with the version that the client has from an earlier stream.
    pub(super) subscribe: Vec<(String, Option<String>)>,
    /// Names to unsubscribe from.
    pub(super) unsubscribe: Vec<String>,
}

/// The content of a stream's next response.
#[derive(Default)]
pub(super) struct Due {
    /// Resources that are new to the client.
    pub(super) resources: Vec<Arc<Resource>>,
    /// Names that don't exist, of which the client has nothing.
    pub(super) missing: Vec<String>,
}

impl Subscriptions {
    /// Lists the names.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Tells whether the client subscribes to the name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Lists the resources that were sent.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.0
            .values()
            .filter_map(|subscription| match subscription {
                Subscription::Served { resource, .. } => resource.as_ref(),
                _ => None,
            })
    }

    /// Applies a change. Subscribing again to a name asks for it to be sent again. Names that are
    /// too long to exist, or too many, are left out.
    pub(super) fn change(&mut self, interest: Interest, subscriber: &Subscriber) {
        for name in interest.unsubscribe {
            subscriber.unsubscribed(&name);
            self.0.remove(&name);
        }
        for (name, version) in interest.subscribe {
            let is_new = !self.contains(&name);
            if name.len() > MAX_NAME || (is_new && self.0.len() >= MAX_SUBSCRIPTIONS) {
                continue;
            }
            subscriber.subscribed(&name);
            let subscription = version.map_or(Subscription::New, Subscription::Has);
            match self.0.entry(name) {
                Entry::Occupied(mut entry) => *entry.get_mut() = subscription,
                Entry::Vacant(entry) => {
                    entry.insert(subscription);
                }
            }
        }
    }

    /// Collects the next response's content, and takes it as sent.
    pub(super) fn due(&mut self, snapshot: &Snapshot, subscriber: &Subscriber) -> Due {
        let mut due = Due::default();
        for (name, subscription) in &mut self.0 {
            match snapshot.get(name) {
                Some(in_force) => {
                    if let Some(resource) = subscription.serve(in_force, subscriber) {
                        due.resources.push(resource);
                    }
                }
                // A client that has a configuration keeps it; one that has none is told.
                None if matches!(subscription, Subscription::New) => {
                    if subscriber.may_log() {
                        tracing::warn!(
                            resource = name,
                            "an Envoy asks for a resource that the base configuration lacks"
                        );
                    }
                    *subscription = Subscription::Missing;
                    due.missing.push(name.clone());
                }
                None => {}
            }
        }
        due
    }
}

impl Subscription {
    /// Returns the resource to send while `in_force` is; none if the client has it.
    fn serve(
        &mut self,
        in_force: &Arc<Resource>,
        subscriber: &Subscriber,
    ) -> Option<Arc<Resource>> {
        let resource = match self {
            Self::Served { version, .. } if *version == in_force.version => return None,
            Self::Has(version) if *version == in_force.version => {
                subscriber.has(in_force);
                None
            }
            Self::Served { .. } => Some(Arc::clone(in_force)),
            Self::Has(_) | Self::New | Self::Missing => Some(subscriber.first(in_force)),
        };
        *self = Self::Served {
            version: in_force.version.clone(),
            resource: resource.clone(),
        };
        resource
    }
}
