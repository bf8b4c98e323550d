//! The connection manager and the listener: the certificate chain and the SNI.

use client_cert_forwarder::config::Config;

use super::filter_chain::Chain;
use crate::check::Finding;
use crate::configurations::WasmFilter;
use crate::document::Node;

pub(super) fn check(filter: &WasmFilter, config: &Config) -> Vec<Finding> {
    let found = [
        certificate_chain(filter, config),
        tls_inspector(filter, config),
    ];
    found.into_iter().flatten().collect()
}

/// Whether the connection manager writes the chain that the filter reads, and nobody else does.
fn certificate_chain(filter: &WasmFilter, config: &Config) -> Option<Finding> {
    if !config.chain_from_xfcc {
        return None;
    }
    let (manager, path) = filter.trail.nearest("http_filters")?;
    let details = manager.get("forward_client_cert_details");
    let is_set = details.is_some_and(|details| details.text() == Some("SANITIZE_SET"));
    let has_chain = manager
        .at(&["set_current_client_cert_details", "chain"])
        .is_some_and(Node::is_true);
    if is_set && has_chain {
        return None;
    }
    Some(Finding::error(
        details.unwrap_or(manager).line,
        format!("{path}.forward_client_cert_details"),
        "\"certificate_chain_source\": \"xfcc\" needs forward_client_cert_details: SANITIZE_SET \
         and set_current_client_cert_details: { chain: true } here; with less, clients could \
         write the chain or there is none",
    ))
}

/// Whether the listener reads the SNI, where a setting asks for it.
fn tls_inspector(filter: &WasmFilter, config: &Config) -> Option<Finding> {
    let needs_sni = config.settings.iter().any(|setting| setting.sni_must_match);
    let has_tls = Chain::of(&filter.trail)?.tls_context().is_some();
    let (listener, path) = filter.trail.nearest("filter_chains")?;
    let is_quic = listener.get("udp_listener_config").is_some();
    let filters = listener.get("listener_filters");
    let inspects = filters.is_some_and(|filters| {
        filters.items().iter().any(|one| {
            one.get("typed_config")
                .is_some_and(|config| config.is_message(".tls_inspector.v3.TlsInspector"))
        })
    });
    if !needs_sni || !has_tls || is_quic || inspects {
        return None;
    }
    Some(Finding::error(
        filters.unwrap_or(listener).line,
        format!("{path}.listener_filters"),
        "a setting compares the server name (SNI), which Envoy does not know without \
         envoy.filters.listener.tls_inspector here: each request is answered 421",
    ))
}
