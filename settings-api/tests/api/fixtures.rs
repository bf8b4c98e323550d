//! Base configurations, settings and clients that the tests share.

use serde_json::{Value, json};

/// Cloudflare's example ids.
pub(crate) const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub(crate) const ACCOUNT: &str = "01a7362d577a6c3019a474fd6f485823";
/// A second zone, with an ECDS resource of its own.
pub(crate) const OTHER_ZONE: &str = "0da42c8d2132a9ddaf714f9e7c920711";
pub(crate) const EMAIL: &str = "user@example.com";

/// Builds an HTTP client that keeps no connection: the program may be restarted in between.
pub(crate) fn client() -> reqwest::Client {
    // In a build of the whole workspace reqwest has TLS and needs a provider. Fails if one is set.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
    builder.build().expect("a client")
}

/// Two zones of one account, each with its own ECDS resource.
pub(crate) fn base() -> Value {
    let wasm_filename = support::wasm_module();
    let plugin = json!({ "settings": [], "verified_by": "listener" });
    json!({
        "zones": {
            ZONE: { "domains": ["example.com"] },
            OTHER_ZONE: { "domains": ["example.org"], "resource": "other" }
        },
        "accounts": { ACCOUNT: { "zones": [ZONE, OTHER_ZONE] } },
        "resources": {
            "client_cert_forwarder": { "wasm_filename": wasm_filename, "plugin": plugin },
            "other": { "wasm_filename": wasm_filename, "plugin": plugin }
        }
    })
}

/// Builds a setting that forwards.
pub(crate) fn forward(hostname: &str) -> Value {
    json!({ "hostname": hostname, "china_network": false, "client_certificate_forwarding": true })
}

/// Builds the removal of a setting.
pub(crate) fn remove(hostname: &str) -> Value {
    json!({ "hostname": hostname, "china_network": false, "client_certificate_forwarding": false })
}
