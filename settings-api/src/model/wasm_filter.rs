//! The wasm filter's own message (`envoy.extensions.filters.http.wasm.v3.Wasm`) as JSON.

use std::path::Path;

use serde_json::{Value, json};

/// The message's type; Envoy's `config_discovery.type_urls` must list it.
const TYPE_URL: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// The plugin's name in Envoy's logs and metrics.
pub(crate) const PLUGIN_NAME: &str = "client_cert_forwarder";
/// Envoy's engine for the module.
pub(crate) const RUNTIME: &str = "envoy.wasm.runtime.v8";

/// Builds the message for a module and a plugin configuration.
///
/// The configuration is a `StringValue`: a `Struct` would reach the filter as protobuf bytes.
pub(crate) fn to_json(wasm_filename: &Path, plugin: &str) -> Value {
    json!({
        "@type": TYPE_URL,
        "config": {
            "name": PLUGIN_NAME,
            "vm_config": {
                "runtime": RUNTIME,
                "code": { "local": { "filename": wasm_filename } }
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": plugin
            },
            "failure_policy": "FAIL_RELOAD"
        }
    })
}
