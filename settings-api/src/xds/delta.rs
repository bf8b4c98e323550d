//! Delta: each answer has only the resources that changed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse,
};
use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};

use super::{UNANSWERED, is_ours, node, resources};
use crate::fleet::{Published, Resource};
use crate::subscribers::Subscriber;

struct State {
    answers: mpsc::Sender<Result<DeltaDiscoveryResponse, Status>>,
    published: watch::Receiver<Published>,
    subscriber: Subscriber,
    subscriptions: BTreeMap<String, Subscription>,
    nonce: u64,
    unanswered: VecDeque<(String, Vec<Arc<Resource>>)>,
}

/// How far the client is with one resource.
enum Subscription {
    /// It has nothing, as far as it said, and was told nothing.
    New,
    /// It has this version from an earlier stream.
    Has(String),
    /// It was told that there is no such resource.
    Missing,
    /// It was sent what was due when this version was in force.
    Served(String),
}

/// Answers one stream until its end.
pub(super) async fn serve(
    mut requests: Streaming<DeltaDiscoveryRequest>,
    answers: mpsc::Sender<Result<DeltaDiscoveryResponse, Status>>,
    published: watch::Receiver<Published>,
    subscriber: Subscriber,
) {
    let mut state = State {
        answers,
        published,
        subscriber,
        subscriptions: BTreeMap::new(),
        nonce: 0,
        unanswered: VecDeque::new(),
    };
    loop {
        tokio::select! {
            request = requests.message() => match request {
                Ok(Some(request)) => state.request(request),
                Ok(None) | Err(_) => return,
            },
            changed = state.published.changed() => if changed.is_err() {
                return;
            },
        }
        if state.answer().await.is_err() {
            return;
        }
    }
}

impl State {
    fn request(&mut self, mut request: DeltaDiscoveryRequest) {
        if let Some(from) = request.node.take() {
            self.subscriber.identify(node(from));
        }
        if !is_ours(&request.type_url) {
            return;
        }
        self.note_answer(&request);
        for name in request.resource_names_unsubscribe {
            self.subscriber.unsubscribed(&name);
            self.subscriptions.remove(&name);
        }
        // Asking again for what one is subscribed to means asking to have it sent again.
        for name in request.resource_names_subscribe {
            let state = match request.initial_resource_versions.remove(&name) {
                Some(version) => Subscription::Has(version),
                None => Subscription::New,
            };
            self.subscriber.subscribed(&name);
            self.subscriptions.insert(name, state);
        }
    }

    /// Notes an ACK or a NACK.
    fn note_answer(&mut self, request: &DeltaDiscoveryRequest) {
        let Some(at) = self
            .unanswered
            .iter()
            .position(|(nonce, _)| *nonce == request.response_nonce)
        else {
            return;
        };
        let Some((_, resources)) = self.unanswered.remove(at) else {
            return;
        };
        match &request.error_detail {
            None => self.subscriber.accepted(&resources),
            Some(error) => self.subscriber.rejected(&resources, &error.message),
        }
    }

    /// Sends what is new.
    async fn answer(&mut self) -> Result<(), ()> {
        let (mut due, mut missing) = (Vec::new(), Vec::new());
        {
            let published = self.published.borrow_and_update();
            for (name, subscription) in &mut self.subscriptions {
                let Some(in_force) = published.get(name) else {
                    // Only a client that has nothing is told so: one that has a configuration keeps it.
                    if matches!(subscription, Subscription::New) {
                        tracing::warn!(
                            resource = name,
                            "an Envoy asks for a resource that the base configuration doesn't have"
                        );
                        missing.push(name.clone());
                        *subscription = Subscription::Missing;
                    }
                    continue;
                };
                match subscription {
                    Subscription::Served(version) if *version == in_force.version => continue,
                    Subscription::Has(version) if *version == in_force.version => {
                        self.subscriber.has(in_force);
                    }
                    Subscription::Served(_) => due.push(Arc::clone(in_force)),
                    Subscription::Has(_) | Subscription::New | Subscription::Missing => {
                        due.push(self.subscriber.first(in_force));
                    }
                }
                *subscription = Subscription::Served(in_force.version.clone());
            }
        }
        if due.is_empty() && missing.is_empty() {
            return Ok(());
        }
        self.nonce += 1;
        let nonce = self.nonce.to_string();
        let answer = resources::delta(&due, missing, nonce.clone());
        for resource in &due {
            self.subscriber.sent(resource);
        }
        self.unanswered.push_back((nonce, due));
        if self.unanswered.len() > UNANSWERED {
            self.unanswered.pop_front();
        }
        self.answers.send(Ok(answer)).await.map_err(|_| ())
    }
}
