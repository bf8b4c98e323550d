//! One xDS stream: the loop that both protocols share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};

use super::bounds::{MAX_NAME, MAX_REASON, bounded};
use super::messages::TYPE_URL;
use super::subscribers::{ProtocolKind, Subscriber};
use super::subscriptions::{Due, Interest, Subscriptions};
use crate::model::snapshot::{Resource, Snapshot};

/// Updates that await an ACK or NACK, per stream; beyond these the answers to the oldest are lost.
const UNANSWERED: usize = 16;

/// A protocol's messages: SotW or delta.
pub(super) trait Protocol: 'static {
    /// The client's message.
    type Request: Send + 'static;
    /// The server's message.
    type Response: Send + 'static;
    /// The protocol's name in statuses.
    const KIND: ProtocolKind;

    /// Splits a request into its parts; `current` lists the names subscribed to so far.
    fn split(request: Self::Request, current: &Subscriptions) -> RequestParts;

    /// Builds the response that is due, with the resources that it carries; none if none is due.
    fn response(
        due: Due,
        subscriptions: &Subscriptions,
        nonce: String,
    ) -> Option<(Self::Response, Vec<Arc<Resource>>)>;
}

/// The parts of a request that both protocols have.
pub(super) struct RequestParts {
    /// The client; Envoy names it in a stream's first request, and may in all.
    pub(super) node: Option<Node>,
    /// The type of the resources asked for.
    pub(super) type_url: String,
    /// The response that this request answers.
    pub(super) nonce: String,
    /// The reason of a NACK; an ACK has none.
    pub(super) error: Option<String>,
    /// The change of the client's subscriptions.
    pub(super) interest: Interest,
}

impl RequestParts {
    /// Tells whether the request is about ECDS resources. On their own service the type may be
    /// absent; on the aggregated one Envoy asks for other types too.
    fn is_ecds(&self) -> bool {
        self.type_url.is_empty() || self.type_url == TYPE_URL
    }
}

struct Stream {
    snapshot: watch::Receiver<Snapshot>,
    subscriber: Subscriber,
    subscriptions: Subscriptions,
    nonce: u64,
    unanswered: VecDeque<(String, Vec<Arc<Resource>>)>,
}

/// Serves one stream until its end, or until `first_request` has passed without a request.
pub(super) async fn serve<P: Protocol>(
    mut requests: Streaming<P::Request>,
    responses: mpsc::Sender<Result<P::Response, Status>>,
    snapshot: watch::Receiver<Snapshot>,
    subscriber: Subscriber,
    first_request: Duration,
) {
    let first = tokio::time::timeout(first_request, requests.message());
    let Ok(Ok(Some(first))) = first.await else {
        return;
    };
    let mut stream = Stream {
        snapshot,
        subscriber,
        subscriptions: Subscriptions::default(),
        nonce: 0,
        unanswered: VecDeque::new(),
    };
    stream.receive::<P>(first);
    loop {
        if let Some(response) = stream.next_response::<P>()
            && responses.send(Ok(response)).await.is_err()
        {
            return;
        }
        tokio::select! {
            request = requests.message() => match request {
                Ok(Some(request)) => stream.receive::<P>(request),
                Ok(None) | Err(_) => return,
            },
            changed = stream.snapshot.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

impl Stream {
    fn receive<P: Protocol>(&mut self, request: P::Request) {
        let mut parts = P::split(request, &self.subscriptions);
        if let Some(node) = parts.node.take() {
            let [id, cluster] = [node.id, node.cluster].map(|text| bounded(text, MAX_NAME));
            self.subscriber.identify(id, cluster);
        }
        if !parts.is_ecds() {
            return;
        }
        self.record_answer(&parts);
        self.subscriptions.change(parts.interest, &self.subscriber);
    }

    fn record_answer(&mut self, request: &RequestParts) {
        let answered = self
            .unanswered
            .iter()
            .position(|(nonce, _)| *nonce == request.nonce);
        let Some((_, resources)) = answered.and_then(|at| self.unanswered.remove(at)) else {
            return;
        };
        match request.error.clone() {
            None => self.subscriber.accepted(&resources),
            Some(error) => {
                let reason = bounded(error, MAX_REASON);
                self.subscriber.rejected(&resources, &reason);
            }
        }
    }

    fn next_response<P: Protocol>(&mut self) -> Option<P::Response> {
        let due = {
            let snapshot = self.snapshot.borrow_and_update();
            self.subscriptions.due(&snapshot, &self.subscriber)
        };
        let nonce = (self.nonce + 1).to_string();
        let (response, resources) = P::response(due, &self.subscriptions, nonce.clone())?;
        self.nonce += 1;
        for resource in &resources {
            self.subscriber.sent(resource);
        }
        self.unanswered.push_back((nonce, resources));
        if self.unanswered.len() > UNANSWERED {
            self.unanswered.pop_front();
        }
        Some(response)
    }
}
