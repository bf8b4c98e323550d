//! The xDS server: ECDS resources over gRPC, on the aggregated service and on the extension configuration service, each as state of the world and delta.

mod delta;
mod resources;
mod sotw;

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3 as core;
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

pub use resources::{TYPE_URL, WASM_TYPE_URL, file_content};

use crate::fleet::Fleet;
use crate::subscribers::{Node, Subscribers};

/// Answers that wait for the network, per stream; further updates wait in the fleet, where a newer one replaces an older one.
const QUEUE: usize = 4;

/// Updates that an Envoy has not answered yet, per stream; of more than these the oldest answers are not heard.
const UNANSWERED: usize = 16;

/// Serves what the fleet publishes.
#[derive(Clone)]
pub struct Discovery {
    fleet: Arc<Fleet>,
    subscribers: Arc<Subscribers>,
    shutdown: CancellationToken,
}

/// A stream of answers.
type Answers<T> = ReceiverStream<Result<T, Status>>;

impl Discovery {
    /// Serves what `fleet` publishes until `shutdown`, and notes in `subscribers` what came of it.
    #[must_use]
    pub fn new(
        fleet: Arc<Fleet>,
        subscribers: Arc<Subscribers>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            fleet,
            subscribers,
            shutdown,
        }
    }

    /// The aggregated service (ADS).
    #[must_use]
    pub fn aggregated(&self) -> AggregatedDiscoveryServiceServer<Self> {
        AggregatedDiscoveryServiceServer::new(self.clone())
    }

    /// The extension configuration service (ECDS alone).
    #[must_use]
    pub fn extension_config(&self) -> ExtensionConfigDiscoveryServiceServer<Self> {
        ExtensionConfigDiscoveryServiceServer::new(self.clone())
    }

    fn state_of_the_world(
        &self,
        requests: Streaming<DiscoveryRequest>,
    ) -> Response<Answers<DiscoveryResponse>> {
        let (answers, receiver) = mpsc::channel(QUEUE);
        let subscriber = self.subscribers.connect("sotw");
        let published = self.fleet.published();
        let work = sotw::serve(requests, answers, published, subscriber);
        self.spawn(work);
        Response::new(ReceiverStream::new(receiver))
    }

    fn delta(
        &self,
        requests: Streaming<DeltaDiscoveryRequest>,
    ) -> Response<Answers<DeltaDiscoveryResponse>> {
        let (answers, receiver) = mpsc::channel(QUEUE);
        let subscriber = self.subscribers.connect("delta");
        let published = self.fleet.published();
        let work = delta::serve(requests, answers, published, subscriber);
        self.spawn(work);
        Response::new(ReceiverStream::new(receiver))
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            // Envoy keeps its configuration when the stream ends, and comes back.
            let _ = shutdown.run_until_cancelled(work).await;
        });
    }
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for Discovery {
    type StreamAggregatedResourcesStream = Answers<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Answers<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Ok(self.state_of_the_world(request.into_inner()))
    }

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Ok(self.delta(request.into_inner()))
    }
}

#[tonic::async_trait]
impl ExtensionConfigDiscoveryService for Discovery {
    type StreamExtensionConfigsStream = Answers<DiscoveryResponse>;
    type DeltaExtensionConfigsStream = Answers<DeltaDiscoveryResponse>;

    async fn stream_extension_configs(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamExtensionConfigsStream>, Status> {
        Ok(self.state_of_the_world(request.into_inner()))
    }

    async fn delta_extension_configs(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaExtensionConfigsStream>, Status> {
        Ok(self.delta(request.into_inner()))
    }

    async fn fetch_extension_configs(
        &self,
        request: Request<DiscoveryRequest>,
    ) -> Result<Response<DiscoveryResponse>, Status> {
        let names = request.into_inner().resource_names;
        let published = self.fleet.published();
        let resources: Vec<_> = names
            .iter()
            .filter_map(|name| published.borrow().get(name).cloned())
            .map(|resource| self.subscribers.for_newcomer(&resource))
            .collect();
        Ok(Response::new(resources::state_of_the_world(
            &resources,
            String::new(),
        )))
    }
}

fn node(node: core::Node) -> Node {
    Node {
        id: node.id,
        cluster: node.cluster,
    }
}

/// Whether a request asks for ECDS resources: on their own service the type may be left out, on the aggregated one Envoy asks for others too.
fn is_ours(type_url: &str) -> bool {
    type_url.is_empty() || type_url == TYPE_URL
}
