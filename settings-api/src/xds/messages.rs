//! ECDS resources as Envoy's messages, and as JSON for watched files.

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
use prost::Message;
use serde_json::json;

use super::typed_struct;
use crate::model::snapshot::Resource;
use crate::model::wasm_filter::{self, PLUGIN_NAME, RUNTIME};

/// The type of ECDS resources.
pub(super) const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/// Builds a SotW response with these resources.
pub(super) fn discovery_response(resources: &[Arc<Resource>], nonce: String) -> DiscoveryResponse {
    let versions: Vec<_> = resources
        .iter()
        .map(|resource| resource.version.as_str())
        .collect();
    DiscoveryResponse {
        version_info: versions.join("+"),
        resources: resources.iter().map(|resource| message(resource)).collect(),
        type_url: TYPE_URL.into(),
        nonce,
        control_plane: control_plane(),
        ..DiscoveryResponse::default()
    }
}

/// Builds a delta response with these resources, which reports `missing` as removed.
pub(super) fn delta_discovery_response(
    resources: &[Arc<Resource>],
    missing: Vec<String>,
    nonce: String,
) -> DeltaDiscoveryResponse {
    let resources = resources.iter().map(|resource| DeltaResource {
        name: resource.name.clone(),
        version: resource.version.clone(),
        resource: Some(message(resource)),
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

/// Formats the content of a file that Envoy watches (a `DiscoveryResponse` as JSON).
pub(super) fn file_content(resource: &Resource) -> String {
    let typed_config = match &resource.fast_path {
        Some(fast_path) => fast_path.clone(),
        None => wasm_filter::to_json(&resource.wasm_filename, &resource.plugin),
    };
    let content = json!({
        "version_info": resource.version,
        "resources": [{ "@type": TYPE_URL, "name": resource.name, "typed_config": typed_config }]
    });
    format!("{content}\n")
}

/// Packs the resource. Many subscribers receive the same one, so it is encoded once.
fn message(resource: &Resource) -> Any {
    let encoded = resource.encoded.get_or_init(|| {
        let config = TypedExtensionConfig {
            name: resource.name.clone(),
            typed_config: Some(match &resource.fast_path {
                Some(fast_path) => pack_any(typed_struct::from_json(fast_path)),
                None => pack_any(wasm(resource)),
            }),
        };
        config.encode_to_vec()
    });
    Any {
        type_url: TYPE_URL.into(),
        value: encoded.clone(),
    }
}

fn wasm(resource: &Resource) -> Wasm {
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
    Wasm {
        config: Some(plugin),
    }
}

/// Packs a `StringValue`: a `Struct` would reach the filter as protobuf bytes.
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
