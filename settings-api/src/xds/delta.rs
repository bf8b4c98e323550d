//! Delta: each response carries only the resources that changed.

use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse,
};

use super::messages;
use super::stream::{Protocol, RequestParts};
use super::subscribers::ProtocolKind;
use super::subscriptions::{Due, Interest, Subscriptions};
use crate::model::snapshot::Resource;

/// The delta protocol.
pub(super) struct Delta;

impl Protocol for Delta {
    type Request = DeltaDiscoveryRequest;
    type Response = DeltaDiscoveryResponse;
    const KIND: ProtocolKind = ProtocolKind::Delta;

    fn split(mut request: DeltaDiscoveryRequest, _: &Subscriptions) -> RequestParts {
        let subscribe = request
            .resource_names_subscribe
            .into_iter()
            .map(|name| {
                let version = request.initial_resource_versions.remove(&name);
                (name, version)
            })
            .collect();
        RequestParts {
            node: request.node,
            type_url: request.type_url,
            nonce: request.response_nonce,
            error: request.error_detail.map(|status| status.message),
            interest: Interest {
                subscribe,
                unsubscribe: request.resource_names_unsubscribe,
            },
        }
    }

    fn response(
        due: Due,
        _: &Subscriptions,
        nonce: String,
    ) -> Option<(DeltaDiscoveryResponse, Vec<Arc<Resource>>)> {
        if due.resources.is_empty() && due.missing.is_empty() {
            return None;
        }
        let response = messages::delta_discovery_response(&due.resources, due.missing, nonce);
        Some((response, due.resources))
    }
}
