//! State of the world: each response carries every resource that the client subscribes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};

use super::messages;
use super::stream::{Protocol, RequestParts};
use super::subscribers::ProtocolKind;
use super::subscriptions::{Due, Interest, Subscriptions};
use crate::model::snapshot::Resource;

/// The state-of-the-world protocol.
pub(super) struct Sotw;

impl Protocol for Sotw {
    type Request = DiscoveryRequest;
    type Response = DiscoveryResponse;
    const KIND: ProtocolKind = ProtocolKind::Sotw;

    /// Each request names all resources of interest, so the change is the difference.
    fn split(request: DiscoveryRequest, current: &Subscriptions) -> RequestParts {
        let names: BTreeSet<String> = request.resource_names.into_iter().collect();
        let gone = current.names().filter(|name| !names.contains(*name));
        let unsubscribe = gone.cloned().collect();
        let new = names.into_iter().filter(|name| !current.contains(name));
        let subscribe = new.map(|name| (name, None)).collect();
        RequestParts {
            node: request.node,
            type_url: request.type_url,
            nonce: request.response_nonce,
            error: request.error_detail.map(|status| status.message),
            interest: Interest {
                subscribe,
                unsubscribe,
            },
        }
    }

    fn response(
        due: Due,
        subscriptions: &Subscriptions,
        nonce: String,
    ) -> Option<(DiscoveryResponse, Vec<Arc<Resource>>)> {
        if due.resources.is_empty() {
            return None;
        }
        let resources: Vec<_> = subscriptions.sent().cloned().collect();
        Some((messages::discovery_response(&resources, nonce), resources))
    }
}
