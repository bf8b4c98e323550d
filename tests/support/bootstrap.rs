//! Envoy's bootstrap configuration, made from a test's builder.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    listener::{Listener, Tls},
    pki::pki,
    wasm::wasm_module,
};

/// The name of the wasm filter, in the filter chain and in ECDS.
pub const FILTER_NAME: &str = "client_cert_forwarder";

/// The type of a wasm filter's configuration.
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Everything that goes into the bootstrap.
pub(crate) struct Bootstrap<'a> {
    pub(crate) listeners: &'a [Listener],
    /// The forwarder as it stands in a filter chain.
    pub(crate) filters: &'a [Value],
    pub(crate) origin: SocketAddr,
    pub(crate) upstream_http2: bool,
    /// Routes that come before the fixed ones.
    pub(crate) routes: &'a [Value],
}

impl Bootstrap<'_> {
    /// The whole file.
    pub(crate) fn to_json(&self) -> Value {
        let listeners: Vec<Value> = self
            .listeners
            .iter()
            .flat_map(|listener| {
                let quic = listener.http3.then(|| self.quic_listener(listener));
                [Some(self.tcp_listener(listener)), quic]
            })
            .flatten()
            .collect();
        json!({
            "node": { "id": "test", "cluster": "test" },
            "admin": { "address": address("127.0.0.1:0".parse().expect("an address")) },
            "stats_config": { "stats_tags": stats_tags() },
            "static_resources": { "listeners": listeners, "clusters": self.clusters() }
        })
    }

    fn tcp_listener(&self, listener: &Listener) -> Value {
        let mut chain = json!({ "filters": [self.connection_manager(listener, "AUTO")] });
        if listener.tls != Tls::Plaintext {
            let mut context = downstream_tls(listener, &["h2", "http/1.1"]);
            context["@type"] = json!(
                "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
            );
            chain["transport_socket"] =
                json!({ "name": "envoy.transport_sockets.tls", "typed_config": context });
        }
        let inspector = json!({
            "name": "envoy.filters.listener.tls_inspector",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector" }
        });
        let inspects = listener.tls_inspector && listener.tls != Tls::Plaintext;
        json!({
            "name": listener.name,
            "address": address("127.0.0.1:0".parse().expect("an address")),
            "listener_filters": inspects.then_some(inspector).into_iter().collect::<Vec<_>>(),
            "filter_chains": [chain]
        })
    }

    fn quic_listener(&self, listener: &Listener) -> Value {
        json!({
            "name": format!("{}-quic", listener.name),
            "address": { "socket_address": { "protocol": "UDP", "address": "127.0.0.1", "port_value": 0 } },
            "udp_listener_config": { "quic_options": {} },
            "filter_chains": [{
                "filters": [self.connection_manager(listener, "HTTP3")],
                "transport_socket": {
                    "name": "envoy.transport_sockets.quic",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport",
                        "downstream_tls_context": downstream_tls(listener, &["h3"])
                    }
                }
            }]
        })
    }

    fn connection_manager(&self, listener: &Listener, codec: &str) -> Value {
        let mut filters = listener.filters_before.clone();
        filters.extend(self.filters.iter().cloned());
        filters.extend(listener.filters_after.iter().cloned());
        filters.push(json!({
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" }
        }));
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": listener.name,
            "codec_type": codec,
            "http_protocol_options": { "enable_trailers": true },
            "common_http_protocol_options": { "max_headers_count": 2000 },
            "max_request_headers_kb": 512,
            "http_filters": filters,
            "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": self.routes() }] }
        });
        if codec == "HTTP3" {
            manager["http3_protocol_options"] = json!({});
        }
        if let Some(format) = listener.access_log {
            manager["access_log"] = json!([{
                "name": "envoy.access_loggers.stderr",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
                    "log_format": { "text_format_source": { "inline_string": format!("{format}\n") } }
                }
            }]);
        }
        if let Some(mode) = listener.forward_client_cert {
            manager["forward_client_cert_details"] = json!(mode);
            manager["set_current_client_cert_details"] =
                json!({ "subject": true, "cert": true, "chain": true, "dns": true, "uri": true });
        }
        for (field, value) in &listener.connection_manager {
            manager[field] = value.clone();
        }
        json!({ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager })
    }

    /// `/no-upstream`, `/refused`, `/local-reply`, `/redirect` and `/retry` do as they are named;
    /// all else goes to the origin.
    fn routes(&self) -> Vec<Value> {
        let mut routes = self.routes.to_vec();
        routes.extend([
            json!({ "match": { "prefix": "/no-upstream" }, "route": { "cluster": "empty" } }),
            json!({ "match": { "prefix": "/refused" }, "route": { "cluster": "refused" } }),
            json!({ "match": { "prefix": "/local-reply" }, "direct_response": { "status": 418 } }),
            json!({ "match": { "prefix": "/redirect" }, "redirect": { "path_redirect": "/elsewhere" } }),
            json!({ "match": { "prefix": "/retry" }, "route": {
                "cluster": "origin",
                "retry_policy": {
                    "retry_on": "reset,5xx,connect-failure", "num_retries": 2,
                    "retry_back_off": { "base_interval": "0.01s", "max_interval": "0.02s" }
                }
            } }),
            json!({ "match": { "prefix": "/" }, "route": { "cluster": "origin", "timeout": "0s" } }),
        ]);
        routes
    }

    fn clusters(&self) -> Value {
        let mut options = json!({
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {}
        });
        options["explicit_http_config"] = match self.upstream_http2 {
            true => json!({ "http2_protocol_options": {} }),
            false => json!({ "http_protocol_options": { "enable_trailers": true } }),
        };
        let cluster = |name: &str, endpoints: Vec<SocketAddr>| {
            json!({
                "name": name,
                "type": "STATIC",
                "connect_timeout": "5s",
                "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options },
                "load_assignment": {
                    "cluster_name": name,
                    "endpoints": [{ "lb_endpoints": endpoints.iter()
                        .map(|endpoint| json!({ "endpoint": { "address": address(*endpoint) } }))
                        .collect::<Vec<_>>() }]
                }
            })
        };
        json!([
            cluster("origin", vec![self.origin]),
            // Port 1 (tcpmux) has no listener on any machine that runs tests.
            cluster("refused", vec!["127.0.0.1:1".parse().expect("an address")]),
            cluster("empty", Vec::new()),
        ])
    }
}

/// The configurations of all wasm filters in a bootstrap, wherever they stand.
pub fn wasm_filters(bootstrap: &mut Value) -> Vec<&mut Value> {
    if bootstrap["@type"] == WASM {
        return vec![bootstrap];
    }
    match bootstrap {
        Value::Object(fields) => fields.values_mut().flat_map(wasm_filters).collect(),
        Value::Array(items) => items.iter_mut().flat_map(wasm_filters).collect(),
        _ => Vec::new(),
    }
}

/// Envoy's filter that stores the certificate in the filter state, for Envoys without
/// `connection.peer_certificate`.
pub fn filter_state_filter() -> Value {
    json!({
        "name": "envoy.filters.http.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": "client_cert_forwarder.pem",
                "factory_key": "envoy.string",
                "format_string": { "text_format_source": { "inline_string": "%DOWNSTREAM_PEER_CERT%" } },
                "skip_if_empty": true
            }]
        }
    })
}

/// The wasm filter, to be loaded from the module that the tests test.
pub(crate) fn wasm_config(configuration: &str) -> Value {
    json!({
        "@type": WASM,
        "config": {
            "name": FILTER_NAME,
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": wasm_module() } }
            },
            "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration },
            "failure_policy": "FAIL_RELOAD"
        }
    })
}

/// Maps the parts of the filter's metric names to Prometheus labels, as the examples in `envoy/`
/// do.
fn stats_tags() -> Value {
    json!([
        { "tag_name": "hostname", "regex": "(hostname=(.+?);\\.)" },
        { "tag_name": "outcome", "regex": "(outcome=(.+?);\\.)" }
    ])
}

fn downstream_tls(listener: &Listener, protocols: &[&str]) -> Value {
    let pki = pki();
    let trust = match listener.tls {
        Tls::AcceptUntrusted => "ACCEPT_UNTRUSTED",
        _ => "VERIFY_TRUST_CHAIN",
    };
    let mut context = json!({
        "require_client_certificate": listener.tls == Tls::Strict,
        "common_tls_context": {
            "alpn_protocols": protocols,
            "tls_certificates": [{
                "certificate_chain": { "inline_string": pki.server.chain_pem() },
                "private_key": { "inline_string": pki.server.key_pem() }
            }],
            "validation_context": {
                "trusted_ca": { "inline_string": pki.ca_pem },
                "trust_chain_verification": trust
            }
        }
    });
    if !listener.resumption {
        context["disable_stateless_session_resumption"] = json!(true);
        context["disable_stateful_session_resumption"] = json!(true);
    }
    context
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}
