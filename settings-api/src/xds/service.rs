//! The gRPC services: ADS and ECDS, each as state of the world (SotW) and as delta.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::{
    ExtensionConfigDiscoveryService, ExtensionConfigDiscoveryServiceServer,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::delta::Delta;
use super::messages;
use super::sotw::Sotw;
use super::stream::{self, Protocol};
use super::subscribers::Subscribers;
use crate::snapshot_cache::SnapshotCache;

/// Responses that wait for the network, per stream. Later updates wait in the cache, where a newer
/// snapshot replaces an older one.
const QUEUE: usize = 4;

/// Serves the snapshots of a cache.
#[derive(Clone)]
pub(crate) struct DiscoveryService {
    cache: Arc<SnapshotCache>,
    subscribers: Arc<Subscribers>,
    first_request: Duration,
    shutdown: CancellationToken,
}

/// A stream of responses.
type Responses<T> = ReceiverStream<Result<T, Status>>;

impl DiscoveryService {
    /// Serves the cache's snapshots until `shutdown`, and records the answers in `subscribers`.
    /// A stream must send a request within `first_request`.
    pub(crate) fn new(
        cache: Arc<SnapshotCache>,
        subscribers: Arc<Subscribers>,
        first_request: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            cache,
            subscribers,
            first_request,
            shutdown,
        }
    }

    /// Builds the routes of both services.
    pub(crate) fn routes(self) -> tonic::service::Routes {
        tonic::service::Routes::new(AggregatedDiscoveryServiceServer::new(self.clone()))
            .add_service(ExtensionConfigDiscoveryServiceServer::new(self))
    }

    fn stream<P: Protocol>(
        &self,
        requests: Streaming<P::Request>,
    ) -> Response<Responses<P::Response>> {
        let (responses, receiver) = mpsc::channel(QUEUE);
        let subscriber = self.subscribers.connect(P::KIND);
        let snapshot = self.cache.subscribe();
        let timeout = self.first_request;
        let work = stream::serve::<P>(requests, responses, snapshot, subscriber, timeout);
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            // Envoy keeps its configuration when the stream ends, and reconnects.
            let _ = shutdown.run_until_cancelled(work).await;
        });
        Response::new(ReceiverStream::new(receiver))
    }
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for DiscoveryService {
    type StreamAggregatedResourcesStream = Responses<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Responses<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Ok(self.stream::<Sotw>(request.into_inner()))
    }

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Ok(self.stream::<Delta>(request.into_inner()))
    }
}

#[tonic::async_trait]
impl ExtensionConfigDiscoveryService for DiscoveryService {
    type StreamExtensionConfigsStream = Responses<DiscoveryResponse>;
    type DeltaExtensionConfigsStream = Responses<DeltaDiscoveryResponse>;

    async fn stream_extension_configs(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamExtensionConfigsStream>, Status> {
        Ok(self.stream::<Sotw>(request.into_inner()))
    }

    async fn delta_extension_configs(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaExtensionConfigsStream>, Status> {
        Ok(self.stream::<Delta>(request.into_inner()))
    }

    async fn fetch_extension_configs(
        &self,
        request: Request<DiscoveryRequest>,
    ) -> Result<Response<DiscoveryResponse>, Status> {
        let names = request.into_inner().resource_names;
        let snapshot = self.cache.subscribe().borrow().clone();
        let resources: Vec<_> = names
            .iter()
            .filter_map(|name| snapshot.get(name))
            .map(|resource| self.subscribers.for_newcomer(resource))
            .collect();
        let response = messages::discovery_response(&resources, String::new());
        Ok(Response::new(response))
    }
}
