//! Envoy's HTTP filters as JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::load::HOST;

/// A wasm filter in a VM of its own.
pub(crate) fn wasm(vm: &str, module: &Path, configuration: &str) -> Value {
    json!({
        "name": vm,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": vm,
                "vm_config": {
                    "vm_id": vm,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": module } }
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration
                },
                "failure_policy": "FAIL_RELOAD"
            }
        }
    })
}

/// That filter in a matcher that skips it for [`HOST`], whatever else is known of the connection.
pub(crate) fn skipped(filter: &Value) -> Value {
    json!({
        "name": filter["name"],
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "xds_matcher": { "matcher_tree": {
                "input": { "name": "authority", "typed_config": {
                    "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                    "header_name": ":authority"
                } },
                "exact_match_map": { "map": { HOST: { "action": { "name": "skip", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.common.matcher.action.v3.SkipFilter"
                } } } } }
            } },
            "extension_config": filter
        }
    })
}

/// A Lua script, whose `--HOSTS--` becomes a table of as many hostnames as [`settings`] has.
pub(crate) fn lua(script: &str, hostnames: usize) -> Value {
    let hosts: Vec<String> = names(hostnames)
        .map(|name| format!("[\"{name}\"] = true"))
        .collect();
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": script.replace("--HOSTS--", &hosts.join(", ")) }
        }
    })
}

/// A configuration of that many settings. The last one is for the requested hostname and includes
/// `extra`.
pub(crate) fn settings(count: usize, extra: &Value) -> String {
    let settings: Vec<Value> = names(count)
        .map(|hostname| {
            let mut setting =
                json!({ "hostname": hostname, "client_certificate_forwarding": true });
            if hostname == HOST {
                for (key, value) in extra.as_object().into_iter().flatten() {
                    setting[key] = value.clone();
                }
            }
            setting
        })
        .collect();
    json!({ "verified_by": "listener", "settings": settings }).to_string()
}

/// Sets the header of this name by that format, in place of the client's own.
pub(crate) fn header_to_add(name: &str, format: &str) -> Value {
    json!({ "header": { "key": name, "value": format }, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" })
}

/// That many hostnames, [`HOST`] last.
fn names(count: usize) -> impl Iterator<Item = String> {
    let others = count.saturating_sub(1);
    (0..others)
        .map(|number| format!("host-{number:05}.example.com"))
        .chain([HOST.to_owned()])
}
