//! `envoy/kubernetes/`: the filter accepts the settings, and each resource keeps the rules that
//! make it safe. The resources were checked against the CRDs of Istio 1.27 and 1.30 and of Envoy
//! Gateway 1.8 and 1.9.

use std::fs;

use client_cert_forwarder::config::Config;
use serde_json::Value;
use support::wasm::repository;

/// Placeholder of the image's digest in the repository; `make image` writes copies with the real
/// one.
const UNPINNED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn the_filter_takes_the_plugin_configurations() {
    for (file, kind, pointer) in [
        ("istio.yaml", "WasmPlugin", "/spec/pluginConfig"),
        (
            "envoy-gateway.yaml",
            "EnvoyExtensionPolicy",
            "/spec/wasm/0/config",
        ),
    ] {
        // The gateways hand the object to the filter as JSON.
        let json = at(&resource(file, kind), pointer).to_string();
        let config =
            Config::from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(config.settings.len(), 2, "{file}");
    }
}

#[test]
fn each_resource_keeps_the_rules_that_make_it_safe() {
    let istio = |kind| resource("istio.yaml", kind);
    let gateway = |kind| resource("envoy-gateway.yaml", kind);
    let (plugin, policy) = (istio("WasmPlugin"), gateway("EnvoyExtensionPolicy"));
    let traffic = gateway("ClientTrafficPolicy");
    for (rule, resource, pointer, expected) in [
        (
            "a failed VM is made anew",
            &plugin,
            "/spec/failStrategy",
            "FAIL_RELOAD",
        ),
        (
            "the filter comes before authentication",
            &plugin,
            "/spec/phase",
            "AUTHN",
        ),
        ("the digest is pinned", &plugin, "/spec/sha256", UNPINNED),
        (
            "the gateway verifies",
            &plugin,
            "/spec/pluginConfig/verified_by",
            "listener",
        ),
        (
            "it asks for a certificate and verifies it",
            &istio("Gateway"),
            "/spec/servers/0/tls/mode",
            "MUTUAL",
        ),
        (
            "the module comes from an image",
            &policy,
            "/spec/wasm/0/code/type",
            "Image",
        ),
        (
            "the digest is pinned",
            &policy,
            "/spec/wasm/0/code/image/sha256",
            UNPINNED,
        ),
        (
            "the gateway verifies",
            &policy,
            "/spec/wasm/0/config/verified_by",
            "listener",
        ),
        (
            "it asks for a certificate and verifies it",
            &traffic,
            "/spec/tls/clientValidation/mode",
            "RequireAndVerify",
        ),
        (
            "TLS ends at the gateway",
            &gateway("Gateway"),
            "/spec/listeners/0/tls/mode",
            "Terminate",
        ),
    ] {
        assert_eq!(at(resource, pointer), expected, "{rule}: {pointer}");
    }
    assert_eq!(
        at(&policy, "/spec/wasm/0/failOpen"),
        false,
        "requests never pass without the filter"
    );
}

#[test]
fn each_policy_is_for_the_gateway_beside_it() {
    let selector = "/spec/selector/matchLabels";
    assert_eq!(
        at(&resource("istio.yaml", "WasmPlugin"), selector),
        at(&resource("istio.yaml", "Gateway"), "/spec/selector")
    );
    let gateway = resource("envoy-gateway.yaml", "Gateway");
    for kind in ["EnvoyExtensionPolicy", "ClientTrafficPolicy"] {
        let target = at(&resource("envoy-gateway.yaml", kind), "/spec/targetRefs/0").clone();
        assert_eq!(target["kind"], "Gateway", "{kind}");
        assert_eq!(target["name"], gateway["metadata"]["name"], "{kind}");
    }
    assert_eq!(
        at(&gateway, "/spec/infrastructure/parametersRef/name"),
        at(
            &resource("envoy-gateway.yaml", "EnvoyProxy"),
            "/metadata/name"
        )
    );
}

#[test]
fn both_gateways_load_the_same_image() {
    let istio = resource("istio.yaml", "WasmPlugin");
    let gateway = resource("envoy-gateway.yaml", "EnvoyExtensionPolicy");
    let url = at(&istio, "/spec/url").as_str().expect("a URL");
    // Istio wants the scheme, Envoy Gateway wants none.
    assert_eq!(
        url.strip_prefix("oci://"),
        at(&gateway, "/spec/wasm/0/code/image/url").as_str()
    );
}

/// The one resource of that kind in the file.
fn resource(file: &str, kind: &str) -> Value {
    let path = repository().join("envoy/kubernetes").join(file);
    let text = fs::read_to_string(path).expect("a manifest");
    let resources: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    let mut found = resources
        .into_iter()
        .filter(|resource| resource["kind"] == kind);
    let resource = found
        .next()
        .unwrap_or_else(|| panic!("{file} has no {kind}"));
    assert!(found.next().is_none(), "{file} has two {kind}");
    resource
}

#[track_caller]
fn at<'a>(resource: &'a Value, pointer: &str) -> &'a Value {
    resource
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in {resource:#}"))
}
