//! An Envoy's xDS client, without the Envoy.

use std::net::SocketAddr;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{Node, TypedExtensionConfig};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
use envoy_types::pb::google::protobuf::{Any, StringValue};
use envoy_types::pb::google::rpc::Status;
use prost::Message;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::fast_path;

/// The types of ECDS resources and of their content, as Envoy knows them.
const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const WASM_TYPE_URL: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Which of the four ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) aggregated: bool,
    pub(crate) delta: bool,
}

pub(crate) const WAYS: [Way; 4] = [
    Way {
        aggregated: false,
        delta: false,
    },
    Way {
        aggregated: false,
        delta: true,
    },
    Way {
        aggregated: true,
        delta: false,
    },
    Way {
        aggregated: true,
        delta: true,
    },
];

/// A stream.
pub(crate) enum Subscriber {
    Sotw(mpsc::Sender<DiscoveryRequest>, Streaming<DiscoveryResponse>),
    Delta(
        mpsc::Sender<DeltaDiscoveryRequest>,
        Streaming<DeltaDiscoveryResponse>,
    ),
}

/// One response.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) resources: Vec<Resource>,
    pub(crate) removed: Vec<String>,
    nonce: String,
    version: String,
}

#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: String,
    /// The plugin configuration.
    pub(crate) plugin: Value,
    /// The fast path's JSON, where the resource is one.
    pub(crate) fast_path: Option<Value>,
}

impl Update {
    /// The hostnames of the only resource.
    pub(crate) fn hostnames(&self) -> Vec<&str> {
        assert_eq!(self.resources.len(), 1, "{self:?}");
        let settings = self.resources[0].plugin["settings"]
            .as_array()
            .expect("settings");
        settings
            .iter()
            .map(|setting| setting["hostname"].as_str().expect("a hostname"))
            .collect()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.resources
            .iter()
            .map(|resource| resource.name.as_str())
            .collect()
    }
}

pub(crate) async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("a URL");
    endpoint.connect().await.expect("a connection")
}

impl Subscriber {
    /// Opens a stream and asks for these resources, some of which it has in a version from before.
    pub(crate) async fn subscribe(
        channel: Channel,
        way: Way,
        node: &str,
        names: &[&str],
        has: &[(&str, &str)],
    ) -> Subscriber {
        let node = Some(Node {
            id: node.into(),
            cluster: "simulated".into(),
            ..Node::default()
        });
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let subscriber = Subscriber::open(channel, way).await;
        match &subscriber {
            Subscriber::Sotw(sender, _) => {
                let first = DiscoveryRequest {
                    node,
                    type_url: TYPE_URL.into(),
                    resource_names: names,
                    ..DiscoveryRequest::default()
                };
                sender.send(first).await.expect("an open stream");
            }
            Subscriber::Delta(sender, _) => {
                let versions = has.iter();
                let first = DeltaDiscoveryRequest {
                    node,
                    type_url: TYPE_URL.into(),
                    resource_names_subscribe: names,
                    initial_resource_versions: versions
                        .map(|(name, version)| ((*name).into(), (*version).into()))
                        .collect(),
                    ..DeltaDiscoveryRequest::default()
                };
                sender.send(first).await.expect("an open stream");
            }
        }
        subscriber
    }

    /// Opens a stream and sends nothing.
    pub(crate) async fn open(channel: Channel, way: Way) -> Subscriber {
        let mut ecds = ExtensionConfigDiscoveryServiceClient::new(channel.clone());
        let mut ads = AggregatedDiscoveryServiceClient::new(channel);
        if way.delta {
            let (sender, receiver) = mpsc::channel(16);
            let requests = ReceiverStream::new(receiver);
            let stream = match way.aggregated {
                true => ads.delta_aggregated_resources(requests).await,
                false => ecds.delta_extension_configs(requests).await,
            };
            return Subscriber::Delta(sender, stream.expect("a stream").into_inner());
        }
        let (sender, receiver) = mpsc::channel(16);
        let requests = ReceiverStream::new(receiver);
        let stream = match way.aggregated {
            true => ads.stream_aggregated_resources(requests).await,
            false => ecds.stream_extension_configs(requests).await,
        };
        Subscriber::Sotw(sender, stream.expect("a stream").into_inner())
    }

    /// The next response; fails when none comes.
    pub(crate) async fn next(&mut self) -> Update {
        let update = tokio::time::timeout(crate::program::PATIENCE, self.receive()).await;
        update.expect("an update in time").expect("an update")
    }

    /// Fails when a response comes.
    pub(crate) async fn nothing_comes(&mut self) {
        if let Ok(update) = tokio::time::timeout(Duration::from_millis(300), self.receive()).await {
            panic!("{update:?}");
        }
    }

    /// The next response; none when the stream ends.
    pub(crate) async fn receive(&mut self) -> Option<Update> {
        match self {
            Subscriber::Sotw(_, stream) => {
                let response = stream.message().await.ok()??;
                assert_eq!(response.type_url, TYPE_URL);
                Some(Update {
                    resources: response.resources.iter().map(resource).collect(),
                    removed: Vec::new(),
                    nonce: response.nonce,
                    version: response.version_info,
                })
            }
            Subscriber::Delta(_, stream) => {
                let response = stream.message().await.ok()??;
                assert_eq!(response.type_url, TYPE_URL);
                Some(Update {
                    resources: response
                        .resources
                        .iter()
                        .map(|it| resource(it.resource.as_ref().expect("a resource")))
                        .collect(),
                    removed: response.removed_resources,
                    nonce: response.nonce,
                    version: String::new(),
                })
            }
        }
    }

    /// Says that it took the update, or why not.
    pub(crate) async fn answer(&self, update: &Update, names: &[&str], error: Option<&str>) {
        let error_detail = error.map(|message| Status {
            code: 13,
            message: message.into(),
            ..Status::default()
        });
        match self {
            Subscriber::Sotw(sender, _) => {
                let request = DiscoveryRequest {
                    type_url: TYPE_URL.into(),
                    version_info: if error.is_none() {
                        update.version.clone()
                    } else {
                        String::new()
                    },
                    resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
                    response_nonce: update.nonce.clone(),
                    error_detail,
                    ..DiscoveryRequest::default()
                };
                sender.send(request).await.expect("an open stream");
            }
            Subscriber::Delta(sender, _) => {
                let request = DeltaDiscoveryRequest {
                    type_url: TYPE_URL.into(),
                    response_nonce: update.nonce.clone(),
                    error_detail,
                    ..DeltaDiscoveryRequest::default()
                };
                sender.send(request).await.expect("an open stream");
            }
        }
    }
}

fn resource(any: &Any) -> Resource {
    assert_eq!(any.type_url, TYPE_URL);
    let typed = TypedExtensionConfig::decode(any.value.as_slice()).expect("a TypedExtensionConfig");
    let content = typed.typed_config.expect("a configuration");
    let fast_path = fast_path::json(&content);
    let text = match &fast_path {
        Some(fast_path) => fast_path::plugin(fast_path).to_owned(),
        None => {
            assert_eq!(content.type_url, WASM_TYPE_URL);
            let wasm = Wasm::decode(content.value.as_slice()).expect("a Wasm");
            let plugin = wasm.config.expect("a plugin").configuration;
            let plugin = plugin.expect("a plugin configuration");
            let text = StringValue::decode(plugin.value.as_slice());
            text.expect("a StringValue").value
        }
    };
    Resource {
        name: typed.name,
        plugin: serde_json::from_str(&text).expect("JSON"),
        fast_path,
    }
}
