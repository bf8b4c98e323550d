//! The Envoy of the benchmark: one listener a case, all in one process with one worker.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use support::{Envoy, Listener, Origin, pki};

use crate::{origin::CHECKED, outcome::Failure};

/// A path that the listener answers itself.
pub(crate) const DIRECT: &str = "/";
/// A path that goes to the origin.
pub(crate) const TO_ORIGIN: &str = "/origin";

/// A strict mTLS listener.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// Its name.
    pub(crate) name: String,
    /// The HTTP filters before the router.
    pub(crate) filters: Vec<Value>,
    /// Further fields of the connection manager.
    pub(crate) manager: Map<String, Value>,
    /// Headers that the virtual host adds to requests for the origin.
    pub(crate) request_headers_to_add: Vec<Value>,
}

impl Lane {
    /// A listener with these filters.
    pub(crate) fn new(name: impl Into<String>, filters: Vec<Value>) -> Lane {
        Lane {
            name: name.into(),
            filters,
            manager: Map::new(),
            request_headers_to_add: Vec::new(),
        }
    }

    fn to_json(&self) -> Value {
        let mut filters = self.filters.clone();
        filters.push(json!({
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
        }));
        // Under valgrind a VM's first request can take longer than Envoy's default of 15 s.
        let to_origin = json!({ "cluster": "origin", "timeout": "0s" });
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "codec_type": "HTTP1",
            "http_filters": filters,
            "route_config": { "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "request_headers_to_add": self.request_headers_to_add,
                "routes": [
                    { "match": { "prefix": CHECKED }, "route": to_origin },
                    { "match": { "path": TO_ORIGIN }, "route": to_origin },
                    { "match": { "prefix": DIRECT }, "direct_response": { "status": 200, "body": { "inline_string": "ok\n" } } }
                ]
            }] }
        });
        for (field, value) in &self.manager {
            manager[field] = value.clone();
        }
        json!({
            "name": self.name,
            "address": address(SocketAddr::from(([127, 0, 0, 1], 0))),
            "filter_chains": [{
                "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }],
                "transport_socket": { "name": "envoy.transport_sockets.tls", "typed_config": downstream_tls() }
            }]
        })
    }
}

/// Starts one Envoy with all of these listeners.
///
/// # Errors
/// Envoy's log, when it does not start.
pub(crate) async fn start(lanes: &[Lane], origin: SocketAddr) -> Result<Envoy, Failure> {
    start_under(&[], lanes, origin).await
}

/// The same, run under another program.
///
/// # Errors
/// As [`start`]'s.
pub(crate) async fn start_under(
    under: &[String],
    lanes: &[Lane],
    origin: SocketAddr,
) -> Result<Envoy, Failure> {
    let listeners: Vec<Value> = lanes.iter().map(Lane::to_json).collect();
    let bootstrap = json!({
        "node": { "id": "bench", "cluster": "bench" },
        "admin": { "address": address(SocketAddr::from(([127, 0, 0, 1], 0))) },
        "static_resources": { "listeners": listeners, "clusters": [{
            "name": "origin",
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": "origin",
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(origin) } }] }]
            }
        }] }
    });
    let mut envoy = Envoy::with_bootstrap(bootstrap.to_string()).under(under);
    for lane in lanes {
        envoy = envoy.listener(Listener::strict().named(&lane.name));
    }
    // The support library needs an origin to start an Envoy. With a bootstrap of one's own it gets
    // no requests.
    let unused = Origin::start().await;
    let log = |log| Failure::Setup(format!("Envoy did not start:\n{log}"));
    envoy.try_start(&unused).await.map_err(log)
}

fn downstream_tls() -> Value {
    let pki = pki();
    json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": true,
        "common_tls_context": {
            "alpn_protocols": ["http/1.1"],
            "tls_certificates": [{
                "certificate_chain": { "inline_string": pki.server.chain_pem() },
                "private_key": { "inline_string": pki.server.key_pem() }
            }],
            "validation_context": { "trusted_ca": { "inline_string": pki.ca_pem } }
        }
    })
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}
