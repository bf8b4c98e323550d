//! State of the world: each answer has every resource that was asked for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};

use super::{UNANSWERED, is_ours, node, resources};
use crate::fleet::{Published, Resource};
use crate::subscribers::Subscriber;

struct State {
    answers: mpsc::Sender<Result<DiscoveryResponse, Status>>,
    published: watch::Receiver<Published>,
    subscriber: Subscriber,
    /// By name: what was sent, and the version that was in force then; nothing while there is no such resource.
    subscriptions: BTreeMap<String, Option<(Arc<Resource>, String)>>,
    nonce: u64,
    unanswered: VecDeque<(String, Vec<Arc<Resource>>)>,
}

/// Answers one stream until its end.
pub(super) async fn serve(
    mut requests: Streaming<DiscoveryRequest>,
    answers: mpsc::Sender<Result<DiscoveryResponse, Status>>,
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
        let wants_more = tokio::select! {
            request = requests.message() => match request {
                Ok(Some(request)) => state.request(request),
                Ok(None) | Err(_) => return,
            },
            changed = state.published.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
        };
        if wants_more && state.answer().await.is_err() {
            return;
        }
    }
}

impl State {
    /// Takes a request; says whether it may need an answer.
    fn request(&mut self, mut request: DiscoveryRequest) -> bool {
        if let Some(from) = request.node.take() {
            self.subscriber.identify(node(from));
        }
        if !is_ours(&request.type_url) {
            return false;
        }
        self.note_answer(&request);
        let before = self.subscriptions.len();
        self.subscriptions.retain(|name, _| {
            let stays = request.resource_names.contains(name);
            if !stays {
                self.subscriber.unsubscribed(name);
            }
            stays
        });
        let mut has_new = self.subscriptions.len() != before;
        for name in request.resource_names {
            if !self.subscriptions.contains_key(&name) {
                self.subscriber.subscribed(&name);
                self.subscriptions.insert(name, None);
                has_new = true;
            }
        }
        has_new
    }

    /// Notes an ACK or a NACK.
    fn note_answer(&mut self, request: &DiscoveryRequest) {
        let Some(at) = self
            .unanswered
            .iter()
            .position(|(nonce, _)| *nonce == request.response_nonce)
        else {
            return;
        };
        for (nonce, resources) in self.unanswered.drain(..=at) {
            if nonce != request.response_nonce {
                continue;
            }
            match &request.error_detail {
                None => self.subscriber.accepted(&resources),
                Some(error) => self.subscriber.rejected(&resources, &error.message),
            }
        }
    }

    /// Sends everything that was asked for, if any of it is new.
    async fn answer(&mut self) -> Result<(), ()> {
        let mut is_new = false;
        {
            let published = self.published.borrow_and_update();
            for (name, subscription) in &mut self.subscriptions {
                let Some(in_force) = published.get(name) else {
                    if subscription.is_none() {
                        tracing::warn!(
                            resource = name,
                            "an Envoy asks for a resource that the base configuration doesn't have"
                        );
                    }
                    continue;
                };
                let next = match subscription {
                    Some((_, version)) if *version == in_force.version => continue,
                    Some(_) => Arc::clone(in_force),
                    None => self.subscriber.first(in_force),
                };
                *subscription = Some((next, in_force.version.clone()));
                is_new = true;
            }
        }
        if !is_new {
            return Ok(());
        }
        let resources: Vec<_> = self
            .subscriptions
            .values()
            .flatten()
            .map(|(resource, _)| Arc::clone(resource))
            .collect();
        self.nonce += 1;
        let nonce = self.nonce.to_string();
        let answer = resources::state_of_the_world(&resources, nonce.clone());
        for resource in &resources {
            self.subscriber.sent(resource);
        }
        self.unanswered.push_back((nonce, resources));
        if self.unanswered.len() > UNANSWERED {
            self.unanswered.pop_front();
        }
        self.answers.send(Ok(answer)).await.map_err(|_| ())
    }
}
