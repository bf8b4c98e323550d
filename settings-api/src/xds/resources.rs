//! ECDS resources: the wasm filter's configuration in Envoy's messages, and the same as JSON for watched files.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::async_data_source::Specifier as CodeSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier as DataSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, ControlPlane, DataSource, TypedExtensionConfig,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::plugin_config::Vm;
use envoy_types::pb::envoy::extensions::wasm::v3::{FailurePolicy, PluginConfig, VmConfig};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryResponse, DiscoveryResponse, Resource as DeltaResource,
};
use envoy_types::pb::google::protobuf::{Any, StringValue};
use envoy_types::util::pack_any;
use prost::Name;
use serde_json::json;

use crate::fleet::Resource;

/// The type of ECDS resources.
pub const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
/// The type of what is in them; Envoy's `config_discovery.type_urls` must name it.
pub const WASM_TYPE_URL: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Envoy's name for the plugin; the filter's metrics and logs have it.
const PLUGIN_NAME: &str = "client_cert_forwarder";
const RUNTIME: &str = "envoy.wasm.runtime.v8";

/// An answer with these resources.
pub(super) fn state_of_the_world(resources: &[Arc<Resource>], nonce: String) -> DiscoveryResponse {
    let versions: Vec<_> = resources
        .iter()
        .map(|resource| resource.version.as_str())
        .collect();
    DiscoveryResponse {
        version_info: versions.join("+"),
        resources: resources
            .iter()
            .map(|resource| pack_any(typed_config(resource)))
            .collect(),
        type_url: TYPE_URL.into(),
        nonce,
        control_plane: control_plane(),
        ..DiscoveryResponse::default()
    }
}

/// An answer with these resources, that says that there are none of `missing`.
pub(super) fn delta(
    resources: &[Arc<Resource>],
    missing: Vec<String>,
    nonce: String,
) -> DeltaDiscoveryResponse {
    let resources = resources.iter().map(|resource| DeltaResource {
        name: resource.name.clone(),
        version: resource.version.clone(),
        resource: Some(pack_any(typed_config(resource))),
        ..DeltaResource::default()
    });
    DeltaDiscoveryResponse {
        resources: resources.collect(),
        type_url: TYPE_URL.into(),
        removed_resources: missing,
        nonce,
        control_plane: control_plane(),
        ..DeltaDiscoveryResponse::default()
    }
}

/// The content of a file that Envoy watches (a `DiscoveryResponse` as JSON).
#[must_use]
pub fn file_content(resource: &Resource) -> String {
    let content = json!({
        "version_info": resource.version,
        "resources": [{
            "@type": TYPE_URL,
            "name": resource.name,
            "typed_config": {
                "@type": WASM_TYPE_URL,
                "config": {
                    "name": PLUGIN_NAME,
                    "vm_config": { "runtime": RUNTIME, "code": { "local": { "filename": resource.wasm_filename } } },
                    "configuration": { "@type": StringValue::type_url(), "value": resource.plugin },
                    "failure_policy": FailurePolicy::FailReload.as_str_name()
                }
            }
        }]
    });
    format!("{content}\n")
}

fn typed_config(resource: &Resource) -> TypedExtensionConfig {
    let filename = resource.wasm_filename.to_string_lossy().into_owned();
    let code = AsyncDataSource {
        specifier: Some(CodeSource::Local(DataSource {
            specifier: Some(DataSpecifier::Filename(filename)),
            ..DataSource::default()
        })),
    };
    let plugin = PluginConfig {
        name: PLUGIN_NAME.into(),
        configuration: Some(plugin_configuration(resource)),
        failure_policy: FailurePolicy::FailReload.into(),
        vm: Some(Vm::VmConfig(VmConfig {
            runtime: RUNTIME.into(),
            code: Some(code),
            ..VmConfig::default()
        })),
        ..PluginConfig::default()
    };
    TypedExtensionConfig {
        name: resource.name.clone(),
        typed_config: Some(pack_any(Wasm {
            config: Some(plugin),
        })),
    }
}

/// Always a `StringValue`: a `Struct` would reach the filter as protobuf bytes.
fn plugin_configuration(resource: &Resource) -> Any {
    pack_any(StringValue {
        value: resource.plugin.clone(),
    })
}

fn control_plane() -> Option<ControlPlane> {
    Some(ControlPlane {
        identifier: concat!("settings-api ", env!("CARGO_PKG_VERSION")).into(),
    })
}
